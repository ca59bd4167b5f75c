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

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from napari_edgeflow.engine.data.pixels import image_size
from napari_edgeflow.engine.labels.classes import METADATA, ClassTable
from napari_edgeflow.engine.raster.outlines.geometry import grown
from napari_edgeflow.engine.raster.outlines.polygons import Polygon, single_ring
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.objects import LabelledObject
from napari_edgeflow.formats.files.class_lists import with_names
from napari_edgeflow.formats.files.image_files import images_by_stem
from napari_edgeflow.formats.files.problems import Report, refuse

DATA = "data.yaml"
IMAGES, LABELS = "images", "labels"

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
    numbered = [f"{name} {names[:i].count(name) + 1}" if name in names[:i] else name
                for i, name in enumerate(names)]  # fmt: skip
    return with_names(ClassTable(()), numbered)


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
    folder: Path, images: Path | None = None, report: Report = refuse
) -> Iterator[ImageAnnotation]:
    """Read a folder with data.yaml and labels/SPLIT/NAME.txt or labels/NAME.txt.

    The images, whose sizes are needed, are in ``images`` by default, in folders as the
    labels are. File names are relative to the folder of the images; an image without a
    file of labels is not there.
    """
    classes = read_data_yaml(folder / DATA)
    root = images or folder / IMAGES
    paths = sorted((folder / LABELS).rglob("*.txt"))
    if not paths:
        raise ValueError(
            f"no file of labels in {folder / LABELS}: is it a YOLO folder?"
        )
    for path in paths:
        split = path.parent.relative_to(folder / LABELS)
        place = root / split if (root / split).is_dir() else root
        try:
            image = images_by_stem(place).get(path.stem)
            if image is None:
                raise ValueError(f"no image in {place} has the name of {path}: add it")
            name = image.relative_to(root).as_posix()
            annotation = read_yolo(path, name, image_size(image), classes, report)
        except (ValueError, OSError) as error:
            report(str(error))
        else:
            yield annotation


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
