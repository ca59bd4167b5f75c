"""Objects followed through the slices of a stack."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.moving_stack import Motion, MovingStack, moving_stack
from numpy.typing import NDArray
from PIL import Image

from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.propagation.colours import colour_likeness, colours_of
from napari_edgeflow.engine.propagation.motion import Shift, find_shift, shifted
from napari_edgeflow.engine.propagation.propagate import SliceReport, propagate
from napari_edgeflow.engine.raster.image import ImageReader
from napari_edgeflow.engine.raster.metrics import iou

SAMPLES = Path(__file__).parents[3] / "sample_data"


class BrightNetwork:
    """Says that all that is bright is the object."""

    device = "cpu"

    def __call__(
        self, image: NDArray[np.uint8], interaction: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        return np.float32(0.9) * (image[..., 0] > 100)


@pytest.fixture
def segmenter() -> ClickSegmenter:
    return ClickSegmenter(BrightNetwork())


def textured(shape: tuple[int, int], seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    return np.asarray(small.resize(shape[::-1], Image.Resampling.BICUBIC))


def squares(places: list[tuple[int, int] | None]) -> NDArray[np.uint8]:
    """A stack (N, 80, 100, 3) with a white square of 20 pixels at each place."""
    stack = np.full((len(places), 80, 100, 3), 30, np.uint8)
    for image, place in zip(stack, places, strict=True):
        if place is not None:
            y, x = place
            image[y : y + 20, x : x + 20] = 220
    return stack


def followed(
    segmenter: ClickSegmenter, stack: NDArray[np.uint8], first: NDArray[np.bool_]
) -> list[SliceReport]:
    return list(propagate(segmenter, stack[0], first, stack[1:]))


def whole(report: SliceReport, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.zeros(shape, np.bool_) if report.part is None else report.part.full(shape)


# ---- motion


@pytest.mark.parametrize("step", [(0, 0), (7, -9), (-12, 4)])
@pytest.mark.parametrize("factor", [1, 4])
def test_a_shift_is_found_under_other_light(step: tuple[int, int], factor: int) -> None:
    ground, thing = textured((120, 160)), textured((40, 40), seed=1)
    first, second = ground.copy(), textured((120, 160), seed=2).copy()
    first[40:80, 60:100] = thing
    second[40 + step[0] : 80 + step[0], 60 + step[1] : 100 + step[1]] = thing // 2 + 20
    mask = np.zeros((120, 160), np.bool_)
    mask[40:80, 60:100] = True
    first, second, mask = (
        a.repeat(factor, 0).repeat(factor, 1) for a in (first, second, mask)
    )
    found = find_shift(ImageReader(first), mask, ImageReader(second))
    assert (found.y, found.x) == pytest.approx(
        (step[0] * factor, step[1] * factor), abs=factor
    )
    # The ground around the object is another one.
    assert found.likeness > 0.5


def test_what_is_not_there_has_no_likeness() -> None:
    mask = np.zeros((120, 160), np.bool_)
    mask[40:80, 60:100] = True
    first, second = textured((120, 160)), textured((120, 160), seed=1)
    assert find_shift(ImageReader(first), mask, ImageReader(second)).likeness < 0.4


def test_of_two_twins_the_one_that_is_expected_is_taken() -> None:
    stack = squares([(30, 40), (30, 28)])
    stack[1, 30:50, 52:72] = 220
    mask = stack[0, ..., 0] > 100
    before, after = (ImageReader(image) for image in stack)
    assert find_shift(before, mask, after, Shift(0, 10)).x == 12
    assert find_shift(before, mask, after, Shift(0, -10)).x == -12


def test_an_object_at_the_border_is_found() -> None:
    stack = squares([(0, 75), (0, 80)])
    mask = stack[0, ..., 0] > 100
    found = find_shift(ImageReader(stack[0]), mask, ImageReader(stack[1]))
    assert (found.y, found.x) == (0, 5)


def test_a_shifted_mask_loses_what_leaves_the_image() -> None:
    mask = np.zeros((6, 8), np.bool_)
    mask[1:4, 2:5] = True
    assert np.argwhere(shifted(mask, 2, 3)).min(0).tolist() == [3, 5]
    assert shifted(mask, 2, 3).sum() == 9
    assert shifted(mask, -3, 0).sum() == 3
    assert not shifted(mask, 0, 20).any()
    assert not shifted(mask, -20, 0).any()


# ---- propagation


def test_a_moving_square_is_followed_exactly(segmenter: ClickSegmenter) -> None:
    places = [(20 + 3 * k, 20 + 7 * k) for k in range(6)]
    stack = squares([*places])
    reports = followed(segmenter, stack, stack[0, ..., 0] > 100)
    assert [report.step for report in reports] == [1, 2, 3, 4, 5]
    for report in reports:
        assert not report.ended
        assert (report.shift.y, report.shift.x) == (3, 7)
        assert iou(whole(report, (80, 100)), stack[report.step, ..., 0] > 100) > 0.95
        y, x = round(report.clicks[0].y), round(report.clicks[0].x)
        assert stack[report.step, y, x, 0] > 100


def test_it_stops_where_the_object_is_gone(segmenter: ClickSegmenter) -> None:
    stack = squares([(20, 20), (20, 24), (20, 28), None, None])
    reports = followed(segmenter, stack, stack[0, ..., 0] > 100)
    assert [bool(report.ended) for report in reports] == [False, False, True]
    assert "looks like it" in reports[-1].ended


def test_it_stops_where_the_object_left_the_image(segmenter: ClickSegmenter) -> None:
    stack = squares([(20, 78), (20, 86), (20, 94), (20, 99), None])
    stack[..., 99, :] = 30
    reports = followed(segmenter, stack, stack[0, ..., 0] > 100)
    assert reports[-1].ended
    assert len(reports) <= 4


def test_slices_are_read_one_by_one(segmenter: ClickSegmenter) -> None:
    stack = squares([(20, 20)] * 4)
    read = []

    def slices() -> object:
        for k in (1, 2, 3):
            read.append(k)
            yield stack[k]

    steps = propagate(segmenter, stack[0], stack[0, ..., 0] > 100, slices())  # type: ignore[arg-type]
    next(steps)
    assert read == [1]
    steps.close()


def test_slices_of_another_shape_are_refused(segmenter: ClickSegmenter) -> None:
    stack = squares([(20, 20)])
    with pytest.raises(ValueError, match="one shape"):
        next(propagate(segmenter, stack[0], stack[0, ..., 0] > 100, [stack[0, :40]]))


def test_an_empty_mask_is_refused(segmenter: ClickSegmenter) -> None:
    stack = squares([(20, 20)] * 2)
    with pytest.raises(ValueError, match="no object to follow"):
        followed(segmenter, stack, np.zeros((80, 100), np.bool_))


def real_stack() -> MovingStack:
    """The cat of the samples before the coffee, for five slices, then gone."""
    image = np.asarray(Image.open(SAMPLES / "cat.jpg").convert("RGB"))
    mask = np.asarray(Image.open(SAMPLES / "cat_labels.png")) > 0
    background = np.asarray(Image.open(SAMPLES / "coffee.jpg").convert("RGB"))
    return moving_stack(
        image, mask, background[::2, ::2], np.random.default_rng(0), Motion(5), 0.3
    )


def test_the_bundled_model_follows_a_real_object_until_it_vanishes() -> None:
    stack = real_stack()
    segmenter = ClickSegmenter.from_pretrained(device="cpu")
    reports = list(
        propagate(segmenter, stack.images[0], stack.masks[0], stack.images[1:])
    )
    kept = [report for report in reports if not report.ended]
    ious = [iou(whole(r, (200, 300)), stack.masks[r.step]) for r in kept[:5]]
    assert np.mean(ious) >= 0.8
    assert 5 <= len(kept) <= 6
    assert reports[-1].ended


def test_what_takes_its_place_in_other_colours_is_not_it(
    segmenter: ClickSegmenter,
) -> None:
    places = [(10, 10 + 3 * k) for k in range(7)]
    stack = squares(list(places))
    first = (stack[0] > 100).all(-1)
    assert not any(report.ended for report in followed(segmenter, stack, first))
    # Somewhat darker, as a lamp makes it, is no other colour.
    stack[2][stack[2] > 100] = 200
    for image in stack[4:]:
        image[(image > 100).all(-1)] = (220, 60, 140)
    reports = followed(segmenter, stack, first)
    assert [report.step for report in reports if report.ended] == [4]
    assert "not what it was before" in reports[-1].ended


def test_colours_are_the_same_however_an_object_turns_and_grows() -> None:
    image = textured((400, 600))
    ys, xs = np.ogrid[:400, :600]
    mask = (ys - 150) ** 2 + (xs - 200) ** 2 < 90**2
    other = (ys - 250) ** 2 + (xs - 400) ** 2 < 90**2
    first = colours_of(ImageReader(image), mask)
    assert first is not None
    turned = colours_of(ImageReader(image[::-1, ::-1]), mask[::-1, ::-1])
    assert colour_likeness(first, turned) == pytest.approx(1, abs=0.03)
    large = colours_of(
        ImageReader(image.repeat(3, 0).repeat(3, 1)), mask.repeat(3, 0).repeat(3, 1)
    )
    assert colour_likeness(first, large) > 0.9
    assert colour_likeness(first, colours_of(ImageReader(image), other)) < 0.9
    assert colour_likeness(first, colours_of(ImageReader(image), mask & False)) == 0
