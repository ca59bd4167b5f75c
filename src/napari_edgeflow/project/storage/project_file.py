"""The file project.json: what a project knows besides the labels of its images."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.formats.files.json_files import read_record
from napari_edgeflow.project.content.class_changes import RemovedClass
from napari_edgeflow.project.storage.durable import write_durably
from napari_edgeflow.project.storage.page_files import NewerProjectError

_VERSION = 1
PROJECT, LAST_GOOD = "project.json", "project.last-good.json"

PageState = Literal["new", "work", "done"]
STATES: tuple[PageState, ...] = ("new", "work", "done")


class CorruptProjectError(ValueError):
    """A project file that cannot be understood."""

    def __init__(self, path: Path, reason: str, has_copy: bool) -> None:
        advice = (
            f"the last good copy, {LAST_GOOD}, can be opened instead"
            if has_copy
            else f"move {path.name} away to begin anew, with all labels kept"
        )
        super().__init__(f"{path} is damaged ({reason}): {advice}")
        self.has_copy = has_copy


@dataclass(frozen=True, slots=True)
class PageSummary:
    """What the list of images says of one.

    Parameters
    ----------
    state : {"new", "work", "done"}
        How far a person got.
    objects : int
        How many objects they finished.
    classes : dict
        How many of them have each class, by its id.
    """

    state: PageState = "new"
    objects: int = 0
    classes: Mapping[int, int] = field(default_factory=dict)

    def without(self, removed: RemovedClass) -> "PageSummary":
        """Return it after a class went."""
        left = dict(self.classes)
        mine = left.pop(removed.class_id, 0)
        if removed.heir and mine:
            left[removed.heir] = left.get(removed.heir, 0) + mine
        gone = 0 if removed.heir else mine
        return replace(self, objects=self.objects - gone, classes=left)

    def with_again(self, removed: RemovedClass, count: int) -> "PageSummary":
        """Return it with so many objects of a class that went and is back."""
        classes, objects = dict(self.classes), self.objects
        if removed.heir:
            classes[removed.heir] = max(classes.get(removed.heir, 0) - count, 0)
        else:
            objects += count
        classes[removed.class_id] = classes.get(removed.class_id, 0) + count
        kept = {i: n for i, n in sorted(classes.items()) if n}
        return replace(self, objects=objects, classes=kept)


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """What is in a project file.

    Parameters
    ----------
    images : str
        The folder of the images, as seen from the project's folder, else absolute.
    classes : ClassTable
        The classes of new labels.
    last : str
        The image that was open last; "" for none.
    pages : dict
        Images by name; one that is not listed is new.
    settings : dict
        JSON values of each dock by its name.
    window : str
        Size and docks of the window, as its toolkit wrote them; "" for unknown.
    removed : tuple of RemovedClass
        Classes that were taken away, in order.
    removals : int
        How many that were so far; also those that were brought back count.
    """

    images: str = ".."
    classes: ClassTable = field(default_factory=ClassTable.voc)
    last: str = ""
    pages: Mapping[str, PageSummary] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    window: str = ""
    removed: tuple[RemovedClass, ...] = ()
    removals: int = 0

    def page(self, name: str) -> PageSummary:
        """Return what is known of an image."""
        return self.pages.get(name, PageSummary())

    def with_page(self, name: str, page: PageSummary) -> "ProjectRecord":
        """Return the record with other words on one image."""
        return replace(self, pages={**self.pages, name: page})

    def objects_on_other_pages(self, class_id: int, shown: str) -> tuple[int, int]:
        """Return how many objects of a class other images have, and how many do."""
        counts = [
            p.classes.get(class_id, 0) for n, p in self.pages.items() if n != shown
        ]
        return sum(counts), sum(count > 0 for count in counts)

    def uncounted_on_other_pages(self, shown: str, *, semantic: bool) -> int:
        """Return how many other images may have labels of which no one knows."""
        others = [page for name, page in self.pages.items() if name != shown]
        return sum(
            page.state != "new"
            if semantic
            else page.objects > sum(page.classes.values())
            for page in others
        )

    def without_class(
        self, class_id: int, heir: int, known: Collection[str] = ()
    ) -> "ProjectRecord":
        """Return the record after a class was taken away.

        Parameters
        ----------
        class_id, heir
            As in :class:`RemovedClass`.
        known : collection of str
            The images on which that was done already.
        """
        heir = self._heir_now(heir)
        others = {name: page for name, page in self.pages.items() if name not in known}
        counts = {name: page.classes.get(class_id, 0) for name, page in others.items()}
        entry = RemovedClass(self.removals + 1, class_id, heir, counts)
        changed = {name: page.without(entry) for name, page in others.items()}
        return replace(
            self,
            pages={**self.pages, **changed},
            removed=(*self.removed, entry),
            removals=entry.number,
        )

    def _heir_now(self, heir: int) -> int:
        """Return the class that has by now the labels that a class was to get."""
        known = {entry.id for entry in self.classes}
        for entry in self.removed:
            if heir not in known and entry.class_id == heir:
                heir = entry.heir
        return heir

    def with_class_again(self, class_id: int) -> "ProjectRecord":
        """Return the record after a class was brought back that was taken away last."""
        found = [entry for entry in self.removed if entry.class_id == class_id]
        if not found:
            return self
        entry, pages = found[-1], dict(self.pages)
        for name, count in entry.pages.items():
            if name in pages and count:
                pages[name] = pages[name].with_again(entry, count)
        removed = tuple(e for e in self.removed if e is not entry)
        return replace(self, pages=pages, removed=removed)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "format": "napari-edgeflow project",
            "version": _VERSION,
            "images": self.images,
            "last": self.last,
            "classes": self.classes.to_records(),
            "settings": dict(self.settings),
            "window": self.window,
            "removals": self.removals,
            "removed": [entry.to_json() for entry in self.removed],
            "pages": {
                name: {
                    "state": page.state,
                    "objects": page.objects,
                    "classes": {str(i): n for i, n in page.classes.items()},
                }
                for name, page in self.pages.items()
            },
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "ProjectRecord":
        """Return what :meth:`to_json` gave.

        Raises
        ------
        ValueError
            If a value is missing or makes no sense.
        """
        try:
            return cls(
                str(record["images"]),
                ClassTable.from_records(record["classes"]),
                str(record.get("last", "")),
                {str(n): _summary(page) for n, page in record["pages"].items()},
                dict(record.get("settings", {})),
                str(record.get("window", "")),
                tuple(map(RemovedClass.from_json, record.get("removed", ()))),
                int(record.get("removals", 0)),
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"it lacks {error}") from error


def _summary(page: Mapping[str, Any]) -> PageSummary:
    state = page["state"]
    if state not in STATES:
        raise ValueError(f"the state {state!r} of an image is none of {STATES}")
    classes = {int(i): int(n) for i, n in page.get("classes", {}).items()}
    return PageSummary(cast("PageState", state), int(page.get("objects", 0)), classes)


class ProjectFile:
    """Reads and writes a project's file, and keeps the last good copy of it."""

    def __init__(self, home: Path) -> None:
        self.path, self.copy = home / PROJECT, home / LAST_GOOD
        self._good, self._on_disk = "", ""

    def read(self, *, restore: bool = False) -> ProjectRecord:
        """Return what the file says; the default record if there is none.

        Raises
        ------
        CorruptProjectError
            If it cannot be understood.
        NewerProjectError
            If a newer version of this program wrote it.
        OSError
            If it cannot be read.
        """
        path = self.copy if restore else self.path
        if not path.exists() and not self.copy.exists():
            return ProjectRecord()
        try:
            if not path.exists():
                raise ValueError("it is not there")
            record = _understood(path)
        except NewerProjectError:
            raise
        except ValueError as error:
            has_copy = not restore and self._has_copy()
            raise CorruptProjectError(path, str(error), has_copy) from error
        self._good = _text(record)
        self._on_disk = "" if restore else self._good
        return record

    def write(self, record: ProjectRecord) -> None:
        """Write the file for good, and what it was before as the last good copy.

        Raises
        ------
        OSError
            If it cannot be written; it is as it was then.
        """
        text = _text(record)
        if text == self._on_disk and self.path.exists():
            return
        if not self._good:
            # Who opens a new project meanwhile must not find the copy alone.
            write_durably(self.path, text)
            write_durably(self.copy, text)
        else:
            write_durably(self.copy, self._good)
            write_durably(self.path, text)
        self._good = self._on_disk = text

    def _has_copy(self) -> bool:
        try:
            _understood(self.copy)
        except (ValueError, OSError):
            return False
        return True


def _understood(path: Path) -> ProjectRecord:
    record = read_record(path)
    version = record.get("version")
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"its version is {version!r}")
    if version > _VERSION:
        raise NewerProjectError(path, version)
    return ProjectRecord.from_json(record)


def _text(record: ProjectRecord) -> str:
    return json.dumps(record.to_json(), ensure_ascii=False, indent=1) + "\n"
