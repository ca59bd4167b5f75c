"""labelme's JSON: one file an image, with shapes that know their class by its name.

labelme's polygons have no holes. An object without holes is one polygon for each of
its parts, joined by a ``group_id`` as labelme joins them; an object with a hole is a
shape of the type ``mask``, which holds its pixels.

Polygons are read by the centres of pixels. labelme's own export to images also counts
the pixels that an outline touches, and so grows every polygon by half a pixel.
"""

import base64
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from napari_edgeflow.engine.data.names import as_posix, inner_names, leads_out
from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.data.pixels import IMAGE_SUFFIXES, image_size
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.changes import VOID_NAME, joined
from napari_edgeflow.formats.annotation.objects import LabelledObject, free_id
from napari_edgeflow.formats.files.class_lists import (
    NAMES,
    OURS,
    check_names,
    find_class_list,
    voc_colour,
    with_names,
    write_class_list,
)
from napari_edgeflow.formats.files.image_files import ImageFolder, files_below
from napari_edgeflow.formats.files.json_files import read_record, write_json
from napari_edgeflow.formats.files.problems import Report, refuse
from napari_edgeflow.formats.kinds.labelme.shapes import from_shapes, to_shapes

_IGNORED, _NOTHING = "__ignore__", ("_background_",)
"""Labels of what is void, and of what is none."""

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
    path: Path,
    classes: ClassTable,
    report: Report = refuse,
    images: Path | None = None,
) -> ImageAnnotation:
    """Read the objects of an image; shapes of one label and ``group_id`` are one.

    Classes that the file adds to the table get free ids and VOC's colours; shapes of
    the label ``__ignore__`` are void, those of ``_background_`` are nothing. The image
    is that of ``imagePath``, from the folder of the file or in ``images``. Shapes that
    cannot be used, such as a line or a point, are reported.
    """
    folder = _Folder(path.parent, [path], ImageFolder(images or path.parent, 0))
    return folder.read(path, folder.table(classes), report)


def read_labelme_folder(
    folder: Path,
    classes: ClassTable | None = None,
    report: Report = refuse,
    images: Path | None = None,
) -> Iterator[ImageAnnotation]:
    """Read all files of a folder and of those in it, with the same classes.

    They come in the order of their names. By default the classes are those of
    classes.txt or labels.txt in the folder, if there is one. Two files of one image are
    one record.
    """
    files = files_below(folder) if folder.is_dir() else []
    paths = [path for path in files if path.suffix.lower() == ".json"]
    if not paths:
        raise ValueError(f"no JSON file in {folder}: give a folder of labelme's")
    if classes is None:
        classes = find_class_list(folder) or ClassTable(())
    read = _Folder(folder, paths, ImageFolder(images or folder))
    table = read.table(classes)
    yield from joined(read.read_all(table, report), Counter(read.names), report)


class _Folder:
    """Files of labelme's, of which labels and images have been looked at."""

    def __init__(self, root: Path, paths: list[Path], images: ImageFolder) -> None:
        self.paths, self._images = paths, images
        self._labels = dict[str, None]()
        written = [self._look_at(path) for path in paths]
        places = [path.parent.relative_to(root) for path in paths]
        self._written = dict(zip(paths, written, strict=True))
        self.names = _names(paths, places, written)

    def _look_at(self, path: Path) -> str:
        """Note the labels of a file, and return what it says of its image."""
        try:
            record = read_record(path)
            self._labels |= dict.fromkeys(map(_label, record["shapes"]))
        except (ValueError, OSError, KeyError, TypeError, AttributeError):
            # It is reported when it is read for its shapes.
            return path.stem
        return str(record.get("imagePath") or path.stem)

    def table(self, classes: ClassTable) -> ClassTable:
        """Return a table with the classes of all files, and the void if it occurs."""
        named = [n for n in self._labels if n not in (_IGNORED, *_NOTHING)]
        # Of many files, the order does not depend on which comes first.
        table = with_names(classes, named if len(self.paths) == 1 else sorted(named))
        known = {entry.id for entry in table}
        if _IGNORED in self._labels and VOID not in known:
            void = LabelClass(VOID, VOID_NAME, voc_colour(VOID))
            table = table.with_class(void)
        return table

    def read_all(self, table: ClassTable, report: Report) -> Iterator[ImageAnnotation]:
        for path in self.paths:
            try:
                yield self.read(path, table, report)
            except (ValueError, OSError) as error:
                report(str(error))

    def read(self, path: Path, table: ClassTable, report: Report) -> ImageAnnotation:
        record = read_record(path)
        shapes = record.get("shapes")
        if not isinstance(shapes, list) or not all(isinstance(s, dict) for s in shapes):
            raise ValueError(f"{path} has no list of shapes: give a file of labelme's")
        name = self.names[self.paths.index(path)]
        image = self._image(path, name)
        if image is not None:
            # What a file calls its image may end otherwise.
            name = PurePosixPath(name).with_name(image.name).as_posix()
        shape = _size(path, record, image)
        objects = tuple(_objects(path, shapes, table, shape, report))
        return ImageAnnotation(name, *shape, table, objects, image)

    def _image(self, path: Path, name: str) -> Path | None:
        """Return the file of an image, where it says or of the name of the labels."""
        told = path.parent / as_posix(self._written[path])
        if told.suffix.lower() in IMAGE_SUFFIXES and told.is_file():
            return told
        found = self._images.find(name)
        if found is not None:
            return found
        beside = (path.with_suffix(suffix) for suffix in IMAGE_SUFFIXES)
        return next((image for image in beside if image.is_file()), None)


def _names(paths: list[Path], places: list[Path], written: Sequence[str]) -> list[str]:
    """Return the file names of the images, from the folder of all files.

    An image elsewhere has the folder of its labels, if they have its name.
    """
    told = []
    for path, place, text in zip(paths, places, written, strict=True):
        image = as_posix(text)
        inside = (place / image).as_posix()
        if leads_out(inside) and PurePosixPath(image).stem == path.stem:
            inside = (place / PurePosixPath(image).name).as_posix()
        told.append(inside)
    return inner_names(told)


def _size(path: Path, record: Mapping[str, Any], image: Path | None) -> tuple[int, int]:
    """Return (H, W) as it is written, or of the image within, or of its file."""
    try:
        return int(record["imageHeight"]), int(record["imageWidth"])
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    try:
        data = base64.b64decode(record["imageData"], validate=True)
        with Image.open(io.BytesIO(data)) as within:
            return within.height, within.width
    # Pillow raises whatever its decoders do for a broken file.
    except Exception as error:
        if image is not None:
            return image_size(image)
        raise ValueError(
            f"{path} has no imageHeight and imageWidth, and its image is not there: "
            "name the folder of the images, or save it with labelme again"
        ) from error


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
    if _IGNORED not in ids and (VOID, VOID_NAME) in {(c.id, c.name) for c in classes}:
        ids[_IGNORED] = VOID
    for place, shape in enumerate(shapes):
        if _label(shape) in _NOTHING:
            continue
        group = shape.get("group_id")
        key = _label(shape), ("alone", place) if group is None else str(group)
        groups.setdefault(key, []).append(shape)
    taken = set[int]()
    for (label, _), members in groups.items():
        number = free_id(members[0].get("group_id"), taken)
        if label not in ids:
            report(f"{path}: {label!r} is left out: class {VOID} is no void here")
            continue

        def told(what: str, label: str = label) -> None:
            report(f"{path}: a shape of {label!r}: {what}")

        try:
            yield from_shapes(number, ids[label], members, size, told)
        except ValueError as error:
            report(f"{path}: a shape of {label!r} is left out: {error}")
        else:
            taken.add(number)
