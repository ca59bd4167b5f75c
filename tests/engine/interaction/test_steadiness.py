import numpy as np
import pytest

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.steadiness import REACH, steadied

CLICK = Click(10, 10)
FAR = (10, 10 + int(3 * REACH))


def flat(value: float) -> np.ndarray:
    return np.full((32, FAR[1] + 8), value, np.float32)


def test_far_from_the_click_noise_is_halved() -> None:
    result = steadied(flat(0.8), flat(0.4), CLICK)
    assert result.dtype == np.float32
    assert result[10, 10] == pytest.approx(0.8)
    assert result[FAR] == pytest.approx(0.6, abs=1e-3)
    along = result[10, 10:]
    assert (np.diff(along) <= 0).all()


@pytest.mark.parametrize(("new", "before"), [(0.9, 0.1), (0.05, 0.95)])
def test_another_answer_counts_alone(new: float, before: float) -> None:
    assert steadied(flat(new), flat(before), CLICK)[FAR] == pytest.approx(new)


def test_an_answer_is_taken_over_little_by_little() -> None:
    changes = np.linspace(0, 0.9, 10)
    taken = [steadied(flat(c), flat(0.0), CLICK)[FAR] for c in changes]
    assert (np.diff(taken) > 0).all()


def test_the_result_before_is_moved_to_the_level_it_is_taken_at() -> None:
    # At a level of 0.4 what was 0.4 is on the outline.
    result = steadied(flat(0.5), flat(0.4), CLICK, level=0.4)
    assert result[FAR] == pytest.approx(0.5, abs=1e-3)
    for certain in (0.0, 1.0):
        same = steadied(flat(certain), flat(certain), CLICK, level=0.3)
        assert same[FAR] == pytest.approx(certain)
