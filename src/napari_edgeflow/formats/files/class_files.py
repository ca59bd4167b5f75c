"""Files of classes in all forms: text, names alone, JSON, and COCO's categories."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from PIL import ImageColor

from napari_edgeflow.engine.labels.classes import (
    MAX_CLASS_ID,
    ClassTable,
    Colour,
    LabelClass,
)
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.formats.files.class_lists import (
    add_class,
    read_class_list,
    voc_colour,
    write_class_list,
)
from napari_edgeflow.formats.files.json_files import read_json, write_json
from napari_edgeflow.formats.files.problems import Report, refuse

ClassFormat = Literal["text", "json", "voc", "coco"]

CLASS_FORMATS: dict[ClassFormat, tuple[str, str]] = {
    "text": ("Text: id name red green blue", ".txt"),
    "json": ("JSON", ".json"),
    "voc": ("VOC: names alone", ".txt"),
    "coco": ("COCO categories", ".json"),
}
"""What a person reads of each form, and the ending of its files."""


def read_classes(path: Path, report: Report = refuse) -> ClassTable:
    """Read the classes of a file in any of the forms.

    Parameters
    ----------
    path : Path
        A ``.json`` of ours or a COCO file, of which only the categories count, else a
        text; see :func:`napari_edgeflow.formats.files.class_lists.read_class_list`.
    report : callable
        Told of each class that cannot be used; the others are read.

    Raises
    ------
    ValueError
        If it is no such file, or names no class.
    OSError
        If it cannot be read.
    """
    if path.suffix.lower() != ".json":
        return read_class_list(path, report)
    content = read_json(path)
    for key in ("classes", "categories"):
        if isinstance(content, dict) and key in content:
            content = content[key]
    if not isinstance(content, list):
        raise ValueError(
            f"{path} has no list of classes or categories: is it another file?"
        )
    found: dict[int, LabelClass] = {}
    for place, record in enumerate(content, 1):
        try:
            add_class(found, _entry(record))
        except ValueError as error:
            report(f"{path}, entry {place} is left out: {error}")
    if not found:
        raise ValueError(f"{path} names no class that can be used")
    return ClassTable(tuple(found.values()))


def write_classes(path: Path, classes: ClassTable, form: ClassFormat) -> None:
    """Write classes in one of the forms, in their order but for ``"voc"``.

    That is ``_background_`` and the names, one a line, as labelme's tools for VOC read
    and write it.

    Raises
    ------
    ValueError
        If the form cannot hold the classes.
    OSError
        If the file cannot be written.
    """
    if form not in CLASS_FORMATS:
        raise ValueError(f"{form!r} is no form: use {', '.join(CLASS_FORMATS)}")
    if form == "text":
        write_class_list(path, classes)
    elif form == "json":
        write_json(path, {"classes": classes.to_records()}, indent=2)
    elif form == "coco":
        categories = [category(entry) for entry in classes]
        record = {"images": [], "annotations": [], "categories": categories}
        write_json(path, record, indent=2)
    else:
        _write_names(path, classes)


def category(entry: LabelClass) -> dict[str, Any]:
    """Return a class as COCO has it, with its colour as COCO's panoptic files do."""
    return {
        "id": entry.id,
        "name": entry.name,
        "supercategory": "",
        "color": list(entry.colour),
    }


def category_colour(record: Mapping[str, Any], class_id: int) -> Colour:
    """Return the colour of a category; VOC's for its id if it has none."""
    for key in ("color", "colour"):
        written = record.get(key)
        if isinstance(written, list | tuple) and len(written) >= 3:
            red, green, blue = written[:3]
            if all(isinstance(c, int) and 0 <= c <= 255 for c in (red, green, blue)):
                return red, green, blue
        if isinstance(written, str):
            try:
                red, green, blue = ImageColor.getrgb(written.strip())[:3]
            except ValueError:
                continue
            return red, green, blue
    return voc_colour(class_id)


def _entry(record: object) -> LabelClass:
    if not isinstance(record, dict):
        raise ValueError("it is no object {…} with id and name")
    number, name = record.get("id"), str(record.get("name") or "").strip()
    if not isinstance(number, int) or isinstance(number, bool):
        raise ValueError(f"its id {number!r} is no whole number from 1 to 65535")
    return LabelClass(number, name, category_colour(record, number))


def _write_names(path: Path, classes: ClassTable) -> None:
    ordered: Sequence[LabelClass] = sorted(classes, key=lambda entry: entry.id)
    ids = [entry.id for entry in ordered]
    if ids != list(range(1, len(ids) + 1)):
        raise ValueError(
            f"names alone mean the ids 1 to {len(ids)}, but the highest here is "
            f"{max(ids, default=0)}: save as text, which keeps ids up to {MAX_CLASS_ID}"
        )
    lines = ["_background_", *(entry.name.strip() for entry in ordered)]
    broken = next((line for line in lines if len(line.splitlines()) > 1), None)
    if broken is not None:
        raise ValueError(f"the name {broken!r} has several lines: write it as one")
    with replacing(path) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
