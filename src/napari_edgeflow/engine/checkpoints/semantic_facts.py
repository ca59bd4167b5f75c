"""What a checkpoint says of a semantic network's classes and input."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from napari_edgeflow.engine.checkpoints.checkpoint import Checkpoint
from napari_edgeflow.engine.labels.classes import (
    MAX_CLASS_ID,
    ClassTable,
    LabelClass,
    voc_palette,
)
from napari_edgeflow.engine.system.json_text import parse_json

CHANNELS = (1, 3)
"""Numbers of input channels that images can be given in: grey and colour."""

_SIDES = 32, 8192
"""Sides in pixels of the smallest and of the largest window; a square of the latter
takes gigabytes."""

_LONGEST_SIDE = 65_536
"""To which images are resized at most, in pixels."""

BACKGROUND = "background"
"""Name of the class 0."""


@dataclass(frozen=True, slots=True)
class SemanticFacts:
    """Classes and input of a semantic network.

    Parameters
    ----------
    classes : ClassTable
        Names and colours; the background is not among them.
    class_ids : tuple of int
        The id of each of the network's outputs, the background's 0 among them.
    mean, std : tuple of float
        Of each input channel, for pixels from 0 to 1.
    window : int
        Side in pixels of what the network sees at once, a multiple of 32 up to 8192.
    longest_side : int or None
        Side to which images are resized, or None if the network was trained on
        pixels as they are.
    stretched : bool
        Whether black and white are the darkest and brightest pixels of each image,
        as for images of a microscope, which may use a small part of the values.

    Raises
    ------
    ValueError
        If the values cannot be those of a network.
    """

    classes: ClassTable
    class_ids: tuple[int, ...]
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    window: int = 512
    longest_side: int | None = None
    stretched: bool = False

    def __post_init__(self) -> None:
        """Check the values once."""
        if len(self.class_ids) < 2 or len(set(self.class_ids)) < len(self.class_ids):
            raise ValueError(
                f"class ids {self.class_ids!s:.100}: a network tells two or more apart"
            )
        if not all(0 <= i <= MAX_CLASS_ID for i in self.class_ids):
            raise ValueError(
                f"class ids {self.class_ids!s:.100}: use 0 to {MAX_CLASS_ID}"
            )
        unnamed = set(self.class_ids) - {0} - {c.id for c in self.classes}
        if unnamed:
            raise ValueError(f"class {min(unnamed)} has no name in the class table")
        if self.channels not in CHANNELS or len(self.std) != self.channels:
            raise ValueError(
                f"a network with {self.channels} input channels cannot be used: "
                "images are given to it in grey (1) or colour (3)"
            )
        if not all(map(math.isfinite, self.mean)) or not all(
            0 < deviation < math.inf for deviation in self.std
        ):
            raise ValueError(
                f"mean {self.mean} and deviation {self.std} of pixels: use numbers, "
                "deviations over 0"
            )
        smallest, largest = _SIDES
        if not smallest <= self.window <= largest or self.window % smallest:
            raise ValueError(
                f"window {self.window}: use a multiple of {smallest} up to {largest}"
            )
        longest = self.longest_side
        if longest is not None and not 0 < longest <= _LONGEST_SIDE:
            raise ValueError(f"longest side {longest}: use 1 to {_LONGEST_SIDE} pixels")

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return len(self.mean)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the network's outputs in order."""
        return tuple(
            self.classes.get(i).name if i else BACKGROUND for i in self.class_ids
        )

    def scale(self, shape: tuple[int, int]) -> float:
        """Return pixels that the network should see per pixel of an image."""
        return 1.0 if self.longest_side is None else self.longest_side / max(shape)

    @classmethod
    def unnamed(
        cls, count: int, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> "SemanticFacts":
        """Return the facts of a network of which only the number of classes is known.

        A network with a single output tells one class from the background.
        """
        ids = tuple(range(max(count, 2)))
        palette = voc_palette(len(ids)).tolist()
        named = (LabelClass(i, f"class {i}", (*palette[i],)) for i in ids[1:])
        return cls(ClassTable(tuple(named)), ids, mean, std)

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "SemanticFacts":
        """Return what a checkpoint of ours says; ValueError that names it if not."""
        try:
            return cls.from_metadata(checkpoint.metadata)
        except ValueError as error:
            raise ValueError(f"{checkpoint.weights} cannot be used: {error}") from error

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "SemanticFacts":
        """Return what :meth:`to_metadata` wrote.

        Raises
        ------
        ValueError
            If something is missing or not as it should be.
        """
        try:
            record = parse_json(metadata["input"])
            longest = record["longest_side"]
            return cls(
                ClassTable.from_records(parse_json(metadata["classes"])),
                tuple(int(i) for i in record["class_ids"]),
                tuple(float(v) for v in record["mean"]),
                tuple(float(v) for v in record["std"]),
                int(record["window"]),
                None if longest is None else int(longest),
                bool(record.get("stretched", False)),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(
                "the checkpoint does not say what its classes and input are "
                f"({error!s:.200}): write it again, or choose another"
            ) from error

    def to_metadata(self) -> dict[str, str]:
        """Return strings for the header of a safetensors file."""
        record = asdict(self)
        del record["classes"]
        return {
            "classes": json.dumps(self.classes.to_records()),
            "input": json.dumps(record),
        }
