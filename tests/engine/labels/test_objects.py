import numpy as np
import pytest
from skimage.measure import regionprops

from napari_edgeflow.engine.labels import objects as object_measures
from napari_edgeflow.engine.labels.objects import components, measure_objects


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


def test_the_largest_component_comes_first() -> None:
    mask = np.zeros((20, 20), bool)
    mask[0, 0] = mask[5:9, 5:9] = mask[9, 9] = mask[15, 0:5] = True
    parts = components(mask)
    assert np.bincount(parts.ravel()).tolist()[1:] == [17, 5, 1]
    assert parts[9, 9] == 1, "pixels that touch at a corner belong together"
