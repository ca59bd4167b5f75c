"""Labelled images that are held back from training, to see how good it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.image import Window
from napari_edgeflow.engine.pairs import VOID, LabelledImage
from napari_edgeflow.engine.semantic_source import SemanticSource
from napari_edgeflow.engine.splits import Split, grid, split

FEW_IMAGES = 2
"""Up to so many images, blocks of them are held back instead of whole ones."""

MOST_HELD_BACK = 200
"""Images to validate on at most: more take long and tell little more."""

_SIDES = (4, 8, 16)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """An image to validate on.

    Parameters
    ----------
    pair : LabelledImage
        The image and its labels.
    windows : tuple of Window
        The parts of it that count; empty for all of it.
    """

    pair: LabelledImage
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Holdout:
    """Both sides of a split; no labelled pixel is on both.

    Parameters
    ----------
    source : SemanticSource
        What is trained on.
    presence : ndarray
        Which image of it has which class; see :meth:`SemanticSource.presence`.
    validation : tuple of HeldBack
        What is held back.
    """

    source: SemanticSource
    presence: NDArray[np.bool_]
    validation: tuple[HeldBack, ...]

    def describe(self) -> str | None:
        """Return a sentence on what is held back, if anything is."""
        if not self.validation:
            return None
        images = len(self.source.pairs)
        blocks = sum(len(held.windows) for held in self.validation)
        if blocks:
            return f"{blocks} blocks of the images are held back for validation"
        return f"training on {images} images, validation on {len(self.validation)}"


def hold_back(
    source: SemanticSource, presence: NDArray[np.bool_], share: float, seed: int
) -> Holdout:
    """Hold whole images back, or blocks of them where there are too few.

    Blocks are taken of one or two images, and of more where some class is in no
    other image.

    Parameters
    ----------
    source : SemanticSource
        All labelled images.
    presence : ndarray
        Which of them has which class.
    share : float
        How much to hold back, between 0 and 1; 0 for nothing.
    seed : int
        The same seed gives the same split.

    Raises
    ------
    ValueError
        If there is too little to hold something back.
    """
    if share == 0:
        return Holdout(source, presence, ())
    labelled = int(presence.any(1).sum())
    if labelled > FEW_IMAGES:
        parts = split(presence, share, seed, MOST_HELD_BACK)
        if not parts.lost:
            return _by_image(source, presence, parts)
    return _by_blocks(source, share, seed)


def _by_image(
    source: SemanticSource, presence: NDArray[np.bool_], parts: Split
) -> Holdout:
    training = replace(source, pairs=tuple(source.pairs[i] for i in parts.training))
    validation = tuple(HeldBack(source.pairs[i]) for i in parts.validation)
    return Holdout(training, presence[list(parts.training)], validation)


def _by_blocks(source: SemanticSource, share: float, seed: int) -> Holdout:
    """Hold blocks back, smaller ones if large ones would take a class with them."""
    targets = [source.read_target(number) for number in range(len(source.pairs))]
    found: tuple[list[tuple[int, Window]], Split] | None = None
    for side in _SIDES:
        blocks = [
            (number, window)
            for number, target in enumerate(targets)
            for window in grid((target.shape[0], target.shape[1]), side)
        ]
        presence = _presence(targets, blocks, len(source.class_ids))
        if presence.any(1).sum() < 2:
            continue
        parts = split(presence, share, seed)
        if found is None or len(parts.lost) < len(found[1].lost):
            found = blocks, parts
        if not parts.lost:
            break
    if found is None:
        raise ValueError(
            "the labelled pixels lie too close together to hold some back for "
            "validation: label more, or use --validation 0"
        )
    blocks, parts = found
    return _without(source, [blocks[i] for i in parts.validation])


def _presence(
    targets: Sequence[NDArray[np.uint8]],
    blocks: Sequence[tuple[int, Window]],
    classes: int,
) -> NDArray[np.bool_]:
    presence = np.zeros((len(blocks), classes), np.bool_)
    for row, (number, window) in zip(presence, blocks, strict=True):
        values = np.unique(targets[number][window.slices])
        row[values[values != VOID]] = True
    return presence


def _without(source: SemanticSource, held: Sequence[tuple[int, Window]]) -> Holdout:
    windows = tuple(
        tuple(window for owner, window in held if owner == number)
        for number in range(len(source.pairs))
    )
    training = replace(source, held_back=windows)
    validation = tuple(
        HeldBack(pair, mine)
        for pair, mine in zip(source.pairs, windows, strict=True)
        if mine
    )
    return Holdout(training, training.presence(), validation)
