"""The buttons and fields of the click dock; they know nothing of what they cause."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.engine.checkpoints.checkpoint import BUNDLED, CLICK_TASK
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.widgets.classes.layer import ClassLayer
from napari_edgeflow.widgets.classes.list import ClassList, bind_class_keys
from napari_edgeflow.widgets.clicks.object.settings import ClickSettings
from napari_edgeflow.widgets.clicks.tidy_controls import TidyControls
from napari_edgeflow.widgets.clicks.tools import ToolButtons
from napari_edgeflow.widgets.fields.choices import KindCombo
from napari_edgeflow.widgets.fields.layers import image_combo, target_combo
from napari_edgeflow.widgets.fields.models import ModelCombo
from napari_edgeflow.widgets.keys.shortcuts import Shortcuts
from napari_edgeflow.widgets.keys.windows import KeyLinks
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.style import field_form, leave_keys_to_canvas, make_bold

if TYPE_CHECKING:
    from napari.viewer import Viewer


class ClickControls(QWidget):
    """All fields of the dock, and what they are set to."""

    changed = Signal()

    def __init__(
        self, viewer: "Viewer", links: Connections, shortcuts: Shortcuts
    ) -> None:
        super().__init__()
        self._shortcuts = shortcuts
        self.image = image_combo(viewer, links, self)
        self.target = target_combo(viewer, links, self)
        self.kind = KindCombo(self)
        self.model = ModelCombo(BUNDLED, CLICK_TASK, self)
        self.classes = ClassList(ClassTable.voc(), self)
        self.class_layer = ClassLayer(viewer, self.classes)
        links.keep(self.class_layer.close)
        bind_class_keys(viewer, self.classes, shortcuts, links)
        self.tidy = TidyControls(self)
        self.threshold = self.tidy.threshold
        self.tools = ToolButtons(self)
        self._tabs = self._make_tabs()
        self.keep_existing = QCheckBox("Never overwrite labels", self)
        self.hint, self.state = self._make_hint(), QLabel(self)
        self._polarity = QButtonGroup(self)
        self._make_buttons()
        self._lay_out()
        self._connect()
        self._viewer = viewer
        for name in ("inserted", "removed"):
            links.connect(getattr(viewer.layers.events, name), self._on_layers)
        self._on_layers()

    # ---- values

    def settings(self) -> ClickSettings:
        """Return what the fields are set to."""
        return ClickSettings(
            image=self.image.layer,
            target=self.target.layer,
            kind=self.kind.kind,
            model=self.model.chosen,
            classes=self.classes.classes,
            class_id=self.classes.current_id,
            threshold=self.threshold.value(),
            left_positive=self.positive.isChecked(),
            keep_existing=self.keep_existing.isChecked(),
            tool=self.tools.tool,
            tidy=self.tidy.settings(),
        )

    def restore(self, values: Mapping[str, Any]) -> None:
        """Set what is given by the names of the settings; leave out what is wrong."""
        model, threshold = values.get("model"), values.get("threshold")
        if isinstance(model, str) and (model in BUNDLED or Path(model).exists()):
            self.model.open_checkpoint(model)
        if isinstance(threshold, float):
            self.threshold.setValue(threshold)
        if values.get("class_id") in {entry.id for entry in self.classes.classes}:
            self.classes.choose(values["class_id"])
        sign = self.positive if values.get("left_positive", True) else self.negative
        sign.setChecked(True)
        self.keep_existing.setChecked(bool(values.get("keep_existing", False)))

    def show_history(self, can_undo: bool, can_redo: bool, can_clear: bool) -> None:
        """Enable the buttons that have something to do."""
        self.undo.setEnabled(can_undo)
        self.redo.setEnabled(can_redo)
        self.clear.setEnabled(can_clear)

    # ---- making

    def _make_tabs(self) -> QTabWidget:
        tabs = QTabWidget(self)
        tabs.setDocumentMode(True)
        bar = tabs.tabBar()
        if bar is not None:
            bar.setDrawBase(False)
        tabs.addTab(self.classes, "Classes")
        tabs.addTab(self.tidy, "Tidy")
        tabs.setTabToolTip(1, "Threshold, parts, holes, outline and size of the mask")
        return tabs

    def _make_hint(self) -> QLabel:
        hint = QLabel(self)
        hint.setWordWrap(True)
        hint.setMinimumHeight(44)
        hint.setStyleSheet(
            "padding: 4px 6px; border-radius: 4px; background: rgba(128, 128, 128, 60)"
        )
        return hint

    def _make_buttons(self) -> None:
        self.positive = self._button("part of it", "Left clicks mark the object")
        self.negative = self._button("not part of it", "Left clicks mark the rest")
        for button in (self.positive, self.negative):
            button.setCheckable(True)
            self._polarity.addButton(button)
        self.positive.setChecked(True)
        self.finish = self._button("Finish object", "Write the mask into the labels")
        self.undo = self._button("Undo", "Take the last click back")
        self.redo = self._button("Redo", "Bring the last click back")
        self.clear = self._button("Clear", "Take all clicks away")
        self.outline = self._button(
            "Edit outline", "Edit the object that was finished last as polygons"
        )
        make_bold(self.finish)
        for button, action_id in (
            (self.finish, "finish"),
            (self.undo, "undo"),
            (self.redo, "redo"),
            (self.outline, "edit_outline"),
        ):
            self._shortcuts.label(button, action_id)
        self.show_history(False, False, False)

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        return button

    def _lay_out(self) -> None:
        form = field_form(
            ("Image", self.image),
            ("Labels", self.target),
            ("Label ids", self.kind),
            ("Model", self.model),
        )
        polarity = QHBoxLayout()
        polarity.addWidget(self.positive)
        polarity.addWidget(self.negative)
        buttons = QGridLayout()
        buttons.addWidget(self.finish, 0, 0, 1, 2)
        buttons.addWidget(self.clear, 0, 2)
        buttons.addWidget(self.outline, 1, 0, 1, 3)
        history = QHBoxLayout()
        history.addWidget(self.undo)
        history.addWidget(self.redo)
        layout = QVBoxLayout(self)
        layout.setSpacing(6)
        layout.addWidget(self.hint)
        layout.addLayout(form)
        layout.addWidget(self._tabs, 1)
        layout.addWidget(self.tools)
        layout.addWidget(QLabel("A left click marks what is", self))
        layout.addLayout(polarity)
        layout.addLayout(history)
        layout.addLayout(buttons)
        layout.addWidget(self.keep_existing)
        footer = QHBoxLayout()
        footer.addWidget(self.state, 1)
        footer.addWidget(KeyLinks(self._shortcuts, self))
        layout.addLayout(footer)

    def _connect(self) -> None:
        self.image.layer_changed.connect(self._on_image)
        for signal in (
            self.kind.currentIndexChanged,
            self.model.model_changed,
            self.classes.changed,
            self.tidy.changed,
            self.tools.changed,
            self.positive.toggled,
            self.keep_existing.toggled,
        ):
            signal.connect(self._on_changed)
        self.target.layer_changed.connect(self._on_target)
        leave_keys_to_canvas(self)

    def _on_changed(self, *_: object) -> None:
        # What changes all masks must not hide behind the other tab.
        self._tabs.setTabText(1, "Tidy" if self.tidy.is_off else "Tidy (on)")
        self.changed.emit()

    def _on_layers(self) -> None:
        found = any(isinstance(layer, Shapes) for layer in self._viewer.layers)
        self.tools.rectangle.setVisible(found)

    def _on_image(self) -> None:
        self.target.suit(self.image.layer)
        self._on_changed()

    def _on_target(self) -> None:
        layer = self.target.layer
        scheme = read_scheme(layer)
        self.kind.follow(layer)
        if scheme is not None:
            self.classes.set_classes(scheme.classes)
        self.class_layer.follow(layer)
        self.changed.emit()
