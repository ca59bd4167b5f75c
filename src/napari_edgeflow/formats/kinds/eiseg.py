"""The output folder of EISeg: label images, polygons and COCO, what there is of them.

EISeg's polygons join the centres of the outermost pixels, as OpenCV traces them. They
are moved outwards by half a pixel, so that they hold the same pixels as here.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_edgeflow.engine.data.pixels import image_size, read_rgb
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.engine.raster.outlines.geometry import fitted, grown
from napari_edgeflow.engine.raster.outlines.polygons import Polygon
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.objects import LabelledObject, numbers
from napari_edgeflow.formats.files.class_lists import find_class_list, with_names
from napari_edgeflow.formats.files.image_files import ImageFolder
from napari_edgeflow.formats.files.json_files import read_json
from napari_edgeflow.formats.files.problems import Report, refuse
from napari_edgeflow.formats.kinds.coco.dataset import read_coco
from napari_edgeflow.formats.kinds.label_images.folder import read_label_file
from napari_edgeflow.formats.kinds.labelme.files import read_labelme
from napari_edgeflow.formats.kinds.voc.png import labels_of_colours

COCO = "annotations.json"
FOLDERS = ("", "label", "labelme")
"""Where EISeg's versions put labels, from the output folder."""

_PSEUDO, _CUTOUT = "_pseudo", "_cutout"


def read_eiseg(
    folder: Path,
    images: Path | None = None,
    classes: ClassTable | None = None,
    report: Report = refuse,
) -> Iterator[ImageAnnotation]:
    """Read what EISeg saved for each image in its output folder.

    Objects come from annotations.json; else from NAME.json, EISeg's own or labelme's;
    else connected pixels of a class in NAME.png, or of a colour in NAME_pseudo.png.
    They may lie in folders ``label`` and ``labelme`` too.

    Without the images, one has the name of its labels, and EISeg's own JSON needs
    NAME.png beside it for the size. By default the classes are those of EISeg's list.
    """
    places = [folder / name for name in FOLDERS if (folder / name).is_dir()]
    if not places:
        raise ValueError(f"no folder {folder}: give the output folder of EISeg")
    lists = (find_class_list(place) for place in places)
    table = classes or next((t for t in lists if t is not None), ClassTable(()))
    known = ImageFolder(images)
    done = set[str]()
    for annotation in _coco_images(places, report):
        done.add(Path(annotation.file_name).stem)
        yield annotation
    files = _files(places)
    for stem in sorted(set(files) - done):
        try:
            name = known.name_of(f"{stem}.png")
            image = None if name is None else known.find(name)
            yield _from_files(stem, files[stem], image, table)
        except (ValueError, OSError) as error:
            report(f"{stem} is left out: {error}")
    if not files and not done:
        raise ValueError(f"no labels in {folder}: is it EISeg's output folder?")


def _coco_images(places: list[Path], report: Report) -> Iterator[ImageAnnotation]:
    """Yield the images of COCO files that have objects."""
    for place in places:
        if (place / COCO).is_file():
            for annotation in read_coco(place / COCO, report):
                objects = tuple(
                    _from_centres(entry, annotation.shape)
                    for entry in annotation.objects
                )
                if objects:
                    yield replace(annotation, objects=objects)


def _files(places: list[Path]) -> dict[str, list[Path]]:
    """Return the files of each name, the best source of its objects first."""
    found: dict[str, list[Path]] = {}
    for suffix in (".json", ".png"):
        for place in places:
            for path in sorted(place.glob(f"*{suffix}")):
                if path.name != COCO and not path.stem.endswith((_PSEUDO, _CUTOUT)):
                    found.setdefault(path.stem, []).append(path)
    for place in places:
        for path in sorted(place.glob(f"*{_PSEUDO}.png")):
            found.setdefault(path.stem.removesuffix(_PSEUDO), []).append(path)
    return found


def _from_files(
    stem: str, paths: list[Path], image: Path | None, classes: ClassTable
) -> ImageAnnotation:
    path = paths[0]
    file_name = f"{stem}.png" if image is None else image.name
    if path.suffix == ".png":
        if path.stem.endswith(_PSEUDO):
            return _from_colours(path, file_name, classes)
        return read_label_file(path, file_name, classes)
    record = read_json(path)
    if isinstance(record, dict):
        return _from_labelme(path, classes)
    sized = image or next((p for p in paths if p.suffix == ".png"), None)
    if sized is None:
        raise ValueError(f"{path} does not say how large its image is: give the images")
    return _from_polygons(record, path, file_name, image_size(sized), classes)


def _from_labelme(path: Path, classes: ClassTable) -> ImageAnnotation:
    annotation = read_labelme(path, classes)
    objects = tuple(_from_centres(o, annotation.shape) for o in annotation.objects)
    return replace(annotation, objects=objects)


def _from_polygons(
    records: Any,
    path: Path,
    file_name: str,
    shape: tuple[int, int],
    classes: ClassTable,
) -> ImageAnnotation:
    """Return the objects of EISeg's own JSON: name, labelIdx, color and points."""
    objects: list[LabelledObject] = []
    try:
        for record in records:
            classes, class_id = _with_class(classes, record)
            points = numbers(record["points"]).reshape(-1, 2)[:, ::-1]
            entry = LabelledObject.from_polygons(
                len(objects) + 1, class_id, _outwards([Polygon(points)], shape), shape
            )
            objects.append(entry)
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"{path} is no list of EISeg's polygons ({error})") from error
    return ImageAnnotation(file_name, *shape, classes, tuple(objects))


def _with_class(classes: ClassTable, record: Any) -> tuple[ClassTable, int]:
    """Return the classes with that of a polygon, and its id."""
    name = str(record["name"])
    same = [entry.id for entry in classes if entry.name == name]
    if same:
        return classes, same[0]
    number = int(record["labelIdx"])
    if number < 1 or any(entry.id == number for entry in classes):
        classes = with_names(classes, (name,))
        return classes, classes.classes[-1].id
    red, green, blue = (int(part) for part in record["color"][:3])
    return classes.with_class(LabelClass(number, name, (red, green, blue))), number


def _from_centres(entry: LabelledObject, shape: tuple[int, int]) -> LabelledObject:
    if not entry.drawn:
        return entry
    parts = _outwards(entry.drawn, shape)
    drawn = LabelledObject.from_polygons(entry.id, entry.class_id, parts, shape)
    return replace(drawn, is_crowd=entry.is_crowd)


def _outwards(
    polygons: list[Polygon] | tuple[Polygon, ...], shape: tuple[int, int]
) -> tuple[Polygon, ...]:
    """Return polygons through the centres of pixels as such along their edges."""
    parts = [part for polygon in polygons for part in fitted(polygon, shape)]
    return grown((part.moved(0.5, 0.5) for part in parts), 0.5)


def _from_colours(path: Path, file_name: str, classes: ClassTable) -> ImageAnnotation:
    """Return the objects of a picture in the colours of the classes, on black."""
    labels, table = labels_of_colours(path, read_rgb(path), classes)
    return ImageAnnotation.from_labels(file_name, labels, table)
