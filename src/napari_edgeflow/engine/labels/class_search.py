"""Finding a class by a few letters of its name."""

import unicodedata

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass


def find_classes(classes: ClassTable, typed: str) -> list[LabelClass]:
    """Return the classes that fit what a person typed, the best first.

    Parameters
    ----------
    classes : ClassTable
        The classes.
    typed : str
        An id, or letters of a name in their order, as "ptpl" for "potted plant".
        Case and accents do not count.

    Returns
    -------
    list of LabelClass
        All of them, in their order, if nothing was typed. Else first the id, then
        names that are what was typed, begin with it, have a word that begins with it,
        hold it, and hold its letters; among equals shorter names, then the order of
        the table.
    """
    wanted = _plain(typed)
    if not wanted:
        return list(classes)
    ranked = [(_rank(entry, wanted), entry) for entry in classes]
    fitting = [(rank, entry) for rank, entry in ranked if rank is not None]
    return [entry for _, entry in sorted(fitting, key=lambda pair: pair[0])]


def _rank(entry: LabelClass, wanted: str) -> tuple[int, int, int] | None:
    """Return a key by which better names come first; None if it does not fit."""
    name = _plain(entry.name)
    if str(entry.id) == wanted:
        return 0, 0, 0
    at = name.find(wanted)
    if at == 0:
        return (1 if name == wanted else 2), 0, len(name)
    if at > 0:
        begins = any(word.startswith(wanted) for word in name.split())
        return (3 if begins else 4), at, len(name)
    spread = _spread(name, wanted)
    return None if spread is None else (5, spread, len(name))


def _spread(name: str, wanted: str) -> int | None:
    """Return over how many letters of a name those wanted are spread, in order."""
    places, at = [], -1
    for letter in wanted.replace(" ", ""):
        at = name.find(letter, at + 1)
        if at < 0:
            return None
        places.append(at)
    return places[-1] - places[0]


def _plain(text: str) -> str:
    """Return a text without case and accents."""
    parts = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))
