"""A drop-down list of models."""

from collections.abc import Mapping
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QWidget

from napari_edgeflow.engine.checkpoints.checkpoint import MODEL_FILE
from napari_edgeflow.engine.checkpoints.registry import TrainedModel, trained_models

_OPEN = "Open checkpoint …"


class ModelCombo(QComboBox):
    """Models known by name, and checkpoints that a person opened.

    Parameters
    ----------
    models : mapping
        Name to purpose; the first is chosen.
    task : str
        What the models are for, so that those trained here are listed too.
    """

    model_changed = Signal()

    def __init__(
        self, models: Mapping[str, str], task: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._models, self._task = models, task
        self._trained: set[str] = set()
        for name, purpose in models.items():
            self.addItem(name, name)
            self.setItemData(self.count() - 1, purpose, Qt.ItemDataRole.ToolTipRole)
        self.addItem(_OPEN, "")
        self._model = str(self.itemData(0))
        self.setToolTip(self._model)
        self._before = self._model
        self.activated.connect(self._on_activated)
        self.list_trained()

    @property
    def chosen(self) -> str:
        """Name or path of the model chosen."""
        return self._model

    def list_trained(self) -> None:
        """List the models that were trained here and are still there."""
        found = {model.folder: model.name for model in trained_models(self._task)}
        for path in self._trained - set(found) - {self._model, self._before}:
            self.removeItem(self.findData(path))
        for path, name in found.items():
            self._add(path, name)
        self._trained = set(found)

    def choose_trained(self, model: TrainedModel) -> None:
        """Choose a model that was trained here, if it is for the same task."""
        if model.task == self._task:
            self._choose(model.folder)

    def _add(self, path: str, name: str) -> None:
        if self.findData(path) < 0:
            self.insertItem(self.count() - 1, name, path)
            self.setItemData(self.findData(path), path, Qt.ItemDataRole.ToolTipRole)

    def open_checkpoint(self, path: str) -> None:
        """Add a checkpoint to the list and choose it.

        Parameters
        ----------
        path : str
            A safetensors file, or a folder that holds ``model.safetensors``.
        """
        if Path(path).name == MODEL_FILE:
            # The folder says more than this name, and may hold more than this file.
            path = str(Path(path).parent)
        self._add(path, Path(path).stem)
        self._choose(path)

    def refuse(self, model: str) -> None:
        """Go back to the model before one that could not be loaded."""
        if model != self._model or model == self._before:
            return
        self._model = self._before
        if model not in self._models:
            self.removeItem(self.findData(model))
        self.setCurrentIndex(self.findData(self._model))
        self.setToolTip(self._model)
        self.model_changed.emit()

    def _on_activated(self, index: int) -> None:
        model = str(self.itemData(index))
        if not model:
            model, _ = QFileDialog.getOpenFileName(
                self, "Open a checkpoint", "", "Checkpoints (*.safetensors)"
            )
        if model:
            self.open_checkpoint(model)
        else:
            self._choose(self._model)

    def _choose(self, model: str) -> None:
        self.setCurrentIndex(self.findData(model))
        self.setToolTip(model)
        if model != self._model:
            self._before, self._model = self._model, model
            self.model_changed.emit()
