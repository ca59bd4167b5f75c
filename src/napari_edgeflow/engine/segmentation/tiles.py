"""Windows that cover an image, and what networks said of them blended into one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.interpolation import linear_weights

STEP = 32
"""Networks take heights and widths that are multiples of this many pixels."""

BLOCK = (256, 512)
"""Height and width of what is blended at a time: this bounds the memory."""

_SURELY = 1 - 1e-4
"""Probabilities add up to at least this much, whatever was rounded."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A window of an image, and height and width that the network sees it in."""

    window: Window
    shape: tuple[int, int]


def lay_out(
    shape: tuple[int, int], side: int, overlap: int, scale: float
) -> list[list[Tile]]:
    """Cover an image with overlapping tiles, row by row.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image.
    side : int
        Height and width of what a network sees at once, in pixels as it sees them.
    overlap : int
        Least overlap of neighbours, in the same pixels.
    scale : float
        Pixels that the network sees per pixel of the image.

    Returns
    -------
    list of list of Tile
        Rows from top to bottom. The tiles depend on nothing but these arguments.
    """
    rows = _spans(shape[0], side, overlap, scale)
    columns = _spans(shape[1], side, overlap, scale)
    return [
        [
            Tile(Window(top, left, bottom, right), (tall, wide))
            for left, right, wide in columns
        ]
        for top, bottom, tall in rows
    ]


def _spans(
    length: int, side: int, overlap: int, scale: float
) -> list[tuple[int, int, int]]:
    """Return starts and ends along one axis, and the network's pixels for them."""
    seen = length * scale
    if seen <= side:
        return [(0, length, max(round(seen / STEP), 1) * STEP)]
    # Counted in whole pixels of the image: rounded down, tiles could leave gaps.
    reach, shared = min(max(round(side / scale), 1), length), overlap / scale
    count = math.ceil((length - shared) / (reach - shared))
    starts = np.linspace(0, length - reach, count).round().astype(int)
    return [(int(start), int(start) + reach, side) for start in starts]


@dataclass(frozen=True, slots=True, eq=False)
class TileScores:
    """What a network said of a tile, at one or more resolutions.

    Parameters
    ----------
    window : Window
        The part of the image.
    maps : tuple of (ndarray, (int, int))
        (C, h, w) float32 probabilities, and height and width of what the network
        saw. A smaller map has its corners on the corners of that, as smp stretches
        logits.
    """

    window: Window
    maps: tuple[tuple[NDArray[np.float32], tuple[int, int]], ...]

    def may_be(self, part: Window, classes: int) -> NDArray[np.bool_]:
        """Return which classes (C,) can be the most probable one in a part.

        The most probable of C classes has at least 1 / C but for rounding, and
        interpolating and averaging never exceed the values they start from.
        """
        found = np.zeros(classes, np.bool_)
        for values, seen in self.maps:
            rows = _needed(self._positions(part, seen, values.shape[1:], 0))
            columns = _needed(self._positions(part, seen, values.shape[1:], 1))
            found |= values[:, rows, columns].max((1, 2)) >= _SURELY / classes
        return found

    def sample(self, part: Window, classes: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return the probabilities (k, h, w) of some classes in each pixel of a part.

        ``part`` lies inside ``window``.
        """
        every = [
            self._sampled(values, seen, part, classes) for values, seen in self.maps
        ]
        mean: NDArray[np.float32] = np.mean(every, axis=0) if every[1:] else every[0]
        return mean

    def _sampled(
        self,
        values: NDArray[np.float32],
        seen: tuple[int, int],
        part: Window,
        classes: NDArray[np.intp],
    ) -> NDArray[np.float32]:
        down, across = (
            self._positions(part, seen, values.shape[1:], axis) for axis in (0, 1)
        )
        rows, columns = _needed(down), _needed(across)
        few = values[classes, rows, columns]
        tall = linear_weights(down - rows.start, few.shape[1])
        wide = linear_weights(across - columns.start, few.shape[2])
        result: NDArray[np.float32] = np.matmul(np.matmul(tall, few), wide.T)
        return result

    def _positions(
        self, part: Window, seen: tuple[int, int], shape: tuple[int, ...], axis: int
    ) -> NDArray[np.float64]:
        """Return where the pixels of a part lie in a map, along one axis."""
        start, end = (part.top, part.bottom) if axis == 0 else (part.left, part.right)
        begin = self.window.top if axis == 0 else self.window.left
        length = self.window.height if axis == 0 else self.window.width
        centres = np.arange(start - begin, end - begin) + 0.5
        at = centres * (seen[axis] / length) - 0.5
        if shape[axis] != seen[axis]:
            at = at * ((shape[axis] - 1) / (seen[axis] - 1))
        return at.clip(0, shape[axis] - 1)


def _needed(positions: NDArray[np.float64]) -> slice:
    """Return the samples between which ascending positions lie."""
    return slice(int(positions[0]), int(np.ceil(positions[-1])) + 1)


def _ramp(
    start: int, end: int, span: tuple[int, int], length: int, overlap: float
) -> NDArray[np.float32]:
    """Return the weights of a tile along one axis: falling towards its neighbours."""
    centres = np.arange(start, end) + 0.5
    weights = np.ones(end - start)
    if span[0] > 0:
        weights = np.minimum(weights, (centres - span[0]) / overlap)
    if span[1] < length:
        weights = np.minimum(weights, (span[1] - centres) / overlap)
    return weights.clip(1e-3, 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Blender:
    """Blends overlapping tiles, those near a pixel's middle counting most.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image.
    classes : int
        Number of classes.
    overlap : float
        Over which the weight of a tile falls to 0, in pixels of the image.
    """

    shape: tuple[int, int]
    classes: int
    overlap: float

    def decide(
        self, part: Window, tiles: Sequence[TileScores]
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Return the most probable class of each pixel (h, w) and its probability."""
        best = np.zeros((part.height, part.width), np.intp)
        score = np.zeros((part.height, part.width), np.float32)
        for block in blocks(part):
            near = [t for t in tiles if t.window.meets(block)]
            able = np.zeros(self.classes, np.bool_)
            for tile in near:
                able |= tile.may_be(tile.window.intersection(block), self.classes)
            some = np.flatnonzero(able)
            values = self.blend(block, near, some)
            place = (
                slice(block.top - part.top, block.bottom - part.top),
                slice(block.left - part.left, block.right - part.left),
            )
            first = values.argmax(0)
            best[place] = some[first]
            score[place] = np.take_along_axis(values, first[None], 0)[0]
        return best, score

    def blend(
        self, block: Window, tiles: Sequence[TileScores], classes: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Return the blended probabilities (k, h, w) of some classes in a block."""
        if len(tiles) == 1:
            return tiles[0].sample(block, classes)
        total = np.zeros((len(classes), block.height, block.width), np.float32)
        weight = np.zeros((block.height, block.width), np.float32)
        for tile in tiles:
            part = tile.window.intersection(block)
            place = (
                slice(part.top - block.top, part.bottom - block.top),
                slice(part.left - block.left, part.right - block.left),
            )
            share = self._weights(tile.window, part)
            total[(slice(None), *place)] += tile.sample(part, classes) * share
            weight[place] += share
        return total / weight

    def _weights(self, window: Window, part: Window) -> NDArray[np.float32]:
        down = _ramp(
            part.top,
            part.bottom,
            (window.top, window.bottom),
            self.shape[0],
            self.overlap,
        )
        across = _ramp(
            part.left,
            part.right,
            (window.left, window.right),
            self.shape[1],
            self.overlap,
        )
        return down[:, None] * across


def blocks(part: Window) -> list[Window]:
    """Return a part of an image cut into blocks of bounded size."""
    rows = [*range(part.top, part.bottom, BLOCK[0]), part.bottom]
    columns = [*range(part.left, part.right, BLOCK[1]), part.right]
    return [
        Window(top, left, bottom, right)
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]
