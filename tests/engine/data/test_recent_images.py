"""Images are read once while there is room for them."""

import pickle

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.recent_images import RecentImages

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class Disk:
    """Counts how often each image of 100 x 100 x 3 pixels is read."""

    def __init__(self) -> None:
        self.reads: list[int] = []

    def read(self, key: int) -> Pair:
        self.reads.append(key)
        return np.full((100, 100, 3), key, np.uint8), np.zeros((100, 100), np.uint8)


def test_what_fits_is_read_once() -> None:
    disk = Disk()
    images: RecentImages[int, Pair] = RecentImages(disk.read, limit=90_000)
    drawn = [int(images(key)[0][0, 0, 0]) for key in (1, 2, 1, 2, 2, 1)]
    assert drawn == [1, 2, 1, 2, 2, 1]
    assert disk.reads == [1, 2]


def test_the_one_not_used_for_longest_makes_room() -> None:
    disk = Disk()
    images: RecentImages[int, Pair] = RecentImages(disk.read, limit=90_000)
    for key in (1, 2, 1, 3, 1, 2):
        images(key)
    assert disk.reads == [1, 2, 3, 2]


def test_an_image_over_the_limit_is_read_each_time() -> None:
    disk = Disk()
    images: RecentImages[int, Pair] = RecentImages(disk.read, limit=39_999)
    assert [images(7)[0][0, 0, 0] for _ in range(2)] == [7, 7]
    assert disk.reads == [7, 7]


def test_it_reaches_processes_that_are_started_anew() -> None:
    images: RecentImages[int, Pair] = RecentImages(Disk().read)
    images(3)
    copied = pickle.loads(pickle.dumps(images))
    assert copied(3)[0].max() == 3
