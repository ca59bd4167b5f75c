"""The files of one image of a project: its record, label images and journals."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pairs import read_label_image
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
    LayerRecord,
    PageContent,
    rows_from_json,
)
from napari_edgeflow.project.storage.durable import durably, write_durably
from napari_edgeflow.project.storage.journal import Entry, read_journal

if TYPE_CHECKING:
    from napari_edgeflow.engine.labels.classes import Kind as TiffKind

PAGE_VERSION = 1
PAGES, LABELS = "pages", "labels"

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

    @property
    def record(self) -> Path:
        """The file with the objects."""
        return self.home / PAGES / f"{self.name}.json"

    def journal(self, number: int) -> Path:
        """Return the journal that begins with an entry of this number."""
        return self.home / PAGES / f"{self.name}.{number:06d}.journal"

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
        return self.home / LABELS / f"{self.name}.{key}{'.png' if fits else '.tif'}"


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
        if path.exists():
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
        layers[key] = _record_of(layer, path.relative_to(files.home).as_posix())
    record = {
        "format": "napari-edgeflow page",
        "version": PAGE_VERSION,
        "image": files.name,
        "number": page.number,
        "layers": {key: layer.to_json() for key, layer in layers.items()},
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


def _record_of(layer: LabelContent, file: str) -> LayerRecord:
    labels = layer.labels
    return LayerRecord(
        layer.kind,
        layer.classes,
        labels.shape,
        labels.dtype.str,
        file,
        layer.rows,
        layer.removals,
        layer.taken,
    )


class _Page:
    """A page while its record is read and its journals are replayed."""

    def __init__(self, files: PageFiles) -> None:
        self._files = files
        self._number = 0
        self._records: dict[str, LayerRecord] = {}
        self._labels: dict[str, NDArray[np.integer[Any]]] = {}
        self._draft: Draft | None = None
        self._problems: list[str] = []
        self._damaged: list[Path] = []

    def read_record(self) -> None:
        path = self._files.record
        if not path.exists():
            return
        try:
            self._take_record(read_record(path))
        except NewerProjectError:
            raise
        except (OSError, ValueError, TypeError) as error:
            self._note(f"the objects of {self._files.name} are damaged: {error}", path)

    def _take_record(self, record: Mapping[str, Any]) -> None:
        version = record.get("version")
        if not isinstance(version, int) or version > PAGE_VERSION:
            raise NewerProjectError(self._files.record, version)
        self._number = int(record.get("number", 0))
        draft = record.get("draft")
        self._draft = draft if isinstance(draft, Mapping) else None
        for key, entry in dict(record.get("layers", {})).items():
            layer = LayerRecord.from_json(entry)
            self._records[key] = layer
            path = self._files.home / layer.file
            try:
                self._labels[key] = _read_label_image(path, layer)
            except (ValueError, OSError) as error:
                self._note(f"the labels of {self._files.name} are lost: {error}", path)
                self._labels[key] = _fitting(None, layer)

    def read_journal(self, path: Path) -> None:
        try:
            for entry in read_journal(path):
                self.replay(entry)
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._note(f"a part of the edits in {path} is damaged: {error}", path)

    def _note(self, problem: str, path: Path) -> None:
        self._problems.append(problem)
        self._damaged.append(path)

    def replay(self, entry: Entry) -> None:
        if entry.number <= self._number:
            return
        self._number = entry.number
        if "draft" in entry.facts:
            self._draft = entry.facts["draft"]
        for key, facts in entry.facts.get("layers", {}).items():
            self._change(key, facts)
        for patch in entry.patches:
            patch.apply(self._labels[patch.layer])

    def _change(self, key: str, facts: Mapping[str, Any]) -> None:
        """Take over what an edit says of a layer besides its pixels."""
        before = self._records.get(key)
        rows = dict(before.rows) if before is not None else {}
        for index in facts.get("removed", ()):
            rows.pop(index, None)
        rows.update(rows_from_json(facts.get("objects", ())))
        about = facts.get("about")
        if about is None and before is not None:
            about = before.to_json()
        record = LayerRecord.from_json({**(about or {}), "objects": ()})
        self._records[key] = replace(record, rows=rows, file="")
        self._labels[key] = _fitting(self._labels.get(key), record)

    def stored(self) -> StoredPage:
        layers = {
            key: LabelContent(
                r.kind, r.classes, self._labels[key], r.rows, r.removals, taken=r.taken
            )
            for key, r in self._records.items()
        }
        content = PageContent(layers, self._draft)
        return StoredPage(
            content, self._number, tuple(self._problems), tuple(self._damaged)
        )


def _fitting(
    labels: NDArray[np.integer[Any]] | None, record: LayerRecord
) -> NDArray[np.integer[Any]]:
    """Return labels of the shape and type that a record tells of."""
    dtype = np.dtype(record.dtype)
    if labels is None or labels.shape != record.shape:
        return np.zeros(record.shape, dtype)
    return labels.astype(dtype, copy=False)


def _read_label_image(path: Path, record: LayerRecord) -> NDArray[np.integer[Any]]:
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
    if labels.shape != record.shape:
        raise ValueError(
            f"{path} has the shape {labels.shape} where {record.shape} is expected: "
            "was it exchanged?"
        )
    return np.array(labels, np.dtype(record.dtype))
