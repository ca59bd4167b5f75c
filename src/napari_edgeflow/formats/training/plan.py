"""What a training is told, and ``training.json``, which holds it; loads no torch.

The dock writes the file into the training's folder and starts a process that reads it;
the command line makes the same of its options, and a training that goes on reads it
again. It is an object with ``version`` and the fields of :class:`TrainingPlan`, but for
``output``, which is the folder that it is in; ``sources`` is a list of objects with the
fields of :class:`DataSource`. Paths are absolute, or relative to the folder if what
they name lies in it: such a folder can be moved.
"""

import json
import os
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin

from napari_edgeflow.engine.checkpoints.checkpoint import (
    BUNDLED,
    CLICK_TASK,
    SEMANTIC,
    SEMANTIC_TASK,
)
from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.engine.system.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

VERSION_OF_PLANS = 1

Layout = Literal["pairs", "voc", "coco"]

TRAINING_SOURCES: "Mapping[str, Mapping[str, tuple[Layout, Kind]]]" = {
    SEMANTIC_TASK: {
        "voc": ("voc", "semantic"),
        "pairs": ("pairs", "semantic"),
        "coco": ("coco", "semantic"),
    },
    CLICK_TASK: {
        "voc": ("voc", "semantic"),
        "semantic": ("pairs", "semantic"),
        "instances": ("pairs", "object"),
        "coco": ("coco", "object"),
    },
}
"""Of each task, what its command calls the sources there are: layout and kind."""

_SETTINGS = ("weight", "whole", "list", "images")
"""What may follow the path of a source in a command."""

_Record = TypeVar("_Record", "DataSource", "TrainingPlan")


@dataclass(frozen=True, slots=True)
class DataSource:
    """Labelled images on disk.

    Parameters
    ----------
    path : Path
        The folder; of COCO the JSON file.
    layout : {"pairs", "voc", "coco"}
        Whether it has images/ and labels/ with files of the same stems, is as in
        PASCAL VOC, or is a COCO file.
    kind : {"semantic", "object"}
        Whether values of the labels are classes or objects; of COCO, which are taken.
    weight : float
        How often click training draws from it, relative to the others.
    whole : float
        Probability that all its labels are one object, in click training.
    names : str or None
        List of a VOC folder, or path of one; None for that of the training images.
    images : Path or None
        Where the images of a COCO file are; None for images/ beside it, or beside it.
    """

    path: Path
    layout: Layout
    kind: Kind = "semantic"
    weight: float = 1.0
    whole: float = 0.0
    names: str | None = None
    images: Path | None = None

    @classmethod
    def parse(
        cls, text: str, layout: Layout, kind: Kind, known: "Collection[str]" = _SETTINGS
    ) -> "DataSource":
        """Return the source that a command names: PATH[,name=value]...

        Raises
        ------
        ValueError
            If a setting is unknown, or no number where one is needed.
        """
        path, settings = split_settings(text, known)
        images = settings.get("images")
        return cls(
            path,
            layout,
            kind,
            float(settings.get("weight", 1)),
            float(settings.get("whole", 0)),
            settings.get("list"),
            None if images is None else Path(images),
        )

    @property
    def folder(self) -> Path:
        """The folder itself."""
        return self.path.parent if self.layout == "coco" else self.path


def as_learnt(source: DataSource, task: str) -> DataSource:
    """Return a source as a task takes it: of COCO files clicks learn the objects."""
    kind = TRAINING_SOURCES[task]["coco"][1] if source.layout == "coco" else source.kind
    return replace(source, kind=kind)


def split_settings(text: str, known: "Collection[str]") -> tuple[Path, dict[str, str]]:
    """Return the path, which may have commas itself, and the settings of a source.

    Raises
    ------
    ValueError
        If a setting is unknown.
    """
    path, settings = text, dict[str, str]()
    while True:
        rest, _, part = path.rpartition(",")
        name, equals, value = part.partition("=")
        if not rest or not equals or not name.isidentifier():
            return Path(path), settings
        if name not in known:
            raise ValueError(f"source {text!r}: unknown {name!r}, see --help")
        path, settings[name] = rest, value


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """What a training is told, as the command has it; what is None is left to it.

    What the fields mean is said where they go: at the task's settings, at those of the
    loop, and at :class:`Training` and its subclasses.

    Raises
    ------
    ValueError
        If epochs and steps are given.
    """

    task: Literal["clicks", "semantic"]
    output: Path
    sources: tuple[DataSource, ...] = ()
    classes: Path | None = None
    init: str | None = None
    network: str | None = None
    imagenet: bool = False
    longest_side: int | None = None
    loss: str = "ce+0.5*dice"
    predictions: bool = False
    epochs: int | None = None
    steps: int | None = None
    minutes: float | None = None
    validation: float = 0.2
    patience: int = 10
    rate: float | None = None
    batch: int | None = None
    size: int | None = None
    microscopy: bool | None = None
    unlabelled: bool = False
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        """Check the length once."""
        if self.steps is not None and self.epochs is not None:
            raise ValueError(
                f"{self.epochs} epochs and {self.steps} steps: give one of them"
            )

    def to_text(self) -> str:
        """Return what ``training.json`` holds."""
        record = {"version": VERSION_OF_PLANS, **asdict(self)}
        folder = Path(os.path.abspath(record.pop("output")))
        record["init"] = self.init if self.init in _NAMES else _located(self.init)
        for source in record["sources"]:
            source["names"] = _located(source["names"])
        placed = _with_paths(record, folder)
        return json.dumps(placed, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_text(cls, text: str, folder: Path, name: str) -> "TrainingPlan":
        """Return what :meth:`to_text` gave; ``name`` is what errors call the file.

        Raises
        ------
        ValueError
            If it is no such file, of a newer version, or something in it is wrong.
        """
        try:
            record = parse_json(text)
        except ValueError as error:
            raise ValueError(f"{name} is no JSON: {error}") from error
        version = record.pop("version", None) if isinstance(record, dict) else None
        if not isinstance(version, int) or version < 1:
            raise ValueError(f"{name} does not say what a training was told")
        if version > VERSION_OF_PLANS:
            raise ValueError(
                f"{name} is of version {version}, and {VERSION_OF_PLANS} is the newest "
                "that is known here: update napari-edgeflow"
            )
        sources = record.get("sources", [])
        if not isinstance(sources, list):
            raise ValueError(f"{name}: sources is {sources!r}: it has to be a list")
        read = (_from_record(DataSource, one, folder, name) for one in sources)
        record.update(sources=tuple(read), output=folder)
        return _from_record(cls, record, folder, name)


_NAMES = {**BUNDLED, **SEMANTIC}
"""Models that are known by name, whatever files there are."""


def _located(text: str | None) -> str | None:
    """Return a name, or the absolute path if there is such a file or folder."""
    return os.path.abspath(text) if text and Path(text).exists() else text


def _with_paths(value: Any, folder: Path) -> Any:
    """Return a record with texts for paths, relative to a folder that they are in."""
    if isinstance(value, dict):
        return {name: _with_paths(one, folder) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_with_paths(one, folder) for one in value]
    if not isinstance(value, Path):
        return value
    path = Path(os.path.abspath(value))
    inside = path.is_relative_to(folder)
    return path.relative_to(folder).as_posix() if inside else str(path)


def _from_record(kind: type[_Record], record: Any, folder: Path, name: str) -> _Record:
    """Return a dataclass of a record's values; ValueError names what is wrong."""
    if not isinstance(record, dict):
        raise ValueError(f"{name}: {record!r:.100} is no object {{…}}")
    types = {field.name: field.type for field in fields(kind)}
    values = {}
    for key, value in record.items():
        wanted: Any = types.get(key)
        if wanted is None:
            raise ValueError(f"{name}: {key!r:.100} is nothing that a training is told")
        if isinstance(value, str) and Path in (wanted, *get_args(wanted)):
            value = folder / value
        if not _fits(value, wanted):
            raise ValueError(f"{name}: {key} is {value!r:.100}, which cannot be")
        values[key] = value
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{name}: something is missing: {error}") from error


def _fits(value: object, kind: Any) -> bool:
    """Return whether a value is of a field's type; whole numbers are numbers too."""
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is tuple:
        return isinstance(value, tuple)
    if isinstance(value, bool):
        return kind is bool or bool in get_args(kind)
    return isinstance(value, kind) or (
        isinstance(value, int) and float in (kind, *get_args(kind))
    )
