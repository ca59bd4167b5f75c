"""What is done to a record between reading and writing it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.labels.classes import ClassTable, match_classes
from napari_edgeflow.engine.raster.outlines.geometry import simplified
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.objects import LabelledObject, free_id
from napari_edgeflow.formats.files.problems import Report

VOID_NAME = "void"
"""Name of VOC's class 255: pixels that do not count."""


@dataclass(frozen=True, slots=True)
class Simplification:
    """What simpler outlines cost.

    Parameters
    ----------
    vertices_before, vertices_after : int
        Of all outlines.
    common, either : int
        Pixels of the objects that are in both and in either outline.
    """

    vertices_before: int = 0
    vertices_after: int = 0
    common: int = 0
    either: int = 0

    @property
    def iou(self) -> float:
        """Intersection over union of all objects together; 1 if there is none."""
        return self.common / self.either if self.either else 1.0

    def __add__(self, other: "Simplification") -> "Simplification":
        """Return the sum over two images or objects."""
        return Simplification(
            self.vertices_before + other.vertices_before,
            self.vertices_after + other.vertices_after,
            self.common + other.common,
            self.either + other.either,
        )


def simplify_annotation(
    annotation: ImageAnnotation, tolerance: float
) -> tuple[ImageAnnotation, Simplification]:
    """Return a record whose outlines have fewer vertices, and what that cost.

    ``tolerance`` is how many pixels an outline may move. An object that would vanish
    stays as it is.

    Raises
    ------
    ValueError
        If the tolerance is negative or no number.
    """
    results = [
        _simplified_object(entry, annotation.shape, tolerance)
        for entry in annotation.objects
    ]
    objects = tuple(entry for entry, _ in results)
    cost = sum((cost for _, cost in results), Simplification())
    return replace(annotation, objects=objects), cost


def _simplified_object(
    entry: LabelledObject, shape: tuple[int, int], tolerance: float
) -> tuple[LabelledObject, Simplification]:
    exact = entry.polygons()
    simple = tuple(simplified(polygon, tolerance) for polygon in exact)
    try:
        drawn = LabelledObject.from_polygons(entry.id, entry.class_id, simple, shape)
        result = replace(drawn, is_crowd=entry.is_crowd)
    except ValueError:
        # It has no pixel left.
        result, simple = entry, exact
    before, after = (sum(p.vertices for p in parts) for parts in (exact, simple))
    overlap = entry.region.common(result.region)
    either = entry.region.pixels + result.region.pixels - overlap
    return result, Simplification(before, after, overlap, either)


def with_classes(annotation: ImageAnnotation, classes: ClassTable) -> ImageAnnotation:
    """Return a record with the classes of a table, which are known by their names.

    Classes that the table lacks are added to it.
    """
    every, ids = match_classes(classes, annotation.classes)
    objects = tuple(
        replace(entry, class_id=ids[entry.class_id]) for entry in annotation.objects
    )
    return replace(annotation, classes=every, objects=objects)


def joined(
    annotations: Iterable[ImageAnnotation], counts: Mapping[str, int], report: Report
) -> Iterator[ImageAnnotation]:
    """Yield one record for each image: the objects of all that there are of it.

    Parameters
    ----------
    annotations : iterable of ImageAnnotation
        The records.
    counts : mapping
        How many records there are of each image, by its file name. One of which a
        record cannot be read comes last.
    report : callable
        Told of records that do not fit the first of their image.
    """
    waiting: dict[str, ImageAnnotation] = {}
    missing = dict(counts)
    for annotation in annotations:
        name = annotation.file_name
        missing[name] = missing.get(name, 1) - 1
        try:
            first = waiting.get(name)
            waiting[name] = annotation if first is None else _both(first, annotation)
        except ValueError as error:
            report(f"a second record of {name} is left out: {error}")
        if missing[name] <= 0:
            yield waiting.pop(name)
    yield from waiting.values()


def _both(first: ImageAnnotation, second: ImageAnnotation) -> ImageAnnotation:
    """Return one record with the objects of two."""
    if first.shape != second.shape:
        raise ValueError(
            f"it says the image has {second.width} x {second.height} pixels, the first "
            f"{first.width} x {first.height}"
        )
    second = with_classes(second, first.classes)
    taken, objects = {entry.id for entry in first.objects}, list(first.objects)
    for entry in second.objects:
        number = free_id(entry.id, taken)
        taken.add(number)
        objects.append(replace(entry, id=number))
    return replace(
        first,
        classes=second.classes,
        objects=tuple(objects),
        image=first.image or second.image,
    )


def without_void(annotation: ImageAnnotation) -> ImageAnnotation:
    """Return a record without VOC's class 255, "void", which is no kind of object."""
    void = {c.id for c in annotation.classes if (c.id, c.name) == (VOID, VOID_NAME)}
    if not void:
        return annotation
    return replace(
        annotation,
        classes=annotation.classes.without(VOID),
        objects=tuple(o for o in annotation.objects if o.class_id not in void),
    )
