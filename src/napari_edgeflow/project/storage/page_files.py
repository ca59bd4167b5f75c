"""The files of one image of a project: its record, label images and journals."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pixels import read_label_image
from napari_edgeflow.formats.files.json_files import read_record
from napari_edgeflow.formats.kinds.label_images.tiff import (
    LabelTiff,
    read_label_tiff,
    write_label_tiff,
)
from napari_edgeflow.formats.kinds.voc.png import MAX_INDEX, write_palette_png
from napari_edgeflow.project.content.records import (
    Draft,
    LabelContent,
    PageContent,
    facts_of,
    layer_of,
    rows_from_json,
    rows_to_json,
)
from napari_edgeflow.project.storage.durable import durably, write_durably
from napari_edgeflow.project.storage.journal import Entry, read_journal

if TYPE_CHECKING:
    from napari_edgeflow.engine.labels.classes import Kind as TiffKind

PAGE_VERSION = 1
PAGES, LABELS = "pages", "labels"

_LONGEST_PAGE, _LONGEST_IMAGE = 239, 200
"""Bytes of an image's name; files have 255 with all endings, of records 16 of them.
Where label images are is in the record: their names may be shorter than they were."""

_ATTEMPTS = 5
"""Who only looks may read while another program writes."""


class PageFiles:
    """Where one image has its files in a project's folder.

    Parameters
    ----------
    home : Path
        The project's folder.
    name : str
        The image below the folder of images, with "/" between folders.
    """

    def __init__(self, home: Path, name: str) -> None:
        self.home, self.name = home, name
        self._page = _fitting_name(name, _LONGEST_PAGE)
        self._image = _fitting_name(name, _LONGEST_IMAGE)

    @property
    def record(self) -> Path:
        """The file with the objects."""
        return self.home / PAGES / f"{self._page}.json"

    def journal(self, number: int) -> Path:
        """Return the journal that begins with an entry of this number."""
        return self.home / PAGES / f"{self._page}.{number:06d}.journal"

    def journals(self) -> list[Path]:
        """Return the journals there are, the oldest first."""
        start, folder = f"{self.record.name[:-5]}.", self.record.parent
        found = {
            int(path.name[len(start) : -len(".journal")]): path
            for path in (folder.iterdir() if folder.is_dir() else ())
            if path.name.startswith(start)
            and path.name.endswith(".journal")
            and path.name[len(start) : -len(".journal")].isdecimal()
        }
        return [found[number] for number in sorted(found)]

    def label_image(self, key: str, layer: LabelContent) -> Path:
        """Return where a layer's values go: a palette PNG where it holds them."""
        fits = (
            layer.kind == "semantic"
            and layer.labels.ndim == 2
            and max((c.id for c in layer.classes), default=0) <= MAX_INDEX
            and (layer.labels.dtype == np.uint8 or _within_palette(layer.labels))
        )
        return self.home / LABELS / f"{self._image}.{key}{'.png' if fits else '.tif'}"


def _fitting_name(name: str, longest: int) -> str:
    """Return a name for files of an image, with endings that systems have room for."""
    folder, _, last = name.rpartition("/")
    code = os.fsencode(last)
    if len(code) <= longest:
        return name
    mark = hashlib.sha256(code).hexdigest()[:16]
    start = code[: longest - 17].decode("utf-8", "ignore")
    return f"{folder}/{start}~{mark}" if folder else f"{start}~{mark}"


def _within_palette(labels: NDArray[np.integer[Any]]) -> bool:
    return int(labels.min()) >= 0 and int(labels.max()) <= MAX_INDEX


@dataclass(frozen=True, slots=True, eq=False)
class StoredPage:
    """What the files of an image hold.

    Parameters
    ----------
    content : PageContent
        The labels, objects and the object in progress.
    number : int
        The last edit in it.
    problems : tuple of str
        What could not be read, in sentences.
    damaged : tuple of Path
        The files this was in; see :func:`set_aside`.
    """

    content: PageContent = field(default_factory=PageContent)
    number: int = 0
    problems: tuple[str, ...] = ()
    damaged: tuple[Path, ...] = ()


class NewerProjectError(ValueError):
    """A file of a version that only a newer program understands."""

    def __init__(self, path: Path, version: object) -> None:
        super().__init__(
            f"{path} has version {version!r}, which a newer napari-edgeflow wrote: "
            "update this one to open it"
        )


def read_page(files: PageFiles) -> StoredPage:
    """Return all that was saved of an image; damaged parts are named and left out.

    Raises
    ------
    NewerProjectError
        If a newer version of this program wrote it.
    """
    for _ in range(_ATTEMPTS):
        before, page = _age(files.record), _Page(files)
        page.read_record()
        for path in files.journals():
            page.read_journal(path)
        if _age(files.record) == before:
            break
    return page.stored()


def _age(path: Path) -> int:
    """Return what changes when another program writes the file meanwhile."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def set_aside(paths: Sequence[Path]) -> None:
    """Rename damaged files before new ones take their places: they may be repaired.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    for path in paths:
        # A folder of that name is another image's.
        if path.is_file():
            os.replace(path, path.with_name(f"{path.name}.damaged"))


def write_page(files: PageFiles, page: StoredPage) -> None:
    """Write label images and record; older journals are not needed then.

    The labels come first: a journal that is replayed over newer labels gives the
    same, over older ones it would not.

    Raises
    ------
    OSError
        If something cannot be written; the record is as it was then.
    """
    layers = {}
    for key, layer in page.content.layers.items():
        path = files.label_image(key, layer)
        write_label_image(path, layer)
        layers[key] = {
            **facts_of(layer),
            "file": path.relative_to(files.home).as_posix(),
            "objects": rows_to_json(layer.rows),
        }
    record = {
        "format": "napari-edgeflow page",
        "version": PAGE_VERSION,
        "image": files.name,
        "number": page.number,
        "layers": layers,
        "draft": page.content.draft,
    }
    write_durably(files.record, json.dumps(record, ensure_ascii=False, indent=1) + "\n")


def write_label_image(path: Path, layer: LabelContent) -> None:
    """Write the values of a layer, with their classes, for good."""
    with durably(path) as partial:
        if path.suffix == ".png":
            palette = layer.classes.palette()
            write_palette_png(partial, layer.labels, palette, layer.classes)
            return
        class_of = {
            index: value
            for index, row in layer.rows.items()
            if isinstance(value := row.get("class_id"), int)
        }
        kind: TiffKind = "semantic" if layer.kind == "semantic" else "object"
        classes = layer.classes if len(layer.classes) else None
        write_label_tiff(partial, LabelTiff(layer.labels, classes, kind, class_of))


class _Page:
    """A page while its record is read and its journals are replayed."""

    def __init__(self, files: PageFiles) -> None:
        self._files = files
        self._number = 0
        self._layers: dict[str, LabelContent] = {}
        self._draft: Draft | None = None
        self._problems: list[str] = []
        self._damaged: list[Path] = []

    def read_record(self) -> None:
        path = self._files.record
        if not path.is_file():
            return
        try:
            self._read_layers(read_record(path))
        except NewerProjectError:
            raise
        # Damage takes any form: what is wrong is told, and the file is kept.
        except Exception as error:
            self._note(f"the objects of {self._files.name} are damaged: {error}", path)

    def _read_layers(self, record: Mapping[str, Any]) -> None:
        version = record.get("version")
        if not isinstance(version, int) or version > PAGE_VERSION:
            raise NewerProjectError(self._files.record, version)
        self._number = int(record.get("number", 0))
        self._draft = _draft(record.get("draft"))
        for key, facts in dict(record.get("layers", {})).items():
            rows = rows_from_json(facts.get("objects", ()))
            layer = self._layers[key] = replace(layer_of(facts), rows=rows)
            file = Path(str(facts.get("file", "")))
            if file.parts[:1] != (LABELS,) or ".." in file.parts:
                # A damaged file is moved aside: never one of the person's own.
                raise ValueError(f"'{file}' is not in the folder {LABELS}")
            path = self._files.home / file
            try:
                labels = _read_label_image(path, layer)
                self._layers[key] = replace(layer, labels=labels)
            # Each decoder has errors of its own.
            except Exception as error:
                self._note(f"the labels of {self._files.name} are lost: {error}", path)

    def read_journal(self, path: Path) -> None:
        try:
            for entry in read_journal(path):
                self._replay(entry)
        # As with the record.
        except Exception as error:
            self._note(f"a part of the edits in {path} is damaged: {error}", path)

    def _note(self, problem: str, path: Path) -> None:
        self._problems.append(problem)
        self._damaged.append(path)

    def _replay(self, entry: Entry) -> None:
        if entry.number <= self._number:
            return
        self._number = entry.number
        if "draft" in entry.facts:
            self._draft = _draft(entry.facts["draft"])
        for key, facts in entry.facts.get("layers", {}).items():
            self._layers[key] = _changed(self._layers.get(key), facts)
        for patch in entry.patches:
            patch.apply(self._layers[patch.layer].labels)

    def stored(self) -> StoredPage:
        content = PageContent(self._layers, self._draft)
        return StoredPage(
            content, self._number, tuple(self._problems), tuple(self._damaged)
        )


def _draft(record: object) -> Draft | None:
    return record if isinstance(record, Mapping) else None


def _changed(before: LabelContent | None, facts: Mapping[str, Any]) -> LabelContent:
    """Return a layer with what an edit says of it besides its pixels."""
    if before is None:
        layer, rows = layer_of(facts["about"]), {}
    else:
        about = facts.get("about")
        layer = before if about is None else layer_of(about, before.labels)
        rows = dict(before.rows)
    for index in facts.get("removed", ()):
        rows.pop(index, None)
    rows.update(rows_from_json(facts.get("objects", ())))
    return replace(layer, rows=rows)


def _read_label_image(path: Path, layer: LabelContent) -> NDArray[np.integer[Any]]:
    """Return the values of a layer, writeable, in the type that its record tells.

    Raises
    ------
    ValueError
        If the image has another size than its record says.
    OSError
        If it cannot be read.
    """
    is_png = path.suffix.lower() == ".png"
    labels = read_label_image(path) if is_png else read_label_tiff(path).labels
    if labels.shape != layer.labels.shape:
        raise ValueError(
            f"{path} has the shape {labels.shape} where {layer.labels.shape} is "
            "expected: was it exchanged?"
        )
    return np.array(labels, layer.labels.dtype)
