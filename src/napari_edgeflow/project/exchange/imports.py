"""Labels of others for all images of a project."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from napari_edgeflow.engine.labels.classes import ClassTable, Kind, match_classes
from napari_edgeflow.formats.exchange.imports import (
    guess_source,
    images_beside,
    read_annotations,
)
from napari_edgeflow.formats.kinds.label_images.stack import (
    Labelled,
    read_labels_and_stacks,
    slices_without_void,
)
from napari_edgeflow.project.content.records import LabelContent, PageContent
from napari_edgeflow.project.exchange.import_labels import (
    check_shape,
    target_of,
    with_labels,
)
from napari_edgeflow.project.exchange.import_undo import ImportedPage, PackedPage
from napari_edgeflow.project.folder import Project
from napari_edgeflow.project.images.read import Reader, read_any_image, spatial_shape


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
    annotation : ImageAnnotation or StackAnnotation
        The labels that were read.
    classes : ClassTable
        The project's classes, and those that the labels add.
    content : PageContent or None
        What is on the image then; None for an image that has labels and is left alone.
    objects : int
        How many objects it got.
    kept : ImportedPage or None
        What takes it back.
    """

    name: str
    annotation: Labelled
    classes: ClassTable
    content: PageContent | None = None
    objects: int = 0
    kept: ImportedPage | None = None


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
    problems, unknown, done = list[str](), list[str](), set[str]()
    pages = _Pages(project.names)

    def known() -> Iterator[tuple[str, Labelled]]:
        for labelled in _annotations(project, request, problems):
            name = pages.find(labelled.file_name, problems)
            if name and name not in done:
                done.add(name)
                yield name, labelled
            elif not name:
                unknown.append(labelled.file_name)

    yield from _imported(project, request, known(), problems)
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
    known = ((page.name, page.annotation) for page in pages)
    yield from _imported(project, request, known, problems)
    return problems


def _imported(
    project: Project,
    request: FolderImport,
    known: Iterable[tuple[str, Labelled]],
    problems: list[str],
) -> Iterator[PageImport]:
    """Yield what images get, one when the one before is on disk."""
    classes = project.record.classes
    for name, labelled in known:
        try:
            page = _page(project, name, labelled, classes, request)
        except (ValueError, OSError) as error:
            problems.append(f"{name} is left out: {error}")
            continue
        classes = page.classes
        yield page
        project.wait()


def _annotations(
    project: Project, request: FolderImport, problems: list[str]
) -> Iterator[Labelled]:
    path = request.path
    if not path.exists():
        raise FileNotFoundError(f"There is no {path}: check the path.")
    source = request.source or guess_source(path)
    usual = images_beside(source, path)
    images = None if usual is not None and usual.is_dir() else project.images
    if source == "labels":
        return read_labels_and_stacks(path, images, problems.append, request.kind)
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
    labelled: Labelled,
    classes: ClassTable,
    request: FolderImport,
) -> PageImport:
    before, state = project.open_page(name).content, project.record.page(name).state
    key, layer = target_of(before, request.kind)
    if not request.add and any(x.labels.any() for x in before.layers.values()):
        return PageImport(name, labelled, classes)
    if layer is None:
        pixels = read_any_image(project.image(name), request.reader)
        dtype = np.uint16 if request.kind == "object" else np.uint8
        empty = np.zeros(spatial_shape(pixels), dtype)
        removals = project.record.removals
        layer = LabelContent(request.kind, ClassTable(()), empty, removals=removals)
    check_shape(labelled, layer.labels.shape)
    if layer.kind == "object":
        labelled = slices_without_void(labelled)
    classes, ids = match_classes(classes, labelled.classes)
    layer = replace(layer, classes=classes, counts=None)
    new, objects = with_labels(layer, labelled, ids, request.keep_existing)
    after = replace(before, layers={**before.layers, key: new})
    kept = ImportedPage(name, state, PackedPage.of(before), PackedPage.of(after))
    return PageImport(name, labelled, classes, after, objects, kept)


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
