"""Recorded clicks of persons, given to a model again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pairs import LabelledImage, read_pair
from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.metrics import iou


@dataclass(frozen=True, slots=True)
class RecordedObject:
    """An object that a person labelled by clicks.

    Parameters
    ----------
    image, mask : Path
        The image, and the image of the objects that the person ended up with.
    value : int
        The object's value there.
    class_name : str
        Its class.
    clicks : tuple of Click
        The person's clicks, in their order.
    view : Window or None
        The part of the image that was seen at the first click; None for all of it.
    seconds : float
        How long it took.
    """

    image: Path
    mask: Path
    value: int
    class_name: str
    clicks: tuple[Click, ...]
    view: Window | None = None
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """File name of the image, with the object's value."""
        return f"{self.image.name}:{self.value}"


@dataclass(frozen=True, slots=True)
class Replay:
    """What a model made of recorded clicks.

    Parameters
    ----------
    recorded : RecordedObject
        The object.
    ious : tuple of float
        After each click, with what the person ended up with.
    milliseconds : tuple of float
        Of each click.
    """

    recorded: RecordedObject
    ious: tuple[float, ...]
    milliseconds: tuple[float, ...]


def replay_clicks(
    segmenter: ClickSegmenter, objects: Iterable[RecordedObject]
) -> Iterator[Replay]:
    """Give a model the clicks of objects again, one by one; yield what came of it.

    Parameters
    ----------
    segmenter : ClickSegmenter
        The model; its image and clicks are replaced.
    objects : iterable of RecordedObject
        Those of an image should follow each other.

    Raises
    ------
    ValueError
        If a mask does not fit its image, or lacks the object.
    OSError
        If a file cannot be read.
    """
    shown: LabelledImage | None = None
    labels: NDArray[np.integer[Any]] = np.zeros((0, 0), np.uint8)
    for entry in objects:
        pair = LabelledImage(entry.image, entry.mask)
        if pair != shown:
            image, labels = read_pair(pair)
            segmenter.set_image(image)
            shown = pair
        truth = labels == entry.value
        if not truth.any():
            raise ValueError(f"{entry.mask} has no object {entry.value}: export again")
        yield _replayed(segmenter, entry, truth)


def _replayed(
    segmenter: ClickSegmenter, entry: RecordedObject, truth: NDArray[np.bool_]
) -> Replay:
    segmenter.clear()
    segmenter.set_view(entry.view)
    everywhere = np.ones_like(truth)
    ious: list[float] = []
    times: list[float] = []
    for count in range(1, len(entry.clicks) + 1):
        prediction = segmenter.set_clicks(entry.clicks[:count])
        ious.append(iou(prediction.mask(), truth, everywhere))
        times.append(prediction.milliseconds)
    return Replay(entry, tuple(ious), tuple(times))
