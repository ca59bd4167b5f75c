"""Telling images of a microscope from photographs."""

from collections.abc import Sequence

import numpy as np

from napari_edgeflow.engine.data.pairs import LabelledImage
from napari_edgeflow.engine.data.pixels import read_rgb

_LOOKED_AT = 16
"""Images at most by which all are judged."""

_GREY_SPREAD = 4.0
"""Mean difference between channels, of 255, below which an image is grey."""


def judged(
    pairs: Sequence[LabelledImage], asked: bool | None
) -> tuple[bool, str | None]:
    """Return whether images are of a microscope, if it is not said, and what to say."""
    if asked is not None:
        return asked, None
    if not is_microscopy(pairs):
        return False, None
    return True, "most images are grey: taken for those of a microscope"


def is_microscopy(pairs: Sequence[LabelledImage]) -> bool:
    """Return whether images are rather those of a microscope than photographs.

    Most of them are grey then. Some are looked at, spread over all.

    Raises
    ------
    OSError
        If an image cannot be read.
    """
    step = -(-len(pairs) // _LOOKED_AT)
    spreads = [
        float(np.ptp(read_rgb(pair.image).astype(np.int16), axis=2).mean())
        for pair in pairs[::step]
    ]
    return float(np.median(spreads)) < _GREY_SPREAD
