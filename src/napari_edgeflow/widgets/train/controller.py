"""What happens in the dock for training, without any of its buttons."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.cli.training import plan_in
from napari_edgeflow.engine.checkpoints.registry import TrainedModel, register_model
from napari_edgeflow.engine.training.folder import STATE_FILE
from napari_edgeflow.formats.training.folder import ImagesWritten
from napari_edgeflow.formats.training.survey import DataSurvey
from napari_edgeflow.widgets.qt.workers import LatestCall, StreamCall, show_problem
from napari_edgeflow.widgets.train.process import COMMAND, Ending, TrainProcess
from napari_edgeflow.widgets.train.settings import TrainChoice
from napari_edgeflow.widgets.train.texts import ending_text, kept_text
from napari_edgeflow.widgets.train.work import TrainRequest, prepare
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.viewer import Viewer

_GRACE_S = 20.0
"""How long a training may take to keep its best model when the window closes."""


@dataclass(slots=True, eq=False)
class _Run:
    """A training from the press of the button until its process is gone."""

    output: Path
    process: TrainProcess | None = None
    score: float | None = None


class TrainController(QObject):
    """Gets data ready, starts the training, and follows it."""

    surveyed = Signal(object)
    """What there is to learn from, a :class:`DataSurvey`."""
    state_changed = Signal(str)
    began = Signal(object, object)
    """The classes that are learnt, and the choice; None if a training goes on."""
    reported = Signal(object)
    ended = Signal(str)
    """How it ended, in words."""
    running_changed = Signal()

    def __init__(self, viewer: "Viewer", command: Sequence[str] = COMMAND) -> None:
        super().__init__()
        self._viewer = viewer
        self._command = tuple(command)
        self._run: _Run | None = None
        self._last: Path | None = None
        self._counts: LatestCall[TrainRequest, DataSurvey] = LatestCall(
            TrainRequest.survey,
            lambda _, survey: self.surveyed.emit(survey),
            self._on_not_surveyed,
        )
        self._calls: StreamCall[TrainRequest, ImagesWritten, DataSurvey] = StreamCall(
            prepare,
            report=self._on_written,
            deliver=self._on_prepared,
            stopped=self._on_given_up,
            fail=self._on_not_prepared,
        )

    # ---- what the dock asks for

    @property
    def running(self) -> bool:
        """Whether there is a training, or one is made ready."""
        return self._run is not None

    @property
    def stopping(self) -> bool:
        """Whether the process has been asked to stop."""
        process = None if self._run is None else self._run.process
        return process is not None and process.stopping

    @property
    def process(self) -> TrainProcess | None:
        """The process, while there is one."""
        return None if self._run is None else self._run.process

    @property
    def output(self) -> Path | None:
        """The folder of the training, while there is one."""
        return None if self._run is None else self._run.output

    @property
    def busy(self) -> bool:
        """Whether something is done in the background."""
        return self._counts.busy or self._calls.busy or self.running

    @property
    def can_resume(self) -> Path | None:
        """The folder of the last training, if it can go on."""
        folder = self._last
        if self.running or folder is None or not (folder / STATE_FILE).is_file():
            return None
        return folder

    def survey(self, choice: TrainChoice) -> None:
        """Count what there is to learn from."""
        try:
            self._counts(TrainRequest.of(choice))
        except ValueError as error:
            self.surveyed.emit(DataSurvey(problems=(str(error),)))

    def start(self, choice: TrainChoice) -> None:
        """Write the layers to disk, then start a training on them."""
        if self.running:
            return
        try:
            check_choice(choice)
            request = TrainRequest.of(choice)
        except ValueError as error:
            show_warning(str(error))
            return
        self._run = _Run(request.plan.output)
        self.running_changed.emit()
        self.state_changed.emit("Getting the images ready …")
        self._calls(request)

    def resume(self, folder: Path) -> None:
        """Go on with the training of a folder."""
        if self.running:
            return
        try:
            # The process reads it again; what is wrong with it is told at once.
            plan_in(folder)
            if not (folder / STATE_FILE).is_file():
                raise FileNotFoundError
        except ValueError as error:
            show_warning(str(error))
            return
        except OSError:
            show_warning(
                f"{folder} holds no training that could go on: choose a folder that a "
                "training was saved to, or start a new one."
            )
            return
        self._run = _Run(folder)
        self.running_changed.emit()
        self._launch(DataSurvey(), None)

    def stop(self) -> None:
        """Stop, and keep the best model; asked again, end the process at once."""
        run = self._run
        if run is None:
            return
        if run.process is None:
            self._calls.cancel()
        else:
            run.process.stop()
            self.state_changed.emit("Stopping; the best model is kept …")
        self.running_changed.emit()

    def stop_and_wait(self, idle: Callable[[], None] | None = None) -> None:
        """Stop; return when the process is gone, calling ``idle`` until then."""
        run = self._run
        process = None if run is None else run.process
        if process is not None:
            if not process.stopping:
                process.stop()
            process.wait(_GRACE_S, idle)

    def close(self) -> None:
        """Stop for good; no process is left when this returns."""
        self._counts.close()
        self._calls.close()
        self.stop_and_wait()
        self._run = None

    # ---- counting

    def _on_not_surveyed(self, request: TrainRequest, error: Exception) -> None:
        if isinstance(error, ValueError | OSError):
            self.surveyed.emit(DataSurvey(problems=(str(error),)))
        else:
            show_problem(error)

    # ---- getting ready

    def _on_written(self, request: TrainRequest, written: ImagesWritten) -> None:
        self.state_changed.emit(
            f"Getting the images ready: {written.done} of {written.total}"
        )

    def _on_prepared(self, request: TrainRequest, survey: DataSurvey) -> None:
        self._launch(survey, request.choice)

    def _on_given_up(self, request: TrainRequest) -> None:
        self._end("Stopped before it began.")

    def _on_not_prepared(self, request: TrainRequest, error: Exception) -> None:
        self._end("Not started.")
        if isinstance(error, ValueError):
            show_warning(str(error))
        else:
            show_problem(error)

    # ---- the process

    def _launch(self, survey: DataSurvey, choice: TrainChoice | None) -> None:
        run = self._run
        if run is None:
            return
        self._last = run.output
        arguments = ["train", "folder", str(run.output), "--report", "jsonl"]
        if choice is None:
            arguments.append("--resume")
        process = TrainProcess(arguments, run.output, self._command, self)
        process.reported.connect(self._on_report)
        process.ended.connect(self._on_ended)
        run.process = process
        self.began.emit(survey.merged.table, choice)
        process.start()
        self.running_changed.emit()

    def _on_report(self, report: Mapping[str, Any]) -> None:
        run = self._run
        if run is None:
            return
        if report["event"] == "epoch" and report["best"]:
            run.score = float(report["validation"]["score"])
        self.reported.emit(report)
        if self.stopping:
            self.state_changed.emit("Stopping; the best model is kept …")

    def _on_ended(self, ending: Ending) -> None:
        run = self._run
        if run is None:
            return
        model = self._register(run.output)
        if run.process is not None:
            run.process.deleteLater()
        if ending.is_good and model is not None:
            Workspace.of(self._viewer).model_trained.emit(model)
            text = ending_text(ending, run.score, model.name)
            show_info(text)
        else:
            text = kept_text(ending, None if model is None else model.name)
            show_warning(text)
        self._end(text)

    def _register(self, folder: Path) -> TrainedModel | None:
        """Have the model listed everywhere; None if there is none."""
        try:
            model = register_model(folder)
        except (ValueError, OSError):
            return None
        Workspace.of(self._viewer).models_changed.emit()
        return model

    def _end(self, text: str) -> None:
        self._run = None
        self.running_changed.emit()
        self.ended.emit(text)


def check_choice(choice: TrainChoice) -> None:
    """Check what can be told at once.

    Raises
    ------
    ValueError
        If there is nothing to learn from, or the folder is taken.
    """
    if not (choice.pairs or choice.plan.sources or choice.project):
        raise ValueError("There is nothing to learn from: add an image and its labels.")
    output = choice.plan.output
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ValueError(
            f"{output} holds something already: give the new model another name, or "
            "press Resume to go on with the training in it."
        )
