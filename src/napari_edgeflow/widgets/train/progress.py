"""The page of the training dock that shows how it goes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from napari_edgeflow.engine.checkpoints.checkpoint import SEMANTIC_TASK, find_checkpoint
from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.labels.classes import ClassTable, Colour
from napari_edgeflow.engine.training.curves import loss_plot, score_plot
from napari_edgeflow.engine.training.folder import read_metrics
from napari_edgeflow.widgets.train.plots import ClassBars, CurvePlot
from napari_edgeflow.widgets.train.texts import epoch_text, step_text

_MESSAGES = 5
_PER_MILLE = 1000


class TrainProgress(QWidget):
    """Progress bar, curves, bars and messages of one training."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = QProgressBar(self)
        self.bar.setRange(0, _PER_MILLE)
        self.state = self._label()
        self.epoch = self._label()
        self.loss, self.score = CurvePlot(loss_plot([])), CurvePlot(score_plot([]))
        self.classes = ClassBars(self)
        self.messages = self._label()
        self.messages.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
        )
        self._history: list[dict[str, float | None]] = []
        self._colours: dict[str, Colour] = {}
        self._lines: list[str] = []
        self._epochs: int | None = None
        layout = QVBoxLayout(self)
        layout.setSpacing(5)
        layout.setContentsMargins(6, 8, 6, 6)
        for part in (self.bar, self.state, self.epoch):
            layout.addWidget(part)
        layout.addWidget(self.loss, 1)
        layout.addWidget(self.score, 1)
        layout.addWidget(self.classes)
        layout.addWidget(self.messages)

    def _label(self) -> QLabel:
        label = QLabel(self)
        label.setWordWrap(True)
        return label

    def begin(self, classes: ClassTable, epochs: int | None) -> None:
        """Show a training that begins."""
        self._history.clear()
        self._lines.clear()
        self._draw()
        self.classes.show_values({}, {})
        self.bar.setValue(0)
        self.epoch.clear()
        self.messages.clear()
        self._colours = {entry.name: entry.colour for entry in classes}
        self._epochs = epochs
        self.say("Starting …")

    def go_on(self, folder: Path) -> None:
        """Show a training that goes on, with the curves that it has already."""
        self._history = read_metrics(folder)
        self._colours = _colours_in(folder) or self._colours
        self._epochs = None
        self._draw()
        self.say("Starting …")

    def say(self, text: str) -> None:
        """Say what is going on."""
        self.state.setText(text)

    def show_report(self, report: Mapping[str, Any]) -> None:
        """Show one report of the process."""
        event = report.get("event")
        if event == "message":
            self.add_message(str(report["text"]))
        if event not in ("step", "epoch"):
            return
        self.bar.setValue(round(_PER_MILLE * float(report["progress"])))
        self.say(step_text(report))
        if event == "epoch":
            self._show_epoch(report)

    def add_message(self, text: str) -> None:
        """Show a sentence below the curves, with those before it."""
        if not self._lines or self._lines[-1] != text:
            self._lines = [*self._lines, text][-_MESSAGES:]
            self.messages.setText("\n".join(self._lines))

    def _show_epoch(self, report: Mapping[str, Any]) -> None:
        validation = report["validation"]
        self._history.append(
            {
                "epoch": report["epoch"],
                **{f"train {name}": v for name, v in report["losses"].items()},
                "validation loss": validation.get("loss"),
                "score": validation["score"],
            }
        )
        self.epoch.setText(epoch_text(report, self._epochs))
        self.classes.show_values(validation["classes"], self._colours)
        self._draw()

    def _draw(self) -> None:
        self.loss.show_plot(loss_plot(self._history))
        self.score.show_plot(score_plot(self._history))


def _colours_in(folder: Path) -> dict[str, Colour]:
    """Return the colours of a model's classes by name; none if it has none."""
    try:
        metadata = find_checkpoint(folder, SEMANTIC_TASK).metadata
        classes = SemanticFacts.from_metadata(metadata).classes
    except ValueError:
        return {}
    return {entry.name: entry.colour for entry in classes}
