"""What is done in the background before a training: count, write, tell."""

from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property

from napari_edgeflow.engine.checkpoints.checkpoint import CLICK_TASK
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.engine.training.folder import PLAN_FILE
from napari_edgeflow.formats.training.folder import ImagesWritten, write_data
from napari_edgeflow.formats.training.plan import TrainingPlan
from napari_edgeflow.formats.training.stacks import LabelledStack
from napari_edgeflow.formats.training.survey import DataSurvey, survey_data
from napari_edgeflow.widgets.train.settings import TrainChoice


@dataclass(frozen=True, eq=False)
class TrainRequest:
    """A training that is to be made ready: what was chosen, and the layers of it."""

    choice: TrainChoice
    layers: tuple[LabelledStack, ...]

    @classmethod
    def of(cls, choice: TrainChoice) -> "TrainRequest":
        """Return what a person chose.

        Raises
        ------
        ValueError
            If a pair of layers does not fit together.
        """
        return cls(choice, tuple(pair.stack() for pair in choice.pairs))

    @cached_property
    def stacks(self) -> tuple[LabelledStack, ...]:
        """The layers, then the images of the project; for the background."""
        pages = self.choice.project
        return self.layers if pages is None else (*self.layers, *pages.stacks())

    @property
    def plan(self) -> TrainingPlan:
        """What the training is told, but for the layers."""
        return self.choice.plan

    def survey(self) -> DataSurvey:
        """Look at all of it; this reads all labels."""
        return survey_data(
            self.stacks,
            self.plan.sources,
            unlabelled=self.plan.unlabelled,
            by_object=self.plan.task == CLICK_TASK,
            size=self.plan.size,
        )


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
    survey = request.survey().usable()
    plan = yield from write_data(request.plan, request.stacks, survey)
    with replacing(plan.output / PLAN_FILE) as partial:
        partial.write_text(plan.to_text(), encoding="utf-8")
    return survey
