"""Imports in the background: which labels of a file belong to the image."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.changes import without_void
from napari_edgeflow.formats.exchange.imports import (
    guess_source,
    images_beside,
    read_annotations,
)
from napari_edgeflow.formats.kinds.label_images.stack import (
    Labelled,
    StackAnnotation,
    slices_of,
)
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.workspace.label_writer import (
    LabelTarget,
    LabelWriter,
    NewLabels,
    PlaneLabels,
    Written,
)

if TYPE_CHECKING:
    from napari.viewer import Viewer

_NAMED = 3
"""Names of images that are told when none fits."""


@dataclass(frozen=True, slots=True, eq=False)
class ImportRequest:
    """What to read, and for which planes.

    Parameters
    ----------
    path : Path
        The file or folder.
    source : str or None
        Its format; None to find out.
    values : {"semantic", "object"}
        What the values of label images are that do not say it.
    images : Path or None
        Where the image lies, if it is in a file.
    names : tuple of str
        The file name of each plane.
    planes : tuple of Plane
        The planes.
    shape : tuple of int
        (H, W) of each plane.
    """

    path: Path
    source: str | None
    values: Kind
    images: Path | None
    names: tuple[str, ...]
    planes: tuple[Plane, ...]
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Imported:
    """What was found for the planes, and a sentence for each thing left out.

    Where it is whole, the same id in several planes is one object.
    """

    found: list[tuple[Plane, ImageAnnotation]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    is_whole: bool = False

    @classmethod
    def of(cls, labelled: Labelled) -> "Imported":
        """Return the labels of all planes of an image."""
        found = [
            (Plane((*place, None, None)), plane) for place, plane in slices_of(labelled)
        ]
        is_whole = isinstance(labelled, StackAnnotation) and labelled.is_whole
        return cls(found, is_whole=is_whole)


def read_import(request: ImportRequest) -> Generator[int, None, Imported]:
    """Read the labels of the planes; yield how many images were read so far.

    An image of a file is that of a plane of the same name; the ending may be another.
    The only image of a file is also taken if it has another name but the same size.

    Raises
    ------
    ValueError
        If nothing fits.
    OSError
        If the file cannot be read.
    """
    problems: list[str] = []
    everything: dict[str, ImageAnnotation] = {}
    places: dict[int, ImageAnnotation] = {}
    for number, annotation in enumerate(_annotations(request, problems), 1):
        everything[annotation.file_name] = annotation
        place = _place(request.names, annotation)
        # An image of the very name is right, one of another ending may be.
        if place is not None and not _is_exact(request, places.get(place), place):
            places[place] = annotation
        yield number
        if len(places) == len(request.names) and all(
            _is_exact(request, found, at) for at, found in places.items()
        ):
            break
    if not places and len(everything) == 1 and len(request.names) == 1:
        places[0] = next(iter(everything.values()))
    if not places:
        raise ValueError(_nothing_fits(request, list(everything), problems))
    found = [(request.planes[at], places[at]) for at in sorted(places)]
    for _, annotation in found:
        _check_size(annotation, request.shape)
    return Imported(found, problems)


def write_import(
    viewer: "Viewer", imported: Imported, to: LabelTarget, *, waits: bool = True
) -> Generator[None, None, Written]:
    """Write labels that were read; see :meth:`LabelWriter.write`."""
    scheme = read_scheme(to.labels)
    if scheme is not None:
        to = replace(to, kind=scheme.kind)
    planes = []
    for plane, annotation in imported.found:
        planes.append(_labels_of(plane, annotation, to.kind))
        yield
    what = f"import of {len(planes)} images" if len(planes) > 1 else "import"
    too_many = "import them as classes"
    new = NewLabels(planes, what, "import", too_many, imported.is_whole)
    return (yield from LabelWriter(viewer).write(to, new, waits=waits))


def _labels_of(plane: Plane, annotation: ImageAnnotation, kind: Kind) -> PlaneLabels:
    classes = annotation.classes
    if kind == "semantic":
        return PlaneLabels(plane, annotation.class_labels(), classes)
    annotation = without_void(annotation)
    class_of = {entry.id: entry.class_id for entry in annotation.objects}
    labels = annotation.object_labels()
    return PlaneLabels(plane, labels, annotation.classes, class_of)


def _annotations(
    request: ImportRequest, problems: list[str]
) -> Iterator[ImageAnnotation]:
    if not request.path.exists():
        raise FileNotFoundError(f"There is no {request.path}: check the path.")
    source = request.source or guess_source(request.path)
    usual = images_beside(source, request.path)
    images = None if usual is not None and usual.is_dir() else request.images
    return read_annotations(
        source, request.path, images, None, problems.append, request.values
    )


def _place(names: Sequence[str], annotation: ImageAnnotation) -> int | None:
    """Return the place of an image's name, also with another folder or ending."""
    name = PurePosixPath(annotation.file_name).name
    if name in names:
        return names.index(name)
    stems = [PurePosixPath(known).stem for known in names]
    stem = PurePosixPath(annotation.stem).name
    return stems.index(stem) if stem in stems else None


def _is_exact(
    request: ImportRequest, annotation: ImageAnnotation | None, place: int
) -> bool:
    return (
        annotation is not None
        and PurePosixPath(annotation.file_name).name == request.names[place]
    )


def _nothing_fits(
    request: ImportRequest, known: Sequence[str], problems: Sequence[str]
) -> str:
    if not known:
        return problems[0] if problems else f"{request.path} holds no labels."
    names = ", ".join(map(repr, known[:_NAMED]))
    more = " …" if len(known) > _NAMED else ""
    return (
        f"{request.path.name} has no image called {request.names[0]!r}, but {names}"
        f"{more}: rename the image layer to the one that it is."
    )


def _check_size(annotation: ImageAnnotation, shape: tuple[int, int]) -> None:
    if annotation.shape != shape:
        height, width = annotation.shape
        raise ValueError(
            f"The labels of {annotation.file_name!r} are for an image of {width} x "
            f"{height} pixels, this one has {shape[1]} x {shape[0]}: choose the image "
            "that was labelled."
        )
