"""How good a click network is while it is trained: clicks on held-back objects."""

from collections.abc import Sequence

import numpy as np
from lightning_fabric import Fabric

from napari_edgeflow.engine.evaluation.clicks import ClickTarget, evaluate_clicks
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.networks.edgeflow import EdgeFlow
from napari_edgeflow.engine.runtime.clicks_torch import TorchNetwork
from napari_edgeflow.engine.training.parallel import summed
from napari_edgeflow.engine.training.reports import Validation

VALIDATION_CLICKS = 3
"""Simulated clicks on an object: most objects are decided by then."""


def validate_clicks(
    model: EdgeFlow, targets: Sequence[ClickTarget], fabric: Fabric
) -> Validation:
    """Click on objects as a person would in the dock, and compare.

    Several processes share the objects.

    Parameters
    ----------
    model : EdgeFlow
        The network; not changed.
    targets : sequence of ClickTarget
        The objects, sorted by image.
    fabric : Fabric
        Processes and device.

    Returns
    -------
    Validation
        The score is the mean IoU over all clicks; the figures are named by the
        number of clicks.
    """
    segmenter = ClickSegmenter(TorchNetwork(model, fabric.device.type))
    mine = targets[fabric.global_rank :: fabric.world_size]
    results = evaluate_clicks(segmenter, mine, VALIDATION_CLICKS)
    sums = np.zeros(VALIDATION_CLICKS)
    for result in results:
        # An object that is found before the last click stays found.
        sums += [
            *result.ious,
            *result.ious[-1:] * (VALIDATION_CLICKS - len(result.ious)),
        ]
    means = (summed(sums, fabric) / len(targets)).tolist()
    names = [f"{k} click{'s'[: k > 1]}" for k in range(1, VALIDATION_CLICKS + 1)]
    return Validation(float(np.mean(means)), dict(zip(names, means, strict=True)))
