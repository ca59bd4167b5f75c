"""Objects that are held back from click training, and clicked on to measure it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.data.pixels import read_label_image
from napari_edgeflow.engine.data.splits import FEWEST_WHOLE, grid, same_images
from napari_edgeflow.engine.evaluation.clicks import ClickTarget, evaluate_clicks
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.networks.edgeflow import EdgeFlow
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.masks import components_by_size
from napari_edgeflow.engine.runtime.clicks_torch import TorchNetwork
from napari_edgeflow.engine.training.clicks.samples import (
    MIN_PIXELS,
    ClickSource,
    counting,
    is_held_back,
)
from napari_edgeflow.engine.training.parallel import summed
from napari_edgeflow.engine.training.reports import Validation

MOST_OBJECTS = 20
"""Objects to validate on at most: each is clicked several times after each epoch."""

VALIDATION_CLICKS = 3
"""Simulated clicks on an object: most objects are decided by then."""

_SIDE = 4

_Places = Mapping[int, tuple[Window, ...]]
"""Which parts of images are held back, by the image's number; all of it if empty."""


@dataclass(frozen=True, slots=True, eq=False)
class ClickHoldout:
    """What is trained on and what is held back; no object is on both sides."""

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

    An image that is there several times, with other labels or in another source, is
    held back everywhere.

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
        If there are too few objects to hold some back and learn from others.
    OSError
        If files cannot be read.
    """
    if share == 0:
        return ClickHoldout(tuple(sources))
    rng = np.random.default_rng(seed)
    most = max(MOST_OBJECTS // len(sources), 1)
    images = _numbered_images(sources)
    parts = [
        _split(source, numbers, share, most, rng)
        for source, numbers in zip(sources, images, strict=True)
    ]
    kept = _without_held(sources, images, [places for places, _ in parts])
    if not kept:
        raise ValueError(_too_few(sources[0]))
    return ClickHoldout(kept, tuple(target for _, held in parts for target in held))


def _numbered_images(sources: Sequence[ClickSource]) -> list[list[int]]:
    """Return a number for each pair of each source, the same for the same image."""
    pairs = [pair for source in sources for pair in source.pairs]
    number_of = {
        pair: number
        for number, group in enumerate(same_images([pair.image for pair in pairs]))
        for pair in group
    }
    every = count()
    return [[number_of[next(every)] for _ in source.pairs] for source in sources]


def _without_held(
    sources: Sequence[ClickSource],
    images: Sequence[Sequence[int]],
    places: Sequence[_Places],
) -> tuple[ClickSource, ...]:
    """Return what is left to train on; sources of which nothing is left are gone."""
    whole: set[int] = set()
    windows: dict[int, tuple[Window, ...]] = {}
    for held in places:
        whole.update(image for image, parts in held.items() if not parts)
        for image, parts in held.items():
            windows[image] = (*windows.get(image, ()), *parts)
    return tuple(
        replace(
            source,
            pairs=tuple(source.pairs[n] for n in left),
            held_back=tuple(windows.get(numbers[n], ()) for n in left),
        )
        for source, numbers in zip(sources, images, strict=True)
        if (left := [n for n, image in enumerate(numbers) if image not in whole])
    )


def _split(
    source: ClickSource,
    images: Sequence[int],
    share: float,
    most: int,
    rng: np.random.Generator,
) -> tuple[_Places, list[ClickTarget]]:
    pairs_of: dict[int, list[int]] = {}
    for number, image in enumerate(images):
        pairs_of.setdefault(image, []).append(number)
    if len(pairs_of) > FEWEST_WHOLE:
        held = _by_image(source, pairs_of, share, most, rng)
        if held is not None:
            targets = [target for group in held.values() for target in group]
            return dict.fromkeys(held, ()), targets
    return _by_blocks(source, images, share, most, rng)


def _by_image(
    source: ClickSource,
    pairs_of: Mapping[int, Sequence[int]],
    share: float,
    most: int,
    rng: np.random.Generator,
) -> dict[int, list[ClickTarget]] | None:
    """Return objects of whole images; None if too few images have objects."""
    wanted = min(max(round(share * len(pairs_of)), 1), most)
    found: dict[int, list[ClickTarget]] = {}
    # Not all labels are read, which takes long where there are thousands.
    for image in rng.permutation(list(pairs_of)).tolist():
        # One more than is held back: there has to be something to learn from.
        if len(found) > max(wanted, FEWEST_WHOLE):
            break
        targets = [t for number in pairs_of[image] for t in _targets(source, number)]
        if targets:
            found[image] = targets
    if len(found) <= FEWEST_WHOLE:
        return None
    held = list(found)[: min(wanted, len(found) - 1)]
    return {image: _some(found[image], -(-most // len(held)), rng) for image in held}


def _by_blocks(
    source: ClickSource,
    images: Sequence[int],
    share: float,
    most: int,
    rng: np.random.Generator,
) -> tuple[_Places, list[ClickTarget]]:
    targets = [_targets(source, number) for number in range(len(source.pairs))]
    found = (
        (image, window)
        for image, group in zip(images, targets, strict=True)
        if group
        for window in grid(group[0].truth.shape, _SIDE)
        if any(is_held_back(target.truth, [window]) for target in group)
    )
    blocks = list(dict.fromkeys(found))
    if len(blocks) < 2:
        raise ValueError(_too_few(source))
    wanted = max(round(share * len(blocks)), 1)
    places: dict[int, tuple[Window, ...]] = {}
    for block in rng.permutation(len(blocks))[:wanted].tolist():
        image, window = blocks[block]
        places[image] = (*places.get(image, ()), window)
    held = [
        target
        for image, group in zip(images, targets, strict=True)
        for target in group
        if is_held_back(target.truth, places.get(image, ()))
    ]
    return places, _some(held, most, rng)


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
    labels = read_label_image(pair.labels)
    is_class = source.kind == "semantic"
    objects = _components(labels) if is_class else labels
    valid = counting(labels, source)
    values, counts = np.unique(objects, return_counts=True)
    large = values[(values > 0) & (counts >= MIN_PIXELS)]
    return [
        ClickTarget(f"{pair.labels.name}:{value}", pair.image, objects == value, valid)
        for value in large.tolist()
    ]


def _components(labels: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the connected components of each class, numbered from 1 on."""
    found = np.zeros(labels.shape, np.int64)
    for value in np.unique(labels).tolist():
        if 0 < value < VOID:
            parts = components_by_size(labels == value)
            found[parts > 0] = parts[parts > 0] + found.max()
    return found


def validate_clicks(
    model: EdgeFlow, targets: Sequence[ClickTarget], fabric: Fabric
) -> Validation:
    """Click on objects, sorted by image, as a person would in the dock, and compare.

    Several processes share the objects.

    Returns
    -------
    Validation
        The score is the mean IoU over all clicks; the figures are named by the
        number of clicks.
    """
    segmenter = ClickSegmenter(TorchNetwork(model, fabric.device.type))
    mine = targets[fabric.global_rank :: fabric.world_size]
    results = evaluate_clicks(segmenter, mine, VALIDATION_CLICKS)
    sums = np.zeros(VALIDATION_CLICKS)
    for result in results:
        # An object that is found before the last click stays found.
        sums += [
            *result.ious,
            *result.ious[-1:] * (VALIDATION_CLICKS - len(result.ious)),
        ]
    means = (summed(sums, fabric) / len(targets)).tolist()
    names = [f"{k} click{'s'[: k > 1]}" for k in range(1, VALIDATION_CLICKS + 1)]
    return Validation(float(np.mean(means)), dict(zip(names, means, strict=True)))
