"""Classes of formats that know them by name only."""

from collections.abc import Iterable

from napari_edgeflow.engine.classes import ClassTable, LabelClass, voc_palette


def with_names(classes: ClassTable, names: Iterable[str]) -> ClassTable:
    """Return a table with a class for each name, in VOC's colours where it is new."""
    known = {entry.name for entry in classes}
    for name in names:
        if name not in known:
            known.add(name)
            number = classes.next_id()
            red, green, blue = voc_palette()[number % 256].tolist()
            classes = classes.with_class(LabelClass(number, name, (red, green, blue)))
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
