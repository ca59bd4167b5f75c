"""Automatic segmentation: an image in, a class for every pixel out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_edgeflow.engine.checkpoints.checkpoint import SEMANTIC_TASK, find_checkpoint
from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.regions import ClassLabels
from napari_edgeflow.engine.raster.image import ImageReader, Window, stretched_limits
from napari_edgeflow.engine.runtime.network import DeviceMemoryError, SemanticNetwork
from napari_edgeflow.engine.runtime.semantic import load_semantic_network, read_facts
from napari_edgeflow.engine.segmentation.tiles import (
    BLOCK,
    STEP,
    Blender,
    Tile,
    TileScores,
    blocks,
    lay_out,
)

MOST_AT_ONCE = 64
"""Windows that go through a network together at most, however large the tile."""

_USUAL_OVERLAP = 128
"""Of windows, in pixels as the network sees them."""

DEFAULT_SEMANTIC_MODEL = "deeplabv3plus-lite0-voc"


@dataclass(frozen=True, slots=True)
class PredictSettings:
    """How an image is looked at.

    Parameters
    ----------
    tile_size : int
        Side in pixels of what goes through the network at once. Larger tiles keep a
        GPU busier and take more memory; the result is the same.
    overlap : int or None
        Of neighbouring windows, in pixels as the network sees them; None for 128, or
        for half a window where that is less.
    scale : float or None
        Pixels that the network sees per pixel of the image; None for what the model
        was trained on.
    flip : bool
        Whether to average with the mirrored image: better and twice as long.
    scales : tuple of float
        Factors on ``scale`` to average over: better, and longer with each.

    Raises
    ------
    ValueError
        If a value is out of bounds.
    """

    tile_size: int = 512
    overlap: int | None = None
    scale: float | None = None
    flip: bool = False
    scales: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """Check the values once."""
        if self.tile_size < STEP:
            raise ValueError(f"tile size {self.tile_size}: use {STEP} pixels or more")
        if self.overlap is not None and self.overlap < 0:
            raise ValueError(f"overlap {self.overlap}: use 0 pixels or more")
        if self.scale is not None and not 0 < self.scale <= 16:
            raise ValueError(f"scale {self.scale}: use a number over 0, up to 16")
        if not self.scales or not all(0 < scale <= 4 for scale in self.scales):
            raise ValueError(f"scales {self.scales}: use numbers over 0, up to 4")


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Finished rows of a result, from the top of the image to its bottom.

    Parameters
    ----------
    top : int
        First row.
    labels : ndarray
        (h, W) class ids; h is 0 where there is only progress to report.
    confidence : ndarray
        (h, W) float32, the probability of the label.
    done, total : int
        Calls of the network so far, and in all.
    """

    top: int
    labels: ClassLabels
    confidence: NDArray[np.float32]
    done: int
    total: int


class SemanticSegmenter:
    """Gives every pixel of an image a class.

    Parameters
    ----------
    network : SemanticNetwork
        What turns images into probabilities.
    facts : SemanticFacts
        Its classes and input.
    name : str
        Of the model.
    fallback : callable, optional
        Loads the network for the CPU, for when a device has too little memory.

    Examples
    --------
    >>> segmenter = SemanticSegmenter.from_pretrained("deeplabv3plus-lite0-voc")
    >>> labels = segmenter.predict(image)
    """

    def __init__(
        self,
        network: SemanticNetwork,
        facts: SemanticFacts,
        name: str = "",
        fallback: Callable[[], SemanticNetwork] | None = None,
    ) -> None:
        self.facts = facts
        self.name = name
        self.notices: list[str] = []
        """What happened that a person should know, in sentences."""
        self._network = network
        self._fallback = fallback
        self._at_once = MOST_AT_ONCE

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path = DEFAULT_SEMANTIC_MODEL, device: str = "auto"
    ) -> "SemanticSegmenter":
        """Load a model by name, or from a checkpoint of ours or of smp.

        Parameters
        ----------
        name_or_path : str or Path
            A bundled model, a folder that :func:`publish_semantic` or smp's
            ``save_pretrained`` wrote, or the safetensors file in it.
        device : str
            "auto", "cuda", "mps" or "cpu".

        Raises
        ------
        ValueError
            If there is no such model or device, or the checkpoint is damaged or
            does not fit together.
        """
        checkpoint = find_checkpoint(name_or_path, SEMANTIC_TASK)
        facts = read_facts(checkpoint)
        return cls(
            load_semantic_network(checkpoint, device),
            facts,
            checkpoint.name,
            lambda: load_semantic_network(checkpoint, "cpu"),
        )

    @property
    def classes(self) -> ClassTable:
        """Names and colours of the classes; the background is not among them."""
        return self.facts.classes

    @property
    def device(self) -> str:
        """Where the network runs: "cuda", "mps" or "cpu"."""
        return self._network.device

    def predict(
        self, image: ArrayLike, settings: PredictSettings | None = None
    ) -> ClassLabels:
        """Return the class id (H, W) of each pixel.

        Parameters
        ----------
        image : array_like
            (H, W) or (H, W, C), as :class:`ImageReader` takes it.
        settings : PredictSettings, optional
            How to look at it.

        Raises
        ------
        ValueError
            If the image is not one.
        """
        return np.concatenate([s.labels for s in self.strips(image, settings)])

    def predict_probabilities(
        self, image: ArrayLike, settings: PredictSettings | None = None
    ) -> NDArray[np.float32]:
        """Return the probabilities (C, H, W) of all classes, in the order of their ids.

        The order is that of ``facts.class_ids``; errors as :meth:`predict`. This
        holds all probabilities in memory: for large images take :meth:`strips`.
        """
        reader = self._reader(image)
        job = _Job(reader, self.facts, settings or PredictSettings())
        every = np.arange(job.blender.classes)
        result = np.empty((len(every), *job.reader.shape), np.float32)
        for part, tiles, _ in self._parts(job):
            for block in blocks(part):
                near = [t for t in tiles if t.window.meets(block)]
                result[(slice(None), *block.slices)] = job.blender.blend(
                    block, near, every
                )
        return result

    def strips(
        self,
        image: ArrayLike,
        settings: PredictSettings | None = None,
        limits: tuple[float, float] | None = None,
    ) -> Iterator[Strip]:
        """Yield the result from top to bottom, as it is made; close it to stop.

        Memory is bounded by the width of the image and the network's window,
        whatever the image's height. Errors as :meth:`predict`.

        Parameters
        ----------
        image, settings
            As :meth:`predict` takes them.
        limits : tuple of float, optional
            Values shown as black and as white; see :class:`ImageReader`.
        """
        self.notices.clear()
        reader = self._reader(image, limits)
        job = _Job(reader, self.facts, settings or PredictSettings())
        ids = np.array(self.facts.class_ids)
        ids = ids.astype(np.uint8 if ids.max() <= 255 else np.uint16)
        total = job.calls
        for part, tiles, done in self._parts(job):
            best, confidence = job.blender.decide(part, tiles)
            if reader.found_nan:
                self._tell("the image has pixels that are NaN: they are taken as black")
            yield Strip(part.top, ids[best], confidence, done, total)

    def _reader(
        self, image: ArrayLike, limits: tuple[float, float] | None = None
    ) -> ImageReader:
        if self.facts.stretched:
            limits = stretched_limits(image, limits)
        return ImageReader(image, limits)

    def _parts(self, job: "_Job") -> Iterator[tuple[Window, list[TileScores], int]]:
        """Yield finished parts of the image with the tiles that cover them.

        Parts without rows only tell how many calls are done.
        """
        width = job.reader.shape[1]
        scores: list[TileScores] = []
        top = done = 0
        for row, following in zip(job.rows, [*job.rows[1:], None], strict=True):
            for batch in job.batches(row):
                scores += self._look(job, batch)
                done += len(batch) * job.looks
                yield Window(top, 0, top, width), [], done
            bottom = following[0].window.top if following else job.reader.shape[0]
            for start in range(top, bottom, BLOCK[0]):
                part = Window(start, 0, min(start + BLOCK[0], bottom), width)
                yield part, scores, done
            scores = [tile for tile in scores if tile.window.bottom > bottom]
            top = bottom

    def _look(self, job: "_Job", batch: Sequence[Tile]) -> list[TileScores]:
        """Run the network on some tiles of the same shape, at every scale."""
        maps: list[list[tuple[NDArray[np.float32], tuple[int, int]]]]
        maps = [[] for _ in batch]
        for scale in job.settings.scales:
            shape = _scaled(batch[0].shape, scale)
            images = np.stack([job.reader.read(t.window, shape) for t in batch])
            found = self._run(images)
            if job.settings.flip:
                mirrored = self._run(np.ascontiguousarray(images[:, :, ::-1]))
                found = (found + mirrored[..., ::-1]) * np.float32(0.5)
            for tile_maps, values in zip(maps, found, strict=True):
                tile_maps.append((values, shape))
        return [
            TileScores(tile.window, tuple(tile_maps))
            for tile, tile_maps in zip(batch, maps, strict=True)
        ]

    def _run(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network; with too little memory in smaller parts, or on the CPU."""
        if len(images) > self._at_once:
            most = self._at_once  # It may shrink on the way.
            groups = range(0, len(images), most)
            return np.concatenate([self._run(images[i : i + most]) for i in groups])
        try:
            return self._network(images)
        except DeviceMemoryError:
            if len(images) == 1 and (self._fallback is None or self.device == "cpu"):
                raise
        if len(images) > 1:
            self._at_once = len(images) // 2
            self._tell("out of GPU memory: going on with smaller tiles")
            return self._run(images)
        self._tell("out of GPU memory even with the smallest tile: going on on the CPU")
        self._network = self._fallback() if self._fallback else self._network
        return self._network(images)

    def _tell(self, notice: str) -> None:
        if notice not in self.notices:
            self.notices.append(notice)


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One image and how it is cut into tiles."""

    reader: ImageReader
    facts: SemanticFacts
    settings: PredictSettings
    rows: list[list[Tile]] = field(init=False)
    blender: Blender = field(init=False)

    def __post_init__(self) -> None:
        """Lay out the tiles."""
        side, shape = self.facts.window, self.reader.shape
        overlap = self.settings.overlap
        if overlap is None:
            overlap = min(_USUAL_OVERLAP, side // 2)
        if overlap > side // 2:
            raise ValueError(
                f"overlap {overlap}: the model looks at {side} pixels at once, "
                f"use up to {side // 2}"
            )
        scale = self.settings.scale or self.facts.scale(shape)
        rows = lay_out(shape, side, overlap, scale)
        blender = Blender(shape, len(self.facts.class_ids), max(overlap, 1) / scale)
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "blender", blender)

    @property
    def looks(self) -> int:
        """How often the network looks at each tile."""
        return len(self.settings.scales) * (2 if self.settings.flip else 1)

    @property
    def calls(self) -> int:
        """Tiles to look at in all, each as often as it is looked at."""
        return sum(map(len, self.rows)) * self.looks

    def batches(self, row: list[Tile]) -> Iterator[list[Tile]]:
        """Yield the tiles of a row in groups that fit the tile size."""
        fit = (self.settings.tile_size // self.facts.window) ** 2
        for start in range(0, len(row), max(fit, 1)):
            yield row[start : start + max(fit, 1)]


def _scaled(shape: tuple[int, int], scale: float) -> tuple[int, int]:
    height, width = (max(round(side * scale / STEP), 1) * STEP for side in shape)
    return height, width
