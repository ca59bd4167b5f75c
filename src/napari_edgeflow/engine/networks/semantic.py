"""Semantic networks of segmentation-models-pytorch, described by plain values."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import segmentation_models_pytorch as smp
import timm
from segmentation_models_pytorch.base import SegmentationModel
from torch import nn

from napari_edgeflow.engine.system.json_text import parse_json

MODEL_CLASS = "_model_class"
"""Key under which smp's ``config.json`` names the architecture."""

_LONGEST_TEXT = 20_000
"""Characters of a configuration; a network of so long a one takes minutes to make."""

_TIMM = "tu-"
"""How names of timm's networks begin in smp."""

_TIMMS_OWN = {*inspect.signature(timm.create_model).parameters} - {"kwargs"}
"""What timm takes for names of other files and servers: nothing for a file to say."""


@dataclass(frozen=True, slots=True)
class SemanticConfig:
    """A network of smp: its class and the arguments it is made with.

    Parameters
    ----------
    architecture : str
        Name of the class in smp, such as "DeepLabV3Plus".
    arguments : mapping
        Its keyword arguments, as in the ``config.json`` that smp writes.

    Raises
    ------
    ValueError
        If smp has no such architecture, or an argument names another file or server.
    """

    architecture: str = "DeepLabV3Plus"
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the name once."""
        known = architectures()
        if self.architecture not in known:
            raise ValueError(
                f"unknown architecture {self.architecture!r:.100}: smp has "
                f"{', '.join(known)}"
            )
        if foreign := sorted(_TIMMS_OWN & self.arguments.keys()):
            raise ValueError(
                f"the argument {foreign[0]} is not the network's: leave it out"
            )
        # Names of folders and of servers are none of timm's: nothing is fetched.
        name = self.encoder.removeprefix(_TIMM)
        if name != self.encoder and not timm.is_model(name):
            raise ValueError(
                f"unknown encoder {self.encoder!r:.100}: timm has no such network"
            )

    @classmethod
    def from_text(cls, text: str) -> "SemanticConfig":
        """Return what a checkpoint's metadata or a ``config.json`` of smp holds.

        Raises
        ------
        ValueError
            If the text cannot be understood, or as for the class.
        """
        try:
            record = parse_json(text[: _LONGEST_TEXT + 1])
        except ValueError as error:
            raise ValueError(
                f"the checkpoint's configuration is damaged ({error}): write it again"
            ) from error
        if len(text) > _LONGEST_TEXT or not isinstance(record, dict):
            raise ValueError(
                f"the checkpoint's configuration is {text:.50}: write it again"
            )
        arguments = {k: v for k, v in record.items() if not k.startswith("_")}
        return cls(str(record.get(MODEL_CLASS, "")), arguments)

    def to_json(self) -> dict[str, Any]:
        """Return the record that smp's ``from_pretrained`` reads."""
        return {
            **self.arguments,
            "encoder_weights": None,
            MODEL_CLASS: self.architecture,
        }

    @property
    def encoder(self) -> str:
        """Name of the encoder."""
        return str(self.arguments.get("encoder_name", "resnet34"))

    @property
    def outputs(self) -> int:
        """Number of classes; ValueError if it is none."""
        return self._number("classes", 1)

    @property
    def channels(self) -> int:
        """Number of input channels; ValueError if it is none."""
        return self._number("in_channels", 3)

    def _number(self, name: str, usual: int) -> int:
        found = self.arguments.get(name, usual)
        if not isinstance(found, int) or not 0 < found < 1 << 16:
            raise ValueError(f"{name} is {found!r:.50}: use a number from 1 to 65535")
        return found

    def build(self) -> SegmentationModel:
        """Return the network with random weights.

        Raises
        ------
        ValueError
            If the encoder or an argument is unknown to smp or timm.
        """
        arguments = {**self.arguments, "encoder_weights": None}
        try:
            model: SegmentationModel = getattr(smp, self.architecture)(**arguments)
        # smp and timm do with arguments that do not fit whatever they do.
        except Exception as error:
            raise ValueError(
                f"cannot build {self.architecture} with the encoder "
                f"{self.encoder!r:.100}: {error!s:.500}"
            ) from error
        return model


def architectures() -> tuple[str, ...]:
    """Return the names of smp's architectures."""
    return tuple(
        name
        for name, value in vars(smp).items()
        if inspect.isclass(value) and issubclass(value, SegmentationModel)
    )


def head_upsampling(model: SegmentationModel) -> tuple[str, int] | None:
    """Return name and factor of the plain upsampling that ends a network, if any.

    The classes of a pixel are worked out at the resolution before it, which takes a
    fraction of time and memory.
    """
    head = getattr(model, "segmentation_head", None)
    if not isinstance(head, nn.Sequential) or len(head) != 3:
        return None
    last, activation = head[1], getattr(head[2], "activation", head[2])
    plain = isinstance(activation, nn.Identity)
    if plain and isinstance(last, nn.Upsample) and last.align_corners:
        return "segmentation_head.1", int(last.scale_factor)  # type: ignore[arg-type]
    return None
