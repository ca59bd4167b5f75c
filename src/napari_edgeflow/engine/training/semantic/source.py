"""Images with a class for every pixel, as training reads them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pairs import (
    VOID,
    LabelledImage,
    read_labels,
    read_pair,
)
from napari_edgeflow.engine.raster.image import ImageReader, Window, stretched_limits

MAX_CLASSES = VOID
"""Classes are counted from 0, and ``VOID`` stands for pixels that do not count."""


@dataclass(frozen=True, slots=True)
class SemanticSource:
    """Labelled images and the classes in them.

    Parameters
    ----------
    pairs : tuple of LabelledImage
        The images.
    class_ids : tuple of int
        Values of the labels that are classes, the background's 0 included if it is
        one; all others do not count in training.
    held_back : tuple of tuple of Window
        For each image the parts that are not trained on; empty if there are none.
    stretched : bool
        Whether images are stretched to all values; see :class:`SemanticFacts`.
    """

    pairs: tuple[LabelledImage, ...]
    class_ids: tuple[int, ...]
    held_back: tuple[tuple[Window, ...], ...] = ()
    stretched: bool = False

    def __post_init__(self) -> None:
        """Check the values once."""
        if not self.pairs:
            raise ValueError("there are no training images: check the folder or list")
        if not 2 <= len(self.class_ids) <= MAX_CLASSES:
            raise ValueError(
                f"{len(self.class_ids)} classes: training needs 2 to {MAX_CLASSES}, "
                "the background included"
            )

    @property
    def has_background(self) -> bool:
        """Whether pixels labelled 0 are background, rather than not labelled."""
        return 0 in self.class_ids

    def indices(self, labels: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Return labels (H, W) as positions in ``class_ids``, or ``VOID``."""
        table = np.full(max(*self.class_ids, int(labels.max())) + 1, VOID, np.uint8)
        table[list(self.class_ids)] = np.arange(len(self.class_ids))
        indices: NDArray[np.uint8] = table[labels]
        return indices

    def read(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return an image (H, W, 3) and its class indices (H, W), as in training."""
        image, labels = read_pair(self.pairs[number])
        if self.stretched:
            reader = ImageReader(image, stretched_limits(image))
            image = reader.read_whole()
        return image, self._kept(number, self.indices(labels))

    def read_target(self, number: int) -> NDArray[np.uint8]:
        """Return the class indices (H, W) of an image alone."""
        labels = read_labels(self.pairs[number].labels)
        return self._kept(number, self.indices(labels))

    def _kept(self, number: int, target: NDArray[np.uint8]) -> NDArray[np.uint8]:
        for window in self.held_back[number] if self.held_back else ():
            target[window.slices] = VOID
        return target

    def presence(self) -> NDArray[np.bool_]:
        """Return which image has which class, (images, classes); reads all labels."""
        found = np.zeros((len(self.pairs), len(self.class_ids)), np.bool_)
        for number, row in enumerate(found):
            values = np.unique(self.read_target(number))
            row[values[values != VOID]] = True
        return found
