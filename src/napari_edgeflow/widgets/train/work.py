"""What is done in the background before a training: count, write, tell."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path

from napari_edgeflow.engine.checkpoints.checkpoint import CLICK_TASK
from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.engine.training.folder import PLAN_FILE
from napari_edgeflow.formats.files.class_lists import write_class_list
from napari_edgeflow.formats.training.folder import (
    CLASS_LIST,
    ImagesWritten,
    write_stacks,
)
from napari_edgeflow.formats.training.plan import DataSource, TrainingPlan
from napari_edgeflow.formats.training.stacks import LabelledStack
from napari_edgeflow.formats.training.survey import DataSurvey, survey_data
from napari_edgeflow.widgets.train.settings import TrainChoice

_PLACES: dict[Kind, Path] = {
    "object": Path("data", "objects"),
    "semantic": Path("data", "classes"),
}
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


def prepare(request: TrainRequest) -> Generator[ImagesWritten, None, DataSurvey]:
    """Write the layers and what it is told into the training's folder.

    Yields
    ------
    ImagesWritten
        After each image.

    Returns
    -------
    DataSurvey
        What there is to learn from.

    Raises
    ------
    ValueError
        If the data cannot be trained on, in the words of :func:`survey_data`.
    OSError
        If a file cannot be written.
    """
    survey, plan = request.usable_survey(), request.plan
    counts = [count for count in survey.counts if count is not None]
    classes = None if request.by_object else survey.merged
    sources: list[DataSource] = []
    for kind, where in _PLACES.items():
        chosen = [n for n, one in enumerate(request.stacks) if one.kind == kind]
        if classes is not None:
            chosen = list(range(len(request.stacks))) if kind == "semantic" else []
        if any(counts[n].labelled for n in chosen):
            folder = plan.output / where
            yield from write_stacks(folder, request.stacks, counts, chosen, classes)
            sources.append(DataSource(folder, "pairs", kind))
    plan = replace(plan, sources=(*sources, *plan.sources))
    if classes is not None and len(classes.table):
        plan = replace(plan, classes=plan.output / _PLACES["semantic"] / CLASS_LIST)
        write_class_list(plan.output / _PLACES["semantic"] / CLASS_LIST, classes.table)
    with replacing(plan.output / PLAN_FILE) as partial:
        partial.write_text(plan.to_text(), encoding="utf-8")
    return survey
