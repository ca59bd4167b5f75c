"""Checkpoints: bundled models by name, others by path; safetensors only."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from safetensors import SafetensorError, safe_open

from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.engine.system.json_text import parse_json

if TYPE_CHECKING:
    import torch

    from napari_edgeflow.engine.networks.edgeflow import EdgeFlow

_Network = TypeVar("_Network", bound="torch.nn.Module")

FORMAT = "napari-edgeflow"
SMP_FORMAT = "segmentation-models-pytorch"
WEIGHTS_FOLDER = Path(__file__).parents[2] / "weights"
MODEL_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
CLICK_TASK, SEMANTIC_TASK = "clicks", "semantic"
PURPOSES = {CLICK_TASK: "clicks", SEMANTIC_TASK: "automatic segmentation"}
"""What a person calls the tasks."""

ONNX_DIGEST = "onnx_sha256"

BUNDLED = {"edgeflow-lite": "Clicks on photographs and microscopy, CPU and GPU"}
"""Click models that come with the package, and what they are for."""

SEMANTIC = {"deeplabv3plus-lite0-voc": "20 classes of PASCAL VOC on photographs"}
"""Semantic models that come with the package, and what they are for."""

STARTERS = {
    "deeplabv3plus-lite0": "tu-tf_efficientnet_lite0",
    "deeplabv3plus-efficientnet-b3": "efficientnet-b3",
    "deeplabv3plus-resnet50": "resnet50",
    "deeplabv3plus-mobilenet-v3": "tu-mobilenetv3_large_100",
}
"""Networks to train from, and their encoders in smp. The encoders know ImageNet; the
heads know nothing yet."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model on disk.

    Parameters
    ----------
    name : str
        Bundled name, or stem of the file.
    weights : Path
        The safetensors file.
    onnx : Path or None
        The same network as ONNX for the CPU, where there is one.
    metadata : dict
        What the safetensors file says of itself: format, config and more.
    """

    name: str
    weights: Path
    onnx: Path | None
    metadata: dict[str, str]


def find_checkpoint(name_or_path: str | Path, task: str = CLICK_TASK) -> Checkpoint:
    """Find a model and check that it is of the right kind, without its weights.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a bundled model, a safetensors file, or a folder that holds
        ``model.safetensors``. A folder that smp's ``save_pretrained`` wrote is a
        semantic model too.
    task : str
        What the model is for: ``CLICK_TASK`` or ``SEMANTIC_TASK``.

    Returns
    -------
    Checkpoint
        Where it is and what it says of itself.

    Raises
    ------
    ValueError
        If there is no such model, the file is no checkpoint, or it is for another
        task.
    """
    name = str(name_or_path)
    path = _bundled_file(name) or Path(name)
    if path.is_dir():
        path = path / MODEL_FILE
    if name in STARTERS:
        raise ValueError(
            f"{name} has not learned to segment yet: train it first, with the command "
            f"'train semantic --network {name}', or use {' or '.join(SEMANTIC)}"
        )
    if not path.is_file():
        known = SEMANTIC if task == SEMANTIC_TASK else BUNDLED
        raise ValueError(
            f"no model {name!r}: use {' or '.join(known)}, "
            "or the path of a .safetensors checkpoint"
        )
    metadata = _read_metadata(path)
    found = metadata.get("task", CLICK_TASK)
    if found != task:
        raise ValueError(
            f"{name} is a model for {PURPOSES.get(found, found)}, "
            f"not for {PURPOSES[task]}: choose another"
        )
    label = path.parent.name if path.name == MODEL_FILE else path.stem
    return Checkpoint(label, path, _find_onnx(path, metadata), metadata)


def task_of(folder: Path) -> str:
    """Return what the model in a folder is for.

    Raises
    ------
    ValueError
        If there is no model of ours in it.
    """
    path = folder / MODEL_FILE
    if not path.is_file():
        raise ValueError(f"no model in {folder}: there is no {MODEL_FILE}")
    return _read_metadata(path).get("task", CLICK_TASK)


def score_of(folder: Path) -> float | None:
    """Return the best validation that the model in a folder was written with.

    None if there is no model, or it was not validated.
    """
    try:
        score = float(_read_metadata(folder / MODEL_FILE)["score"])
    except (ValueError, KeyError):
        return None
    return score if math.isfinite(score) else None


def _bundled_file(name: str) -> Path | None:
    """Return the file of a bundled model; some are single files, some folders."""
    if name in BUNDLED:
        return WEIGHTS_FOLDER / f"{name}.safetensors"
    return WEIGHTS_FOLDER / name / MODEL_FILE if name in SEMANTIC else None


def _find_onnx(path: Path, metadata: Mapping[str, str]) -> Path | None:
    """Return the export beside a checkpoint, if it is the one that was made of it."""
    onnx = path.with_suffix(".onnx")
    if ONNX_DIGEST not in metadata or not onnx.is_file():
        return None
    if file_digest(onnx) != metadata[ONNX_DIGEST]:
        raise ValueError(
            f"{onnx} is not the export that belongs to {path.name}: delete it, "
            "or put back the one that was written with it"
        )
    return onnx


def _read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a checkpoint of ours; nothing in the file is run."""
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"{path} is no safetensors file ({error}): only safetensors checkpoints "
            "are loaded, since others can run code; save it again as one"
        ) from error
    if metadata.get("format") != FORMAT:
        metadata = _smp_metadata(path) or metadata
    if metadata.get("format") not in (FORMAT, SMP_FORMAT) or "config" not in metadata:
        raise ValueError(
            f"{path} is not a checkpoint of {FORMAT}: its metadata has no "
            "format and config of ours; choose a model that was trained here"
        )
    if metadata.get("task", CLICK_TASK) not in PURPOSES:
        raise ValueError(
            f"{path} is a model for {metadata['task']!r:.50}, which this version does "
            f"not know: choose one for {' or '.join(PURPOSES.values())}"
        )
    return metadata


def _smp_metadata(path: Path) -> dict[str, str] | None:
    """Return what the ``config.json`` beside a checkpoint of smp says, if it is one."""
    config = path.with_name(CONFIG_FILE)
    if path.name != MODEL_FILE or not config.is_file():
        return None
    try:
        record = parse_json(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {config}: {error}. Write it again") from error
    if not isinstance(record, dict) or "_model_class" not in record:
        return None
    return {"format": SMP_FORMAT, "task": SEMANTIC_TASK, "config": json.dumps(record)}


def load_edgeflow(checkpoint: Checkpoint) -> "EdgeFlow":
    """Build the EdgeFlow network of a checkpoint, in float32 on the CPU.

    Raises
    ------
    ValueError
        If the configuration or the tensors do not fit this version.
    """
    from napari_edgeflow.engine.networks.edgeflow import EdgeFlow, EdgeFlowConfig

    try:
        config = EdgeFlowConfig(**parse_json(checkpoint.metadata["config"]))
        return with_weights(lambda: EdgeFlow(config), checkpoint.weights).eval()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{checkpoint.weights} does not hold an EdgeFlow network of this "
            f"version: {error}. Install the weights again or train anew"
        ) from error


def with_weights(build: Callable[[], _Network], path: Path) -> _Network:
    """Return the network that ``build`` makes with the weights of a file, in float32.

    A file may name a network of any size: it is made without memory first, and for
    real only if the file holds that many weights.

    Raises
    ------
    ValueError
        If the file cannot be read, holds other tensors than the network has, or some
        that are not finite.
    """
    import torch
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    # The KeyError is of numbers that torch does not have.
    except (SafetensorError, OSError, KeyError) as error:
        raise ValueError(f"it cannot be read ({error!s:.200})") from error
    try:
        with torch.device("meta"):
            expected = build().state_dict()
    # Few networks work out numbers from tensors while they are made.
    except RuntimeError:
        expected = build().state_dict()
    if problem := _misfit(tensors, expected):
        raise ValueError(problem)
    model = build()
    model.load_state_dict({k: as_float(v) for k, v in tensors.items()})
    return model


def as_float(tensor: "torch.Tensor") -> "torch.Tensor":
    """Return a stored tensor in single precision."""
    return tensor.float() if tensor.is_floating_point() else tensor


def _misfit(
    found: "Mapping[str, torch.Tensor]", expected: "Mapping[str, torch.Tensor]"
) -> str | None:
    """Return what keeps tensors from being a network's weights."""
    if odd := sorted(found.keys() ^ expected.keys()):
        where = "the file alone" if odd[0] in found else "the network alone"
        return f"{len(odd)} tensors such as {odd[0]!r:.100} are in {where}"
    for name, tensor in found.items():
        like = expected[name]
        if tensor.shape != like.shape:
            return f"{name} has shape {(*tensor.shape,)} in place of {(*like.shape,)}"
        if tensor.is_floating_point() != like.is_floating_point():
            return f"{name} holds numbers of the type {tensor.dtype}"
        if not tensor.float().isfinite().all():
            return f"{name} holds numbers that are not finite"
    return None


def save_edgeflow(model: "EdgeFlow", path: Path, facts: Mapping[str, str]) -> None:
    """Write an EdgeFlow network as half-precision safetensors, all or nothing."""
    config = json.dumps(asdict(model.config))
    write_weights(model, path, {"task": CLICK_TASK, "config": config, **facts})


def write_weights(
    model: "torch.nn.Module", path: Path, header: Mapping[str, str]
) -> None:
    """Write the weights of any network, and what the file says of itself."""
    from safetensors.torch import save

    tensors = {
        name: stored(tensor).cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    with replacing(path) as partial:
        # Not save_file: it makes a file that only its owner can read.
        partial.write_bytes(save(tensors, {"format": FORMAT, **header}))


def stored(tensor: "torch.Tensor") -> "torch.Tensor":
    """Return the tensor in half precision, unless that would overflow."""
    fits = tensor.is_floating_point() and bool(tensor.abs().max() < 6e4)
    return tensor.half() if fits else tensor


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
