"""The dock "Train"."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.widgets.qt.style import make_bold
from napari_edgeflow.widgets.train.controller import TrainController
from napari_edgeflow.widgets.train.controls import TrainControls
from napari_edgeflow.widgets.train.guard import Ask, CloseGuard, ask_person
from napari_edgeflow.widgets.train.predictions import TrainPredictions
from napari_edgeflow.widgets.train.preview import TrainPreview
from napari_edgeflow.widgets.train.process import COMMAND
from napari_edgeflow.widgets.train.progress import TrainProgress
from napari_edgeflow.widgets.train.settings import TrainChoice
from napari_edgeflow.widgets.workspace.workspace import ViewerDock

if TYPE_CHECKING:
    import napari

    from napari_edgeflow.engine.labels.classes import ClassTable

_LEAST_WIDTH = 340


class TrainWidget(ViewerDock):
    """Train a model on labelled layers and folders, and watch it learn."""

    title = "Train"

    def __init__(
        self,
        viewer: "napari.viewer.Viewer",
        command: Sequence[str] = COMMAND,
        ask: Ask = ask_person,
    ) -> None:
        super().__init__(viewer)
        self.controls = TrainControls(self._viewer, self._links)
        self.progress = TrainProgress()
        self.controller = TrainController(self._viewer, command)
        self.preview = TrainPreview(self._viewer)
        self.predictions = TrainPredictions(self._viewer)
        self.guard = CloseGuard(self.controller, ask)
        self._output: Path | None = None
        self.pages = QTabWidget(self)
        self.state = QLabel(self)
        content = self._lay_out()
        self._connect()
        controller, pairs = self.controller, self.controls.pairs
        preview, predictions = self.preview, self.predictions

        def stop(viewer_remains: bool) -> None:
            if viewer_remains:
                pairs.close_links()
            preview.close()
            predictions.close()
            controller.close()

        self._set_up(content, stop)
        # The fields are wider once napari has styled them.
        self.setMinimumWidth(max(self.minimumWidth(), _LEAST_WIDTH))
        if not self.controls.project.is_open:
            # Else the layers are its page, which is learnt from already.
            self.controls.pairs.add_matching()
        self._show_running()

    def _lay_out(self) -> QWidget:
        self.pages.addTab(self.controls, "Data and model")
        self.pages.addTab(self.progress, "Progress")
        self.start = QPushButton("Start", self)
        make_bold(self.start)
        self.stop = QPushButton("Stop", self)
        self.resume = QPushButton("Resume …", self)
        self.resume.setToolTip("Go on with a training that was stopped")
        self.state.setWordWrap(True)
        buttons = QHBoxLayout()
        for button, stretch in ((self.start, 3), (self.stop, 2), (self.resume, 2)):
            buttons.addWidget(button, stretch)
        content = QWidget(self)
        layout = QVBoxLayout(content)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.pages, 1)
        layout.addLayout(buttons)
        layout.addWidget(self.state)
        for button in (self.start, self.stop, self.resume):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            # Their texts change; the dock is not to get wider by that.
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        return content

    def _connect(self) -> None:
        controls, controller = self.controls, self.controller
        controls.changed.connect(self._on_changed)
        self.pages.currentChanged.connect(self._on_changed)
        controls.preview_asked.connect(self._on_preview)
        self.start.clicked.connect(self._on_start)
        self.stop.clicked.connect(controller.stop)
        self.resume.clicked.connect(self._on_resume)
        controller.surveyed.connect(controls.show_survey)
        controller.state_changed.connect(self.state.setText)
        controller.began.connect(self._on_began)
        controller.reported.connect(self._on_report)
        controller.ended.connect(self._on_ended)
        controller.running_changed.connect(self._show_running)
        self.preview.state_changed.connect(self.state.setText)
        models_changed = self._workspace.models_changed
        models_changed.connect(controls.list_trained)

    def _on_changed(self, _: int = 0) -> None:
        # Counting is for the person who looks at it; it is done again at the start.
        if self.pages.currentWidget() is self.controls:
            self.controller.survey(self.controls.choice())

    def _on_preview(self) -> None:
        self.preview.show_samples(self.controls.choice())

    def _on_start(self) -> None:
        self.controls.project.save()
        self.controller.start(self.controls.choice())

    def _on_resume(self) -> None:
        folder = self.controller.can_resume
        if folder is None:
            chosen = QFileDialog.getExistingDirectory(
                self, "The folder of a training", str(self.controls.parent_folder)
            )
            folder = Path(chosen) if chosen else None
        if folder is not None:
            self.controller.resume(folder)

    def _on_began(self, classes: "ClassTable", choice: TrainChoice | None) -> None:
        self.guard.watch(self)
        output, before = self.controller.output, self._output
        self._output = output
        if choice is not None:
            plan, pairs = choice.plan, choice.pairs
            self.predictions.begin(pairs if plan.predictions else (), classes)
            self.progress.begin(classes, plan.epochs)
        elif output is not None:
            if output != before:
                # Of another training it is not known which layers it is of.
                self.predictions.begin((), classes)
            self.progress.go_on(output)
        self.pages.setCurrentWidget(self.progress)
        self.state.setText("You can go on working while it trains.")

    def _on_report(self, report: Mapping[str, Any]) -> None:
        self.progress.show_report(report)
        output = self.controller.output
        if report["event"] == "epoch" and output is not None:
            self.predictions.update_from(output, int(report["epoch"]))

    def _on_ended(self, text: str) -> None:
        self.state.setText(text)
        self.progress.say("")
        self.controls.propose_name()

    def _show_running(self) -> None:
        running = self.controller.running
        self.start.setEnabled(not running)
        self.stop.setEnabled(running)
        self.stop.setText("Stop now" if self.controller.stopping else "Stop")
        self.resume.setEnabled(not running)
        self.resume.setText(
            "Resume" if self.controller.can_resume is not None else "Resume …"
        )

    def changeEvent(self, event: QEvent | None) -> None:
        """Ask before a training stops because its dock was closed."""
        parted = event is not None and event.type() == QEvent.Type.ParentChange
        if parted and self.parent() is None and self._to_stop and self._asks():
            # Not from within napari, which is just taking the dock away.
            QTimer.singleShot(0, self._on_closed)
            return
        super().changeEvent(event)

    def _asks(self) -> bool:
        controller: TrainController | None = getattr(self, "controller", None)
        return controller is not None and controller.process is not None

    def _on_closed(self) -> None:
        if self.controller.process is not None and not self.guard.ask_about_dock():
            self._viewer.window.add_dock_widget(self, name=self.title, area="right")
            return
        self.guard.stop()
        super().changeEvent(QEvent(QEvent.Type.ParentChange))
