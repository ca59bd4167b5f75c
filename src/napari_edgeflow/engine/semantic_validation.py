"""How good a network is while it is trained: IoU on what was held back."""

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from segmentation_models_pytorch.base import SegmentationModel

from napari_edgeflow.engine.image import Window
from napari_edgeflow.engine.metrics import confusion_matrix, iou_of_classes
from napari_edgeflow.engine.pairs import read_pair
from napari_edgeflow.engine.predict import PredictSettings, SemanticSegmenter
from napari_edgeflow.engine.semantic_facts import SemanticFacts
from napari_edgeflow.engine.semantic_holdout import HeldBack
from napari_edgeflow.engine.semantic_torch import TorchSemanticNetwork
from napari_edgeflow.engine.train_reports import Validation


def validate_semantic(
    model: SegmentationModel,
    facts: SemanticFacts,
    held: Sequence[HeldBack],
    fabric: Fabric,
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
    for item in held[fabric.global_rank :: fabric.world_size]:
        confusion += _confusion(segmenter, item)
    if fabric.world_size > 1:
        total = torch.from_numpy(confusion).to(fabric.device)
        confusion = fabric.all_reduce(total, reduce_op="sum").cpu().numpy()  # type: ignore[union-attr]
    return summary(confusion, facts)


def _confusion(segmenter: SemanticSegmenter, item: HeldBack) -> NDArray[np.int64]:
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
        area = _grown(reduce(Window.union, item.windows), margin, area)
    settings = PredictSettings(overlap=facts.window // 4, scale=scale)
    found = segmenter.predict(image[area.slices], settings)
    return confusion_matrix(found, truth[area.slices], facts.class_ids)


def _grown(window: Window, margin: int, bounds: Window) -> Window:
    return Window(
        max(window.top - margin, bounds.top),
        max(window.left - margin, bounds.left),
        min(window.bottom + margin, bounds.bottom),
        min(window.right + margin, bounds.right),
    )


def summary(confusion: NDArray[np.int64], facts: SemanticFacts) -> Validation:
    """Return score and IoU per class of a confusion matrix.

    Parameters
    ----------
    confusion : ndarray
        As :func:`metrics.confusion_matrix` gives it.
    facts : SemanticFacts
        The classes, by name.
    """
    values = iou_of_classes(confusion)
    occurs = confusion.sum(1) > 0
    score = float(values[occurs].mean()) if occurs.any() else 0.0
    names = facts.names
    return Validation(
        score,
        {
            name: None if math.isnan(value) else float(value)
            for name, value in zip(names, values, strict=True)
        },
    )
