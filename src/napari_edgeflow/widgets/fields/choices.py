"""Drop-down lists of a few things to choose from: devices, kinds, planes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QWidget
from superqt.utils import signals_blocked

from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.runtime.clicks import DEVICES
from napari_edgeflow.widgets.layers.planes import plane_count

if TYPE_CHECKING:
    from napari.layers import Image

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

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.addItems(list(_KINDS.values()))

    @property
    def kind(self) -> Kind:
        """What is chosen."""
        return list(_KINDS)[self.currentIndex()]

    def follow(self, scheme: LabelScheme | None) -> None:
        """Show what a layer holds, which is not for choice; None lets one choose."""
        self.setEnabled(scheme is None)
        if scheme is not None:
            self.choose(scheme.kind)

    def choose(self, kind: Kind) -> None:
        """Choose ids of classes or of objects."""
        self.setCurrentIndex(list(_KINDS).index(kind))


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
