"""What to call the devices that networks run on."""

from collections.abc import Sequence

from qtpy.QtWidgets import QComboBox, QWidget
from superqt.utils import signals_blocked

from napari_edgeflow.engine.runtime.clicks import DEVICES

_NAMES = {
    "auto": "Automatic",
    "cuda": "GPU (CUDA)",
    "mps": "GPU (Metal)",
    "cpu": "CPU",
}


def device_name(device: str) -> str:
    """Return what to call a device."""
    return _NAMES.get(device, device)


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
