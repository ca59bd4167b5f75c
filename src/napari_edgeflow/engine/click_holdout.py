"""Objects that are held back from click training, to see how good it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_edgeflow.engine.datasets import MIN_PIXELS, ClickSource, is_held_back
from napari_edgeflow.engine.evaluate import ClickTarget
from napari_edgeflow.engine.pairs import VOID, read_labels
from napari_edgeflow.engine.splits import grid

FEW_IMAGES = 2
"""Up to so many images of a source, objects in blocks of them are held back."""

MOST_OBJECTS = 20
"""Objects to validate on at most: each is clicked several times after each epoch."""

_SIDE = 4


@dataclass(frozen=True, slots=True, eq=False)
class ClickHoldout:
    """Both sides of a split; no object is on both.

    Parameters
    ----------
    sources : tuple of ClickSource
        What is trained on.
    targets : tuple of ClickTarget
        What is held back.
    """

    sources: tuple[ClickSource, ...]
    targets: tuple[ClickTarget, ...] = ()

    def describe(self) -> str | None:
        """Return a sentence on what is held back, if anything is."""
        if not self.targets:
            return None
        images = len({target.image for target in self.targets})
        return (
            f"held back for validation: {len(self.targets)} of the objects, in "
            f"{images} of the images"
        )


def hold_back_objects(
    sources: Sequence[ClickSource], share: float, seed: int
) -> ClickHoldout:
    """Hold objects back: those of whole images, or of blocks where images are few.

    Parameters
    ----------
    sources : sequence of ClickSource
        All labelled images.
    share : float
        Of the images or blocks with objects to hold back, between 0 and 1, and no
        more than are needed; 0 for nothing.
    seed : int
        The same seed gives the same split.

    Raises
    ------
    ValueError
        If there are too few objects to hold some back.
    OSError
        If labels cannot be read.
    """
    if share == 0:
        return ClickHoldout(tuple(sources))
    rng = np.random.default_rng(seed)
    most = max(MOST_OBJECTS // len(sources), 1)
    parts = [_split(source, share, most, rng) for source in sources]
    return ClickHoldout(
        tuple(source for source, _ in parts),
        tuple(target for _, targets in parts for target in targets),
    )


def _split(
    source: ClickSource, share: float, most: int, rng: np.random.Generator
) -> tuple[ClickSource, list[ClickTarget]]:
    few = len(source.pairs) <= FEW_IMAGES
    return (_by_blocks if few else _by_image)(source, share, most, rng)


def _by_image(
    source: ClickSource, share: float, most: int, rng: np.random.Generator
) -> tuple[ClickSource, list[ClickTarget]]:
    wanted = min(max(round(share * len(source.pairs)), 1), most)
    held: dict[int, list[ClickTarget]] = {}
    # Not all labels are read, which takes long where there are thousands.
    for number in rng.permutation(len(source.pairs)).tolist():
        if len(held) == wanted:
            break
        targets = _targets(source, number)
        if targets:
            held[number] = _some(targets, -(-most // wanted), rng)
    if not held:
        raise ValueError(_too_few(source))
    kept = tuple(p for number, p in enumerate(source.pairs) if number not in held)
    return replace(source, pairs=kept), [t for group in held.values() for t in group]


def _by_blocks(
    source: ClickSource, share: float, most: int, rng: np.random.Generator
) -> tuple[ClickSource, list[ClickTarget]]:
    targets = [_targets(source, number) for number in range(len(source.pairs))]
    blocks = [
        (number, window)
        for number, group in enumerate(targets)
        if group
        for window in grid(group[0].truth.shape, _SIDE)
        if any(is_held_back(target.truth, [window]) for target in group)
    ]
    if len(blocks) < 2:
        raise ValueError(_too_few(source))
    order = rng.permutation(len(blocks))[: max(round(share * len(blocks)), 1)]
    windows = [
        tuple(blocks[i][1] for i in order.tolist() if blocks[i][0] == number)
        for number in range(len(source.pairs))
    ]
    held = [
        target
        for group, mine in zip(targets, windows, strict=True)
        for target in group
        if is_held_back(target.truth, mine)
    ]
    return replace(source, held_back=tuple(windows)), _some(held, most, rng)


def _some(
    targets: list[ClickTarget], most: int, rng: np.random.Generator
) -> list[ClickTarget]:
    chosen = rng.permutation(len(targets))[:most]
    return [targets[i] for i in sorted(chosen.tolist())]


def _too_few(source: ClickSource) -> str:
    return (
        f"the labels beside {source.pairs[0].labels} hold too few objects of "
        f"{MIN_PIXELS} pixels and more to hold some back for validation: label more, "
        "or use --validation 0"
    )


def _targets(source: ClickSource, number: int) -> list[ClickTarget]:
    """Return the objects of an image that are large enough to be trained on."""
    pair = source.pairs[number]
    labels = read_labels(pair.labels)
    is_class = source.kind == "semantic"
    objects = _components(labels) if is_class else labels
    valid = labels != VOID if is_class else np.ones(labels.shape, np.bool_)
    values, counts = np.unique(objects, return_counts=True)
    large = values[(values > 0) & (counts >= MIN_PIXELS)]
    return [
        ClickTarget(f"{pair.labels.name}:{value}", pair.image, objects == value, valid)
        for value in large.tolist()
    ]


def _components(labels: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the connected components of each class, numbered from 1 on."""
    found = np.zeros(labels.shape, np.int64)
    total = 0
    for value in np.unique(labels).tolist():
        if 0 < value < VOID:
            parts, count = ndimage.label(labels == value)
            found[parts > 0] = parts[parts > 0] + total
            total += count
    return found
