"""GeoJSON as QuPath has it: a collection of features in pixels, y downwards.

GeoJSON has no place for the image, its size and the order of the classes; they are in
a member of ours, which QuPath and others skip.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_edgeflow.engine.data.names import inner_names, stem_of
from napari_edgeflow.engine.data.pixels import image_size
from napari_edgeflow.engine.labels.classes import (
    METADATA,
    ClassTable,
    Colour,
    LabelClass,
)
from napari_edgeflow.engine.raster.outlines.polygons import Polygon, Ring
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.changes import joined
from napari_edgeflow.formats.annotation.objects import (
    LabelledObject,
    free_id,
    kept_parts,
    numbers,
)
from napari_edgeflow.formats.files.class_lists import check_names, with_names
from napari_edgeflow.formats.files.image_files import ImageFolder
from napari_edgeflow.formats.files.json_files import read_json, write_json
from napari_edgeflow.formats.files.problems import Report, refuse

_UNCLASSIFIED = "unclassified"


def write_geojson(path: Path, annotation: ImageAnnotation) -> None:
    """Write the objects of an image with their classes and colours.

    QuPath opens files that end in .geojson.
    """
    check_names(annotation.classes)
    record = {
        "type": "FeatureCollection",
        "features": [
            _feature(entry, annotation.classes.get(entry.class_id))
            for entry in annotation.objects
        ],
        METADATA: {
            "file_name": annotation.file_name,
            "height": annotation.height,
            "width": annotation.width,
            "classes": annotation.classes.to_records(),
        },
    }
    write_json(path, record)


def read_geojson(
    path: Path,
    file_name: str | None = None,
    shape: tuple[int, int] | None = None,
    classes: ClassTable | None = None,
    report: Report = refuse,
) -> ImageAnnotation:
    """Read the objects of an image: a collection of features, or a list as QuPath's.

    Parameters
    ----------
    path : Path
        The file.
    file_name, shape : str and tuple of int, optional
        Of the image. Default: what we wrote, else the name of the file.
    classes : ClassTable, optional
        Default: what we wrote; a name that is missing is added.
    report : callable
        Told of each feature that cannot be used, such as a line or a point.
    """
    record = read_json(path)
    if isinstance(record, list):
        record = {"features": record}
    features = record.get("features") if isinstance(record, dict) else None
    if not isinstance(features, list) or not all(
        isinstance(feature, dict) for feature in features
    ):
        raise ValueError(f"{path} has no list of features: give a FeatureCollection")
    ours = record.get(METADATA)
    ours = ours if isinstance(ours, dict) else {}
    if shape is None:
        shape = _shape(path, ours)
    table = classes or ClassTable.from_records(ours.get("classes") or ())
    table = _with_features(table, features)
    told = ours.get("file_name")
    name = file_name or (inner_names([str(told)])[0] if told else path.stem)
    objects = tuple(_objects(path, features, table, shape, report))
    return ImageAnnotation(name, *shape, table, objects)


def read_geojson_folder(
    folder: Path,
    images: Path | None = None,
    classes: ClassTable | None = None,
    report: Report = refuse,
) -> Iterator[ImageAnnotation]:
    """Read all files of a folder and of those in it, in the order of their names.

    Files of other programs need the images of the same names for the size.
    """
    paths = sorted(folder.rglob("*.geojson"))
    if not paths:
        raise ValueError(f"no GeoJSON file in {folder}: give a folder with some")
    known = ImageFolder(images)
    names: dict[Path, str] = {}
    for path in paths:
        labels = path.relative_to(folder).as_posix()
        try:
            told = _told_name(path)
            names[path] = told or known.name_of(labels) or stem_of(labels)
        except (ValueError, OSError) as error:
            report(f"{labels} is left out: {error}")

    def read() -> Iterator[ImageAnnotation]:
        for path, name in names.items():
            try:
                image = known.find(name)
                shape = None if image is None else image_size(image)
                found = read_geojson(path, name, shape, classes, report)
            except (ValueError, OSError) as error:
                report(f"{path.relative_to(folder)} is left out: {error}")
            else:
                yield replace(found, image=image)

    yield from joined(read(), Counter(names.values()), report)


def _told_name(path: Path) -> str | None:
    """Return the file name of the image that we wrote, if we wrote the file."""
    record = read_json(path)
    ours = record.get(METADATA) if isinstance(record, dict) else None
    name = ours.get("file_name") if isinstance(ours, dict) else None
    return inner_names([name])[0] if isinstance(name, str) and name else None


def _shape(path: Path, ours: Mapping[str, Any]) -> tuple[int, int]:
    try:
        return int(ours["height"]), int(ours["width"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ValueError(
            f"{path} does not say how large its image is: give the image too"
        ) from None


def _feature(entry: LabelledObject, label: LabelClass) -> dict[str, Any]:
    parts = [[_closed(ring) for ring in p.rings] for p in entry.polygons()]
    geometry = (
        {"type": "Polygon", "coordinates": parts[0]}
        if len(parts) == 1
        else {"type": "MultiPolygon", "coordinates": parts}
    )
    return {
        "type": "Feature",
        "id": f"object-{entry.id}",
        "geometry": geometry,
        "properties": {
            "objectType": "annotation",
            "name": f"{label.name} {entry.id}",
            "classification": {"name": label.name, "color": list(label.colour)},
            METADATA: {"id": entry.id, "is_crowd": entry.is_crowd},
        },
    }


def _closed(ring: Ring) -> list[list[float]]:
    """Return (x, y) with the first vertex again at the end, as GeoJSON wants it."""
    points: list[list[float]] = ring[:, ::-1].tolist()
    return [*points, points[0]]


def _properties(feature: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = feature.get("properties")
    return properties if isinstance(properties, dict) else {}


def _label(feature: Mapping[str, Any]) -> tuple[str, Colour | None]:
    """Return the name and the colour of a feature's class."""
    written = _properties(feature).get("classification")
    if not isinstance(written, dict):
        return _UNCLASSIFIED, None
    name = str(written.get("name") or "").strip()
    parts = written.get("names")
    if not name and isinstance(parts, list):
        # QuPath 0.4 and later: a class derived from another has the names of both.
        name = ": ".join(str(part).strip() for part in parts)
    return name or _UNCLASSIFIED, _colour(written) or _colour(_properties(feature))


def _colour(record: Mapping[str, Any]) -> Colour | None:
    match record.get("color"):
        case [int(red), int(green), int(blue), *_] if all(
            0 <= part <= 255 for part in (red, green, blue)
        ):
            return red, green, blue
    match record.get("colorRGB"):
        # Java's colours are alpha, red, green and blue in one number with a sign.
        case int(packed):
            return packed >> 16 & 255, packed >> 8 & 255, packed & 255
    return None


def _with_features(classes: ClassTable, features: list[dict[str, Any]]) -> ClassTable:
    """Return the table with the classes of all features."""
    for feature in features:
        name, colour = _label(feature)
        known = {entry.name for entry in classes}
        classes = with_names(classes, (name,))
        if name not in known and colour is not None:
            new = classes.classes[-1]
            classes = classes.with_class(LabelClass(new.id, name, colour))
    return classes


def _objects(
    path: Path,
    features: list[dict[str, Any]],
    classes: ClassTable,
    shape: tuple[int, int],
    report: Report,
) -> Iterator[LabelledObject]:
    ids = {entry.name: entry.id for entry in reversed(classes.classes)}
    taken = set[int]()
    for place, feature in enumerate(features):
        ours = _properties(feature).get(METADATA)
        ours = ours if isinstance(ours, dict) else {}
        number = free_id(ours.get("id"), taken)
        try:
            polygons, bad = kept_parts(_parts(feature.get("geometry")), _polygon, shape)
            if bad and not polygons:
                raise ValueError(bad[0])
            if bad:
                report(f"{path}: a part of feature {place + 1} is left out: {bad[0]}")
            class_id = ids[_label(feature)[0]]
            drawn = LabelledObject.from_polygons(number, class_id, polygons, shape)
        except ValueError as error:
            report(f"{path}: feature {place + 1} is left out: {error}")
            continue
        taken.add(number)
        is_crowd = bool(ours.get("is_crowd", False))
        yield LabelledObject(number, class_id, drawn.region, drawn.drawn, is_crowd)


def _parts(geometry: Any) -> list[Any]:
    """Return the rings of each polygon."""
    written = geometry if isinstance(geometry, dict) else {}
    kind, parts = written.get("type"), written.get("coordinates")
    if kind == "GeometryCollection":
        inner = written.get("geometries")
        return [
            p for g in (inner if isinstance(inner, list) else ()) for p in _parts(g)
        ]
    if kind == "Polygon":
        return [parts]
    if kind != "MultiPolygon":
        raise ValueError(f"a {kind} has no area")
    return parts if isinstance(parts, list) else []


def _polygon(part: Any) -> Polygon:
    try:
        exterior, *holes = (numbers(ring)[:, 1::-1] for ring in part)
        return Polygon(exterior, tuple(holes))
    except (TypeError, ValueError, IndexError):
        raise ValueError("its coordinates are no rings of [x, y]") from None
