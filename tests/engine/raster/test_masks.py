import numpy as np
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.masks import bounding_window, disturbed, signed_edge


@given(arrays(bool, (9, 13)))
def test_the_edge_lies_where_neighbours_differ(mask: np.ndarray) -> None:
    edge = signed_edge(mask)
    cross = ndimage.generate_binary_structure(2, 1)
    rim = mask & ~ndimage.binary_erosion(mask, cross, border_value=1)
    outside = ~mask & ndimage.binary_dilation(mask, cross)
    assert np.array_equal(edge == 1, rim)
    assert np.array_equal(edge == -1, outside)


def test_bounding_window() -> None:
    mask = np.zeros((10, 12), bool)
    assert bounding_window(mask) is None
    mask[2:5, 7] = True
    assert bounding_window(mask) == Window(2, 7, 5, 8)


def test_a_disturbed_mask_is_another_mask() -> None:
    mask = np.zeros((40, 50), bool)
    mask[10:30, 10:40] = True
    rng = np.random.default_rng(0)
    wrong = [disturbed(mask, rng) for _ in range(10)]
    assert all(w.shape == mask.shape and w.dtype == bool for w in wrong)
    assert all(np.any(w != mask) for w in wrong)
