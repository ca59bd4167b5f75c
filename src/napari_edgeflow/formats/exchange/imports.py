"""Labels of any format that is read, and what format a file or folder has."""

from collections.abc import Iterator
from pathlib import Path

from napari_edgeflow.engine.labels.classes import ClassTable, Kind
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.files.json_files import read_json
from napari_edgeflow.formats.files.problems import Report, refuse
from napari_edgeflow.formats.kinds.coco.dataset import coco_files, read_coco
from napari_edgeflow.formats.kinds.eiseg import FOLDERS, read_eiseg
from napari_edgeflow.formats.kinds.geojson import read_geojson, read_geojson_folder
from napari_edgeflow.formats.kinds.label_images.folder import (
    label_files,
    read_label_folder,
)
from napari_edgeflow.formats.kinds.labelme.files import (
    read_labelme,
    read_labelme_folder,
)
from napari_edgeflow.formats.kinds.voc.folder import VOC_IMAGES, VocFolder
from napari_edgeflow.formats.kinds.voc.objects import read_voc
from napari_edgeflow.formats.kinds.yolo import IMAGES, find_data_yaml, read_yolo_folder

EISEG_LIST = "autosave_label.txt"
_LABEL_IMAGES = (".png", ".tif", ".tiff")


SOURCES = {
    "voc": "Pascal VOC folder",
    "coco": "COCO JSON",
    "labelme": "LabelMe JSON",
    "yolo": "YOLO segmentation",
    "eiseg": "EISeg's output folder",
    "labels": "Label images (PNG, TIFF)",
    "geojson": "GeoJSON (QuPath)",
}
"""The formats that are read, and what a person reads of each."""


def read_annotations(
    source: str,
    path: Path,
    images: Path | None = None,
    classes: ClassTable | None = None,
    report: Report = refuse,
    kind: Kind = "semantic",
) -> Iterator[ImageAnnotation]:
    """Read the labels of a file or folder, image by image.

    Parameters
    ----------
    source : str
        A key of :data:`SOURCES`.
    path : Path
        The file or folder.
    images : Path, optional
        The folder of the images, where the format does not say it.
    classes : ClassTable, optional
        The classes, where the format knows them by name or number only.
    report : callable
        Told of what cannot be used; the rest is read.
    kind : {"semantic", "object"}
        Whether the values of label images that do not say it are classes or objects.

    Yields
    ------
    ImageAnnotation
        One for each image.

    Raises
    ------
    ValueError
        If there is nothing of that format.
    OSError
        If it cannot be read.
    """
    single = path.is_file()
    match source:
        case "voc":
            yield from read_voc(path, report)
        case "coco":
            yield from read_coco(path, report, images)
        case "labelme" if single:
            yield read_labelme(path, classes or ClassTable(()), report, images)
        case "labelme":
            yield from read_labelme_folder(path, classes, report, images)
        case "yolo":
            yield from read_yolo_folder(path, images, report, classes)
        case "eiseg":
            yield from read_eiseg(path, images, classes, report)
        case "labels" if single:
            (file,) = label_files(path, images, classes, kind)
            yield file.plane(report)
        case "labels":
            yield from read_label_folder(path, images, classes, report, kind)
        case "geojson" if single:
            yield read_geojson(path, classes=classes, report=report)
        case "geojson":
            yield from read_geojson_folder(path, images, classes, report)
        case _:
            raise ValueError(f"no format {source!r}: use {', '.join(SOURCES)}")


def images_beside(source: str, path: Path) -> Path | None:
    """Return the folder where a format usually has its images; None if it has none."""
    folder = path if path.is_dir() else path.parent
    usual = {
        "voc": folder / VOC_IMAGES,
        "coco": folder,
        "labelme": folder,
        "yolo": folder / IMAGES,
    }
    # Where labels are images themselves, the image of that name would be they.
    return usual.get(source)


def guess_source(path: Path) -> str:
    """Return the format of a file or folder, a key of :data:`SOURCES`.

    Raises
    ------
    ValueError
        If it is none that is known.
    OSError
        If it cannot be read.
    """
    found = _of_folder(path) if path.is_dir() else _of_file(path)
    if found is None:
        raise ValueError(
            f"{path} holds no labels of a known format: choose a COCO, LabelMe or "
            "GeoJSON file, a label image, or a VOC, YOLO, LabelMe or EISeg folder"
        )
    return found


def _of_file(path: Path) -> str | None:
    suffix = path.suffix.lower()
    if suffix in _LABEL_IMAGES:
        return "labels"
    if suffix in (".yaml", ".yml"):
        return "yolo"
    if suffix not in (".json", ".geojson"):
        return None
    record = read_json(path)
    if not isinstance(record, dict):
        # QuPath exports a plain list of features, too.
        return "geojson" if suffix == ".geojson" else None
    marks = {"annotations": "coco", "shapes": "labelme", "features": "geojson"}
    return next((kind for key, kind in marks.items() if key in record), None)


def _of_folder(path: Path) -> str | None:
    if VocFolder(path).is_complete:
        return "voc"
    if find_data_yaml(path) is not None or (path / "obj.names").is_file():
        return "yolo"
    if _is_eiseg(path):
        return "eiseg"
    if coco_files(path):
        return "coco"
    if any(path.glob("*.geojson")):
        return "geojson"
    if any(path.glob("*.json")):
        return "labelme"
    has_images = any(p.suffix.lower() in _LABEL_IMAGES for p in path.iterdir())
    return "labels" if has_images else None


def _is_eiseg(path: Path) -> bool:
    """Return whether a folder has what only EISeg writes."""
    places = [path / name for name in FOLDERS]
    return any(
        (place / EISEG_LIST).is_file() or any(place.glob("*_pseudo.png"))
        for place in places
        if place.is_dir()
    )
