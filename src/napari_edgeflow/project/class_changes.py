"""Classes that were taken away, and what that means for images not open then."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.classes import ClassTable
from napari_edgeflow.project.records import LabelContent, PageContent, Row


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
        How many objects of the class images had that do not know of it yet.
    """

    number: int
    class_id: int
    heir: int
    pages: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "RemovedClass":
        """Return what :meth:`to_json` gave."""
        pages = {str(n): int(count) for n, count in record.get("pages", {}).items()}
        return cls(int(record["number"]), int(record["id"]), int(record["heir"]), pages)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "number": self.number,
            "id": self.class_id,
            "heir": self.heir,
            "pages": dict(self.pages),
        }

    def moved(self, counts: Mapping[int, int]) -> dict[int, int]:
        """Return numbers of objects by class, after it went."""
        left = {i: count for i, count in counts.items() if i != self.class_id}
        mine = counts.get(self.class_id, 0)
        if self.heir and mine:
            left[self.heir] = left.get(self.heir, 0) + mine
        return left


def up_to_date(
    content: PageContent, removed: Sequence[RemovedClass], classes: ClassTable
) -> PageContent:
    """Return what is on an image with the classes as they are now.

    Parameters
    ----------
    content : PageContent
        What was saved; it stays as it is.
    removed : sequence of RemovedClass
        What was taken away since the project began, in order.
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
    pending = [entry for entry in removed if entry.number > layer.removals]
    for entry in pending:
        layer = _without(layer, entry)
    names = {entry.id: entry.name for entry in classes}
    return replace(
        layer,
        classes=known_classes(layer, classes),
        rows={i: _named(row, names) for i, row in layer.rows.items()},
    )


def known_classes(layer: LabelContent, classes: ClassTable) -> ClassTable:
    """Return the project's classes, and those that only the labels have."""
    known = {entry.id for entry in classes}
    used = {row.get("class_id") for row in layer.rows.values()}
    for entry in layer.classes:
        if entry.id not in known and (layer.kind == "semantic" or entry.id in used):
            classes = classes.with_class(entry)
    return classes


def _named(row: Row, names: Mapping[int, str]) -> Row:
    class_id = row.get("class_id")
    name = names.get(class_id) if isinstance(class_id, int) else None
    if name is None or "class_name" not in row or row["class_name"] == name:
        return row
    return {**row, "class_name": name}


def _without(layer: LabelContent, entry: RemovedClass) -> LabelContent:
    """Return labels without a class that was taken away."""
    mine = [i for i, row in layer.rows.items() if row.get("class_id") == entry.class_id]
    rows, labels = dict(layer.rows), layer.labels
    for index in mine:
        if entry.heir:
            rows[index] = {**rows[index], "class_id": entry.heir}
        else:
            del rows[index]
    if layer.kind == "semantic":
        labels = _overwritten(labels, [entry.class_id], entry.heir)
    elif mine and not entry.heir:
        labels = _overwritten(labels, mine, 0)
    classes = ClassTable(tuple(c for c in layer.classes if c.id != entry.class_id))
    return replace(
        layer,
        classes=classes,
        labels=labels,
        rows=rows,
        removals=entry.number,
        counts=None,
    )


def _overwritten(
    labels: NDArray[np.integer[Any]], values: Iterable[int], value: int
) -> NDArray[np.integer[Any]]:
    """Return labels with one value in place of others."""
    there = np.isin(labels, list(values))
    if not there.any():
        return labels
    # A class may have a higher id than these labels can hold.
    dtype = np.promote_types(labels.dtype, np.min_scalar_type(value))
    changed = labels.astype(dtype)
    changed[there] = value
    return changed
