"""What a project knows of one image: its labels, their objects, and unfinished work."""

import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import ClassTable, Kind

LayerKind = Kind | Literal["plain"]
"""What values mean: classes, objects, or nobody said."""

LAYER_KINDS: tuple[LayerKind, ...] = ("semantic", "object", "plain")

Row = Mapping[str, object]
"""What is known of one object: JSON values by name, without its id."""

Draft = Mapping[str, Any]
"""The object in progress, as the dock that made it writes it down."""


_FAST = 1
"""zlib's level: labels are mostly runs of one value."""


@dataclass(frozen=True, slots=True)
class PackedLabels:
    """Labels, compressed.

    Parameters
    ----------
    shape : tuple of int
        Of the labels.
    dtype : str
        Of the labels, as numpy writes it.
    data : bytes
        Their values.
    """

    shape: tuple[int, ...]
    dtype: str
    data: bytes = field(repr=False)

    @classmethod
    def of(cls, labels: NDArray[Any]) -> "PackedLabels":
        """Return labels packed."""
        data = zlib.compress(np.ascontiguousarray(labels).data, _FAST)
        return cls(labels.shape, labels.dtype.str, data)

    def unpacked(self) -> NDArray[np.integer[Any]]:
        """Return the labels."""
        values = np.frombuffer(zlib.decompress(self.data), np.dtype(self.dtype))
        labels: NDArray[np.integer[Any]] = values.reshape(self.shape).copy()
        return labels

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        text = b64encode(self.data).decode("ascii")
        return {"shape": list(self.shape), "dtype": self.dtype, "zlib": text}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "PackedLabels":
        """Return what :meth:`to_json` gave."""
        shape = tuple(int(side) for side in record["shape"])
        return cls(shape, str(record["dtype"]), b64decode(record["zlib"]))


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


def always_quiet() -> int:
    """Say that no step is being done: labels that nobody edits."""
    return 0


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
    quiet : callable
        Returns None while a step is being done to the labels, which is on disk as a
        whole or not at all, else how many were done so far.
    """

    kind: LayerKind
    classes: ClassTable
    labels: NDArray[np.integer[Any]] = field(repr=False)
    rows: Mapping[int, Row] = field(default_factory=dict)
    removals: int = 0
    counts: Mapping[int, int] | None = None
    taken: tuple[TakenLabels, ...] = ()
    quiet: Callable[[], int | None] = field(default=always_quiet, repr=False)

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


def facts_of(layer: LabelContent) -> dict[str, Any]:
    """Return what is written of labels beside their values and rows."""
    facts = {
        "kind": layer.kind,
        "classes": layer.classes.to_records(),
        "shape": list(layer.labels.shape),
        "dtype": layer.labels.dtype.str,
        "removals": layer.removals,
    }
    if layer.taken:
        facts["taken"] = [one.to_json() for one in layer.taken]
    return facts


def layer_of(
    facts: Mapping[str, Any], labels: NDArray[np.integer[Any]] | None = None
) -> LabelContent:
    """Return labels that :func:`facts_of` tells of, without their rows.

    Parameters
    ----------
    facts : mapping
        What was written.
    labels : ndarray, optional
        The values, where they have the right shape; else they are 0.

    Raises
    ------
    ValueError
        If a fact is missing or makes no sense.
    """
    try:
        if facts["kind"] not in LAYER_KINDS:
            raise ValueError(f"kind {facts['kind']!r} is none of {LAYER_KINDS}")
        shape = tuple(int(side) for side in facts["shape"])
        dtype = np.dtype(str(facts["dtype"]))
        if dtype.kind not in "bui":
            raise ValueError(f"labels are whole numbers, not {dtype}")
        if labels is None or labels.shape != shape:
            labels = np.zeros(shape, dtype)
        return LabelContent(
            facts["kind"],
            ClassTable.from_records(facts["classes"]),
            labels.astype(dtype, copy=False),
            removals=int(facts.get("removals", 0)),
            taken=tuple(map(TakenLabels.from_json, facts.get("taken", ()))),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a layer of labels lacks {error}") from error


def rows_to_json(rows: Mapping[int, Row]) -> list[dict[str, object]]:
    """Return rows as a list of objects with their ids."""
    return [{"id": index, **row} for index, row in rows.items()]


def rows_from_json(records: Any) -> dict[int, Row]:
    """Return what :func:`rows_to_json` gave.

    Raises
    ------
    AttributeError, KeyError, TypeError, ValueError
        If a row has no id, or no class where one should be.
    """
    rows: dict[int, Row] = {}
    for record in records:
        if isinstance(record.get("class_id"), list | dict):
            raise ValueError(f"an object has the class {record['class_id']!r}")
        rows[int(record["id"])] = {k: v for k, v in record.items() if k != "id"}
    return rows
