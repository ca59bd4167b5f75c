"""A day of labelling in a real viewer: killed half-way, reopened, exported, read back.

    xvfb-run -a -s "-screen 0 1400x900x24" python benchmarks/labelling_day.py DATA

DATA has the folders ``images`` and ``labels``; a label image has the ids of objects.
A first window opens copies of 12 images as a project, labels half of the objects with
mouse and keyboard and is killed with SIGKILL with an object in progress. A second one
finds everything, goes on, edits, and exports every format. Prints what held, and exits
with 1 if something did not.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from napari_edgeflow.engine.data.pairs import LabelledImage, folder_pairs
from napari_edgeflow.engine.data.pixels import read_label_image

CLASSES = (15, 8, 12, 7)
"""Ids of four of VOC's classes: person, cat, dog, car."""

SMALLEST = 1500
"""Objects of fewer pixels are left to nobody."""

_PATIENCE_S = 1200.0


@dataclass(frozen=True)
class Task:
    """An object to label: where it is, and as what."""

    image: str
    value: int
    class_id: int


@dataclass(frozen=True)
class Check:
    """Something that was to hold."""

    name: str
    held: bool
    detail: str = ""


def plan(pairs: list[LabelledImage], images: int, objects: int) -> list[Task]:
    """Return the objects to label, those of an image one after the other."""
    found: list[list[tuple[str, int]]] = []
    for pair in pairs:
        counts = np.bincount(read_label_image(pair.labels).ravel())
        counts[0] = 0
        values = np.flatnonzero(counts >= SMALLEST).tolist()
        if values:
            found.append([(pair.image.name, value) for value in values])
        if len(found) == images:
            break
    # One of each image, then the second of each, and so on.
    deepest = max(map(len, found), default=0)
    turns = [
        row[place] for place in range(deepest) for row in found if place < len(row)
    ]
    chosen = sorted(turns[:objects])
    return [
        Task(name, value, CLASSES[at % len(CLASSES)])
        for at, (name, value) in enumerate(chosen)
    ]


def prepare(data: Path, work: Path, images: int, objects: int) -> list[Task]:
    """Copy the images, and write down what is to be labelled."""
    pairs = list(folder_pairs(data / "images", data / "labels"))
    tasks = plan(pairs, images, objects)
    by_name = {pair.image.name: pair for pair in pairs}
    names = dict.fromkeys(task.image for task in tasks)
    if len(names) < images or len(tasks) < objects:
        raise ValueError(
            f"{data} has {len(names)} images and {len(tasks)} objects of {SMALLEST} "
            f"pixels: {images} and {objects} are needed"
        )
    (work / "images").mkdir(parents=True)
    (work / "labels").mkdir()
    for name in names:
        shutil.copy(by_name[name].image, work / "images")
        shutil.copy(by_name[name].labels, work / "labels" / f"{Path(name).stem}.png")
    (work / "tasks.json").write_text(json.dumps([asdict(task) for task in tasks]))
    return tasks


def session(work: Path, number: int, model: str) -> subprocess.Popen[bytes]:
    """Start a window of its own."""
    code = Path(__file__).with_name("labelling_session.py")
    arguments = [sys.executable, str(code), str(work), str(number), "--model", model]
    # Else the settings of whoever runs this would be read and written.
    home = {"XDG_CONFIG_HOME": str(work / "config"), "NAPARI_CONFIG": ""}
    return subprocess.Popen(arguments, env={**os.environ, **home})


def kill_half_way(work: Path, process: "subprocess.Popen[bytes]") -> Check:
    """Wait until the first window is in the middle of an object, and kill it."""
    end = time.monotonic() + _PATIENCE_S
    while not (work / "half").exists():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise RuntimeError("the first window ended before half of the objects")
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    status = process.wait()
    return Check("killed with SIGKILL", status == -signal.SIGKILL, f"status {status}")


def table(checks: list[Check]) -> str:
    """Return one line for each check."""
    width = max(len(check.name) for check in checks)
    lines = [
        f"{check.name:<{width}}  {'held' if check.held else 'DID NOT HOLD'}  "
        f"{check.detail}".rstrip()
        for check in checks
    ]
    held = sum(check.held for check in checks)
    return "\n".join((*lines, f"{held} of {len(checks)} held"))


def main() -> int:
    """Run both windows and print what held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, help="folder to keep")
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--model", default="edgeflow-lite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary) / "day"
        tasks = prepare(options.data, work, options.images, options.objects)
        print(f"{len(tasks)} objects in {options.images} images, in {work}")
        started = time.monotonic()
        checks = [kill_half_way(work, session(work, 1, options.model))]
        status = session(work, 2, options.model).wait(timeout=_PATIENCE_S)
        report = work / "report.json"
        found = json.loads(report.read_text()) if report.is_file() else []
        checks += [Check(**entry) for entry in found]
        checks.append(Check("second window closed", status == 0, f"status {status}"))
        print(table(checks))
        print(f"{time.monotonic() - started:.0f} s")
    return 0 if all(check.held for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
