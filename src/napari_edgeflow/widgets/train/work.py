"""What is done in the background before a training: count, write, put together."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from napari_edgeflow.engine.checkpoints.checkpoint import CLICK_TASK, STARTERS
from napari_edgeflow.formats.files.class_lists import write_class_list
from napari_edgeflow.formats.training.folder import (
    CLASS_LIST,
    Written,
    write_class_folder,
    write_object_folder,
)
from napari_edgeflow.formats.training.sources import DataFolder
from napari_edgeflow.formats.training.stacks import LabelledStack, StackCounts
from napari_edgeflow.formats.training.survey import DataSurvey, survey_data
from napari_edgeflow.widgets.train.settings import TrainSettings

CLASSES_FOLDER, OBJECTS_FOLDER = Path("data", "classes"), Path("data", "objects")
"""Where a training's folder has the layers that it learns from."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainData:
    """All that a training learns from, read when it is asked for.

    Parameters
    ----------
    stacks : tuple of LabelledStack
        The layers.
    folders : tuple of DataFolder
        The folders.
    unlabelled, by_object : bool
        As :func:`survey_data` takes them.
    size : int or None
        Side of crops in pixels.
    """

    stacks: tuple[LabelledStack, ...] = ()
    folders: tuple[DataFolder, ...] = ()
    unlabelled: bool = False
    by_object: bool = False
    size: int | None = None

    @classmethod
    def of(cls, settings: TrainSettings) -> "TrainData":
        """Return what a person chose.

        Raises
        ------
        ValueError
            If a pair of layers does not fit together.
        """
        return cls(
            tuple(pair.stack() for pair in settings.pairs),
            settings.folders,
            settings.unlabelled,
            settings.task == CLICK_TASK,
            settings.size,
        )

    def survey(self) -> DataSurvey:
        """Look at all of it; this reads all labels."""
        return survey_data(
            self.stacks,
            self.folders,
            unlabelled=self.unlabelled,
            by_object=self.by_object,
            size=self.size,
        )


@dataclass(frozen=True, slots=True, eq=False)
class TrainRequest:
    """A training that is to be made ready."""

    settings: TrainSettings
    data: TrainData


@dataclass(frozen=True, slots=True)
class Prepared:
    """What starts a training.

    Parameters
    ----------
    arguments : tuple of str
        Of the command ``napari-edgeflow``.
    output : Path
        Folder of the training.
    survey : DataSurvey
        What it learns from.
    """

    arguments: tuple[str, ...]
    output: Path
    survey: DataSurvey = field(default_factory=DataSurvey, repr=False)


def prepare(request: TrainRequest) -> Generator[Written, None, Prepared]:
    """Write the layers into the training's folder; yields after each image.

    Raises
    ------
    ValueError
        If the data cannot be trained on, in the words of :func:`survey_data`.
    OSError
        If a file cannot be written.
    """
    survey = request.data.survey()
    if survey.problems:
        raise ValueError(" ".join(survey.problems))
    output = request.settings.output
    sources: list[str] = []
    if request.settings.task == CLICK_TASK:
        yield from _write_for_clicks(request.data, survey, output, sources)
        arguments = click_arguments(request.settings, sources)
    else:
        yield from _write_classes(request.data, survey, output, sources)
        arguments = semantic_arguments(request.settings, sources)
    return Prepared(tuple(arguments), output, survey)


def _write_classes(
    data: TrainData, survey: DataSurvey, output: Path, sources: list[str]
) -> Iterator[Written]:
    folder = output / CLASSES_FOLDER
    if data.stacks:
        counts = _usable(survey)
        yield from write_class_folder(folder, data.stacks, counts, survey.merged)
        sources += ["--pairs", str(folder)]
    for source in data.folders:
        sources += [f"--{source.layout}", str(source.path)]
    if len(survey.merged.table):
        write_class_list(folder / CLASS_LIST, survey.merged.table)
        sources += ["--classes", str(folder / CLASS_LIST)]


def _write_for_clicks(
    data: TrainData, survey: DataSurvey, output: Path, sources: list[str]
) -> Iterator[Written]:
    counts = _usable(survey)
    objects = [at for at, stack in enumerate(data.stacks) if stack.kind == "object"]
    classes = [at for at, stack in enumerate(data.stacks) if stack.kind != "object"]
    for option, where, chosen in (
        ("--instances", OBJECTS_FOLDER, objects),
        ("--semantic", CLASSES_FOLDER, classes),
    ):
        if any(counts[at].labelled for at in chosen):
            folder = output / where
            yield from write_object_folder(folder, data.stacks, counts, chosen)
            sources += [option, str(folder)]
    for source in data.folders:
        # Of the layouts, --pairs alone is not one of this command.
        option = "semantic" if source.layout == "pairs" else source.layout
        sources += [f"--{option}", str(source.path)]


def _usable(survey: DataSurvey) -> list[StackCounts]:
    """Return the counts; there are problems where one is missing."""
    return [count for count in survey.counts if count is not None]


def semantic_arguments(settings: TrainSettings, sources: list[str]) -> list[str]:
    """Return the command that trains a network which labels every pixel."""
    start = "--network" if settings.model in STARTERS else "--init"
    return [
        *("train", "semantic", *sources, start, settings.model),
        *("--loss", settings.loss),
        *(("--predictions",) if settings.predictions else ()),
        *_shared(settings),
    ]


def click_arguments(settings: TrainSettings, sources: list[str]) -> list[str]:
    """Return the command that adapts EdgeFlow."""
    start = ("--init", settings.model)
    return ["train", "clicks", *sources, *start, *_shared(settings)]


def _shared(settings: TrainSettings) -> Iterator[str]:
    yield from ("--epochs", str(settings.epochs), "--device", settings.device)
    if settings.unlabelled:
        yield from ("--unlabelled", "0")
    if settings.rate is not None:
        yield from ("--rate", f"{settings.rate:g}")
    if settings.batch is not None:
        yield from ("--batch", str(settings.batch))
    if settings.size is not None:
        yield from ("--size", str(settings.size))
    yield from ("--output", str(settings.output), "--report", "jsonl")


def resumed(command: str, output: Path) -> tuple[str, ...]:
    """Return the arguments that go on with a training.

    Parameters
    ----------
    command : str
        A line of ``command.txt``: how it was started.
    output : Path
        Its folder, which may have been moved, or named as seen from elsewhere.

    Raises
    ------
    ValueError
        If it is no such command.
    """
    import shlex

    try:
        words = shlex.split(command)[1:]
    except ValueError:
        words = []
    if words[:1] != ["train"] or len(words) < 2:
        raise ValueError(
            f"{command!r} starts no training: choose the folder of a training"
        )
    kept = [word for word in words if word != "--resume"]
    _taken(kept, "--report")
    before = _taken(kept, "--output")
    if before is not None:
        # What was learnt from may lie in the folder.
        kept = [_moved(word, Path(before), output) for word in kept]
    return (*kept, "--output", str(output), "--resume", "--report", "jsonl")


def _taken(words: list[str], option: str) -> str | None:
    """Take an option and its value out of words; return the value, None without."""
    if option not in words:
        return None
    at = words.index(option)
    value = words[at + 1 : at + 2]
    del words[at : at + 2]
    return value[0] if value else None


def _moved(word: str, before: Path, after: Path) -> str:
    """Return a path within a folder as it is after the folder was moved."""
    path = Path(word)
    return str(after / path.relative_to(before)) if before in path.parents else word
