"""From a layer of classes to a layer of objects."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.objects import measure_objects
from napari_edgeflow.engine.labels.regions import objects_of
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.widgets.layers.kinds import told_kind
from napari_edgeflow.widgets.layers.labels import labels_of, read_scheme
from napari_edgeflow.widgets.layers.object_records import ObjectRecord, RowValues
from napari_edgeflow.widgets.layers.planes import layer_array
from napari_edgeflow.widgets.objects.table.entries import ObjectEntry

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

_MOST_OBJECTS = int(np.iinfo(np.uint16).max)


@dataclass(frozen=True, slots=True, eq=False)
class ClassRegions:
    """The labels of a layer of classes, to be parted into objects."""

    layer: "Labels"
    data: Any = field(repr=False)
    classes: ClassTable

    @classmethod
    def of(cls, layer: "Labels") -> "ClassRegions":
        """Return what a layer of classes holds now; its pixels are not copied.

        Raises
        ------
        ValueError
            If its values are no ids of classes.
        """
        if told_kind(layer) != "semantic":
            raise ValueError(f"{layer.name!r} holds objects already.")
        scheme = read_scheme(layer)
        classes = ClassTable(()) if scheme is None else scheme.classes
        return cls(layer, layer_array(layer), classes)


@dataclass(frozen=True, slots=True, eq=False)
class PartedObjects:
    """The objects that were found: their ids for each pixel, and their rows."""

    ids: NDArray[np.uint16]
    rows: list[RowValues]


def part_classes(regions: ClassRegions) -> PartedObjects:
    """Make an object of each connected region of a class; takes a while.

    Raises
    ------
    ValueError
        If there are more than a layer has room for.
    """
    ids, objects = objects_of(np.asarray(regions.data))
    if len(objects) > _MOST_OBJECTS:
        raise ValueError(
            f"There are {len(objects):,} connected regions, a layer has room for "
            f"{_MOST_OBJECTS:,} objects: remove small regions first."
        )
    known = {entry.id: entry.name for entry in regions.classes}
    class_of = {region.object_id: region.class_id for region in objects}
    rows = []
    for measure in measure_objects(ids):
        entry, class_id = ObjectEntry(measure), class_of[measure.object_id]
        name = known.get(class_id, "")
        record = ObjectRecord(entry.id, class_id, name, (), 0.0, entry.plane, "import")
        rows.append(record.as_row())
    return PartedObjects(ids.astype(np.uint16), rows)


def add_parted(
    viewer: "Viewer", regions: ClassRegions, parted: PartedObjects
) -> "Labels":
    """Put the objects into a new layer above that of their classes, and return it."""
    names = parted.rows[0] if parted.rows else {}
    features = {name: [row[name] for row in parted.rows] for name in names}
    scheme = LabelScheme("object", regions.classes)
    layer = labels_of(regions.layer, scheme, parted.ids, features)
    viewer.layers.insert(viewer.layers.index(regions.layer) + 1, layer)
    regions.layer.visible = False
    return layer
