"""Label at random with all docks, until something is wrong or the time is over.

    python benchmarks/fuzz.py --minutes 30 [--seed 1] [--steps 60]

Does what the tests do for some seconds with one seed after the other, and ends with the
first that goes wrong, with the list of all that was done. Needs no screen:
QT_QPA_PLATFORM=offscreen will do.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from qtpy.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.widgets.labelling_machine import LabellingMachine

from napari_edgeflow.widgets.keys import shortcuts


def main() -> None:
    """Run seed after seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=60)
    args = parser.parse_args()
    app = QApplication.instance() or QApplication([])
    home = Path(tempfile.mkdtemp())
    # Keep the keys of whoever runs this out of it.
    shortcuts.shortcuts_path = lambda: home / "keys.json"
    start, seed, done = time.monotonic(), args.seed, Counter[str]()
    while time.monotonic() - start < 60 * args.minutes:
        steps = LabellingMachine(seed).labels_at_random(args.steps)
        done.update(step.partition("(")[0] for step in steps)
        spent = time.monotonic() - start
        print(f"seed {seed} is well: {done.total()} steps, {spent:.0f} s", flush=True)
        seed += 1
    print(*(f"{count:6} {name}" for name, count in done.most_common()), sep="\n")
    del app


if __name__ == "__main__":
    main()
