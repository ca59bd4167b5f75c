"""labelme's JSON: one file an image, with shapes that know their class by its name.

labelme's polygons have no holes. An object without holes is one polygon for each of
its parts, joined by a ``group_id`` as labelme joins them; an object with a hole is a
shape of the type ``mask``, which holds its pixels.

Polygons are read by the centres of pixels. labelme's own export to images also counts
the pixels that an outline touches, and so grows every polygon by half a pixel.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.objects import LabelledObject, free_id
from napari_edgeflow.formats.files.class_lists import (
    NAMES,
    OURS,
    check_names,
    find_class_list,
    with_names,
    write_class_list,
)
from napari_edgeflow.formats.files.json_files import read_record, write_json
from napari_edgeflow.formats.files.problems import Report, refuse
from napari_edgeflow.formats.kinds.labelme.shapes import from_shapes, to_shapes

_VERSION = "5.5.0"
"""The version of labelme whose files these are."""


def write_labelme(
    path: Path, annotation: ImageAnnotation, image_path: str | None = None
) -> None:
    """Write the objects of an image, but not its pixels.

    ``image_path`` is that of the image from the folder of the file, by default its file
    name.
    """
    check_names(annotation.classes)
    names = {entry.id: entry.name for entry in annotation.classes}
    shapes = [
        s
        for entry in annotation.objects
        for s in to_shapes(entry, names[entry.class_id])
    ]
    record: dict[str, Any] = {
        "version": _VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": image_path or annotation.file_name,
        "imageData": None,
        "imageHeight": annotation.height,
        "imageWidth": annotation.width,
    }
    write_json(path, record, indent=2)


def write_labelme_classes(folder: Path, classes: ClassTable) -> None:
    """Write labelme's list of names, and ours with ids and colours beside it."""
    check_names(classes)
    # Ids and colours, for which labelme's own list has no place.
    write_class_list(folder / OURS, classes)
    names = "".join(f"{entry.name}\n" for entry in classes)
    with replacing(folder / NAMES) as partial:
        partial.write_text(
            f"__ignore__\n_background_\n{names}", encoding="utf-8", newline="\n"
        )


def read_labelme(
    path: Path, classes: ClassTable, report: Report = refuse
) -> ImageAnnotation:
    """Read the objects of an image; shapes of one label and ``group_id`` are one.

    Classes that the file adds to the table get free ids and VOC's colours. The file
    name is that of ``imagePath`` without its folder. Shapes that cannot be used, such
    as a line or a point, are reported.
    """
    record = read_record(path)
    shapes = record.get("shapes")
    if not isinstance(shapes, list) or not all(isinstance(s, dict) for s in shapes):
        raise ValueError(f"{path} has no list of shapes: give a file of labelme's")
    table = with_names(classes, (_label(shape) for shape in shapes))
    # The path may have been written on Windows, whose separators are others.
    written = str(record.get("imagePath") or path.with_suffix("").name)
    name = PureWindowsPath(PurePosixPath(written).name).name
    try:
        shape = int(record["imageHeight"]), int(record["imageWidth"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ValueError(
            f"{path} has no imageHeight and imageWidth: save it with labelme again"
        ) from None
    objects = tuple(_objects(path, shapes, table, shape, report))
    return ImageAnnotation(name, *shape, table, objects)


def read_labelme_folder(
    folder: Path, classes: ClassTable | None = None, report: Report = refuse
) -> Iterator[ImageAnnotation]:
    """Read all files of a folder, in the order of their names, with the same classes.

    By default they are those of classes.txt or labels.txt in the folder, if there is
    one.
    """
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise ValueError(f"no JSON file in {folder}: give a folder of labelme's")
    if classes is None:
        classes = find_class_list(folder) or ClassTable(())
    table = _all_names(paths, classes)
    for path in paths:
        try:
            annotation = read_labelme(path, table, report)
        except (ValueError, OSError) as error:
            report(str(error))
        else:
            yield annotation


def _all_names(paths: Iterable[Path], classes: ClassTable) -> ClassTable:
    names = set[str]()
    for path in paths:
        try:
            names |= {_label(shape) for shape in read_record(path)["shapes"]}
        except (ValueError, OSError, KeyError, TypeError, AttributeError):
            # It is reported when it is read for its shapes.
            continue
    return with_names(classes, sorted(names))


def _label(shape: Mapping[str, Any]) -> str:
    return str(shape.get("label") or "").strip() or "unnamed"


def _objects(
    path: Path,
    shapes: list[dict[str, Any]],
    classes: ClassTable,
    size: tuple[int, int],
    report: Report,
) -> Iterator[LabelledObject]:
    """Yield the objects of shapes; those of one label and group are one."""
    ids = {entry.name: entry.id for entry in reversed(classes.classes)}
    groups: dict[tuple[str, object], list[dict[str, Any]]] = {}
    for place, shape in enumerate(shapes):
        group = shape.get("group_id")
        key = _label(shape), ("alone", place) if group is None else str(group)
        groups.setdefault(key, []).append(shape)
    taken = set[int]()
    for (label, _), members in groups.items():
        number = free_id(members[0].get("group_id"), taken)
        try:
            yield from_shapes(number, ids[label], members, size)
        except ValueError as error:
            report(f"{path}: a shape of {label!r} is left out: {error}")
        else:
            taken.add(number)
