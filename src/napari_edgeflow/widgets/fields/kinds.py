"""A drop-down list of what the values of a Labels layer mean."""

from qtpy.QtWidgets import QComboBox, QWidget

from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.engine.labels.scheme import LabelScheme

_KINDS: dict[Kind, str] = {
    "semantic": "Classes (semantic)",
    "object": "Objects (instances)",
}


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
