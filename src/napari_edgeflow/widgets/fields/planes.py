"""A drop-down list of how much of a stack is meant."""

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QWidget

from napari_edgeflow.widgets.layers.planes import plane_count

if TYPE_CHECKING:
    from napari.layers import Image


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
