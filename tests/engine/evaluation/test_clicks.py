from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow.engine.evaluation.clicks import (
    ObjectResult,
    evaluate_clicks,
    find_targets,
    summarize,
)
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[10:30, 10:40] = picture[40:55, 50:75] = 250
    Image.fromarray(picture).save(images / "12.png")
    return images, masks


def save(path: Path, labels: np.ndarray) -> None:
    Image.fromarray(labels).save(path)


def test_masks_belong_by_stem_or_leading_digits(folders: tuple[Path, Path]) -> None:
    images, masks = folders
    mask = np.zeros((60, 80), np.uint8)
    mask[10:30, 10:40] = 255
    mask[10:12] = 128
    save(masks / "12#002.png", mask)
    save(masks / "12.png", (mask == 255).astype(np.uint8))
    second, first = sorted(find_targets(images, masks), key=lambda t: t.valid.sum())[
        ::-1
    ]
    assert first.valid.sum() == 58 * 80
    assert first.truth.sum() == 18 * 30
    assert second.valid.all()
    assert second.truth.sum() == 18 * 30


def test_instances_of_some_size_are_targets_at_most_five(
    folders: tuple[Path, Path],
) -> None:
    images, masks = folders
    labels = np.zeros((60, 80), np.uint16)
    for number in range(7):
        labels[:12, number * 11 : number * 11 + 10] = number + 300
    labels[50:55, 50:55] = 9
    save(masks / "12.png", labels)
    targets = list(find_targets(images, masks, instances=True))
    assert len(targets) == 5
    assert all(t.truth.sum() == 120 for t in targets)
    again = [t.name for t in find_targets(images, masks, instances=True)]
    assert again == [t.name for t in targets]
    assert len(list(find_targets(images, masks, instances=True, most=6))) == 6


def test_folders_that_do_not_fit_are_named(folders: tuple[Path, Path]) -> None:
    images, masks = folders
    with pytest.raises(ValueError, match="no masks in"):
        list(find_targets(images, masks))
    save(masks / "77.png", np.zeros((60, 80), np.uint8))
    with pytest.raises(ValueError, match=r"77\.png has no image"):
        list(find_targets(images, masks))
    (masks / "77.png").unlink()
    save(masks / "12.png", np.zeros((60, 81), np.uint8))
    with pytest.raises(ValueError, match=r"shape \(60, 81\)"):
        list(find_targets(images, masks))
    with pytest.raises(ValueError, match="no folder"):
        list(find_targets(images / "x", masks))


def test_objects_are_clicked_until_found(
    folders: tuple[Path, Path], bright: Any
) -> None:
    images, masks = folders
    labels = np.zeros((60, 80), np.uint8)
    labels[10:30, 10:40] = 1
    save(masks / "12.png", labels)
    segmenter = ClickSegmenter(bright)
    (result,) = evaluate_clicks(segmenter, find_targets(images, masks), max_clicks=8)
    assert result.name == "12.png"
    assert len(result.ious) == len(result.milliseconds) <= 8
    first = segmenter.clicks[0]
    assert (first.positive, 18 <= first.y <= 21) == (True, True)
    assert [c.positive for c in segmenter.clicks[1:2]] == [False]


def test_figures_by_hand() -> None:
    quick = ObjectResult("a", (0.86, 0.95), (10.0, 20.0))
    slow = ObjectResult("b", (0.5, 0.6, 0.88), (30.0, 40.0, 50.0))
    figures = summarize([quick, slow], max_clicks=20)
    assert figures.objects == 2
    assert figures.noc85 == (1 + 3) / 2
    assert figures.noc90 == (2 + 20) / 2
    assert figures.failures90 == 1
    assert len(figures.iou_at_clicks) == 20
    assert figures.iou_at_clicks[0] == pytest.approx((0.86 + 0.5) / 2)
    assert figures.iou_at_clicks[19] == pytest.approx((0.95 + 0.88) / 2)
    assert figures.ms_per_click_median == 30
    with pytest.raises(ValueError, match="no object to measure"):
        summarize([])
