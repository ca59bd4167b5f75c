import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import pytest

from napari_edgeflow.engine.training.folder import COMMAND_FILE, PLAN_FILE, started

HOLDER = """
import sys
from pathlib import Path
from napari_edgeflow.engine.training.folder import started
with started(Path(sys.argv[1]), "first"):
    print("held", flush=True)
    sys.stdin.read()
"""


def commands(folder: Path) -> list[str]:
    return (folder / COMMAND_FILE).read_text(encoding="utf-8").splitlines()


def test_what_started_it_is_noted(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with started(folder, "first", "{}"):
        assert commands(folder) == ["first"]
    with started(folder, "second"):
        assert commands(folder) == ["first", "second"]
    assert (folder / PLAN_FILE).read_text(encoding="utf-8") == "{}"


def test_one_training_at_a_time_runs_in_a_folder(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(ValueError, match="a training is running in"), \
                started(tmp_path, "second", "{}"):  # fmt: skip
            pass
        # What the running one was told stays as it is.
        assert commands(tmp_path) == ["first"]
        assert not (tmp_path / PLAN_FILE).exists()
        other.kill()
    with started(tmp_path, "third"):
        assert commands(tmp_path) == ["first", "third"]


def test_a_process_that_was_begun_meanwhile_holds_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    with started(tmp_path, "first"):
        drawing = context.Process(target=time.sleep, args=(60,))
        drawing.start()
    with started(tmp_path, "second"):
        drawing.kill()
        drawing.join()
