"""Label at random with all docks, until something is wrong or the time is over.

    python benchmarks/fuzz.py --minutes 30 [--seed 1] [--steps 40]

Runs the machine that the tests run for some seconds with one seed after the other, and
prints each step; it ends with the first that goes wrong. See tests/widgets/
labelling_machine.py. Needs no screen: QT_QPA_PLATFORM=offscreen will do.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from qtpy.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.widgets.labelling_machine import LabellingMachine

from napari_edgeflow.widgets.keys import shortcuts

PEOPLE = 10
"""Of one seed."""


def main() -> None:
    """Run seed after seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=40)
    args = parser.parse_args()
    app = QApplication.instance() or QApplication([])
    home = Path(tempfile.mkdtemp())
    # Keep the keys of whoever runs this out of it.
    shortcuts.shortcuts_path = lambda: home / "keys.json"
    rules = settings(
        max_examples=PEOPLE,
        stateful_step_count=args.steps,
        database=None,
        deadline=None,
        # Threads are never twice as fast: the way to it cannot be shortened by trying.
        phases=(Phase.generate,),
        verbosity=Verbosity.debug,
        suppress_health_check=list(HealthCheck),
    )
    start, number = time.monotonic(), args.seed
    while time.monotonic() - start < 60 * args.minutes:
        run_state_machine_as_test(seed(number)(LabellingMachine), settings=rules)
        spent = time.monotonic() - start
        done = number - args.seed + 1
        print(
            f"seed {number} is well: {done * PEOPLE} people, {spent:.0f} s", flush=True
        )
        number += 1
    del app


if __name__ == "__main__":
    main()
