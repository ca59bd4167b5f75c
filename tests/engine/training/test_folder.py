import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import pytest

from napari_edgeflow.engine.training.folder import (
    COMMAND_FILE,
    PLAN_FILE,
    alone_in,
    note_start,
)

HOLDER = """
import sys
from pathlib import Path
from napari_edgeflow.engine.training.folder import alone_in
with alone_in(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_what_started_it_is_noted(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    note_start(folder, "first", "{}")
    note_start(folder, "second")
    assert (folder / COMMAND_FILE).read_text(encoding="utf-8") == "first\nsecond\n"
    assert (folder / PLAN_FILE).read_text(encoding="utf-8") == "{}"


def test_one_training_at_a_time_runs_in_a_folder(tmp_path: Path) -> None:
    note_start(tmp_path, "it")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(ValueError, match="a training is running in"), \
                alone_in(tmp_path):  # fmt: skip
            pass
        # What is in the folder can be read, and noted, all the while.
        assert (tmp_path / COMMAND_FILE).read_text(encoding="utf-8") == "it\n"
        other.kill()
    with alone_in(tmp_path):
        pass


def test_a_process_that_was_begun_meanwhile_holds_nothing(tmp_path: Path) -> None:
    note_start(tmp_path, "it")
    with alone_in(tmp_path):
        drawing = multiprocessing.get_context("fork").Process(
            target=time.sleep, args=(60,)
        )
        drawing.start()
    with alone_in(tmp_path):
        drawing.kill()
        drawing.join()


def test_a_new_folder_is_held_from_its_first_note_on(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with alone_in(folder) as lock:
        assert not folder.exists()
        note_start(folder, "it")
        lock.hold()
        with pytest.raises(ValueError, match="a training is running in"), \
                alone_in(folder):  # fmt: skip
            pass
