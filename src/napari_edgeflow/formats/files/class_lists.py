"""Lists of classes as text, and ids and colours for classes that have names only.

A list has one class a line, as EISeg and labelme have them.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from napari_edgeflow.engine.labels.classes import (
    ClassTable,
    Colour,
    LabelClass,
    voc_palette,
)
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.formats.files.problems import Report, refuse

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


OURS = "classes.txt"
"""The list of ids, names and colours that we write beside labels."""

NAMES = "labels.txt"
"""What labelme calls its list of names, and VOC folders of ours their list."""

CLASS_LISTS = (OURS, NAMES, "class_names.txt", "autosave_label.txt", "labelmap.txt")
"""Names of lists of classes in a folder: ours, labelme's two, EISeg's and CVAT's."""

_BACKGROUND = ("background", "_background_")
_IGNORED = "__ignore__"
_FULL = re.compile(r"(-?\d+)\s+(.*\S)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)")
_CVAT = re.compile(r"(.*\S)\s*:(\d+),(\d+),(\d+):[^:]*:[^:]*")
_WITH_ID = re.compile(r"(-?\d+)\s+(.*\S)")
_HALF_A_COLOUR = re.compile(r".*\S\s+-?\d+\s+-?\d+")


def class_list_in(folder: Path) -> Path | None:
    """Return the list of classes of a folder; None if it has none."""
    paths = (folder / name for name in CLASS_LISTS)
    return next((path for path in paths if path.is_file()), None)


def find_class_list(folder: Path) -> ClassTable | None:
    """Return the classes of a folder's list; None if it has none.

    Raises
    ------
    ValueError
        If the list cannot be understood.
    OSError
        If it cannot be read.
    """
    path = class_list_in(folder)
    return None if path is None else read_class_list(path)


def read_class_list(path: Path, report: Report = refuse) -> ClassTable:
    """Read a list of classes.

    Parameters
    ----------
    path : Path
        UTF-8 text. A line is ``id name red green blue`` as EISeg writes it,
        ``id name``, ``name:red,green,blue:parts:actions`` as CVAT does, or ``name``
        alone as in labelme's labels.txt. A name may hold
        spaces. Lines that are empty, begin with ``#`` or are ``__ignore__`` do not
        count.
    report : callable
        Told of each line that cannot be understood or whose id occurred before.

    Returns
    -------
    ClassTable
        In the order of the lines. A name alone has the number of its line as id;
        the first line has 0 if it is ``background`` or ``_background_``, else 1.
        The background is left out. Classes without a colour get VOC's for their id.

    Raises
    ------
    ValueError
        If there is no class, or a line cannot be used and ``report`` refuses.
    OSError
        If the file cannot be read.
    """
    entries: dict[int, LabelClass] = {}
    for number, position, line in _lines(path):
        try:
            entry = _entry(line, position)
            if entry is not None:
                add_class(entries, entry)
        except ValueError as error:
            report(f"{path}, line {number}: {error}")
    if not entries:
        raise ValueError(f"{path} names no class: write one a line, as '1 cat 64 0 0'")
    return ClassTable(tuple(entries.values()))


def add_class(found: dict[int, LabelClass], entry: LabelClass) -> None:
    """Add a class of a file to those found before; ValueError if its id is taken."""
    if entry.id in found:
        raise ValueError(
            f"id {entry.id} is {found[entry.id].name!r} already: give it another"
        )
    found[entry.id] = entry


def write_class_list(path: Path, classes: ClassTable) -> None:
    """Write a list of classes as EISeg does: lines ``id name red green blue``.

    EISeg itself skips names with spaces when it reads a list.

    Raises
    ------
    ValueError
        If a name has more than one line.
    OSError
        If the file cannot be written.
    """
    with replacing(path) as partial:
        partial.write_text("".join(map(_line, classes)), encoding="utf-8", newline="\n")


def _line(entry: LabelClass) -> str:
    if len(entry.name.splitlines()) > 1:
        raise ValueError(
            f"the name {entry.name!r} of class {entry.id} has several lines: "
            "write it as one"
        )
    return " ".join(map(str, (entry.id, entry.name.strip(), *entry.colour))) + "\n"


def _lines(path: Path) -> Iterator[tuple[int, int, str]]:
    """Yield line number, position among the classes, and text of each line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no UTF-8 text: save it as UTF-8") from error
    except OSError as error:
        raise OSError(f"cannot read the class list {path}: {error.strerror}") from error
    position: int | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#") or line == _IGNORED:
            continue
        if position is None:
            position = 0 if _name(line).lower() in _BACKGROUND else 1
        else:
            position += 1
        yield number, position, line


def _name(line: str) -> str:
    """Return the name alone of a line with a name and, as CVAT has it, a colour."""
    match = _CVAT.fullmatch(line)
    return match[1] if match else line


def _entry(line: str, position: int) -> LabelClass | None:
    """Return the class of a line; None for the background."""
    colour: Colour | None = None
    class_id, name = position, line
    if match := _FULL.fullmatch(line):
        red, green, blue = (int(match[i]) for i in (3, 4, 5))
        class_id, name, colour = int(match[1]), match[2], (red, green, blue)
    elif match := _CVAT.fullmatch(line):
        red, green, blue = (int(match[i]) for i in (2, 3, 4))
        name, colour = match[1], (red, green, blue)
        if name.lower() in _BACKGROUND:
            return None
    elif match := _WITH_ID.fullmatch(line):
        class_id, name = int(match[1]), match[2]
        if _HALF_A_COLOUR.fullmatch(name):
            raise ValueError(f"{line!r} ends in half a colour: give red, green, blue")
    elif re.fullmatch(r"-?\d+", line):
        raise ValueError(f"{line!r} has no name: write '{line} name'")
    if name.lower() in _BACKGROUND and class_id == 0:
        return None
    return LabelClass(class_id, name, colour or voc_colour(class_id))
