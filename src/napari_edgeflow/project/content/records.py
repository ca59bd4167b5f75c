"""What a project knows of one image: its labels, their objects, and unfinished work."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.project.content.packed_labels import PackedLabels

Kind = Literal["semantic", "object", "plain"]
"""What values mean: classes, objects, or nobody said."""

KINDS: tuple[Kind, ...] = ("semantic", "object", "plain")

Row = Mapping[str, object]
"""What is known of one object: JSON values by name, without its id."""

Draft = Mapping[str, Any]
"""The object in progress, as the dock that made it writes it down."""


@dataclass(frozen=True, slots=True, eq=False)
class TakenLabels:
    """What labels lost when a class was taken away, to give it back.

    Parameters
    ----------
    number : int
        Of the :class:`RemovedClass`.
    class_id, heir : int
        As in it.
    rows : dict
        The objects that had the class: their rows as far as they changed.
    pixels : PackedLabels or None
        The values that were lost, 0 elsewhere; None where no pixel changed.
    """

    number: int
    class_id: int
    heir: int
    rows: Mapping[int, Row] = field(default_factory=dict)
    pixels: PackedLabels | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "number": self.number,
            "id": self.class_id,
            "heir": self.heir,
            "objects": rows_to_json(self.rows),
            "pixels": None if self.pixels is None else self.pixels.to_json(),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "TakenLabels":
        """Return what :meth:`to_json` gave."""
        pixels = record["pixels"]
        return cls(
            int(record["number"]),
            int(record["id"]),
            int(record["heir"]),
            rows_from_json(record["objects"]),
            None if pixels is None else PackedLabels.from_json(pixels),
        )


@dataclass(frozen=True, slots=True, eq=False)
class LabelContent:
    """The labels of one layer and what is known of them.

    Parameters
    ----------
    kind : {"semantic", "object", "plain"}
        What the values are.
    classes : ClassTable
        The classes; empty for plain labels.
    labels : ndarray
        (..., H, W) integer. Writers read it in the background while a person goes on
        working in it: what they miss is told to them by the next content.
    rows : dict
        Of objects: what is known of each, by id.
    removals : int
        How many of the project's :class:`RemovedClass` they know of.
    counts : dict or None
        How many rows have each class, where that is known; see :attr:`class_counts`.
    taken : tuple of TakenLabels
        What they lost with classes that may be brought back.
    """

    kind: Kind
    classes: ClassTable
    labels: NDArray[np.integer[Any]] = field(repr=False)
    rows: Mapping[int, Row] = field(default_factory=dict)
    removals: int = 0
    counts: Mapping[int, int] | None = None
    taken: tuple[TakenLabels, ...] = ()

    @property
    def class_counts(self) -> Mapping[int, int]:
        """How many rows have each class."""
        if self.counts is not None:
            return self.counts
        ids = Counter(row.get("class_id") for row in self.rows.values())
        return {i: count for i, count in ids.items() if isinstance(i, int)}


@dataclass(frozen=True, slots=True, eq=False)
class PageContent:
    """All that a person made on one image.

    Parameters
    ----------
    layers : dict
        The labels by a short name that stays, such as "objects" or "classes".
    draft : dict or None
        The object in progress.
    """

    layers: Mapping[str, LabelContent] = field(default_factory=dict)
    draft: Draft | None = None


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """What a page's file says of one layer; the values are in a label image.

    Parameters
    ----------
    kind : {"semantic", "object", "plain"}
        What the values are.
    classes : ClassTable
        The classes.
    shape : tuple of int
        Of the labels.
    dtype : str
        Of the labels, as numpy writes it.
    file : str
        The label image below the project's folder; "" before there is one.
    rows : dict
        Of objects: what is known of each, by id.
    removals : int
        As in :class:`LabelContent`.
    taken : tuple of TakenLabels
        As in :class:`LabelContent`.
    """

    kind: Kind
    classes: ClassTable
    shape: tuple[int, ...]
    dtype: str
    file: str = ""
    rows: Mapping[int, Row] = field(default_factory=dict)
    removals: int = 0
    taken: tuple[TakenLabels, ...] = ()

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "LayerRecord":
        """Return what :meth:`to_json` gave.

        Raises
        ------
        ValueError
            If a value is missing or makes no sense.
        """
        try:
            if record["kind"] not in KINDS:
                raise ValueError(f"kind {record['kind']!r} is none of {KINDS}")
            return cls(
                record["kind"],
                ClassTable.from_records(record["classes"]),
                tuple(int(side) for side in record["shape"]),
                _label_dtype(record["dtype"]),
                str(record.get("file", "")),
                rows_from_json(record.get("objects", ())),
                int(record.get("removals", 0)),
                taken_from_json(record),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a layer of labels lacks {error}") from error

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "kind": self.kind,
            "classes": self.classes.to_records(),
            "shape": list(self.shape),
            "dtype": self.dtype,
            "file": self.file,
            "removals": self.removals,
            **taken_to_json(self.taken),
            "objects": rows_to_json(self.rows),
        }


def taken_to_json(taken: Sequence[TakenLabels]) -> dict[str, Any]:
    """Return an entry for a layer's record; none for most, which lost nothing."""
    return {"taken": [one.to_json() for one in taken]} if taken else {}


def taken_from_json(record: Mapping[str, Any]) -> tuple[TakenLabels, ...]:
    """Return what :func:`taken_to_json` put into a layer's record."""
    return tuple(map(TakenLabels.from_json, record.get("taken", ())))


def rows_to_json(rows: Mapping[int, Row]) -> list[dict[str, object]]:
    """Return rows as a list of objects with their ids."""
    return [{"id": index, **row} for index, row in rows.items()]


def rows_from_json(records: Any) -> dict[int, Row]:
    """Return what :func:`rows_to_json` gave.

    Raises
    ------
    KeyError, TypeError, ValueError
        If a row has no id.
    """
    return {
        int(record["id"]): {k: v for k, v in record.items() if k != "id"}
        for record in records
    }


def _label_dtype(name: object) -> str:
    dtype = np.dtype(str(name))
    if dtype.kind not in "bui":
        raise ValueError(f"labels are whole numbers, not {dtype}")
    return dtype.str
