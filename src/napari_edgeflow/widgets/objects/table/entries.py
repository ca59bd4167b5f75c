"""The objects of a Labels layer as the dock "Objects" lists them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import ClassTable, Colour
from napari_edgeflow.engine.labels.objects import ObjectMeasure, measure_objects
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.layers.object_records import ObjectRecord, records_of
from napari_edgeflow.widgets.layers.planes import Plane, layer_array

if TYPE_CHECKING:
    from napari.layers import Labels


@dataclass(frozen=True, slots=True)
class ObjectEntry:
    """An object that has pixels in a layer.

    Parameters
    ----------
    measure : ObjectMeasure
        Its size and place.
    record : ObjectRecord or None
        How it came to be; None if nobody told.
    class_name : str
        Its class; "" for none.
    colour : tuple of int or None
        The colour of its class.
    """

    measure: ObjectMeasure
    record: ObjectRecord | None = None
    class_name: str = ""
    colour: Colour | None = None

    @property
    def id(self) -> int:
        """Its value in the layer."""
        return self.measure.object_id

    @property
    def class_id(self) -> int:
        """Its class; 0 for none."""
        return 0 if self.record is None else self.record.class_id

    @property
    def plane(self) -> Plane:
        """The plane to see it in: the one it was made in, or one through its middle."""
        start, stop = self.measure.start, self.measure.stop
        if self.record is not None and len(self.record.plane.index) == len(start):
            index = self.record.plane.index
            inside = zip(start, index, stop, strict=True)
            if all(at is None or low <= at < high for low, at, high in inside):
                return self.record.plane
        held = ((low + high) // 2 for low, high in zip(start, stop, strict=True))
        return Plane((*list(held)[:-2], None, None))

    @property
    def centre(self) -> tuple[float, ...]:
        """The middle of the box around it, in its plane."""
        index = self.plane.index
        sides = zip(self.measure.start, self.measure.stop, index, strict=True)
        return tuple(
            (low + high - 1) / 2 if at is None else float(at) for low, high, at in sides
        )


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """What is needed to list the objects of a layer: labels, features and classes."""

    data: Any = field(repr=False)
    features: Any = field(repr=False)
    classes: ClassTable | None

    @classmethod
    def of(cls, layer: "Labels") -> "Listing":
        """Return what a layer holds now; its pixels are not copied."""
        scheme = read_scheme(layer)
        classes = None if scheme is None else scheme.classes
        return cls(layer_array(layer), layer.features.copy(), classes)


def list_objects(listing: Listing) -> tuple[ObjectEntry, ...]:
    """Return the objects of a layer by id; takes a while for many pixels."""
    records = records_of(listing.features, listing.data.ndim)
    known = {entry.id: entry for entry in listing.classes or ()}
    entries = []
    for measure in measure_objects(listing.data):
        record = records.get(measure.object_id)
        entry = None if record is None else known.get(record.class_id)
        if entry is not None:
            named = ObjectEntry(measure, record, entry.name, entry.colour)
        else:
            name = "" if record is None else record.class_name
            named = ObjectEntry(measure, record, name)
        entries.append(named)
    return tuple(entries)


def object_mask(labels: Any, entry: ObjectEntry) -> NDArray[np.bool_]:
    """Return an object's pixels in the box around it."""
    mask: NDArray[np.bool_] = np.asarray(labels[entry.measure.box]) == entry.id
    return mask


@dataclass(frozen=True, slots=True, eq=False)
class ObjectSelection:
    """The layer that is chosen in the dock "Objects", and what is selected in it."""

    layer: "Labels | None" = None
    entries: tuple[ObjectEntry, ...] = ()

    @property
    def ids(self) -> tuple[int, ...]:
        """Their values in the layer."""
        return tuple(entry.id for entry in self.entries)

    @property
    def chosen_layer(self) -> "Labels":
        """The layer, where there is one.

        Raises
        ------
        ValueError
            If none is chosen.
        """
        if self.layer is None:
            raise ValueError("No layer is chosen: choose one above the table.")
        return self.layer
