"""Labelled images on disk for tests of training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tests.engine.colour_network import painted

from napari_edgeflow.engine.data.pairs import LabelledImage


def save_pairs(
    folder: Path, labels: Sequence[NDArray[np.integer]]
) -> tuple[LabelledImage, ...]:
    """Write images painted by their labels, and the labels, as a folder of pairs."""
    pairs = []
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(labels):
        pair = LabelledImage(
            folder / f"images/{number}.png", folder / f"labels/{number}.png"
        )
        Image.fromarray(painted(one % 4)).save(pair.image)
        Image.fromarray(one).save(pair.labels)
        pairs.append(pair)
    return tuple(pairs)
