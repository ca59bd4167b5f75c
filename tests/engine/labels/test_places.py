import numpy as np

from napari_edgeflow.engine.labels.places import count_labels, tiles_with
from napari_edgeflow.engine.raster.image import Window


def test_pixels_are_counted() -> None:
    labels = np.random.default_rng(0).integers(0, 5, (3, 700, 900)).astype(np.uint16)
    labels[2, 699, 899] = 60_000
    counts = count_labels(labels)
    assert counts[60_000] == 1
    assert sum(counts.values()) == labels.size
    assert counts[3] == (labels == 3).sum()
    assert count_labels(np.zeros((0, 4), np.uint8)) == {}


def test_tiles_of_labels_are_found_in_all_planes() -> None:
    labels = np.zeros((2, 600, 600), np.uint8)
    labels[0, 5, 5], labels[1, 550, 10], labels[1, 0, 0] = 7, 8, 9
    found = list(tiles_with(labels, {7, 8}))
    assert found == [
        ((0,), Window(0, 0, 512, 512)),
        ((1,), Window(512, 0, 600, 512)),
    ]
    assert list(tiles_with(labels[0], {9})) == []
    assert list(tiles_with(labels[0], {7})) == [((), Window(0, 0, 512, 512))]
