"""Labelled images that are held back from training, to see how good it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pairs import LabelledImage
from napari_edgeflow.engine.data.splits import (
    FEWEST_WHOLE,
    Split,
    grid,
    same_images,
    split_off,
)
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.training.semantic.source import SemanticSource, classes_in

Groups = Sequence[Sequence[int]]
"""Numbers of the pairs, those of the same image together."""

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
    other image. Where several labels are of the same image, it is held back in all
    of them or in none.

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
    groups = same_images([pair.image for pair in source.pairs])
    of_images = np.stack([presence[group].any(0) for group in groups])
    labelled = int(of_images.any(1).sum())
    if labelled > FEWEST_WHOLE:
        parts = split_off(of_images, share, seed, MOST_HELD_BACK)
        if not parts.lost:
            return _by_image(source, presence, groups, parts)
    return _by_blocks(source, groups, share, seed)


def _by_image(
    source: SemanticSource, presence: NDArray[np.bool_], groups: Groups, parts: Split
) -> Holdout:
    kept = sorted(number for image in parts.training for number in groups[image])
    held = sorted(number for image in parts.validation for number in groups[image])
    training = replace(source, pairs=tuple(source.pairs[number] for number in kept))
    validation = tuple(HeldBack(source.pairs[number]) for number in held)
    return Holdout(training, presence[kept], validation)


def _by_blocks(
    source: SemanticSource, groups: Groups, share: float, seed: int
) -> Holdout:
    """Hold blocks back, smaller ones if large ones would take a class with them."""
    targets = [[source.read_target(number) for number in group] for group in groups]
    found: tuple[list[tuple[int, Window]], Split] | None = None
    for side in _SIDES:
        blocks = [
            (image, window)
            for image, (target, *_) in enumerate(targets)
            for window in grid((target.shape[0], target.shape[1]), side)
        ]
        presence = _presence(targets, blocks, len(source.class_ids))
        if presence.any(1).sum() < 2:
            continue
        parts = split_off(presence, share, seed)
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
    return _without(source, groups, [blocks[i] for i in parts.validation])


def _presence(
    targets: Sequence[Sequence[NDArray[np.uint8]]],
    blocks: Sequence[tuple[int, Window]],
    classes: int,
) -> NDArray[np.bool_]:
    presence = np.zeros((len(blocks), classes), np.bool_)
    for row, (image, window) in zip(presence, blocks, strict=True):
        for target in targets[image]:
            row[classes_in(target[window.slices])] = True
    return presence


def _without(
    source: SemanticSource, groups: Groups, held: Sequence[tuple[int, Window]]
) -> Holdout:
    image_of = {number: image for image, group in enumerate(groups) for number in group}
    windows = tuple(
        tuple(window for owner, window in held if owner == image_of[number])
        for number in range(len(source.pairs))
    )
    training = replace(source, held_back=windows)
    validation = tuple(
        HeldBack(pair, mine)
        for pair, mine in zip(source.pairs, windows, strict=True)
        if mine
    )
    return Holdout(training, training.presence(), validation)
