"""One call over semantic networks in ONNX Runtime or torch."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.checkpoints.checkpoint import FORMAT, Checkpoint
from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.runtime.clicks import choose_device, open_session
from napari_edgeflow.engine.runtime.network import INPUT, SemanticNetwork


class OnnxSemanticNetwork:
    """A semantic network exported to ONNX, on the CPU.

    Parameters
    ----------
    path : Path
        The ONNX file.
    classes : int
        How many it tells apart.

    Raises
    ------
    ValueError
        If the file is not a network of ours.
    """

    device = "cpu"

    def __init__(self, path: Path, classes: int) -> None:
        self._session = open_session(path, {INPUT}, classes)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return probabilities; see :class:`SemanticNetwork`."""
        pixels = np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32)
        pixels *= np.float32(1 / 255)
        result: NDArray[np.float32]
        (result,) = self._session.run(None, {INPUT: pixels})
        return result


def read_facts(checkpoint: Checkpoint) -> SemanticFacts:
    """Return classes and input of a checkpoint, without loading its weights.

    Raises
    ------
    ValueError
        If they are missing or do not fit together.
    """
    if checkpoint.metadata.get("format") == FORMAT:
        return SemanticFacts.of(checkpoint)
    from napari_edgeflow.engine.checkpoints.semantic import semantic_facts

    return semantic_facts(checkpoint)


def load_semantic_network(checkpoint: Checkpoint, device: str) -> SemanticNetwork:
    """Load a semantic network onto a device; see :func:`clicks.load_network`.

    Raises
    ------
    ValueError
        If the device is unknown, or the checkpoint does not fit.
    """
    chosen = choose_device(device)
    if chosen == "cpu" and checkpoint.onnx is not None:
        classes = len(read_facts(checkpoint).class_ids)
        return OnnxSemanticNetwork(checkpoint.onnx, classes)
    from napari_edgeflow.engine.runtime.semantic_torch import TorchSemanticNetwork

    return TorchSemanticNetwork.load(checkpoint, chosen)
