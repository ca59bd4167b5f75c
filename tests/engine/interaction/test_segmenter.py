from typing import Any

import numpy as np
import pytest

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.interaction.zoom import ZoomSettings, network_shape
from napari_edgeflow.engine.raster.image import Window


@pytest.fixture
def segmenter(bright: Any) -> ClickSegmenter:
    return ClickSegmenter(bright)


def square(shape: tuple[int, int] = (64, 64)) -> np.ndarray:
    image = np.zeros(shape, np.uint8)
    image[16:40, 16:40] = 255
    return image


def test_a_click_gives_probabilities_of_the_whole_image(
    segmenter: ClickSegmenter,
) -> None:
    segmenter.set_image(square())
    probabilities = segmenter.add_click((28, 28))
    assert probabilities.shape == (64, 64)
    assert probabilities.dtype == np.float32
    wrong = segmenter.mask() != (square() > 0)
    assert wrong.mean() < 0.02
    assert segmenter.clicks == (Click(28, 28, True),)


def test_after_the_first_click_the_network_sees_the_object_from_near(
    segmenter: ClickSegmenter, bright: Any
) -> None:
    segmenter.set_image(square((640, 640)))
    segmenter.add_click((28, 28))
    first, second = (image for image, _ in bright.calls)
    assert (first > 128).mean() < 0.01
    # No closer than 48 pixels, half of which are those of the object.
    assert (second > 128).mean() == pytest.approx(0.25, abs=0.03)
    window = segmenter.prediction.window
    assert 48 <= window.height <= 50
    segmenter.add_click((300, 300), positive=False)
    assert segmenter.prediction.window.bottom > 300


def test_the_network_gets_disks_and_the_edge_of_the_last_result(
    segmenter: ClickSegmenter, bright: Any
) -> None:
    segmenter.set_image(square())
    segmenter.add_click((28, 28))
    (_, first), (_, second) = bright.calls
    assert not first[2].any()
    assert first[0].sum() > 60
    assert set(np.unique(second[2])) == {-1, 0, 1}
    segmenter.add_click((20, 20), positive=False)
    assert bright.calls[-1][1][1].any()


def test_the_edge_passes_by_a_click_that_is_near_to_it(
    segmenter: ClickSegmenter, bright: Any
) -> None:
    # As bright as a blurred blob: 1 in its middle, 0 from 30 pixels on.
    ys, xs = np.mgrid[:64, :64]
    distance = np.hypot(ys - 32, xs - 32)
    segmenter.set_image((255 * np.clip(1 - distance / 30, 0, 1)).astype(np.uint8))

    def radius() -> float:
        """Of the circle that the edge of the last call is."""
        rim = bright.calls[-1][1][2] > 0
        rows = np.flatnonzero(rim.any(1))
        window = segmenter.prediction.window
        return (rows[-1] - rows[0] + 1) / 2 * window.height / rim.shape[0]

    segmenter.add_click((32, 32))
    assert radius() == pytest.approx(15, abs=1)
    segmenter.add_click((32, 50))
    assert 18 <= radius() <= 21
    segmenter.undo()
    segmenter.add_click((32, 44), positive=False)
    assert 9 <= radius() <= 12
    # Far out there is something else.
    segmenter.undo()
    segmenter.add_click((32, 60))
    assert radius() == pytest.approx(15, abs=1)


def test_negative_clicks_alone_find_nothing(
    segmenter: ClickSegmenter, bright: Any
) -> None:
    segmenter.set_image(square())
    segmenter.add_click((28, 28), positive=False)
    assert not segmenter.mask().any()
    assert not bright.calls
    # They are known once it is said what is meant.
    segmenter.add_click((20, 20))
    assert segmenter.mask().any()
    assert all(maps[1].any() for _, maps in bright.calls)


def test_undo_and_redo_give_exactly_the_earlier_result(
    segmenter: ClickSegmenter, bright: Any
) -> None:
    segmenter.set_image(square())
    first = segmenter.add_click((28, 28))
    second = segmenter.add_click((20, 20), positive=False)
    calls = len(bright.calls)
    assert np.array_equal(segmenter.undo(), first)
    assert np.array_equal(segmenter.redo(), second)
    segmenter.undo()
    assert segmenter.undo().max() == 0
    assert segmenter.clicks == ()
    assert len(bright.calls) == calls
    with pytest.raises(ValueError, match="no step to undo"):
        segmenter.undo()


def test_what_was_undone_comes_back_until_something_else_is_said(
    segmenter: ClickSegmenter, bright: Any
) -> None:
    segmenter.set_image(square())
    clicks = [Click(20 + i, 20 + i) for i in range(4)]
    last = segmenter.set_prompts(clicks)
    calls = bright.calls
    assert segmenter.set_prompts(clicks[:2]) is not last
    assert segmenter.prompts == tuple(clicks[:2])
    assert segmenter.set_prompts(clicks) is last
    segmenter.set_prompts([])
    assert segmenter.prompts == ()
    segmenter.redo()
    assert segmenter.prompts == tuple(clicks[:1])
    assert bright.calls == calls, "known results were computed again"
    segmenter.set_prompts([clicks[0], clicks[3]])
    assert segmenter.prompts == (clicks[0], clicks[3])
    with pytest.raises(ValueError, match="no step to redo"):
        segmenter.redo()


@pytest.mark.parametrize("seed", range(5))
def test_undo_and_redo_are_inverse(segmenter: ClickSegmenter, seed: int) -> None:
    segmenter.set_image(square())
    undone: list[tuple[Any, ...]] = []
    for number, action in enumerate(np.random.default_rng(seed).integers(3, size=30)):
        before = segmenter.prompts
        if action == 0:
            segmenter.add_click((number, 20))
            undone.clear()
            segmenter.undo()
            assert segmenter.prompts == before
            segmenter.redo()
        elif action == 1 and before:
            segmenter.undo()
            undone.append(before)
            assert segmenter.prompts == before[:-1]
        elif action == 2 and undone:
            segmenter.redo()
            assert segmenter.prompts == undone.pop()


def test_set_clicks_computes_only_what_is_new(
    segmenter: ClickSegmenter, bright: Any
) -> None:
    segmenter.set_image(square())
    clicks = [Click(28, 28), Click(20, 20, False), Click(30, 30)]
    result = segmenter.set_clicks(clicks)
    calls = len(bright.calls)
    assert segmenter.set_clicks(clicks[:1]).scores is not result.scores
    assert segmenter.set_clicks(clicks).scores is result.scores
    assert len(bright.calls) == calls
    moved = segmenter.set_clicks([clicks[0], Click(21, 20, False), clicks[2]])
    assert len(bright.calls) == calls + 2
    fresh = ClickSegmenter(bright)
    fresh.set_image(square())
    again = fresh.set_clicks([clicks[0], Click(21, 20, False), clicks[2]])
    assert np.array_equal(again.scores, moved.scores)


def test_a_refused_click_changes_nothing(segmenter: ClickSegmenter) -> None:
    segmenter.set_image(square())
    before = segmenter.set_clicks([Click(28, 28), Click(30, 30)])
    for y, x in ((-1, 3), (64, 3), (3, 63.5), (float("nan"), 0)):
        with pytest.raises(ValueError, match="outside the image of 64 x 64"):
            segmenter.add_click((y, x))
        with pytest.raises(ValueError, match="outside"):
            segmenter.set_clicks([Click(1, 1), Click(y, x)])
    assert segmenter.prediction is before
    segmenter.add_click((-0.5, 63.4))


def test_a_mask_can_be_the_start(segmenter: ClickSegmenter, bright: Any) -> None:
    segmenter.set_image(square())
    mask = np.zeros((64, 64), bool)
    mask[10:30, 20:50] = True
    segmenter.set_mask(mask)
    assert np.array_equal(segmenter.mask(), mask)
    segmenter.add_click((28, 28))
    assert len(bright.calls) == 1
    assert bright.calls[0][1][2].any()
    segmenter.undo()
    assert np.array_equal(segmenter.mask(), mask)
    segmenter.clear()
    assert not segmenter.mask().any()
    with pytest.raises(ValueError, match=r"shape \(3, 3\)"):
        segmenter.set_mask(np.zeros((3, 3)))


def test_an_image_must_come_first(segmenter: ClickSegmenter) -> None:
    for call in (segmenter.mask, lambda: segmenter.add_click((0, 0))):
        with pytest.raises(ValueError, match="call set_image first"):
            call()


def test_a_new_image_forgets_the_clicks(segmenter: ClickSegmenter) -> None:
    segmenter.set_image(square())
    segmenter.add_click((28, 28))
    segmenter.set_image(square((50, 80)))
    assert segmenter.clicks == ()
    assert segmenter.mask().shape == (50, 80)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (500, 2), (7, 5, 4), (33, 31, 9)])
def test_odd_shapes(segmenter: ClickSegmenter, shape: tuple[int, ...]) -> None:
    segmenter.set_image(np.arange(np.prod(shape), dtype=np.float32).reshape(shape))
    result = segmenter.add_click((0, 0))
    assert result.shape == shape[:2]
    segmenter.add_click((shape[0] - 1, shape[1] - 1), positive=False)


def test_without_a_mask_the_whole_image_stays_in_view(
    segmenter: ClickSegmenter,
) -> None:
    segmenter.set_image(np.zeros((100, 200), np.uint8))
    segmenter.add_click((28, 28))
    segmenter.add_click((50, 150))
    assert segmenter.prediction.window == Window(0, 0, 100, 200)
    assert not segmenter.mask().any()


def test_the_view_is_where_a_first_click_looks(segmenter: ClickSegmenter) -> None:
    segmenter.set_image(np.zeros((400, 600), np.uint8))
    segmenter.set_view(Window(100, 100, 200, 900))
    segmenter.add_click((150, 150))
    assert segmenter.prediction.window == Window(100, 100, 200, 600)
    segmenter.clear()
    segmenter.add_click((50, 150))
    assert segmenter.prediction.window == Window(50, 100, 200, 600)
    with pytest.raises(ValueError, match="outside the image"):
        segmenter.set_view(Window(500, 0, 600, 10))


class Endless:
    """A grey 8,000 x 8,000 image that takes no memory and notes what is read."""

    ndim, dtype = 3, np.dtype(np.uint8)

    def __init__(self) -> None:
        self.shape = (8_000, 8_000, 1)
        self.read = 0

    def __getitem__(self, key: tuple[slice, ...]) -> np.ndarray:
        part = np.broadcast_to(np.uint8(200), self.shape)[key]
        self.read += part.size
        return part


def test_large_images_cost_no_more_than_their_window(bright: Any) -> None:
    image = Endless()
    segmenter = ClickSegmenter(bright, ZoomSettings(max_view=1024))
    segmenter.set_image(image)  # type: ignore[arg-type]
    image.read = 0
    prediction = segmenter.set_clicks([Click(5_000, 3_000)])
    assert prediction.shape == (8_000, 8_000)
    assert prediction.window.height < 1500
    assert prediction.scores.size < 512 * 512
    assert image.read < 2 * 1024**2
    probabilities = segmenter.add_click((5_020, 3_020))
    assert probabilities.shape == (8_000, 8_000)
    assert probabilities[5_000, 3_000] > 0.5


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window(0, 0, 100, 100), (256, 256)),
        (Window(0, 0, 200, 300), (224, 320)),
        (Window(0, 0, 1, 1000), (128, 512)),
        (Window(0, 0, 9000, 1), (512, 128)),
    ],
)
def test_the_networks_input_keeps_area_and_aspect(
    window: Window, expected: tuple[int, int]
) -> None:
    assert network_shape(window, 256) == expected


class Doubtful:
    """A network that finds a square, surer of it from call to call."""

    device = "cpu"

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, image: np.ndarray, interaction: np.ndarray) -> np.ndarray:
        self.calls += 1
        return np.where(image[..., 0] > 128, 0.5 + 0.1 * self.calls, 0.0).astype(
            np.float32
        )


@pytest.mark.parametrize(("scale", "expected"), [(1, 0.75), (10, 0.8)])
def test_close_up_a_result_changes_by_half_away_from_the_click(
    scale: int, expected: float
) -> None:
    segmenter = ClickSegmenter(Doubtful())
    segmenter.set_image(np.kron(square(), np.ones((scale, scale), np.uint8)))
    corner, opposite = (18 * scale, 18 * scale), (38 * scale, 38 * scale)
    # Looks twice: 0.6, and from near 0.7.
    first = segmenter.add_click(corner)
    assert first[opposite] == pytest.approx(0.7, abs=1e-3)
    second = segmenter.add_click(corner)
    assert second[corner] == pytest.approx(0.8, abs=1e-2)
    assert second[opposite] == pytest.approx(expected, abs=5e-3)


def test_an_outline_that_is_no_result_steadies_nothing() -> None:
    segmenter = ClickSegmenter(Doubtful())
    segmenter.set_image(square())
    segmenter.set_mask(square() > 0)
    assert segmenter.add_click((18, 18))[38, 38] == pytest.approx(0.6, abs=1e-3)
