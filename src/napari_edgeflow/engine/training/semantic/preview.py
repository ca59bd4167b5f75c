"""Samples as a network sees them in training, side by side in one picture."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.microscopy import is_microscopy
from napari_edgeflow.engine.data.pairs import VOID, LabelledImage
from napari_edgeflow.engine.training.semantic.samples import (
    SemanticSamples,
    SemanticSampleSettings,
)
from napari_edgeflow.engine.training.semantic.source import SemanticSource

SIDE, COLUMNS, ROWS = 256, 4, 2
_BASE = 512


def preview_samples(
    pairs: Sequence[LabelledImage], class_ids: Sequence[int], seed: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Return eight augmented samples and their labels.

    Parameters
    ----------
    pairs : sequence of LabelledImage
        The images.
    class_ids : sequence of int
        The classes, as :class:`SemanticSource` takes them.
    seed : int
        Another shows other samples.

    Returns
    -------
    image : ndarray
        (ROWS * SIDE, COLUMNS * SIDE, 3) uint8.
    labels : ndarray
        (ROWS * SIDE, COLUMNS * SIDE) class ids; ``VOID`` does not count in training.

    Raises
    ------
    ValueError
        If there is no labelled pixel.
    OSError
        If a file cannot be read.
    """
    microscopy = is_microscopy(pairs)
    source = SemanticSource(tuple(pairs), tuple(class_ids), stretched=microscopy)
    settings = replace(
        SemanticSampleSettings.suited(_BASE, microscopy=microscopy), size=SIDE
    )
    drawn = SemanticSamples(source, source.presence(), settings, seed)
    samples = list(islice(drawn, ROWS * COLUMNS))
    ids = np.full(VOID + 1, VOID, np.uint16)
    ids[: len(class_ids)] = class_ids
    return (
        _tiled([sample.image for sample in samples]),
        ids[_tiled([sample.target for sample in samples])],
    )


def _tiled(parts: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    rows = (parts[at : at + COLUMNS] for at in range(0, len(parts), COLUMNS))
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])
