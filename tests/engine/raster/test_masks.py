import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.masks import (
    bounding_window,
    components,
    components_by_size,
    disturbed,
    signed_edge,
)


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


@given(arrays(np.uint8, (7, 9), elements=st.integers(0, 2)))
def test_components_are_those_of_each_value(labels: np.ndarray) -> None:
    found = components(labels)
    firsts = [np.flatnonzero(found == i)[0] for i in range(1, found.max() + 1)]
    assert firsts == sorted(firsts)
    for value in (1, 2):
        mask = labels == value
        assert np.array_equal(components(mask) > 0, mask)
        _, count = ndimage.label(mask, np.ones((3, 3)))
        assert len(set(found[mask])) == count == components(mask).max()


def test_components_of_a_stack_are_joined_by_corners() -> None:
    stack = np.zeros((2, 3, 3), bool)
    stack[0, 0, 0] = stack[1, 1, 1] = True
    assert components(stack).max() == components(stack.astype(int)).max() == 1


def test_the_largest_component_comes_first() -> None:
    mask = np.zeros((20, 20), bool)
    mask[0, 0] = mask[5:9, 5:9] = mask[9, 9] = mask[15, 0:5] = True
    found = components_by_size(mask)
    assert np.bincount(found.ravel()).tolist()[1:] == [17, 5, 1]
    assert not components_by_size(np.zeros((3, 4), bool)).any()


def test_a_disturbed_mask_is_another_mask() -> None:
    mask = np.zeros((40, 50), bool)
    mask[10:30, 10:40] = True
    rng = np.random.default_rng(0)
    wrong = [disturbed(mask, rng) for _ in range(10)]
    assert all(w.shape == mask.shape and w.dtype == bool for w in wrong)
    assert all(np.any(w != mask) for w in wrong)
