"""Images with a class for every pixel, as training reads them; a look at all labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pairs import VOID, LabelledImage, read_pair
from napari_edgeflow.engine.data.pixels import image_size, read_label_image
from napari_edgeflow.engine.labels.classes import MAX_CLASS_ID
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
        labels = read_label_image(self.pairs[number].labels)
        return self._kept(number, self.indices(labels))

    def _kept(self, number: int, target: NDArray[np.uint8]) -> NDArray[np.uint8]:
        for window in self.held_back[number] if self.held_back else ():
            target[window.slices] = VOID
        return target

    def presence(self) -> NDArray[np.bool_]:
        """Return which image has which class, (images, classes); reads all labels."""
        found = np.zeros((len(self.pairs), len(self.class_ids)), np.bool_)
        for number, row in enumerate(found):
            row[classes_in(self.read_target(number))] = True
        return found


def classes_in(target: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the class indices that occur."""
    values: NDArray[np.uint8] = np.setdiff1d(target, VOID)
    return values


@dataclass(frozen=True, slots=True, eq=False)
class LabelSurvey:
    """What the labels of a source hold.

    Parameters
    ----------
    presence : ndarray
        (images, classes) bool: which image has which class.
    shapes : tuple of (int, int)
        Height and width of each image.
    unknown : tuple of int
        Values that are no class of the source, apart from 0 and 255.
    """

    presence: NDArray[np.bool_]
    shapes: tuple[tuple[int, int], ...]
    unknown: tuple[int, ...]


def survey(source: SemanticSource) -> LabelSurvey:
    """Read all labels and check that they can be trained on.

    Raises
    ------
    ValueError
        If labels do not fit their image, are no whole numbers from 0 on, or hold
        fewer than two of the classes.
    OSError
        If a file cannot be read.
    """
    presence = np.zeros((len(source.pairs), len(source.class_ids)), np.bool_)
    shapes, unknown = [], set()
    for row, pair in zip(presence, source.pairs, strict=True):
        labels = read_label_image(pair.labels)
        _check(pair, labels)
        values = np.unique(labels)
        unknown |= set(values.tolist()) - {*source.class_ids, 0, VOID}
        row[classes_in(source.indices(values))] = True
        shapes.append((labels.shape[0], labels.shape[1]))
    _check_classes(presence, source.class_ids, sorted(unknown))
    return LabelSurvey(presence, tuple(shapes), tuple(sorted(map(int, unknown))))


def _check(pair: LabelledImage, labels: NDArray[np.integer]) -> None:
    size = image_size(pair.image)
    if labels.shape != size:
        raise ValueError(
            f"the labels {pair.labels} have shape {labels.shape}, their image {size}: "
            "both need the same height and width"
        )
    if labels.max() > MAX_CLASS_ID:
        raise ValueError(
            f"the labels {pair.labels} hold {int(labels.max())}: class ids are 0 to "
            f"{MAX_CLASS_ID}, and {VOID} stands for pixels that do not count"
        )


def _check_classes(
    presence: NDArray[np.bool_], class_ids: Sequence[int], unknown: Sequence[int]
) -> None:
    found = [class_ids[i] for i in np.flatnonzero(presence.any(0)).tolist()]
    if len(found) >= 2:
        return
    held = f"only class {found[0]}" if found else "no class of the list"
    others = f" and {_some(unknown)}, which are not in it" if unknown else ""
    raise ValueError(
        f"the labels hold {held}{others}: training needs two classes or more, the "
        "background among them; label another one, or check the class list"
    )


def unknown_values(unknown: Sequence[int]) -> str | None:
    """Return a sentence on values that are in the labels and no class, if any."""
    if not unknown:
        return None
    return (
        f"labels {_some(unknown)} are not in the class list: these pixels do not count"
    )


def _some(values: Sequence[int]) -> str:
    shown = ", ".join(map(str, values[:5]))
    return shown if len(values) <= 5 else f"{shown} and {len(values) - 5} more"


def check_size(found: LabelSurvey, side: int) -> None:
    """Check that there is more than one image smaller than a crop of ``side`` pixels.

    Raises
    ------
    ValueError
        If there is no more than that.
    """
    if len(found.shapes) == 1 and max(found.shapes[0]) < side:
        height, width = found.shapes[0]
        raise ValueError(
            f"the only image is {height} x {width} pixels, less than a crop of "
            f"{side}: give more or larger images, or a smaller --size"
        )
