import sys
import threading
from itertools import cycle

import numpy as np
import pytest
from skimage.measure import regionprops

from napari_edgeflow.engine.labels import objects as object_measures
from napari_edgeflow.engine.labels.objects import measure_objects


@pytest.mark.parametrize("shape", [(30, 40), (3, 20, 25), (2, 2, 9, 11)], ids=str)
@pytest.mark.parametrize("factor", [1, 1_000_003])
def test_measures_are_those_of_scikit_image(
    shape: tuple[int, ...], factor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Several bands for each plane.
    monkeypatch.setattr(object_measures, "_BAND", 100)
    labels = np.random.default_rng(1).integers(0, 30, shape)
    labels[labels > 12] = 0
    found = measure_objects(labels * factor)
    flat = labels.reshape(-1, *shape[-2:]) if len(shape) > 3 else labels
    expected = {
        region.label * factor: (region.area, region.bbox)
        for region in regionprops(flat)
    }
    assert [m.object_id for m in found] == sorted(expected)
    for measure in found:
        area, box = expected[measure.object_id]
        assert measure.pixels == area
        if len(shape) <= 3:
            assert measure.start + measure.stop == tuple(box)
        assert np.count_nonzero(labels[measure.box] * factor == measure.object_id) == (
            measure.pixels
        )


def test_nothing_is_below_one() -> None:
    assert measure_objects(np.zeros((5, 5), np.uint8)) == []
    assert measure_objects(np.zeros((0, 5), np.uint8)) == []
    negative = np.full((4, 5), -3)
    negative[1, 2] = 2
    [found] = measure_objects(negative)
    assert found == (2, 1, (1, 2), (2, 3))


def test_labels_are_measured_while_they_are_written() -> None:
    labels, stop = np.zeros((8, 8), np.uint16), threading.Event()

    def paint() -> None:
        for value in cycle(range(1, 60_000)):
            labels[5, 5] = value
            if stop.is_set():
                return

    before = sys.getswitchinterval()
    thread = threading.Thread(target=paint)
    # The threads change places as often as they can.
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        for _ in range(1500):
            assert all(found.pixels == 1 for found in measure_objects(labels))
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(before)
