"""The page of the training dock on which a person chooses model and data."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_edgeflow.engine.checkpoints.checkpoint import (
    BUNDLED,
    CLICK_TASK,
    SEMANTIC,
    SEMANTIC_TASK,
    STARTERS,
)
from napari_edgeflow.engine.checkpoints.registry import free_folder, models_folder
from napari_edgeflow.formats.training.plan import TrainingPlan, as_learnt
from napari_edgeflow.formats.training.survey import DataSurvey, shares
from napari_edgeflow.widgets.fields.choices import DeviceCombo
from napari_edgeflow.widgets.fields.models import ModelCombo
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.style import field_form, make_compact, swatch
from napari_edgeflow.widgets.train.pairs import TrainPairs
from napari_edgeflow.widgets.train.project_row import ProjectRow
from napari_edgeflow.widgets.train.settings import TrainChoice
from napari_edgeflow.widgets.train.texts import data_text

if TYPE_CHECKING:
    from napari.viewer import Viewer

_TASKS = {
    SEMANTIC_TASK: "Automatic segmentation",
    CLICK_TASK: "Clicks: fewer per object",
}
_ZERO = {False: "background", True: "not labelled yet"}
_LOSSES = {
    "ce+0.5*dice": "cross-entropy + ½ Dice",
    "ce": "cross-entropy",
    "focal+dice": "focal + Dice",
    "ce+lovasz": "cross-entropy + Lovász",
    "ce+0.5*jaccard": "cross-entropy + ½ Jaccard",
}
_SIZES = (None, 128, 192, 256, 320, 384, 512)
_LEAST_BATCH = 2
_NEW = "new network from ImageNet"


class TrainControls(QWidget):
    """Data, model and settings of a training."""

    changed = Signal()
    """The data or what decides how to look at it has changed."""
    preview_asked = Signal()

    def __init__(self, viewer: "Viewer", links: Connections) -> None:
        super().__init__()
        self.project = ProjectRow(viewer, self)
        self.pairs = TrainPairs(viewer, links, self)
        self.zero, self.task = _combo(_ZERO, self), _combo(_TASKS, self)
        self.zero.setToolTip(
            "Beside objects, which are labelled whole, 0 is background"
        )
        networks = dict.fromkeys(STARTERS, _NEW)
        self.semantic = ModelCombo({**SEMANTIC, **networks}, SEMANTIC_TASK, self)
        for name in networks:
            self.semantic.setItemText(self.semantic.findData(name), f"{name} (new)")
        self.clicks = ModelCombo(BUNDLED, CLICK_TASK, self)
        self.device = DeviceCombo(self)
        self.classes = self._make_classes()
        self.summary, self.warning = QLabel(self), QLabel(self)
        self.parent_folder = models_folder()
        self._make_fields()
        self._lay_out()
        self._connect()
        self.propose_name()
        self._on_task()

    # ---- values

    def choice(self) -> TrainChoice:
        """Return what the fields are set to."""
        task, model = self.task.currentData(), self.model.chosen
        is_new = model in STARTERS
        plan = TrainingPlan(
            task=task,
            output=self.parent_folder / (self.name.text().strip() or "model"),
            sources=tuple(as_learnt(one, task) for one in self.pairs.folders),
            init=None if is_new else model,
            network=model if is_new else None,
            imagenet=is_new,
            loss=str(self.loss.currentData()),
            predictions=task == SEMANTIC_TASK and self.predictions.isChecked(),
            epochs=self.epochs.value(),
            minutes=self.minutes.value() or None,
            rate=self.rate.value() or None,
            batch=self.batch.value() if self.batch.value() >= _LEAST_BATCH else None,
            size=self.crop.currentData(),
            unlabelled=bool(self.zero.currentData()),
            device=self.device.chosen,
        )
        return TrainChoice(self.pairs.pairs, plan, self.project.pages)

    @property
    def model(self) -> ModelCombo:
        """The list of models for the chosen task."""
        return self.clicks if self.task.currentData() == CLICK_TASK else self.semantic

    def list_trained(self) -> None:
        """List the models that were trained here anew."""
        self.semantic.list_trained()
        self.clicks.list_trained()

    def propose_name(self) -> None:
        """Propose a name that no model has."""
        stem = "clicks" if self.task.currentData() == CLICK_TASK else "model"
        self.name.setText(free_folder(self.parent_folder, stem).name)

    def show_survey(self, survey: DataSurvey) -> None:
        """Show what there is to learn from, and what is wrong with it."""
        self.pairs.show_survey(survey)
        self.summary.setText(data_text(survey))
        told = [*survey.problems, *survey.warnings] if self._has_data else []
        self.warning.setText("\n".join(told))
        self.warning.setVisible(bool(told))
        self._show_classes(survey)

    @property
    def _has_data(self) -> bool:
        return bool(self.pairs.pairs or self.pairs.folders or self.project.pages)

    def _show_classes(self, survey: DataSurvey) -> None:
        share = shares(survey.pixels, bool(self.zero.currentData()))
        shown = [entry for entry in survey.merged.table if survey.pixels.get(entry.id)]
        self.classes.setRowCount(len(shown))
        for row, entry in enumerate(shown):
            name = QTableWidgetItem(swatch(entry.colour), entry.name)
            texts = (f"{survey.pixels[entry.id]:,}", f"{share[entry.id]:.1%}")
            self.classes.setItem(row, 0, name)
            for column, text in enumerate(texts, start=1):
                item = QTableWidgetItem(text)
                item.setTextAlignment(
                    Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                )
                self.classes.setItem(row, column, item)

    # ---- making

    def _make_classes(self) -> QTableWidget:
        table = QTableWidget(0, 3, self)
        table.setHorizontalHeaderLabels(["Class", "Pixels", "Share"])
        make_compact(table, stretched=0, row_height=22, least_height=80)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        return table

    def _make_fields(self) -> None:
        self.epochs = QSpinBox(self)
        self.epochs.setRange(1, 10_000)
        self.epochs.setValue(30)
        self.minutes = QSpinBox(self)
        self.minutes.setRange(0, 10_000)
        self.minutes.setSpecialValueText("any time")
        self.minutes.setSuffix(" min")
        self.minutes.setToolTip("Stop after this time at most, with the best model")
        self.name = QLineEdit(self)
        self.name.setToolTip("Name of the new model, and of its folder")
        self.folder = QToolButton(self)
        self.folder.setText("…")
        self.folder.clicked.connect(self._on_folder)
        self.loss = _combo(_LOSSES, self)
        self.rate = QDoubleSpinBox(self)
        self.rate.setDecimals(5)
        self.rate.setRange(0.0, 0.1)
        self.rate.setSingleStep(0.0001)
        self.rate.setSpecialValueText("auto")
        self.batch = QSpinBox(self)
        self.batch.setRange(_LEAST_BATCH - 1, 256)
        self.batch.setSpecialValueText("auto")
        self.batch.setToolTip(
            "Made smaller by itself where memory is short, and so are crops"
        )
        self.crop = _combo({s: "auto" if s is None else f"{s} pixels" for s in _SIZES})
        self.predictions = QCheckBox("Show predictions", self)
        self.predictions.setToolTip(
            "After each epoch, what the network makes of what it does not learn from"
        )
        self.preview = QPushButton("Preview", self)
        self.preview.setToolTip("Show eight samples as the network will see them")
        self.preview.clicked.connect(self.preview_asked)
        for label in (self.summary, self.warning):
            label.setWordWrap(True)
        self.warning.setStyleSheet("color: #e69f00")
        self.warning.hide()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setSpacing(5)
        layout.setContentsMargins(4, 8, 4, 4)
        layout.addWidget(self.project)
        layout.addWidget(self.pairs, 1)
        layout.addWidget(self.summary)
        layout.addWidget(self.classes, 1)
        layout.addWidget(self.warning)
        self.form = self._form(
            ("Pixels of 0", self.zero),
            ("Train for", self.task),
            ("Start from", self.semantic),
            ("Start from", self.clicks),
            ("Epochs", self._in_a_row(self.epochs, self.minutes)),
            ("Save as", self._in_a_row(self.name, self.folder)),
        )
        layout.addLayout(self.form)
        self.more = QCollapsible("More", self, collapsedIcon="▶")
        content = QWidget(self.more)
        form = self._form(
            ("Loss", self.loss),
            ("Rate", self.rate),
            ("Batch", self.batch),
            ("Crops of", self.crop),
            ("Device", self.device),
        )
        form.addRow(self.predictions)
        # The button to start is not to be pushed off a low screen.
        for inner in (form, self.more.layout()):
            if inner is not None:
                inner.setContentsMargins(0, 0, 0, 0)
        content.setLayout(form)
        self.more.addWidget(content)
        layout.addWidget(self.more)
        layout.addWidget(self.preview)

    def _in_a_row(self, wide: QWidget, other: QWidget) -> QWidget:
        row = QWidget(self)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(wide, 1)
        layout.addWidget(other)
        return row

    def _form(self, *rows: tuple[str, QWidget]) -> QFormLayout:
        form = field_form(*rows)
        form.setVerticalSpacing(4)
        return form

    def _connect(self) -> None:
        self.project.changed.connect(self.changed)
        self.pairs.changed.connect(self.changed)
        self.zero.currentIndexChanged.connect(self._on_changed)
        self.crop.currentIndexChanged.connect(self._on_changed)
        self.task.currentIndexChanged.connect(self._on_task)

    def _on_changed(self, _: int) -> None:
        self.changed.emit()

    def _on_task(self, _: int = 0) -> None:
        clicks = self.task.currentData() == CLICK_TASK
        self.form.setRowVisible(self.semantic, not clicks)
        self.form.setRowVisible(self.clicks, clicks)
        self.preview.setEnabled(not clicks)
        for field in (self.loss, self.predictions):
            field.setEnabled(not clicks)
        self.propose_name()
        self.changed.emit()

    def _on_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self, "Where models are saved", str(self.parent_folder)
        )
        if chosen:
            self.save_into(Path(chosen))

    def save_into(self, folder: Path) -> None:
        """Have new models saved into another folder."""
        self.parent_folder = folder
        self.folder.setToolTip(f"Models are saved in {folder}")
        self.propose_name()


def _combo(choices: Mapping[Any, str], parent: QWidget | None = None) -> QComboBox:
    combo = QComboBox(parent)
    for value, text in choices.items():
        combo.addItem(text, value)
    return combo
