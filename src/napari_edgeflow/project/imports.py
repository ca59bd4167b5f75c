"""Labels of others for all images of a project."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.classes import ClassTable
from napari_edgeflow.engine.label_parts import exchanged
from napari_edgeflow.engine.semantic_regions import match_classes
from napari_edgeflow.formats.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation_changes import without_void
from napari_edgeflow.formats.imports import (
    guess_source,
    images_beside,
    read_annotations,
)
from napari_edgeflow.formats.labelled_plane import Kind
from napari_edgeflow.project.folder import Project
from napari_edgeflow.project.images import Reader, read_any_image, spatial_shape
from napari_edgeflow.project.records import LabelContent, PageContent, Row

_PATIENCE_S = 60.0
"""How long to wait for the disk before more is read."""

_KEYS: dict[Kind, str] = {"object": "objects", "semantic": "classes"}


@dataclass(frozen=True, slots=True)
class FolderImport:
    """What to import into a project, and how.

    Parameters
    ----------
    path : Path
        The file or folder.
    source : str or None
        Its format; None to find out.
    kind : {"semantic", "object"}
        What images without labels get, and what the values of label images are that
        do not say it.
    add : bool
        Whether images that have labels get more; else they are left alone.
    keep_existing : bool
        Whether pixels that have a label keep it.
    reader : callable, optional
        Reads images that the usual readers cannot.
    """

    path: Path
    source: str | None = None
    kind: Kind = "object"
    add: bool = False
    keep_existing: bool = True
    reader: Reader | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PageImport:
    """What an image gets.

    Parameters
    ----------
    name : str
        The image of the project.
    annotation : ImageAnnotation
        The labels that were read.
    classes : ClassTable
        The project's classes, and those that the labels add.
    content : PageContent or None
        What is on the image then; None for an image that has labels and is left alone.
    objects : int
        How many objects it got.
    """

    name: str
    annotation: ImageAnnotation
    classes: ClassTable
    content: PageContent | None = None
    objects: int = 0


def read_folder_import(
    project: Project, request: FolderImport
) -> Generator[PageImport, None, list[str]]:
    """Read labels and say what each image of a project has with them.

    Nothing is written here: that is up to who knows which image is open. The saver is
    waited for before the next image is read.

    Yields
    ------
    PageImport
        For each image that there are labels of. Its page was opened.

    Returns
    -------
    list of str
        What was left out, in sentences.

    Raises
    ------
    ValueError
        If no labels belong to an image of the project.
    OSError
        If the file cannot be read.
    """
    problems: list[str] = []
    pages, unknown, done = _Pages(project.names), list[str](), set[str]()
    classes = project.record.classes
    for annotation in _annotations(project, request, problems):
        name = pages.find(annotation.file_name, problems)
        if not name or name in done:
            unknown += [] if name in done else [annotation.file_name]
            continue
        done.add(name)
        try:
            page = _page(project, name, annotation, classes, request)
        except (ValueError, OSError) as error:
            problems.append(f"{name} is left out: {error}")
            continue
        classes = page.classes
        yield page
        if project.saver is not None:
            project.saver.wait(timeout=_PATIENCE_S)
    if not done:
        raise ValueError(_nothing_fits(request.path, project, unknown, problems))
    if unknown:
        problems.append(_left_out(unknown))
    return problems


def read_again(
    project: Project, request: FolderImport, pages: Sequence[PageImport]
) -> Generator[PageImport, None, list[str]]:
    """Do :func:`read_folder_import` again for images that were edited since."""
    problems: list[str] = []
    classes = project.record.classes
    for page in pages:
        try:
            again = _page(project, page.name, page.annotation, classes, request)
        except (ValueError, OSError) as error:
            problems.append(f"{page.name} is left out: {error}")
            continue
        classes = again.classes
        yield again
    return problems


def _annotations(
    project: Project, request: FolderImport, problems: list[str]
) -> Iterator[ImageAnnotation]:
    path = request.path
    if not path.exists():
        raise FileNotFoundError(f"There is no {path}: check the path.")
    source = request.source or guess_source(path)
    usual = images_beside(source, path)
    images = None if usual is not None and usual.is_dir() else project.images
    return read_annotations(source, path, images, None, problems.append, request.kind)


class _Pages:
    """Finds the image of a project that labels are for."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = set(names)
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        for name in names:
            path = PurePosixPath(name)
            self._by_name.setdefault(path.name, []).append(name)
            self._by_stem.setdefault(path.stem, []).append(name)

    def find(self, file_name: str, problems: list[str]) -> str:
        """Return its name, also with another folder or ending; "" for none."""
        if file_name in self._names:
            return file_name
        path = PurePosixPath(file_name.replace("\\", "/"))
        found = self._by_name.get(path.name) or self._by_stem.get(path.stem) or []
        if len(found) > 1:
            same = [n for n in found if PurePosixPath(n).parent == path.parent]
            if len(same) != 1:
                problems.append(
                    f"{file_name!r} may be {' or '.join(map(repr, found))}: give the "
                    "folder in its name"
                )
                return ""
            found = same
        return found[0] if found else ""


def _page(
    project: Project,
    name: str,
    annotation: ImageAnnotation,
    classes: ClassTable,
    request: FolderImport,
) -> PageImport:
    content = project.open_page(name).content
    key, layer = _target(content, request.kind)
    if not request.add and any(x.labels.any() for x in content.layers.values()):
        return PageImport(name, annotation, classes)
    if layer is None:
        pixels = read_any_image(project.image(name), request.reader)
        dtype = np.uint16 if request.kind == "object" else np.uint8
        empty = np.zeros(spatial_shape(pixels), dtype)
        layer = LabelContent(request.kind, ClassTable(()), empty)
    _check_shape(annotation, layer.labels.shape)
    if layer.kind == "object":
        annotation = without_void(annotation)
    classes, ids = match_classes(classes, annotation.classes)
    layer = replace(layer, classes=classes, counts=None)
    new, objects = _with(layer, annotation, ids, request.keep_existing)
    content = replace(content, layers={**content.layers, key: new})
    return PageImport(name, annotation, classes, content, objects)


def _target(content: PageContent, kind: Kind) -> tuple[str, LabelContent | None]:
    """Return the labels that get more: the first that say what they are."""
    for key, layer in content.layers.items():
        if layer.kind != "plain":
            return key, layer
    return _KEYS[kind], None


def _check_shape(annotation: ImageAnnotation, shape: tuple[int, ...]) -> None:
    if len(shape) > 2:
        raise ValueError(
            "it is a stack: open it and import the labels of its slices there"
        )
    if annotation.shape != shape:
        height, width = annotation.shape
        raise ValueError(
            f"the labels are for an image of {width} x {height} pixels, this one has "
            f"{shape[1]} x {shape[0]}"
        )


def _with(
    layer: LabelContent,
    annotation: ImageAnnotation,
    ids: Mapping[int, int],
    keep_existing: bool,
) -> tuple[LabelContent, int]:
    """Return labels with those of an annotation, and the number of new objects."""
    if layer.kind == "semantic":
        found = exchanged(annotation.class_labels(), ids)
        return _written(layer, found, {}, keep_existing), len(annotation.objects)
    first = max(int(layer.labels.max(initial=0)), *layer.rows, 0) + 1
    given = {o.id: first + at for at, o in enumerate(annotation.objects)}
    names = {entry.id: entry.name for entry in layer.classes}
    rows = {
        given[o.id]: _row(ids[o.class_id], names[ids[o.class_id]])
        for o in annotation.objects
    }
    found = exchanged(annotation.object_labels(), given)
    new = _written(layer, found, rows, keep_existing)
    return new, len(new.rows) - len(layer.rows)


def _row(class_id: int, class_name: str) -> Row:
    return {
        "class_id": class_id,
        "class_name": class_name,
        "clicks": [],
        "seconds": 0.0,
        "plane": [None, None],
        "source": "import",
    }


def _written(
    layer: LabelContent,
    found: NDArray[np.integer[Any]],
    rows: Mapping[int, Row],
    keep_existing: bool,
) -> LabelContent:
    mask = (found > 0) & ((layer.labels == 0) | (not keep_existing))
    highest = np.min_scalar_type(int(found.max(initial=0)))
    labels = layer.labels.astype(np.promote_types(layer.labels.dtype, highest))
    labels[mask] = found[mask]
    there = set(np.unique(found[mask]).tolist())
    new = {index: row for index, row in rows.items() if index in there}
    return replace(layer, labels=labels, rows={**layer.rows, **new})


def _nothing_fits(
    path: Path, project: Project, unknown: Sequence[str], problems: Sequence[str]
) -> str:
    if problems:
        return problems[0]
    if not unknown:
        return f"{path} holds no labels."
    return (
        f"{path.name} has labels of {', '.join(map(repr, unknown[:3]))}"
        f"{' …' if len(unknown) > 3 else ''}, and no image of {project.images} is "
        "called like that: give the images their names back"
    )


def _left_out(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:3])) + (" …" if len(names) > 3 else "")
    if len(names) == 1:
        return f"{shown} is no image of the folder."
    return f"{len(names)} images are none of the folder: {shown}."
