from math import log

import pytest

from napari_edgeflow.engine.interaction.outline_level import MARGIN, agreeing_level


def logit(probability: float) -> float:
    return -log(1 / probability - 1)


@pytest.mark.parametrize("answers", [[], [(0.6, True)], [(0.4, False)], [(0.5, True)]])
def test_what_agrees_changes_nothing(answers: list[tuple[float, bool]]) -> None:
    assert agreeing_level(answers) == 0.5


def test_the_outline_goes_past_a_click_that_is_near_to_it() -> None:
    out, into = agreeing_level([(0.4, True)]), agreeing_level([(0.6, False)])
    assert logit(out) == pytest.approx(logit(0.4) - MARGIN)
    assert logit(into) == pytest.approx(logit(0.6) + MARGIN)


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.26])
def test_a_click_far_from_it_is_about_something_else(probability: float) -> None:
    assert agreeing_level([(probability, True)]) == 0.5
    assert agreeing_level([(1 - probability, False)]) == 0.5


def test_a_stroke_is_agreed_with_everywhere() -> None:
    three = [(0.45, True), (0.35, True), (0.01, True)]
    assert agreeing_level(three) == agreeing_level([(0.35, True)])
    three = [(1 - p, False) for p, _ in three]
    assert agreeing_level(three) == agreeing_level([(0.65, False)])
