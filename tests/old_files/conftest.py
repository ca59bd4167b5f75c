"""Copies of old files, so that no test changes them, and an empty home for settings."""

import gc
import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

DATA = Path(__file__).parent / "data"
ARCHIVE = ".tar.xz"


@pytest.fixture(autouse=True)
def config_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what whoever runs the tests has in their settings out of them, and safe."""
    folder = tmp_path / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[str], Path]:
    """Copy a file or folder of ``data``; an archive is unpacked into a folder."""

    def copy(name: str) -> Path:
        source, target = DATA / name, tmp_path / name
        if source.is_dir():
            return Path(shutil.copytree(source, target))
        target.parent.mkdir(parents=True, exist_ok=True)
        if not name.endswith(ARCHIVE):
            return Path(shutil.copy(source, target))
        folder = tmp_path / name.removesuffix(ARCHIVE)
        shutil.unpack_archive(source, folder, filter="data")
        return folder

    return copy


@pytest.fixture
def training() -> Iterator[None]:
    """Clean up after a training in this process."""
    yield
    # What draws samples is waited for by whatever collects the garbage: for seconds,
    # unless it is asked to end.
    for process in multiprocessing.active_children():
        process.terminate()
    gc.collect()
    # Training drops the numbers next to 0, for the thread as a whole.
    torch.set_flush_denormal(False)
