"""The file project.json: what a project knows besides the labels of its images."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from napari_edgeflow.engine.classes import ClassTable
from napari_edgeflow.formats.json_files import read_record
from napari_edgeflow.project.durable import write_durably
from napari_edgeflow.project.page_files import NewerProjectError

VERSION = 1
PROJECT, LAST_GOOD = "project.json", "project.last-good.json"

State = Literal["new", "work", "done"]
STATES: tuple[State, ...] = ("new", "work", "done")


class CorruptProjectError(ValueError):
    """A project file that cannot be understood.

    Parameters
    ----------
    path : Path
        The file.
    reason : str
        What is wrong with it.
    has_copy : bool
        Whether the last good copy can be opened instead.
    """

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
    """

    state: State = "new"
    objects: int = 0


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
    """

    images: str = ".."
    classes: ClassTable = field(default_factory=ClassTable.voc)
    last: str = ""
    pages: Mapping[str, PageSummary] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    window: str = ""

    def page(self, name: str) -> PageSummary:
        """Return what is known of an image."""
        return self.pages.get(name, PageSummary())

    def with_page(self, name: str, page: PageSummary) -> "ProjectRecord":
        """Return the record with other words on one image."""
        return replace(self, pages={**self.pages, name: page})

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "format": "napari-edgeflow project",
            "version": VERSION,
            "images": self.images,
            "last": self.last,
            "classes": self.classes.to_records(),
            "settings": dict(self.settings),
            "window": self.window,
            "pages": {
                name: {"state": page.state, "objects": page.objects}
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
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it lacks {error}") from error


def _summary(page: Mapping[str, Any]) -> PageSummary:
    state = page["state"]
    if state not in STATES:
        raise ValueError(f"the state {state!r} of an image is none of {STATES}")
    return PageSummary(cast("State", state), int(page.get("objects", 0)))


class ProjectFile:
    """Reads and writes a project's file, and keeps the last good copy of it.

    Parameters
    ----------
    home : Path
        The project's folder.
    """

    def __init__(self, home: Path) -> None:
        self.path, self.copy = home / PROJECT, home / LAST_GOOD
        self._good, self._on_disk = "", ""

    def read(self, *, restore: bool = False) -> ProjectRecord:
        """Return what the file says; the default record if there is none.

        Parameters
        ----------
        restore : bool
            Read the last good copy instead.

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
        write_durably(self.copy, self._good or text)
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
    if version > VERSION:
        raise NewerProjectError(path, version)
    return ProjectRecord.from_json(record)


def _text(record: ProjectRecord) -> str:
    return json.dumps(record.to_json(), ensure_ascii=False, indent=1) + "\n"
