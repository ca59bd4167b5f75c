"""Drop-down lists of a few things to choose from: devices, kinds, planes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QMessageBox, QWidget
from superqt.utils import signals_blocked

from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.engine.labels.kinds import KindGuess
from napari_edgeflow.engine.runtime.clicks import DEVICES
from napari_edgeflow.widgets.layers.kinds import guess_layer, tell_kind, told_kind
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.layers.planes import plane_count

if TYPE_CHECKING:
    from napari.layers import Image, Labels

_DEVICE_NAMES = {
    "auto": "Automatic",
    "cuda": "GPU (CUDA)",
    "mps": "GPU (Metal)",
    "cpu": "CPU",
}

_KINDS: dict[Kind, str] = {
    "semantic": "Classes (semantic)",
    "object": "Objects (instances)",
}


def device_name(device: str) -> str:
    """Return what to call a device."""
    return _DEVICE_NAMES.get(device, device)


class DeviceCombo(QComboBox):
    """Lets a person choose a device; "auto" at first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.set_devices(DEVICES)

    @property
    def chosen(self) -> str:
        """The device chosen: "auto", "cuda", "mps" or "cpu"."""
        return str(self.currentData())

    def set_devices(self, devices: Sequence[str]) -> None:
        """List only these; the one chosen stays chosen if it is among them."""
        if [self.itemData(row) for row in range(self.count())] == [*devices]:
            return
        before = self.currentData()
        with signals_blocked(self):
            self.clear()
            for device in devices:
                self.addItem(device_name(device), device)
            self.setCurrentIndex(max(self.findData(before), 0))
        if before is not None and before not in devices:
            self.currentIndexChanged.emit(0)

    def refuse(self, device: str) -> None:
        """Take a device that is not there off the list."""
        row = self.findData(device)
        if row >= 0 and self.count() > 1:
            self.removeItem(row)


class KindCombo(QComboBox):
    """Lets a person choose between ids of classes and ids of objects."""

    def __init__(self, parent: QWidget | None = None, kind: Kind = "semantic") -> None:
        super().__init__(parent)
        self._layer: Labels | None = None
        self._of_new = kind
        self.addItems(list(_KINDS.values()))
        self._show(kind)
        self.activated.connect(self._on_activated)

    @property
    def kind(self) -> Kind:
        """What is chosen."""
        return list(_KINDS)[self.currentIndex()]

    def follow(self, layer: "Labels | None") -> None:
        """Show what a layer holds, or seems to; see :mod:`layers.kinds`.

        What one of ours holds is not for choice. None, for a new layer, shows what was
        chosen for such last.
        """
        self._layer = layer
        self.setEnabled(read_scheme(layer) is None)
        kind = self._of_new if layer is None else told_kind(layer)
        if kind is None and layer is not None:
            guess = guess_layer(layer)
            kind = self._of_new if guess is None else guess.kind
        if kind is not None:
            self._show(kind)

    def choose(self, kind: Kind) -> None:
        """Choose ids of classes or of objects, as a person does."""
        self._show(kind)
        self._on_activated()

    def settle(self) -> bool:
        """Ask what the layer holds, if that is not clear; before it is written to.

        Returns
        -------
        bool
            False if the person would rather not write.
        """
        layer = self._layer
        guess = None
        if layer is not None and told_kind(layer) is None:
            guess = guess_layer(layer)
        if layer is None or guess is None:
            return True
        kind = guess.kind if guess.is_sure else ask_kind(self, layer.name, guess)
        if kind is not None:
            self.choose(kind)
        return kind is not None

    def _show(self, kind: Kind) -> None:
        self.setCurrentIndex(list(_KINDS).index(kind))

    def _on_activated(self, _index: int = 0) -> None:
        if self._layer is None:
            self._of_new = self.kind
        else:
            tell_kind(self._layer, self.kind)


def ask_kind(parent: QWidget, name: str, guess: KindGuess) -> Kind | None:
    """Ask whether the values of labels are objects or classes.

    Returns
    -------
    {"semantic", "object"} or None
        The answer; None if the person would rather do nothing.
    """
    count = f"{guess.values} different values"
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Objects or classes?")
    box.setText(
        f"“{name}” holds {'one value' if guess.values == 1 else count}: objects or "
        "classes?"
    )
    box.setInformativeText(
        "Objects: each value is one object, and a new object gets a new value. "
        "Classes: a value is a class, which any number of objects share."
    )
    role = QMessageBox.ButtonRole.AcceptRole
    buttons = {
        kind: box.addButton(text, role)
        for kind, text in (("object", "Objects"), ("semantic", "Classes"))
    }
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(buttons[guess.kind])
    box.exec()
    clicked = box.clickedButton()
    box.deleteLater()
    return next((k for k in _KINDS if buttons[k] is clicked), None)


class PlanesCombo(QComboBox):
    """Lets a person choose between the slice that is shown and all of an image."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.addItems(["The one shown", "All"])
        self.in_image = 1

    @property
    def every(self) -> bool:
        """Whether all slices are wanted."""
        return self.isEnabled() and self.currentIndex() == 1

    @property
    def chosen(self) -> int:
        """How many slices are wanted."""
        return self.in_image if self.every else 1

    def follow(self, image: "Image | None") -> None:
        """Offer the slices of an image; there is nothing to choose if it has one."""
        self.in_image = 1 if image is None else plane_count(image)
        self.setItemText(1, f"All {self.in_image}")
        self.setEnabled(self.in_image > 1)
