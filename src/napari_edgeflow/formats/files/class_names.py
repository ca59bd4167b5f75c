"""Classes of formats that know names only: ids and colours for them."""

from collections.abc import Iterable

from napari_edgeflow.engine.labels.classes import (
    ClassTable,
    Colour,
    LabelClass,
    voc_palette,
)

_VOC_COLOURS: list[Colour] = [(r, g, b) for r, g, b in voc_palette().tolist()]


def voc_colour(class_id: int) -> Colour:
    """Return VOC's colour for an id; those from 256 on repeat."""
    return _VOC_COLOURS[class_id % len(_VOC_COLOURS)]


def with_names(classes: ClassTable, names: Iterable[str]) -> ClassTable:
    """Return a table with a class for each name, in VOC's colours where it is new."""
    known = {entry.name for entry in classes}
    for name in names:
        if name not in known:
            known.add(name)
            number = classes.next_id()
            entry = LabelClass(number, name, voc_colour(number))
            classes = classes.with_class(entry)
    return classes


def check_names(classes: ClassTable) -> None:
    """Raise ValueError if two classes share a name."""
    seen = set[str]()
    for entry in classes:
        if entry.name in seen:
            raise ValueError(
                f"two classes are called {entry.name!r}, which this format cannot "
                "tell apart: rename one"
            )
        seen.add(entry.name)
