"""Classes that were taken away, and what that means for images not open then."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.places import exchanged
from napari_edgeflow.project.content.records import (
    LabelContent,
    PackedLabels,
    PageContent,
    Row,
    TakenLabels,
)

_CLASS_COLUMNS = ("class_id", "class_name")


@dataclass(frozen=True, slots=True)
class RemovedClass:
    """A class that was taken away on one image, and is to go on all others.

    Parameters
    ----------
    number : int
        Counts what was taken away, from 1 on. Labels know up to which number they
        are; see :class:`LabelContent`.
    class_id : int
        The class.
    heir : int
        The class its labels get; 0 if they are deleted.
    pages : dict
        How many objects of the class the other images had.
    can_return : bool
        Whether undo may bring it back: not what was read from disk.
    """

    number: int
    class_id: int
    heir: int
    pages: Mapping[str, int] = field(default_factory=dict)
    can_return: bool = field(default=True, compare=False)

    def in_values(self, values: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
        """Return values that are classes as they are once it went."""
        there = values == self.class_id
        return _overwritten(values, there, self.heir) if there.any() else values

    def in_row(self, row: Row) -> Row:
        """Return what is known of an object once it went, with the heir's id or 0."""
        return {**row, "class_id": self.heir} if self._is_of(row) else row

    def _is_of(self, row: Row) -> bool:
        return row.get("class_id") == self.class_id

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "RemovedClass":
        """Return what :meth:`to_json` gave."""
        pages = {str(n): int(count) for n, count in record.get("pages", {}).items()}
        number, class_id, heir = (int(record[key]) for key in ("number", "id", "heir"))
        return cls(number, class_id, heir, pages, can_return=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "number": self.number,
            "id": self.class_id,
            "heir": self.heir,
            "pages": dict(self.pages),
        }


def up_to_date(
    content: PageContent, removed: Sequence[RemovedClass], classes: ClassTable
) -> PageContent:
    """Return what is on an image with the classes as they are now.

    Parameters
    ----------
    content : PageContent
        What was saved; it stays as it is.
    removed : sequence of RemovedClass
        What was taken away since the project began, in order, and is not back.
    classes : ClassTable
        The project's classes.
    """
    layers = {
        key: layer if layer.kind == "plain" else _current(layer, removed, classes)
        for key, layer in content.layers.items()
    }
    return replace(content, layers=layers)


def _current(
    layer: LabelContent, removed: Sequence[RemovedClass], classes: ClassTable
) -> LabelContent:
    away = {entry.number: entry for entry in removed}
    for taken in reversed(layer.taken):
        if taken.number not in away:
            layer = given_back(layer, taken, removed)
    kept = (t for t in layer.taken if t.number in away and away[t.number].can_return)
    layer = replace(layer, taken=tuple(kept))
    for entry in removed:
        if entry.number > layer.removals:
            layer = _without(layer, entry)
    names = {entry.id: entry.name for entry in classes}
    return replace(
        layer,
        classes=known_classes(layer, classes),
        rows={i: named(row, names) for i, row in layer.rows.items()},
    )


def known_classes(layer: LabelContent, classes: ClassTable) -> ClassTable:
    """Return the project's classes, and those that only the labels have."""
    known = {entry.id for entry in classes}
    used = {row.get("class_id") for row in layer.rows.values()}
    for entry in layer.classes:
        if entry.id not in known and (layer.kind == "semantic" or entry.id in used):
            classes = classes.with_class(entry)
    return classes


def named(row: Row, names: Mapping[int, str]) -> Row:
    """Return what is known of an object with the name of its class as it is now."""
    class_id = row.get("class_id")
    name = names.get(class_id) if isinstance(class_id, int) else None
    if name is None or "class_name" not in row or row["class_name"] == name:
        return row
    return {**row, "class_name": name}


def _without(layer: LabelContent, entry: RemovedClass) -> LabelContent:
    """Return labels without a class that was taken away; what they lose is kept."""
    mine = [i for i, row in layer.rows.items() if entry._is_of(row)]
    left = {i: r for i, r in layer.rows.items() if entry.heir or not entry._is_of(r)}
    labels = layer.labels
    if layer.kind == "semantic":
        labels = entry.in_values(labels)
    elif mine and not entry.heir:
        labels = np.where(np.isin(labels, mine), labels.dtype.type(0), labels)
    classes = ClassTable(tuple(c for c in layer.classes if c.id != entry.class_id))
    taken = layer.taken
    if entry.can_return and (mine or labels is not layer.labels):
        taken = (*taken, _taken(layer, entry, mine, labels))
    return replace(
        layer,
        classes=classes,
        labels=labels,
        rows={i: entry.in_row(row) for i, row in left.items()},
        removals=entry.number,
        counts=None,
        taken=taken,
    )


def _taken(
    layer: LabelContent,
    entry: RemovedClass,
    mine: Sequence[int],
    left: NDArray[np.integer[Any]],
) -> TakenLabels:
    """Return what a class's going takes from labels, to be kept."""
    # Of objects that only get another class the rest of the row stays with them.
    changed = _CLASS_COLUMNS if entry.heir else None
    rows = {i: _only(layer.rows[i], changed) for i in mine}
    pixels = None
    if left is not layer.labels:
        pixels = PackedLabels.of(np.where(left != layer.labels, layer.labels, 0))
    return TakenLabels(entry.number, entry.class_id, entry.heir, rows, pixels)


def _only(row: Row, names: Collection[str] | None) -> Row:
    return row if names is None else {n: row[n] for n in names if n in row}


def _overwritten(
    labels: NDArray[np.integer[Any]],
    mask: NDArray[np.bool_],
    values: int | NDArray[np.integer[Any]],
) -> NDArray[np.integer[Any]]:
    """Return labels with other values in a mask."""
    # A class may have a higher id than these labels can hold.
    highest = np.min_scalar_type(int(np.max(values)))
    changed = labels.astype(np.promote_types(labels.dtype, highest))
    changed[mask] = values
    return changed


# ---- classes that are back


def given_back(
    layer: LabelContent, taken: TakenLabels, removed: Sequence[RemovedClass]
) -> LabelContent:
    """Return labels with what they lost when a class was taken away that is back.

    What was changed since stays as it is.

    Parameters
    ----------
    layer : LabelContent
        The labels.
    taken : TakenLabels
        What they lost; one of ``layer.taken``.
    removed : sequence of RemovedClass
        What is away now.
    """
    became = taken.heir
    for entry in removed:
        if entry.number > taken.number and entry.class_id == became:
            became = entry.heir
    rows, labels = dict(layer.rows), layer.labels
    for index, row in taken.rows.items():
        if index in rows and rows[index].get("class_id") == became:
            rows[index] = {**rows[index], **_only(row, _CLASS_COLUMNS)}
    pixels = None if taken.pixels is None else taken.pixels.unpacked()
    if pixels is not None and pixels.shape == labels.shape:
        mask = (pixels > 0) & (labels == (became if layer.kind == "semantic" else 0))
        if layer.kind == "object":
            pixels, again = _with_free_ids(layer, np.where(mask, pixels, 0), taken.rows)
            rows.update(again)
        if mask.any():
            labels = _overwritten(labels, mask, pixels[mask])
    others = tuple(_kept(t, taken) for t in layer.taken if t is not taken)
    return replace(layer, labels=labels, rows=rows, taken=others, counts=None)


def _with_free_ids(
    layer: LabelContent, pixels: NDArray[np.integer[Any]], rows: Mapping[int, Row]
) -> tuple[NDArray[np.integer[Any]], dict[int, Row]]:
    """Return the pixels and rows of objects, with new ids for ids others have now."""
    ids = np.unique(pixels[pixels > 0]).tolist()
    used = set(layer.rows) | set(np.unique(layer.labels[np.isin(layer.labels, ids)]))
    free = max(int(layer.labels.max(initial=0)), *layer.rows, *ids, 0) + 1
    given = {}
    for index in ids:
        given[index] = free if index in used else index
        free += index in used
    again = {given[i]: rows[i] for i in ids if i in rows}
    return exchanged(pixels, given), again


def _kept(later: TakenLabels, back: TakenLabels) -> TakenLabels:
    """Return what a later class took from labels, which have their own class again."""
    changed = {
        i: {**row, **_only(back.rows[i], _CLASS_COLUMNS)}
        for i, row in later.rows.items()
        if i in back.rows and row.get("class_id") == back.heir
    }
    return replace(later, rows={**later.rows, **changed})
