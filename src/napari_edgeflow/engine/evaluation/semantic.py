"""How well a model segments labelled images: IoU per class and their mean.

As in PASCAL VOC: pixels are counted over all images, at the images' own size, and
those labelled 255 do not count.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pairs import LabelledImage, read_pair
from napari_edgeflow.engine.raster.metrics import confusion_matrix, iou_of_classes
from napari_edgeflow.engine.segmentation.segmenter import (
    PredictSettings,
    SemanticSegmenter,
)


@dataclass(frozen=True, slots=True, eq=False)
class SemanticResult:
    """What came out for one image.

    Parameters
    ----------
    pair : LabelledImage
        The image and its labels.
    confusion : ndarray
        (C, C + 1) int64; see :func:`metrics.confusion_matrix`.
    milliseconds : float
        What the prediction took, reading of the files apart.
    """

    pair: LabelledImage
    confusion: NDArray[np.int64]
    milliseconds: float

    @property
    def miou(self) -> float:
        """Mean IoU over the classes that are in the image or were found in it."""
        return float(np.nanmean(iou_of_classes(self.confusion)))


@dataclass(frozen=True, slots=True)
class SemanticFigures:
    """Figures over all images.

    Parameters
    ----------
    images : int
        Number of images.
    miou : float
        Mean of the IoU over the classes that occur.
    iou_per_class : dict
        By name; None where a class neither occurs nor was predicted.
    pixel_accuracy : float
        Share of the pixels that count that are right.
    ms_per_image_median : float
        Median time of a prediction.
    confusion : tuple of tuple of int
        Pixels by true class (rows) and predicted class, in the order of the names.
    """

    images: int
    miou: float
    iou_per_class: dict[str, float | None]
    pixel_accuracy: float
    ms_per_image_median: float
    confusion: tuple[tuple[int, ...], ...]


def evaluate_semantic(
    segmenter: SemanticSegmenter,
    pairs: Iterable[LabelledImage],
    settings: PredictSettings | None = None,
) -> Iterator[SemanticResult]:
    """Yield what the model makes of each image.

    Raises
    ------
    ValueError, OSError
        If an image or its labels cannot be read or do not fit.
    """
    for pair in pairs:
        image, truth = read_pair(pair)
        started = time.perf_counter()
        labels = segmenter.predict(image, settings)
        milliseconds = 1000 * (time.perf_counter() - started)
        confusion = confusion_matrix(labels, truth, segmenter.facts.class_ids)
        yield SemanticResult(pair, confusion, milliseconds)


def summarize_semantic(
    segmenter: SemanticSegmenter, results: Sequence[SemanticResult]
) -> SemanticFigures:
    """Return the figures over all results.

    Raises
    ------
    ValueError
        If there are none, or no pixel of them counts.
    """
    confusion = sum((r.confusion for r in results), np.zeros((), np.int64))
    counted = int(confusion.sum())
    if not counted:
        raise ValueError(
            "no labelled pixel of these images belongs to a class of the model "
            f"{segmenter.name!r}: check that the labels are class ids"
        )
    values = iou_of_classes(confusion)
    return SemanticFigures(
        images=len(results),
        miou=float(np.nanmean(values)),
        iou_per_class={
            name: None if math.isnan(value) else float(value)
            for name, value in zip(segmenter.facts.names, values, strict=True)
        },
        pixel_accuracy=int(confusion.diagonal().sum()) / counted,
        ms_per_image_median=median(r.milliseconds for r in results),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion[:, :-1]),
    )
