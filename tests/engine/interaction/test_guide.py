import numpy as np
import pytest

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.guide import Guide
from napari_edgeflow.engine.interaction.look import Look
from napari_edgeflow.engine.interaction.prediction import Prediction
from napari_edgeflow.engine.interaction.prompts import Box, Prompt
from napari_edgeflow.engine.interaction.zoom import ZoomSettings
from napari_edgeflow.engine.raster.image import Window

SHAPE = (200, 200)
NOTHING = Prediction.nothing(SHAPE)


def square(level: float = 1.0) -> Prediction:
    scores = np.zeros(SHAPE, np.float32)
    scores[100:140, 100:140] = level
    return Prediction(SHAPE, Window(0, 0, *SHAPE), scores)


def followed(
    prompts: list[Prompt],
    results: list[Prediction],
    before: Prediction = NOTHING,
    zoom: ZoomSettings | None = None,
) -> tuple[list[Look], Prediction]:
    """Return the looks at some prompts and the last word, given their results."""
    guide = Guide(zoom or ZoomSettings(), lambda _: (64, 64))
    looks, seen = guide.looks(prompts, before), []
    try:
        seen.append(next(looks))
        for result in results:
            seen.append(looks.send(result))
    except StopIteration as done:
        return seen, done.value
    raise AssertionError("more looks than results")


def test_a_first_click_is_looked_at_twice() -> None:
    near = square(0.9)
    (first, second), result = followed([Click(120, 120)], [square(), near])
    assert result is near
    assert first.window == Window(0, 0, *SHAPE)
    assert first.before is NOTHING
    assert (second.window.height, second.window.width) == (56, 56)
    assert second.window.top <= 100 < 140 <= second.window.bottom
    assert not second.follows
    assert second.maps()[2].any()


@pytest.mark.parametrize(
    ("zoom", "first"), [(ZoomSettings(looks_twice=False), square()), (None, NOTHING)]
)
def test_once_is_enough(zoom: ZoomSettings | None, first: Prediction) -> None:
    looks, result = followed([Click(120, 120)], [first], zoom=zoom)
    assert len(looks) == 1
    assert result is first


def test_later_clicks_follow_up_on_the_result_before() -> None:
    before = square(0.9)
    before.scores[100:108] = 0.6
    prompts: list[Prompt] = [Click(120, 120), Click(104, 104, False)]
    (look,), _ = followed(prompts, [square()], before)
    assert look.follows
    assert look.before is before
    # The outline is taken to be where the click says, not at a half.
    assert 0.6 < look.level < 0.7
    rows = np.flatnonzero((look.maps()[2] > 0).any(1))
    assert look.window.top + rows[0] * look.window.height / 64 > 107
    (other,), _ = followed([prompts[1]], [square()], before)
    assert not other.follows


def test_a_negative_click_alone_says_nothing() -> None:
    looks, result = followed([Click(10, 10, False)], [])
    assert not looks
    assert result is NOTHING


def test_a_box_is_looked_at_once_and_stays_in_sight() -> None:
    box = Box(Window(80, 80, 120, 110))
    (look,), _ = followed([box], [square()])
    assert {click.positive for click in look.clicks} == {True, False}
    assert look.before is not NOTHING
    (later,), _ = followed([box, Click(100, 100)], [square()])
    assert len(later.clicks) == len(look.clicks) + 1
    assert later.window.top <= 80 < 120 <= later.window.bottom
