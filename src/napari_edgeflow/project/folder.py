"""A project: a folder of images, and the folder with all that was made on them."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from napari_edgeflow.project.content.class_changes import up_to_date
from napari_edgeflow.project.content.records import PageContent
from napari_edgeflow.project.images.listing import HOME, IMAGE_ENDINGS, list_images
from napari_edgeflow.project.storage.lock import ProjectLock, ProjectLockedError
from napari_edgeflow.project.storage.page_files import (
    PageFiles,
    StoredPage,
    read_page,
    write_page,
)
from napari_edgeflow.project.storage.project_file import (
    PROJECT,
    STATES,
    PageState,
    PageSummary,
    ProjectFile,
    ProjectRecord,
)
from napari_edgeflow.project.storage.saver import Saver, SaveState


@dataclass(frozen=True, slots=True)
class ProjectPlace:
    """Which project to open, and how.

    Parameters
    ----------
    folder : Path
        A folder of images, or the folder of a project.
    labels : Path, optional
        The folder of the project. Default: "napari-edgeflow" in the folder of images.
    read_only : bool
        Look only; another program may write it meanwhile.
    restore : bool
        Begin with the last good copy of the project's file.
    force : bool
        Take the project from whoever holds it.
    suffixes : tuple of str
        Endings of images.
    """

    folder: Path
    labels: Path | None = None
    read_only: bool = False
    restore: bool = False
    force: bool = False
    suffixes: tuple[str, ...] = IMAGE_ENDINGS

    @property
    def home(self) -> Path:
        """The project's folder."""
        if self.labels is not None:
            return self.labels
        is_home = (self.folder / PROJECT).is_file()
        return self.folder if is_home else self.folder / HOME


@dataclass(slots=True, eq=False)
class Project:
    """An open project; see :func:`open_project`.

    Its methods are quick: files are read by :meth:`open_page`, which is for the
    background, and written by the saver.

    Parameters
    ----------
    home : Path
        The project's folder.
    images : Path
        The folder of images.
    names : list of str
        The images below it.
    record : ProjectRecord
        What the project's file says.
    saver : Saver or None
        None for a project that is only looked at.
    lock : ProjectLock or None
        None for a project that is only looked at.
    copy : Path or None
        Where :meth:`close` left what it could not save.
    """

    home: Path
    images: Path
    names: list[str]
    record: ProjectRecord
    saver: Saver | None = field(default=None, repr=False)
    lock: ProjectLock | None = field(default=None, repr=False)
    copy: Path | None = None

    @property
    def read_only(self) -> bool:
        """Whether nothing is saved."""
        return self.saver is None

    def image(self, name: str) -> Path:
        """Return the path of an image."""
        return self.images / name

    def page_files(self, name: str) -> PageFiles:
        """Return where an image has its files."""
        return PageFiles(self.home, name)

    def open_page(self, name: str) -> StoredPage:
        """Return what was made on an image, to go on with it.

        Raises
        ------
        NewerProjectError
            If a newer version of this program wrote it.
        """
        page = self.stored_page(name)
        return replace(page, content=self.current(page.content))

    def stored_page(self, name: str) -> StoredPage:
        """Do :meth:`open_page`, but with the classes of when it was saved."""
        files = self.page_files(name)
        return read_page(files) if self.saver is None else self.saver.open_page(files)

    def current(self, content: PageContent) -> PageContent:
        """Return what was on an image earlier with the classes as they are now."""
        return up_to_date(content, self.record.removed, self.record.classes)

    def read_page(self, name: str) -> PageContent:
        """Return what is on disk of an image.

        Raises
        ------
        NewerProjectError
            If a newer version of this program wrote it.
        """
        return self.current(read_page(self.page_files(name)).content)

    def read_pages(
        self, states: Collection[PageState] = STATES
    ) -> Iterator[tuple[str, PageContent]]:
        """Yield what is on disk of each image that has something and got so far.

        Errors as :meth:`read_page`.
        """
        for name in self.names:
            page = self.record.page(name)
            if page.state in states and page != PageSummary():
                yield name, self.read_page(name)

    def note(self, record: ProjectRecord) -> None:
        """Change what the project's file says."""
        if record != self.record:
            self.record = record
            if self.saver is not None:
                self.saver.note_project(record)

    def note_page(
        self, name: str, content: PageContent, *, edited: bool = True
    ) -> bool:
        """Have the content of an open page saved, as far as it changed.

        Parameters
        ----------
        name : str
            The image.
        content : PageContent
            What is on it now.
        edited : bool
            Whether a person did something to it: a new image is in work then.

        Returns
        -------
        bool
            Whether the state of the image, or its number of objects, is another one.
        """
        if self.saver is None:
            return False
        self.saver.note_page(name, self.noted(content))
        before = self.record.page(name)
        state: PageState = "work" if before.state == "new" else before.state
        page = _summary(state, content)
        if not edited or page == before:
            return False
        self.note(self.record.with_page(name, page))
        return True

    def noted(self, content: PageContent) -> PageContent:
        """Return what is on an open image as it is saved: no class is to go there."""
        removals = self.record.removals
        layers = {k: replace(x, removals=removals) for k, x in content.layers.items()}
        return replace(content, layers=layers)

    def recount(self, name: str, content: PageContent) -> None:
        """Say how many objects an image has that others may have changed."""
        if name in self.record.pages:
            page = _summary(self.record.page(name).state, content)
            self.note(self.record.with_page(name, page))

    def leave_page(self, name: str) -> None:
        """Say that an image is not shown any more."""
        if self.saver is not None:
            self.saver.leave_page(name)

    def wait(self, timeout: float = 60.0) -> None:
        """Wait until what was noted is on disk, for so many seconds at most."""
        if self.saver is not None:
            self.saver.wait(timeout=timeout)

    @property
    def is_taken(self) -> bool:
        """Whether another program took the project over: nothing is saved any more."""
        try:
            if self.lock is not None:
                self.lock.check()
        except ProjectLockedError:
            return True
        return False

    def save_copy(self) -> Path | None:
        """Write what is not saved into a project of its own, in the folder of this one.

        Returns
        -------
        Path or None
            The folder of that project, with the images that have something not saved;
            None if all is saved.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        if self.saver is None or self.saver.state.saved:
            return None
        pages = self.saver.unsaved()
        copy = _free_folder(self.home, "not saved")
        for name, content in pages.items():
            write_page(PageFiles(copy, name), StoredPage(content, 1))
        known = {name: self.record.page(name) for name in pages}
        record = replace(self.record, pages=known, last=next(iter(pages), ""))
        ProjectFile(copy).write(_with_images(record, self.images, copy))
        return copy

    def close(self, timeout: float = 10.0) -> bool:
        """Save what is left, and let others write; return whether all is on disk.

        What another program's taking over keeps from being saved goes into
        :attr:`copy`; see :meth:`save_copy`.
        """
        saved = self.saver is None or self.saver.close(timeout)
        if not saved and self.is_taken:
            self.copy = self.save_copy()
        self.saver = None
        if self.lock is not None:
            self.lock.release()
            self.lock = None
        return saved


def _free_folder(within: Path, name: str) -> Path:
    """Make a folder that nobody has yet in another one."""
    numbers = count(1)
    while True:
        path = within / f"{name} {next(numbers)}"
        with suppress(FileExistsError):
            path.mkdir()
            return path


def _summary(state: PageState, content: PageContent) -> PageSummary:
    layers, counts = content.layers.values(), Counter[int]()
    for layer in layers:
        counts.update(layer.class_counts)
    objects = sum(len(layer.rows) for layer in layers)
    return PageSummary(state, objects, dict(sorted(counts.items())))


def open_project(
    place: ProjectPlace, tell: Callable[[SaveState], None] = lambda _: None
) -> Project:
    """Open a project, or begin one; reads lists only, but of any length.

    Parameters
    ----------
    place : ProjectPlace
        Which, and how.
    tell : callable
        Told how saving goes; see :class:`Saver`.

    Raises
    ------
    CorruptProjectError
        If its file is damaged; ``place.restore`` opens the last good copy.
    NewerProjectError
        If a newer version of this program wrote it.
    ProjectLockedError
        If another window writes it; ``place.read_only`` looks only.
    ValueError
        If it tells of images all over the computer.
    OSError
        If the folder cannot be read, or not be written.
    """
    if not place.folder.is_dir():
        raise FileNotFoundError(f"no folder {place.folder}: give one with images")
    home = place.home.resolve()
    file = ProjectFile(home)
    lock = None if place.read_only else _locked(home, place.force)
    try:
        record = file.read(restore=place.restore)
        images = _images_of(place, home, record)
        names = list_images(images, place.suffixes, home)
    except BaseException:
        if lock is not None:
            lock.release()
        raise
    project = Project(home, images, names, record, lock=lock)
    if lock is not None:
        project.saver = Saver(file, tell, lock.check)
        project.record = _with_images(record, images, home)
        project.saver.note_project(project.record)
    return project


def look_at_project(folder: Path) -> Project:
    """Open a project that is there, to look only; errors as :func:`open_project`.

    Raises
    ------
    FileNotFoundError
        Also if there is no project.
    """
    place = ProjectPlace(folder, read_only=True)
    if not (place.home / PROJECT).is_file():
        raise FileNotFoundError(
            f"no project in {folder}: give a folder of images that was opened as a "
            "project, or the project's own folder"
        )
    return open_project(place)


def _locked(home: Path, force: bool) -> ProjectLock:
    try:
        return ProjectLock(home, force=force)
    except ProjectLockedError:
        raise
    except OSError as error:
        raise OSError(
            f"cannot write to {home} ({error.strerror}): choose another folder for "
            "the labels, or open it to look only"
        ) from error


def _images_of(place: ProjectPlace, home: Path, record: ProjectRecord) -> Path:
    """Return the folder of images: the one given, or what the project's file says."""
    if place.folder.resolve() != home:
        return place.folder.resolve()
    images = (home / record.images).resolve()
    if images == Path(home.anchor) and images != home.parent:
        raise ValueError(
            f"{home / PROJECT} says that its images are all over {images}: open the "
            f"folder of images, with {home} as the folder of labels"
        )
    return images


def _with_images(record: ProjectRecord, images: Path, home: Path) -> ProjectRecord:
    """Return the record with the folder of images as seen from the project's."""
    try:
        path = Path(os.path.relpath(images, home))
    except ValueError:
        # Windows: they are on different drives.
        path = images
    return replace(record, images=path.as_posix())


def count_objects_of_classes(project: Project) -> dict[str, int]:
    """Return how many objects of each class all images have, by the class's name."""
    total = Counter[int]()
    for name in project.names:
        total.update(project.record.page(name).classes)
    return {entry.name: total[entry.id] for entry in project.record.classes}


def count_states(project: Project) -> dict[PageState, int]:
    """Return how many images are new, in work and done."""
    counts: dict[PageState, int] = {"new": 0, "work": 0, "done": 0}
    for name in project.names:
        counts[project.record.page(name).state] += 1
    return counts
