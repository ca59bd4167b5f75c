"""Where the objects of a label array are and how large they are."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_BAND = 1 << 20
"""Pixels that are measured at a time, so that other threads get their turn."""

_LARGEST_TABLE = 1 << 20
"""Ids above this are renumbered before they are counted."""


class ObjectMeasure(NamedTuple):
    """Size and place of an object.

    ``start`` and ``stop`` are the corners of the box around it, one entry for each
    axis, ends excluded.
    """

    object_id: int
    pixels: int
    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def box(self) -> tuple[slice, ...]:
        """What indexes the box out of the array."""
        return tuple(map(slice, self.start, self.stop))


def measure_objects(labels: NDArray[np.integer]) -> list[ObjectMeasure]:
    """Measure all objects of (..., H, W) integer ids in one pass; the lowest id first.

    0 and below are background.
    """
    found: dict[int, ObjectMeasure] = {}
    for start, band in _bands(labels):
        for measure in _measure_band(band):
            here = _placed(measure, start)
            before = found.get(here.object_id)
            found[here.object_id] = here if before is None else _joined(before, here)
    return [found[i] for i in sorted(found)]


def _bands(
    labels: NDArray[np.integer],
) -> Iterator[tuple[tuple[int, ...], NDArray[np.integer]]]:
    """Yield copies of 2-D parts and where they start.

    Labels are measured in the background while a person paints on.
    """
    height, width = labels.shape[-2:]
    step = max(_BAND // max(width, 1), 1)
    for place in np.ndindex(labels.shape[:-2]):
        plane = labels[place]
        for top in range(0, height, step):
            yield (*place, top, 0), np.array(plane[top : top + step])


def _measure_band(band: NDArray[np.integer]) -> Iterator[ObjectMeasure]:
    highest = int(band.max(initial=0))
    if highest <= 0:
        return
    ids: NDArray[np.integer] | range = range(highest + 1)
    if highest > _LARGEST_TABLE or int(band.min()) < 0:
        ids, inverse = np.unique(np.maximum(band, 0), return_inverse=True)
        # 0 stays the first, even where there is none.
        if ids[0] != 0:
            ids, inverse = np.concatenate([[0], ids]), inverse + 1
        band = inverse.reshape(band.shape)
    pixels = np.bincount(band.ravel()).tolist()
    for at, box in enumerate(ndimage.find_objects(band), start=1):
        if box is not None:
            rows, columns = box
            yield ObjectMeasure(
                int(ids[at]),
                pixels[at],
                (rows.start, columns.start),
                (rows.stop, columns.stop),
            )


def _placed(measure: ObjectMeasure, start: tuple[int, ...]) -> ObjectMeasure:
    """Return a measure of a part as one of the whole."""
    *place, top, left = start
    (y, x), (bottom, right) = measure.start, measure.stop
    return ObjectMeasure(
        measure.object_id,
        measure.pixels,
        (*place, y + top, x + left),
        (*(at + 1 for at in place), bottom + top, right + left),
    )


def _joined(first: ObjectMeasure, second: ObjectMeasure) -> ObjectMeasure:
    return ObjectMeasure(
        first.object_id,
        first.pixels + second.pixels,
        tuple(map(min, first.start, second.start)),
        tuple(map(max, first.stop, second.stop)),
    )
