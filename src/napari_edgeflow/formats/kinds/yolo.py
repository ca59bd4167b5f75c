"""YOLO's format for segmentation: a text file an image, a line an object.

A line is ``class x y x y …``: the place of the class in data.yaml, from 0 on, and one
polygon in parts of the image's width and height. A hole, and each further part of an
object, is joined to the outline by a bridge of no width.

Outlines run a quarter of a pixel inside the edges of the object's pixels. By the
centres of pixels, as here, all pixels come back. They do with OpenCV's ``fillPoly`` as
Ultralytics uses it, too: fractions are cut off and the outline itself is drawn, which
would otherwise make each object a pixel too wide. Only a bridge through background
becomes one pixel wide there.

The folder is laid out as Ultralytics has it: ``images/SPLIT``, ``labels/SPLIT`` and
data.yaml, which also keeps our ids and colours.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from napari_edgeflow.engine.data.names import as_posix, inner_names
from napari_edgeflow.engine.data.pixels import image_size
from napari_edgeflow.engine.labels.classes import METADATA, ClassTable
from napari_edgeflow.engine.raster.outlines.geometry import grown
from napari_edgeflow.engine.raster.outlines.polygons import Polygon, single_ring
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.changes import joined
from napari_edgeflow.formats.annotation.objects import LabelledObject
from napari_edgeflow.formats.files.class_lists import with_names
from napari_edgeflow.formats.files.image_files import ImageFolder, files_below
from napari_edgeflow.formats.files.problems import Report, refuse

DATA = "data.yaml"
IMAGES, LABELS = "images", "labels"

_SPLIT_KEYS = ("train", "val", "test", "valid", "Train", "Validation", "Test", "Subset")
"""What programs call the splits in YAML files; the last are CVAT's."""

_NAME_LISTS = ("classes.txt", "obj.names")
"""Lists of names as Label Studio and CVAT have them."""

_NO_LABELS = (*_NAME_LISTS, "train.txt", "val.txt", "valid.txt", "test.txt")
"""Texts that are no labels of an image of that name."""

_INSET = 0.25
"""How far outlines run inside the edges of pixels."""


def write_yolo(path: Path, annotation: ImageAnnotation) -> None:
    """Write the objects of an image; ids of objects are not kept.

    The place of a class in its table is its number.
    """
    places = {entry.id: place for place, entry in enumerate(annotation.classes)}
    size = np.array(annotation.shape, np.float64)
    lines = []
    for entry in annotation.objects:
        # What was drawn as polygons stays as it was drawn.
        outlines = entry.drawn or grown(entry.polygons(), -_INSET)
        ring = (single_ring(outlines) / size)[:, ::-1]
        # Nine digits keep a thousandth of a pixel in images 100,000 pixels wide.
        numbers = " ".join(f"{value:.9g}" for value in ring.ravel().tolist())
        lines.append(f"{places[entry.class_id]} {numbers}\n")
    with replacing(path) as partial:
        partial.write_text("".join(lines), encoding="ascii", newline="\n")


def write_data_yaml(
    folder: Path, classes: ClassTable, splits: Sequence[str] = ("train",)
) -> None:
    """Write the file that names the folders of images, and the classes by numbers.

    ``splits`` are those of train, val and test that there are. Ultralytics wants the
    first two: without val, it is given the images of train.
    """
    folders = {split: f"{IMAGES}/{split}" for split in splits}
    if "train" in folders:
        folders.setdefault("val", folders["train"])
    record = {
        **folders,
        "names": dict(enumerate(entry.name for entry in classes)),
        METADATA: {"classes": classes.to_records()},
    }
    with replacing(folder / DATA) as partial:
        text = yaml.safe_dump(record, allow_unicode=True, sort_keys=False)
        partial.write_text(text, encoding="utf-8", newline="\n")


def read_data_yaml(path: Path) -> ClassTable:
    """Return the classes of a data.yaml, in the order of their numbers.

    Without our ids and colours in it, the class of number 0 has the id 1, and so on.

    Raises
    ------
    ValueError
        If it names no classes.
    OSError
        If it cannot be read.
    """
    names = _names(path)
    record = _yaml(path).get(METADATA)
    if isinstance(record, dict) and isinstance(record.get("classes"), list):
        classes = ClassTable.from_records(record["classes"])
        if [entry.name for entry in classes] == names:
            return classes
    return _numbered(names)


def read_yolo(
    path: Path,
    file_name: str,
    shape: tuple[int, int],
    classes: ClassTable,
    report: Report = refuse,
) -> ImageAnnotation:
    """Read the objects of an image of (H, W) pixels from its text file.

    Classes are in the order of their numbers. Each line that cannot be used, such as a
    box, is reported.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OSError(f"cannot read {path}: is it a text file?") from error
    objects: list[LabelledObject] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = _object(len(objects) + 1, line.split(), shape, classes)
        except ValueError as error:
            report(f"{path}, line {number} is left out: {error}")
        else:
            objects.append(entry)
    return ImageAnnotation(file_name, *shape, classes, tuple(objects))


def read_yolo_folder(
    path: Path,
    images: Path | None = None,
    report: Report = refuse,
    classes: ClassTable | None = None,
) -> Iterator[ImageAnnotation]:
    """Read a folder, as Ultralytics, Roboflow, CVAT, Label Studio and we write it.

    Parameters
    ----------
    path : Path
        The YAML file, whatever its name, which says where the images of each split are:
        in folders or on lists. Or the folder with it, or with classes.txt or obj.names
        in its place.
    images : Path, optional
        Where the images are, whose sizes are needed. Default: where the file says;
        their labels are in ``labels`` in place of ``images``, or beside them.
    report : callable
        Told of what is left out, such as labels without an image.
    classes : ClassTable, optional
        In the order of their numbers. Default: those that are listed.

    Yields
    ------
    ImageAnnotation
        One for each file of labels. File names are those in the folder, without
        ``images`` in them.
    """
    folder = path.parent if path.is_file() else path
    data = path if path.is_file() else find_data_yaml(folder)
    table = classes or _listed_classes(folder, data)
    found = dict[Path, tuple[str, Path | None]]()
    for labels, name, image in _labelled(folder, data, images, report):
        if labels not in found or found[labels][1] is None:
            found[labels] = name, image
    if not found:
        where = folder / LABELS
        raise ValueError(f"no file of labels in {where}: is it a YOLO folder?")

    def read() -> Iterator[ImageAnnotation]:
        for labels, (name, image) in found.items():
            try:
                if image is None:
                    raise ValueError(
                        f"no image in {name} has the name of {labels}: add it"
                    )
                shape = image_size(image)
                annotation = read_yolo(labels, name, shape, table, report)
            except (ValueError, OSError) as error:
                report(str(error))
            else:
                yield replace(annotation, image=image)

    counts = Counter(name for name, image in found.values() if image is not None)
    yield from joined(read(), counts, report)


def find_data_yaml(folder: Path) -> Path | None:
    """Return data.yaml, or the only YAML file of a folder that names classes."""
    if not folder.is_dir():
        raise OSError(f"cannot read the folder {folder}: check the path")
    if (folder / DATA).is_file():
        return folder / DATA
    files = [p for p in sorted(folder.iterdir()) if p.suffix in (".yaml", ".yml")]
    named = [file for file in files if _yaml(file).get("names")]
    return named[0] if len(named) == 1 else None


def _listed_classes(folder: Path, data: Path | None) -> ClassTable:
    if data is not None and _yaml(data).get("names"):
        return read_data_yaml(data)
    for name in _NAME_LISTS:
        if (folder / name).is_file():
            # Unlike in our lists, each line is a class, from 0 on.
            text = (folder / name).read_text(encoding="utf-8-sig")
            return _numbered([line.strip() for line in text.splitlines()])
    if data is not None:
        return read_data_yaml(data)
    raise ValueError(
        f"{folder} has neither a YAML file with names nor {' nor '.join(_NAME_LISTS)}: "
        "give the file, or a list of the classes"
    )


def _labelled(
    folder: Path, data: Path | None, images: Path | None, report: Report
) -> Iterator[tuple[Path, str, Path | None]]:
    """Yield the files of labels, with the names and the paths of their images."""
    told = _yaml(data) if data is not None else {}
    base = told.get("path")
    bases = [folder / as_posix(base)] if isinstance(base, str) else []
    entries = [told[split] for split in _SPLIT_KEYS if told.get(split)]
    flat = [e for one in entries for e in (one if isinstance(one, list) else [one])]
    is_any = False
    for entry in flat if images is None else ():
        place = _place(as_posix(str(entry)), [*bases, folder])
        if place is None:
            continue
        for labels, name, image in _of_place(folder, place, report):
            is_any = True
            yield labels, name, image
    if is_any:
        return
    # What the file says is not there, or is elsewhere.
    root = folder / LABELS if (folder / LABELS).is_dir() else folder
    usual = folder / IMAGES if (folder / IMAGES).is_dir() else folder
    yield from _by_name(root, images or usual, images or usual, report)


def _place(entry: str, bases: Sequence[Path]) -> Path | None:
    """Return the folder or list of an entry, relative to the first base that has it."""
    inner = entry
    while inner.startswith("../"):
        # Roboflow's are relative to a folder that is not there.
        inner = inner[3:]
    places = (base / way for base in bases for way in (entry, inner))
    return next((place for place in places if place.exists()), None)


def _of_place(
    folder: Path, place: Path, report: Report
) -> Iterator[tuple[Path, str, Path | None]]:
    """Yield what a folder of images, or a list of them, has labels of."""
    if place.is_dir():
        labels = _labels_of(place)
        yield from _by_name(labels if labels.is_dir() else place, place, folder, report)
        return
    if place.suffix != ".txt":
        return
    known = ImageFolder(folder)
    for line in place.read_text(encoding="utf-8-sig").splitlines():
        if not line.strip():
            continue
        try:
            image = known.find(inner_names([line])[0])
        except ValueError as error:
            report(str(error))
            continue
        if image is None:
            report(f"{place} lists {line.strip()!r}, which is not in {folder}")
            continue
        files = (_labels_of(image).with_suffix(".txt"), image.with_suffix(".txt"))
        labels_file = next((file for file in files if file.is_file()), None)
        if labels_file is not None:
            yield labels_file, _file_name(image, folder), image


def _by_name(
    labels: Path, images: Path, root: Path, report: Report
) -> Iterator[tuple[Path, str, Path | None]]:
    """Yield files of labels with the images of their names."""
    known = ImageFolder(images)
    for path in files_below(labels):
        if path.suffix.lower() != ".txt" or path.name in _NO_LABELS:
            continue
        try:
            name = known.name_of(path.relative_to(labels).as_posix())
        except ValueError as error:
            report(str(error))
            continue
        image = None if name is None else known.find(name)
        # Where there is none, it is said where it was looked for.
        yield path, str(images) if image is None else _file_name(image, root), image


def _file_name(image: Path, root: Path) -> str:
    """Return the path of an image below a folder, without ``images`` in it."""
    inside = image.relative_to(root) if root in image.parents else Path(image.name)
    kept = [part for part in inside.parts[:-1] if part != IMAGES]
    return Path(*kept, inside.name).as_posix()


def _labels_of(path: Path) -> Path:
    """Return a path with ``labels`` in place of its last ``images``."""
    parts = list(path.parts)
    for at in range(len(parts) - 1, -1, -1):
        if parts[at] == IMAGES:
            parts[at] = LABELS
            return Path(*parts)
    return path


def _object(
    number: int, words: Sequence[str], shape: tuple[int, int], classes: ClassTable
) -> LabelledObject:
    try:
        values = np.array(words, np.float64)
        place = int(words[0])
    except ValueError:
        raise ValueError("it is no list of numbers") from None
    if not 0 <= place < len(classes):
        raise ValueError(f"class {place}, of {len(classes)} from 0 on, is unknown")
    if len(words) == 5:
        raise ValueError("it is a box, which has no outline")
    if len(words) < 7 or len(words) % 2 == 0:
        raise ValueError(f"{len(words) - 1} numbers are no polygon x, y, x, y, …")
    # What was a whole pixel before it was divided is one again.
    points = np.round(values[1:].reshape(-1, 2)[:, ::-1] * shape, 4)
    class_id = classes.classes[place].id
    return LabelledObject.from_polygons(number, class_id, [Polygon(points)], shape)


def _yaml(path: Path) -> Mapping[str, Any]:
    try:
        record = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OSError(f"cannot read {path}: {error.strerror}") from error
    # PyYAML raises whatever its constructors do, as for a 13th month.
    except Exception as error:
        raise ValueError(f"{path} is no YAML file in UTF-8: write it again") from error
    return record if isinstance(record, dict) else {}


def _numbered(names: Sequence[str]) -> ClassTable:
    """Return classes by the order of their names, each with one of its own."""
    filled = [name or f"class {place}" for place, name in enumerate(names)]
    own = [f"{name} {filled[:i].count(name) + 1}" if name in filled[:i] else name
           for i, name in enumerate(filled)]  # fmt: skip
    return with_names(ClassTable(()), own)


def _names(path: Path) -> list[str]:
    names = _yaml(path).get("names")
    if isinstance(names, dict) and sorted(map(str, names)) == sorted(
        map(str, range(len(names)))
    ):
        by_number = {int(number): str(name) for number, name in names.items()}
        names = [by_number[i] for i in range(len(by_number))]
    if not isinstance(names, list) or not names:
        raise ValueError(f"{path} names no classes: give it 'names' from 0 on")
    return [str(name).strip() or f"class {i}" for i, name in enumerate(names)]
