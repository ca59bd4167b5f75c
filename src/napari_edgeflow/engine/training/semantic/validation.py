"""How good a network is while it is trained: IoU on what was held back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray
from PIL import Image
from segmentation_models_pytorch.base import SegmentationModel

from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.data.pairs import read_pair
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.metrics import (
    confusion_matrix,
    iou_of_classes,
    mean_iou,
)
from napari_edgeflow.engine.runtime.semantic_torch import TorchSemanticNetwork
from napari_edgeflow.engine.segmentation.segmenter import (
    PredictSettings,
    SemanticSegmenter,
)
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.engine.training.parallel import summed
from napari_edgeflow.engine.training.reports import Validation
from napari_edgeflow.engine.training.semantic.holdout import HeldBack

_MOST_PROBABILITIES = 1 << 27
"""Probabilities that are held at once at most; of larger images there is no loss."""

_LEAST = 1e-7
"""A class is never quite impossible, whose cross-entropy would be endless."""

MOST_SHOWN = 4
"""Images of which predictions are written at most."""


def validate_semantic(
    model: SegmentationModel,
    facts: SemanticFacts,
    held: Sequence[HeldBack],
    fabric: Fabric,
    predictions: Path | None = None,
) -> Validation:
    """Segment what was held back as the docks would, and compare.

    Several processes share the images.

    Parameters
    ----------
    model : SegmentationModel
        The network; not changed.
    facts : SemanticFacts
        Its classes and input.
    held : sequence of HeldBack
        What to segment.
    fabric : Fabric
        Processes and device.
    predictions : Path, optional
        Folder for what the network makes of the first ``MOST_SHOWN`` images, as grey
        PNGs of class ids.

    Returns
    -------
    Validation
        The score is the mean IoU of the classes that the labels hold. Others, found
        by mistake, lower it through the classes that they were mistaken for.
    """
    network = TorchSemanticNetwork(model, facts, fabric.device.type)
    segmenter = SemanticSegmenter(network, facts)
    count = len(facts.class_ids)
    confusion = np.zeros((count, count + 1), np.int64)
    losses = np.zeros(2)
    for item in held[fabric.global_rank :: fabric.world_size]:
        found = _segmented(segmenter, item)
        confusion += confusion_matrix(found.labels, found.truth, facts.class_ids)
        losses += found.loss
        if predictions is not None and item in held[:MOST_SHOWN]:
            write_prediction(predictions, item.pair.image.stem, found)
    confusion, losses = summed(confusion, fabric), summed(losses, fabric)
    loss = float(losses[0] / losses[1]) if losses[1] else None
    return replace(summary(confusion, facts), loss=loss)


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """What a network made of an image, or of a part of it, and what is true.

    Parameters
    ----------
    labels, truth : ndarray
        (h, w) class ids of the part.
    area : Window
        The part.
    shape : tuple of int
        Height and width of the image.
    loss : tuple of float
        Sum of the cross-entropy over the pixels that count, and their number; zeros
        where it was not measured.
    """

    labels: NDArray[np.integer]
    truth: NDArray[np.int64]
    area: Window
    shape: tuple[int, int]
    loss: tuple[float, float] = (0.0, 0.0)


def write_prediction(folder: Path, stem: str, found: Segmented) -> None:
    """Write labels as a PNG of the image's size, 0 where it was not looked at."""
    labels = np.zeros(found.shape, np.min_scalar_type(int(found.labels.max())))
    labels[found.area.slices] = found.labels
    with replacing(folder / f"{stem}.png") as partial:
        Image.fromarray(labels).save(partial, format="PNG", compress_level=1)


def _segmented(segmenter: SemanticSegmenter, item: HeldBack) -> Segmented:
    """Segment as much of an image as is needed, with what lies around it."""
    image, labels = read_pair(item.pair)
    facts = segmenter.facts
    height, width = labels.shape
    scale = facts.scale((height, width))
    area = Window(0, 0, height, width)
    truth = labels.astype(np.int64)
    if item.windows:
        # What is no class does not count.
        truth = np.full(labels.shape, max(facts.class_ids) + 1)
        for window in item.windows:
            truth[window.slices] = labels[window.slices]
        margin = math.ceil(facts.window / 2 / scale)
        seen = reduce(Window.union, item.windows)
        area = area.intersection(
            Window(
                seen.top - margin,
                seen.left - margin,
                seen.bottom + margin,
                seen.right + margin,
            )
        )
    settings = PredictSettings(overlap=facts.window // 4, scale=scale)
    part, truth = image[area.slices], truth[area.slices]
    ids = np.array(facts.class_ids)
    if part.shape[0] * part.shape[1] * len(ids) > _MOST_PROBABILITIES:
        found = segmenter.predict(part, settings)
        return Segmented(found, truth, area, (height, width))
    scores = segmenter.predict_probabilities(part, settings)
    loss = cross_entropy(scores, truth, facts.class_ids)
    return Segmented(ids[scores.argmax(0)], truth, area, (height, width), loss)


def cross_entropy(
    probabilities: NDArray[np.float32],
    truth: NDArray[np.integer],
    class_ids: Sequence[int],
) -> tuple[float, float]:
    """Return the sum of the cross-entropy over pixels of a class, and their number.

    Parameters
    ----------
    probabilities : ndarray
        (C, H, W), in the order of ``class_ids``.
    truth : ndarray
        (H, W) class ids; pixels of others do not count.
    class_ids : sequence of int
        The classes.
    """
    total, pixels = 0.0, 0
    for scores, class_id in zip(probabilities, class_ids, strict=True):
        found = scores[truth == class_id]
        total -= float(np.log(np.maximum(found, _LEAST)).sum(dtype=np.float64))
        pixels += found.size
    return total, float(pixels)


def summary(confusion: NDArray[np.int64], facts: SemanticFacts) -> Validation:
    """Return score and IoU per class of a confusion matrix."""
    values = iou_of_classes(confusion)
    return Validation(
        mean_iou(confusion),
        {
            name: None if math.isnan(value) else float(value)
            for name, value in zip(facts.names, values, strict=True)
        },
    )
