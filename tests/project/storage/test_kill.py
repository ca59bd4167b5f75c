import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from tests.project.storage import endless_edits
from tests.project.storage.endless_edits import edit

from napari_edgeflow.project.folder import ProjectPlace, open_project

ROOT = Path(__file__).parents[3]
LIVES = 4


def live_and_be_killed(images: Path, seconds: float) -> int:
    """Let a program edit for a while, kill it, and return the last edit it saved."""
    paths = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    program = subprocess.Popen(
        [sys.executable, endless_edits.__file__, str(images)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert program.stdout is not None
    said = program.stdout.readline()
    time.sleep(seconds)
    program.kill()
    said += program.stdout.read()
    program.stdout.close()
    program.wait()
    # A line that was cut off says nothing.
    return int(said[: said.rindex(b"\n")].split()[-1])


def test_sigkill_at_any_moment_loses_no_saved_edit(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    Image.new("L", (100, 100)).save(images / "a.png")
    chance = random.Random(7)
    labels, rows, last = np.zeros((100, 100), np.uint16), {}, 0
    for _ in range(LIVES):
        saved = live_and_be_killed(images, chance.uniform(0.05, 0.6))
        project = open_project(ProjectPlace(images))
        found = project.open_page("a.png")
        layer = found.content.layers["objects"]
        reached = max(layer.rows)
        # What was said to be saved is there; one more may be, but never half of it.
        assert found.problems == ()
        assert saved <= reached <= saved + 1
        for number in range(last + 1, reached + 1):
            edit(labels, rows, number)
        last = reached
        np.testing.assert_array_equal(layer.labels, labels)
        assert layer.rows == rows
        assert found.content.draft == {"clicks": reached}
        project.close()
    assert last > LIVES
