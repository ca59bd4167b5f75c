import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_edgeflow.project.images import cache as image_cache
from napari_edgeflow.project.images.cache import ImageCache


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    read = image_cache.read_any_image

    def noted(path: Path, other: Any) -> Any:
        names.append(path.name)
        return read(path, other)

    monkeypatch.setattr(image_cache, "read_any_image", noted)
    return names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abc":
        np.save(tmp_path / f"{name}.npy", np.zeros((10, 10), np.uint8))
    return tmp_path


def test_an_image_is_read_once_until_its_file_changes(
    folder: Path, reads: list[str]
) -> None:
    cache = ImageCache()
    assert cache.read(folder / "a.npy") is cache.read(folder / "a.npy")
    np.save(folder / "a.npy", np.ones((4, 4)))
    assert cache.read(folder / "a.npy").shape == (4, 4)
    assert reads == ["a.npy", "a.npy"]


def test_memory_is_bounded_and_the_oldest_goes(folder: Path, reads: list[str]) -> None:
    cache = ImageCache(limit=250)
    for name in ("a", "b", "a", "c", "a", "b"):
        cache.read(folder / f"{name}.npy")
        assert cache.size <= 250
    assert reads == ["a.npy", "b.npy", "c.npy", "b.npy"]


def test_reading_ahead_leaves_out_what_is_too_large_or_broken(
    folder: Path, reads: list[str]
) -> None:
    cache = ImageCache(limit=300)
    cache.read_ahead(folder / "a.npy")
    cache.read_ahead(folder / "nowhere.npy")
    (folder / "b.npy").write_bytes(b"x")
    cache.read_ahead(folder / "b.npy")
    assert cache.size == 0
    cache = ImageCache(limit=1000)
    cache.read_ahead(folder / "a.npy")
    assert cache.size == 100


def test_who_asks_meanwhile_waits_for_the_one_who_reads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, started, count = threading.Event(), threading.Event(), []

    def slow(_: Path, __: Any) -> Any:
        count.append(1)
        started.set()
        assert gate.wait(20)
        return np.zeros((2, 2))

    monkeypatch.setattr(image_cache, "read_any_image", slow)
    cache, found = ImageCache(), []

    def read() -> None:
        found.append(cache.read(folder / "a.npy"))

    threads = [threading.Thread(target=read) for _ in range(2)]
    threads[0].start()
    assert started.wait(20)
    threads[1].start()
    gate.set()
    for thread in threads:
        thread.join(20)
    assert len(count) == 1
    assert found[0] is found[1]
