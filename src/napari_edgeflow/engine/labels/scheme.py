"""What the values of labels mean, and what metadata of layers say of that.

Layers and readers keep it under one key, :data:`METADATA`: ``kind`` and ``classes`` of
labels, ``hidden`` for the ids of classes that are not shown, ``image`` for the image
that labels belong to, in its own metadata and in theirs, and ``file_name`` for the file
of the image where labels came from a file of their own.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from napari_edgeflow.engine.labels.classes import (
    METADATA,
    TRANSPARENT,
    ClassTable,
    Kind,
    Rgba,
    label_colours,
)


@dataclass(frozen=True, slots=True)
class LabelScheme:
    """What the values of labels mean.

    Parameters
    ----------
    kind : {"semantic", "object"}
        Whether a value is the id of a class or of an object.
    classes : ClassTable
        The classes.
    """

    kind: Kind
    classes: ClassTable

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> "LabelScheme | None":
        """Return what metadata say; None if they say nothing of labels."""
        entry = entry_of(metadata)
        match entry.get("kind"):
            case "semantic" | "object" as kind:
                return cls(kind, ClassTable.from_records(entry["classes"]))
        return None

    @property
    def entry(self) -> dict[str, Any]:
        """What metadata say of it, for :func:`with_entry`."""
        return {"kind": self.kind, "classes": self.classes.to_records()}

    def colours(
        self, class_of: Mapping[int, int], hidden: Collection[int] = ()
    ) -> dict[int | None, Rgba]:
        """Return the colour of each value: RGBA from 0 to 1.

        Parameters
        ----------
        class_of : mapping
            Of objects: their classes.
        hidden : collection of int
            Classes that are not shown.

        Returns
        -------
        dict
            0 is transparent, and None holds for every other value that is not a key.
        """
        by_class = label_colours(self.classes) | dict.fromkeys(hidden, TRANSPARENT)
        if self.kind == "semantic":
            return by_class
        unknown = by_class[None]
        # An object of class 0 has no class; it must not vanish for that.
        known = {i: by_class.get(c or None, unknown) for i, c in class_of.items()}
        return {None: unknown, 0: TRANSPARENT} | known


def entry_of(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what metadata of a layer hold under our key; empty if nothing."""
    entry = metadata.get(METADATA)
    return entry if isinstance(entry, Mapping) else {}


def new_image_mark() -> str:
    """Return what an image and labels that are made for it are to be known by."""
    return uuid4().hex


def with_entry(metadata: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    """Return metadata in which these values are under our key, beside the others."""
    return {**metadata, METADATA: {**entry_of(metadata), **values}}
