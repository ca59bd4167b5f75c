from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow.engine.training.curves import (
    CURVES_FILE,
    TRAINING,
    VALIDATION,
    draw_curves,
    loss_plot,
    score_plot,
    ticks,
)
from napari_edgeflow.engine.training.folder import read_metrics, write_metrics

HISTORY = [
    {"epoch": 1, "train loss": 0.9, "score": 0.2, "validation loss": 1.1},
    {"epoch": 2, "train loss": 0.4, "score": 0.6, "validation loss": float("nan")},
    {"epoch": 3, "train loss": 0.3, "score": 0.7, "validation loss": None},
]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1)),
        (0, 30, (0, 10, 20, 30)),
        (0, 3, (0, 1, 2, 3)),
        (0, 0.034, (0, 0.01, 0.02, 0.03)),
        (2, 2, (2,)),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: tuple[float, ...]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_plots_show_what_is_measured() -> None:
    training, validation = loss_plot(HISTORY).curves
    assert training.points == ((1, 0.9), (2, 0.4), (3, 0.3))
    assert validation.points == ((1, 1.1),)
    (score,) = score_plot(HISTORY).curves
    assert score.points[-1] == (3, 0.7)
    assert score_plot(HISTORY).bounds == (0, 3, 0, 1)
    assert loss_plot([]).bounds == pytest.approx((0, 1, 0, 1.05))


def test_what_was_measured_is_read_again(tmp_path: Path) -> None:
    rows = [{"epoch": 1, "score": 0.25, "iou cat": None}, {"epoch": 2, "score": 0.5}]
    write_metrics(tmp_path, rows)
    first, second = read_metrics(tmp_path)
    assert first == {"epoch": 1, "score": 0.25, "iou cat": None}
    assert second["score"] == 0.5
    (tmp_path / "metrics.csv").write_text("epoch,score\none,two\n")
    assert read_metrics(tmp_path) == []
    assert read_metrics(tmp_path / "none") == []


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    draw_curves(tmp_path, HISTORY)
    with Image.open(tmp_path / CURVES_FILE) as image:
        pixels = np.asarray(image.convert("RGB"))
    left, right = np.split(pixels, 2, axis=1)
    for half, colour, seen in (
        (left, TRAINING, True),
        (left, VALIDATION, True),
        (right, TRAINING, False),
        (right, VALIDATION, True),
    ):
        assert bool((half == colour).all(-1).any()) == seen


def test_a_picture_of_nothing_is_drawn(tmp_path: Path) -> None:
    draw_curves(tmp_path, [])
    assert (tmp_path / CURVES_FILE).is_file()
