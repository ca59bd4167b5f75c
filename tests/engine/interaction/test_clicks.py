import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_edgeflow.engine.interaction.clicks import (
    Click,
    depth,
    disk_maps,
    next_click,
    random_click,
)


def test_disks_are_filled_and_parted_by_sign() -> None:
    maps = disk_maps([Click(10, 12), Click(3, 3, positive=False)], (20, 30), radius=5)
    ys, xs = np.mgrid[:20, :30]
    assert np.array_equal(maps[0] > 0, (ys - 10) ** 2 + (xs - 12) ** 2 <= 25)
    assert np.array_equal(maps[1] > 0, (ys - 3) ** 2 + (xs - 3) ** 2 <= 25)
    assert maps.dtype == np.float32


@given(st.floats(-50, 50), st.floats(-50, 50), st.integers(1, 40), st.integers(1, 40))
def test_disks_outside_the_map_are_cut_off(
    y: float, x: float, height: int, width: int
) -> None:
    maps = disk_maps([Click(y, x)], (height, width), radius=5)
    ys, xs = np.mgrid[:height, :width]
    assert np.array_equal(maps[0] > 0, (ys - y) ** 2 + (xs - x) ** 2 <= 25)


def test_depth_counts_the_border_as_outside() -> None:
    assert depth(np.ones((5, 7), bool)).max() == 3
    assert depth(np.zeros((5, 7), bool)).max() == 0


@given(arrays(bool, (12, 15)))
def test_depth_is_zero_just_outside_the_region(region: np.ndarray) -> None:
    distances = depth(region)
    assert np.array_equal(distances > 0, region)
    assert np.all(distances[region] >= 1)


def test_next_click_goes_to_the_centre_of_the_largest_error() -> None:
    truth = np.zeros((40, 40), bool)
    truth[5:26, 5:26] = True
    assert next_click(np.zeros_like(truth), truth) == Click(15, 15, True)
    extra = truth.copy()
    extra[30:37, 30:37] = True
    assert next_click(extra, truth) == Click(33, 33, False)
    assert next_click(truth, truth) is None


def test_next_click_ignores_what_does_not_count_and_clicked_pixels() -> None:
    truth = np.zeros((40, 40), bool)
    truth[5:26, 5:26] = True
    nothing = np.zeros_like(truth)
    assert next_click(nothing, truth, valid=~truth) is None
    again = next_click(nothing, truth, clicks=[Click(15, 15)])
    assert again is not None
    assert (again.y, again.x) != (15, 15)


@given(arrays(bool, (14, 11)), arrays(bool, (14, 11)))
def test_next_click_is_always_on_an_error(mask: np.ndarray, truth: np.ndarray) -> None:
    click = next_click(mask, truth)
    if click is None:
        assert np.array_equal(mask, truth)
    else:
        assert truth[int(click.y), int(click.x)] == click.positive
        assert mask[int(click.y), int(click.x)] != click.positive


def test_random_clicks_stay_well_inside() -> None:
    region = np.zeros((30, 30), bool)
    region[5:26, 5:26] = True
    rng = np.random.default_rng(0)
    for _ in range(20):
        click = random_click(region, rng, positive=True, inner=0.5)
        assert click is not None
        assert depth(region)[int(click.y), int(click.x)] >= 5.5
    assert random_click(region & False, rng, positive=True) is None
