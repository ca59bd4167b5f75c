from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from segmentation_models_pytorch.base import SegmentationModel
from tests.engine.colour_network import colour_facts

from napari_edgeflow.engine.data.pairs import folder_pairs
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.training.parallel import make_fabric
from napari_edgeflow.engine.training.semantic import validation as semantic_validation
from napari_edgeflow.engine.training.semantic.holdout import HeldBack
from napari_edgeflow.engine.training.semantic.validation import (
    cross_entropy,
    validate_semantic,
)


def test_cross_entropy_by_hand() -> None:
    scores = np.array([[[0.5, 0.1, 0.2]], [[0.5, 0.9, 0.8]]], np.float32)
    truth = np.array([[0, 7, 255]])
    total, pixels = cross_entropy(scores, truth, (0, 7))
    assert total == pytest.approx(-np.log(0.5) - np.log(0.9), rel=1e-5)
    assert pixels == 2
    assert cross_entropy(np.zeros((2, 1, 3), np.float32), truth, (0, 7))[0] < 40


def test_loss_and_predictions_of_what_is_held_back(
    labelled_folder: Path,
    tiny_semantic: SegmentationModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pairs = folder_pairs(labelled_folder / "images", labelled_folder / "labels")
    held = [HeldBack(pairs[0]), HeldBack(pairs[1], (Window(0, 0, 40, 50),))]
    fabric, shown = make_fabric("cpu"), tmp_path / "predictions"
    first = validate_semantic(tiny_semantic, colour_facts(), held, fabric, shown)
    assert first.loss is not None
    assert first.loss > 0
    assert sorted(path.name for path in shown.iterdir()) == ["0.png", "1.png"]
    with Image.open(shown / "0.png") as image:
        labels = np.asarray(image)
    assert labels.shape == (80, 100)
    assert set(np.unique(labels)) <= set(colour_facts().class_ids)
    # Of large images only labels are kept, and they are the same.
    monkeypatch.setattr(semantic_validation, "_MOST_PROBABILITIES", 0)
    second = validate_semantic(tiny_semantic, colour_facts(), held, fabric, shown)
    assert second.loss is None
    assert (second.score, second.classes) == (first.score, first.classes)
