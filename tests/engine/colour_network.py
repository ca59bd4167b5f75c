"""A stand-in for semantic networks: the class of a pixel is its colour."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.checkpoints.checkpoint import (
    FORMAT,
    MODEL_FILE,
    ONNX_DIGEST,
    SEMANTIC_TASK,
    file_digest,
)
from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.runtime.network import INPUT, OUTPUT

COLOURS = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
NAMES = ("background", "red", "green", "blue")

# The nearest of the colours: logits 8 (x y - y y / 2) for a pixel x and a colour y.
_WEIGHT = 8 * COLOURS.astype(np.float32) / 255
_BIAS = np.array([0, -4, -4, -4], np.float32)


def colour_facts(
    class_ids: tuple[int, ...] = (0, 1, 2, 3),
    window: int = 64,
    longest_side: int | None = None,
) -> SemanticFacts:
    """Return the facts of a network that tells the colours apart."""
    named = zip(class_ids, NAMES, COLOURS.tolist(), strict=False)
    table = ClassTable(tuple(LabelClass(i, n, (*c,)) for i, n, c in named if i))
    return SemanticFacts(table, class_ids, window=window, longest_side=longest_side)


def patches(shape: tuple[int, int], side: int = 8, seed: int = 0) -> NDArray[np.uint8]:
    """Return labels (H, W) from 0 to 3 in squares drawn at random."""
    rows, columns = (-(-length // side) for length in shape)
    coarse = np.random.default_rng(seed).integers(0, 4, (rows, columns), np.uint8)
    fine = coarse.repeat(side, 0).repeat(side, 1)
    return fine[: shape[0], : shape[1]]


def painted(labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return the image (H, W, 3) uint8 in which every pixel shows its label."""
    return COLOURS[labels]


def colour_probabilities(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N, 4, H, W) float32 probabilities of images (N, H, W, 3)."""
    logits = images.astype(np.float32) / 255 @ _WEIGHT.T + _BIAS
    powers = np.exp(logits)
    return (powers / powers.sum(3, keepdims=True)).transpose(0, 3, 1, 2)


class ColourNetwork:
    """Knows the classes by colour and keeps what it was given.

    Parameters
    ----------
    step : int
        How many pixels each way share one value of the result.
    """

    device = "cpu"

    def __init__(self, step: int = 1) -> None:
        self.step = step
        self.calls: list[NDArray[np.uint8]] = []

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Number, height and width of the images of each call."""
        return [images.shape[:3] for images in self.calls]

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.calls.append(images)
        return colour_probabilities(images[:, :: self.step, :: self.step])


def write_colour_model(folder: Path, facts: SemanticFacts | None = None) -> Path:
    """Write the same network as a checkpoint with an export, and return its folder."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from safetensors.numpy import save

    folder.mkdir(parents=True)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", [INPUT, "weight", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], [OUTPUT], axis=1),
        ],
        "colours",
        [_value(helper, TensorProto.FLOAT, INPUT, 3)],
        [_value(helper, TensorProto.FLOAT, OUTPUT, len(COLOURS))],
        [
            numpy_helper.from_array(_WEIGHT[:, :, None, None], "weight"),
            numpy_helper.from_array(_BIAS, "bias"),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    path = folder / MODEL_FILE
    onnx.save(model, path.with_suffix(".onnx"))
    header = {
        "format": FORMAT,
        "task": SEMANTIC_TASK,
        "config": json.dumps({"_model_class": "Unet"}),
        **(facts or colour_facts()).to_metadata(),
        ONNX_DIGEST: file_digest(path.with_suffix(".onnx")),
    }
    path.write_bytes(save({"unused": np.zeros(1, np.float32)}, header))
    return folder


def _value(helper: object, kind: int, name: str, channels: int) -> object:
    shape = ("n", channels, "h", "w")
    return helper.make_tensor_value_info(name, kind, shape)  # type: ignore[attr-defined]
