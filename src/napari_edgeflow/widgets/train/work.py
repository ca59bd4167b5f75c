"""What is done in the background before a training: count, write, tell."""

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_edgeflow.engine.checkpoints.checkpoint import CLICK_TASK
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.engine.training.folder import PLAN_FILE
from napari_edgeflow.formats.files.class_lists import write_class_list
from napari_edgeflow.formats.training.folder import (
    CLASS_LIST,
    ImagesWritten,
    write_class_folder,
    write_object_folder,
)
from napari_edgeflow.formats.training.plan import DataSource, TrainingPlan
from napari_edgeflow.formats.training.stacks import LabelledStack, StackCounts
from napari_edgeflow.formats.training.survey import DataSurvey, survey_data
from napari_edgeflow.widgets.train.settings import TrainChoice

CLASSES_FOLDER, OBJECTS_FOLDER = Path("data", "classes"), Path("data", "objects")
"""Where a training's folder has the layers that it learns from."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainRequest:
    """A training that is to be made ready: what was chosen, and the layers of it."""

    choice: TrainChoice
    stacks: tuple[LabelledStack, ...]

    @classmethod
    def of(cls, choice: TrainChoice) -> "TrainRequest":
        """Return what a person chose.

        Raises
        ------
        ValueError
            If a pair of layers does not fit together.
        """
        return cls(choice, tuple(pair.stack() for pair in choice.pairs))

    @property
    def plan(self) -> TrainingPlan:
        """What the training is told, but for the layers."""
        return self.choice.plan

    @property
    def by_object(self) -> bool:
        """Whether objects are learnt, not classes."""
        return self.plan.task == CLICK_TASK

    def survey(self) -> DataSurvey:
        """Look at all of it; this reads all labels."""
        return survey_data(
            self.stacks,
            self.plan.sources,
            unlabelled=self.plan.unlabelled,
            by_object=self.by_object,
            size=self.plan.size,
        )

    def usable_survey(self) -> DataSurvey:
        """Look at all of it; ValueError if it cannot be trained on."""
        survey = self.survey()
        if survey.problems:
            raise ValueError(" ".join(survey.problems))
        return survey


@dataclass(frozen=True, slots=True)
class Prepared:
    """A folder whose training can start or go on, and what it learns from if new."""

    output: Path
    survey: DataSurvey = field(default_factory=DataSurvey, repr=False)


def prepare(request: TrainRequest) -> Generator[ImagesWritten, None, Prepared]:
    """Write the layers and what it is told into the training's folder.

    Yields
    ------
    ImagesWritten
        After each image.

    Raises
    ------
    ValueError
        If the data cannot be trained on, in the words of :func:`survey_data`.
    OSError
        If a file cannot be written.
    """
    survey = request.usable_survey()
    write = _write_objects if request.by_object else _write_classes
    plan = yield from write(request, survey)
    with replacing(plan.output / PLAN_FILE) as partial:
        partial.write_text(plan.to_text(), encoding="utf-8")
    return Prepared(plan.output, survey)


def _write_classes(
    request: TrainRequest, survey: DataSurvey
) -> Generator[ImagesWritten, None, TrainingPlan]:
    plan, classes = request.plan, survey.merged
    folder = plan.output / CLASSES_FOLDER
    if request.stacks:
        counts = _usable(survey)
        yield from write_class_folder(folder, request.stacks, counts, classes)
        plan = replace(plan, sources=(DataSource(folder, "pairs"), *plan.sources))
    if not len(classes.table):
        return plan
    write_class_list(folder / CLASS_LIST, classes.table)
    return replace(plan, classes=folder / CLASS_LIST)


def _write_objects(
    request: TrainRequest, survey: DataSurvey
) -> Generator[ImagesWritten, None, TrainingPlan]:
    counts, plan, sources = _usable(survey), request.plan, []
    for kind, where in (("object", OBJECTS_FOLDER), ("semantic", CLASSES_FOLDER)):
        chosen = [n for n, stack in enumerate(request.stacks) if stack.kind == kind]
        if any(counts[n].labelled for n in chosen):
            folder = plan.output / where
            yield from write_object_folder(folder, request.stacks, counts, chosen)
            sources.append(DataSource(folder, "pairs", kind))  # type: ignore[arg-type]
    return replace(plan, sources=(*sources, *plan.sources))


def _usable(survey: DataSurvey) -> list[StackCounts]:
    """Return the counts; there are problems where one is missing."""
    return [count for count in survey.counts if count is not None]
