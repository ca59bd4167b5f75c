"""Classes: id, name and colour, with PASCAL VOC's as the default."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["semantic", "object"]

Colour = tuple[int, int, int]
Rgba = tuple[float, float, float, float]

METADATA = "napari_edgeflow"
"""Key of our entry in a layer's metadata and in the text of a PNG."""

VOC_NAMES = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)

MAX_CLASS_ID = 65_535

TRANSPARENT: Rgba = (0.0, 0.0, 0.0, 0.0)
_UNKNOWN: Rgba = (0.5, 0.5, 0.5, 1.0)


def voc_palette(size: int = 256) -> NDArray[np.uint8]:
    """Return PASCAL VOC's palette by its bit rule: (size, 3) uint8.

    Bits 0, 3, 6 of an id go to red, 1, 4, 7 to green and 2, 5 to blue, from the
    highest bit of the colour downwards (the VOC devkit's ``VOClabelcolormap``). Ids
    from 256 on repeat.
    """
    ids = np.arange(size)
    palette = np.zeros((size, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            value = (ids >> (3 * bit + channel)) & 1
            if 3 * bit + channel < 8:
                palette[:, channel] |= (value << (7 - bit)).astype(np.uint8)
    return palette


@dataclass(frozen=True, slots=True)
class LabelClass:
    """One class.

    Parameters
    ----------
    id : int
        1 to 65,535; 0 is the background.
    name : str
        What a person calls it; not empty.
    colour : tuple of int
        Red, green and blue, 0 to 255.

    Raises
    ------
    ValueError
        If one of them is out of bounds.
    """

    id: int
    name: str
    colour: Colour

    def __post_init__(self) -> None:
        """Check the values once."""
        if not 0 < self.id <= MAX_CLASS_ID:
            raise ValueError(f"class id {self.id}: use 1 to {MAX_CLASS_ID}")
        if not self.name.strip():
            raise ValueError(f"class {self.id} has no name: give it one")
        if len(self.colour) != 3 or not all(0 <= c <= 255 for c in self.colour):
            raise ValueError(
                f"colour {self.colour} of class {self.name!r}: use three values "
                "from 0 to 255"
            )


@dataclass(frozen=True, slots=True)
class ClassTable:
    """Classes in the order a person put them; ids are unique.

    Raises
    ------
    ValueError
        If two classes share an id.
    """

    classes: tuple[LabelClass, ...]

    def __post_init__(self) -> None:
        """Check the ids once."""
        ids = [entry.id for entry in self.classes]
        if len(set(ids)) < len(ids):
            double = next(i for i in ids if ids.count(i) > 1)
            raise ValueError(f"class id {double} occurs twice: give each its own")

    @classmethod
    def voc(cls) -> "ClassTable":
        """Return PASCAL VOC's 20 classes."""
        palette = voc_palette(len(VOC_NAMES)).tolist()
        names = enumerate(VOC_NAMES)
        return cls(tuple(LabelClass(i, n, (*palette[i],)) for i, n in names if i > 0))

    @classmethod
    def from_records(cls, records: Iterable[Mapping[str, object]]) -> "ClassTable":
        """Return the table of what :meth:`to_records` gave.

        Raises
        ------
        ValueError
            If a record lacks a field or a value is out of bounds.
        """
        try:
            return cls(
                tuple(
                    LabelClass(int(r["id"]), str(r["name"]), (*map(int, r["colour"]),))  # type: ignore[call-overload]
                    for r in records
                )
            )
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(
                f"a class needs id, name and colour; this is missing: {error}"
            ) from error

    def to_records(self) -> list[dict[str, object]]:
        """Return plain values, for JSON and layer metadata."""
        return [
            {"id": c.id, "name": c.name, "colour": list(c.colour)} for c in self.classes
        ]

    def __iter__(self) -> Iterator[LabelClass]:
        """Iterate over the classes in order."""
        return iter(self.classes)

    def __len__(self) -> int:
        """Return the number of classes."""
        return len(self.classes)

    def get(self, class_id: int) -> LabelClass:
        """Return the class of an id.

        Raises
        ------
        ValueError
            If there is none.
        """
        for entry in self.classes:
            if entry.id == class_id:
                return entry
        known = ", ".join(str(c.id) for c in self.classes)
        raise ValueError(f"no class {class_id}: the table has {known}")

    def with_class(self, entry: LabelClass) -> "ClassTable":
        """Return a table with ``entry`` added, or put in place of its id."""
        if any(c.id == entry.id for c in self.classes):
            kept = (entry if c.id == entry.id else c for c in self.classes)
            return ClassTable(tuple(kept))
        return ClassTable((*self.classes, entry))

    def without(self, class_id: int) -> "ClassTable":
        """Return a table without the class of this id."""
        self.get(class_id)
        return ClassTable(tuple(c for c in self.classes if c.id != class_id))

    def moved(self, class_id: int, place: int) -> "ClassTable":
        """Return a table with a class at another place; beyond the end is the end."""
        entry = self.get(class_id)
        others = [c for c in self.classes if c.id != class_id]
        others.insert(max(place, 0), entry)
        return ClassTable(tuple(others))

    def replaced(self, class_id: int, entry: LabelClass) -> "ClassTable":
        """Return a table with ``entry``, which may have another id, in its place."""
        self.get(class_id)
        kept = (entry if c.id == class_id else c for c in self.classes)
        return ClassTable(tuple(kept))

    def exchanged(self, old: "ClassTable", new: "ClassTable") -> "ClassTable":
        """Return a table in which what differs between two others is exchanged.

        Classes that are neither's stay as they are, and so does the order unless it is
        that of ``old``. No table becomes empty by that.
        """
        before, after = ({c.id: c for c in table} for table in (old, new))
        kept = {
            c.id: after.get(c.id) if before.get(c.id) == c else c for c in self.classes
        }
        found = [c for c in kept.values() if c is not None]
        in_order = [c.id for c in self if c.id in before] == list(before)
        for place, entry in enumerate(new):
            if entry.id not in kept and entry.id not in before:
                found.insert(place, entry)
        if in_order:
            places = [at for at, c in enumerate(found) if c.id in after]
            ranks = list(after)
            ordered = sorted(
                (found[at] for at in places), key=lambda c: ranks.index(c.id)
            )
            for at, entry in zip(places, ordered, strict=True):
                found[at] = entry
        return ClassTable(tuple(found)) if found else self

    def next_id(self) -> int:
        """Return the lowest free id."""
        taken = {c.id for c in self.classes}
        return next(i for i in range(1, MAX_CLASS_ID + 1) if i not in taken)

    def palette(self) -> NDArray[np.uint8]:
        """Return a (256, 3) uint8 palette: VOC's, with this table's colours."""
        palette = voc_palette()
        for entry in self.classes:
            if entry.id < len(palette):
                palette[entry.id] = entry.colour
        return palette


def label_colours(classes: ClassTable) -> dict[int | None, Rgba]:
    """Return RGBA from 0 to 1 for each class id, and for what is none.

    Parameters
    ----------
    classes : ClassTable
        The classes; ids below 256 have a colour even if not in use.

    Returns
    -------
    dict
        0 is transparent, and None holds for every other value that is not a key.
    """
    colours: dict[int | None, Rgba] = {None: _UNKNOWN, 0: TRANSPARENT}
    for value, colour in enumerate(classes.palette().tolist()):
        if value:
            colours[value] = _rgba(colour)
    for entry in classes:
        colours[entry.id] = _rgba(entry.colour)
    return colours


def _rgba(colour: Sequence[int]) -> Rgba:
    red, green, blue = colour
    return red / 255, green / 255, blue / 255, 1.0


def match_classes(
    present: ClassTable, found: ClassTable
) -> tuple[ClassTable, dict[int, int]]:
    """Return a table that holds the classes of two, and where the second's went.

    A class is known by its name. One that the first table lacks is added, under its
    own id if that is free.

    Parameters
    ----------
    present : ClassTable
        Keeps all of its ids, names and colours.
    found : ClassTable
        Classes to find in it, or to add.

    Returns
    -------
    classes : ClassTable
        The first table with the classes it lacked.
    ids : dict
        Id in ``found`` to the id in ``classes``.
    """
    ids: dict[int, int] = {}
    for entry in found:
        same = next((c.id for c in present if c.name == entry.name), None)
        if same is None:
            taken = {c.id for c in present} | {c.id for c in found}
            is_free = all(c.id != entry.id for c in present)
            same = entry.id if is_free else _lowest_free(taken)
            present = present.with_class(type(entry)(same, entry.name, entry.colour))
        ids[entry.id] = same
    return present, ids


def _lowest_free(taken: Collection[int]) -> int:
    return next(i for i in range(1, len(taken) + 2) if i not in taken)
