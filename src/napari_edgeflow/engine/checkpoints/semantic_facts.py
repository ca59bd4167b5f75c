"""What a checkpoint says of a semantic network's classes and input."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass, voc_palette

CHANNELS = (1, 3)
"""Numbers of input channels that images can be given in: grey and colour."""

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
        Side in pixels of what the network sees at once, a multiple of 32.
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
                f"class ids {self.class_ids}: a network tells two or more apart"
            )
        unnamed = set(self.class_ids) - {0} - {c.id for c in self.classes}
        if unnamed:
            raise ValueError(f"class {min(unnamed)} has no name in the class table")
        if self.channels not in CHANNELS or len(self.std) != self.channels:
            raise ValueError(
                f"a network with {self.channels} input channels cannot be used: "
                "images are given to it in grey (1) or colour (3)"
            )
        if self.window < 32 or self.window % 32:
            raise ValueError(f"window {self.window}: use a multiple of 32")

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
    def from_metadata(cls, metadata: Mapping[str, str]) -> "SemanticFacts":
        """Return what :meth:`to_metadata` wrote.

        Raises
        ------
        ValueError
            If something is missing or not as it should be.
        """
        try:
            record = json.loads(metadata["input"])
            longest = record["longest_side"]
            return cls(
                ClassTable.from_records(json.loads(metadata["classes"])),
                tuple(int(i) for i in record["class_ids"]),
                tuple(float(v) for v in record["mean"]),
                tuple(float(v) for v in record["std"]),
                int(record["window"]),
                None if longest is None else int(longest),
                bool(record.get("stretched", False)),
            )
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(
                "the checkpoint does not say what its classes and input are "
                f"({error}): write it again, or choose another"
            ) from error

    def to_metadata(self) -> dict[str, str]:
        """Return strings for the header of a safetensors file."""
        record = asdict(self)
        del record["classes"]
        return {
            "classes": json.dumps(self.classes.to_records()),
            "input": json.dumps(record),
        }
