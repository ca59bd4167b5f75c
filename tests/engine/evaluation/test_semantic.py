from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.engine.colour_network import ColourNetwork, colour_facts, painted

from napari_edgeflow.engine.data.pairs import VOID, LabelledImage
from napari_edgeflow.engine.evaluation.semantic import (
    SemanticResult,
    evaluate_semantic,
    summarize_semantic,
)
from napari_edgeflow.engine.segmentation.segmenter import (
    PredictSettings,
    SemanticSegmenter,
)

IDS = (0, 9, 3, 7)
NEAR = PredictSettings(overlap=16)


@pytest.fixture
def segmenter() -> SemanticSegmenter:
    """Calls black 0, red 9, green 3 and blue 7."""
    return SemanticSegmenter(ColourNetwork(), colour_facts(IDS), "colours")


def save(
    folder: Path, name: str, shown: NDArray[np.uint8], truth: NDArray[np.uint8]
) -> LabelledImage:
    """Write an image of the colours ``shown`` and labels."""
    pair = LabelledImage(folder / f"{name}.png", folder / f"{name}_labels.png")
    Image.fromarray(painted(shown)).save(pair.image)
    Image.fromarray(truth).save(pair.labels)
    return pair


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[LabelledImage, LabelledImage]:
    shown = np.zeros((64, 64), np.uint8)
    shown[:, :32] = 1
    truth = np.zeros((64, 64), np.uint8)
    truth[:32] = 9
    truth[56:] = VOID
    green = np.full((64, 64), 2, np.uint8)
    almost = np.full((64, 64), 3, np.uint8)
    almost[:10, :10] = 7
    return save(tmp_path, "a", shown, truth), save(tmp_path, "b", green, almost)


def test_figures_by_hand(
    segmenter: SemanticSegmenter, pairs: tuple[LabelledImage, LabelledImage]
) -> None:
    results = list(evaluate_semantic(segmenter, pairs, NEAR))
    assert [r.pair for r in results] == list(pairs)
    assert results[0].confusion.tolist() == [
        [768, 768, 0, 0, 0],
        [1024, 1024, 0, 0, 0],
        [0] * 5,
        [0] * 5,
    ]
    assert results[1].confusion[2:].tolist() == [[0, 0, 3996, 0, 0], [0, 0, 100, 0, 0]]
    black, red, green = 768 / 2560, 1024 / 2816, 3996 / 4096
    assert results[0].miou == pytest.approx((black + red) / 2)
    assert results[1].miou == pytest.approx(green / 2)
    figures = summarize_semantic(segmenter, results)
    assert figures.images == 2
    assert figures.iou_per_class == pytest.approx(
        {"background": black, "red": red, "green": green, "blue": 0}
    )
    assert list(figures.iou_per_class) == list(segmenter.facts.names)
    assert figures.miou == pytest.approx((black + red + green) / 4)
    assert figures.pixel_accuracy == pytest.approx((768 + 1024 + 3996) / (3584 + 4096))
    assert figures.confusion[1] == (1024, 1024, 0, 0)
    assert len(figures.confusion) == 4


def test_classes_that_do_not_occur_have_no_iou(
    segmenter: SemanticSegmenter, pairs: tuple[LabelledImage, LabelledImage]
) -> None:
    results = list(evaluate_semantic(segmenter, pairs[:1], NEAR))
    figures = summarize_semantic(segmenter, results)
    assert figures.iou_per_class["blue"] is None
    assert figures.iou_per_class["green"] is None
    assert figures.miou == results[0].miou


def test_images_count_by_their_pixels(segmenter: SemanticSegmenter) -> None:
    pair = LabelledImage(Path("a"), Path("b"))

    def result(right: int, wrong: int, milliseconds: float) -> SemanticResult:
        confusion = np.zeros((4, 5), np.int64)
        confusion[1, 1], confusion[1, 0] = right, wrong
        return SemanticResult(pair, confusion, milliseconds)

    results = [result(90, 10, 7), result(0, 900, 5), result(5, 5, 400)]
    figures = summarize_semantic(segmenter, results)
    assert figures.pixel_accuracy == 95 / 1010
    assert figures.iou_per_class["red"] == 95 / 1010
    assert figures.ms_per_image_median == 7


def test_images_are_looked_at_as_the_settings_say(
    segmenter: SemanticSegmenter, pairs: tuple[LabelledImage, LabelledImage]
) -> None:
    network = segmenter._network
    assert isinstance(network, ColourNetwork)
    (result,) = evaluate_semantic(
        segmenter, pairs[:1], PredictSettings(overlap=16, flip=True)
    )
    assert len(network.calls) == 2
    assert result.milliseconds > 0


def test_without_labelled_pixels_there_are_no_figures(
    segmenter: SemanticSegmenter, tmp_path: Path
) -> None:
    shown = np.zeros((32, 32), np.uint8)
    pair = save(tmp_path, "void", shown, np.full((32, 32), VOID, np.uint8))
    results = list(evaluate_semantic(segmenter, [pair], NEAR))
    assert not results[0].confusion.any()
    for none in (results, []):
        with pytest.raises(ValueError, match=r"no labelled pixel .* model 'colours'"):
            summarize_semantic(segmenter, none)


def test_files_that_do_not_fit_are_named(
    segmenter: SemanticSegmenter, tmp_path: Path
) -> None:
    shown = np.zeros((32, 32), np.uint8)
    pair = save(tmp_path, "other", shown, np.zeros((32, 31), np.uint8))
    with pytest.raises(ValueError, match=r"other_labels\.png have shape \(32, 31\)"):
        list(evaluate_semantic(segmenter, [pair], NEAR))
    pair.image.unlink()
    with pytest.raises(OSError, match=r"no image .*other\.png: check the path"):
        list(evaluate_semantic(segmenter, [pair], NEAR))
