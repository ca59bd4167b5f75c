"""How many clicks a model needs: the NoC protocol of interactive segmentation.

Each simulated click goes to the point farthest inside the largest error region, up
to 20 clicks; NoC@85 and NoC@90 are the mean numbers of clicks until the IoU is 0.85
and 0.90, an object that never gets there counting 20. Same protocol as RITM and
EdgeFlow report.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.data.pairs import LabelledImage, image_files, read_pair
from napari_edgeflow.engine.data.pixels import read_rgb
from napari_edgeflow.engine.interaction.clicks import next_click
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.raster.metrics import iou, number_of_clicks

MAX_CLICKS = 20
REPORTED_CLICKS = 5
"""IoU is reported after at least this many clicks, also where 0.90 came earlier."""

MIN_INSTANCE_PIXELS = 100
MAX_INSTANCES = 5
IGNORED = 128


@dataclass(frozen=True, slots=True, eq=False)
class ClickTarget:
    """One object to be found by clicks.

    Parameters
    ----------
    name : str
        File name of the mask, with the instance's id.
    image : Path
        The image it is in.
    truth, valid : ndarray
        (H, W) bool: the object, and which pixels count.
    """

    name: str
    image: Path
    truth: NDArray[np.bool_]
    valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ObjectResult:
    """IoU and time in milliseconds after each click on one object."""

    name: str
    ious: tuple[float, ...]
    milliseconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ClickFigures:
    """Figures over all objects of a benchmark.

    Parameters
    ----------
    objects : int
        Number of objects.
    noc85, noc90 : float
        Mean clicks until the IoU is 0.85 and 0.90.
    failures90 : int
        Objects that did not reach 0.90 in 20 clicks.
    iou_at_clicks : tuple of float
        Mean IoU after 1, 2, … clicks; an object that is finished keeps its last.
    ms_per_click_median : float
        Of a click in the engine, in milliseconds.
    """

    objects: int
    noc85: float
    noc90: float
    failures90: int
    iou_at_clicks: tuple[float, ...]
    ms_per_click_median: float


def find_targets(
    images: Path,
    masks: Path,
    *,
    instances: bool = False,
    seed: int = 0,
    most: int = MAX_INSTANCES,
) -> Iterator[ClickTarget]:
    """Yield the objects of two folders.

    Parameters
    ----------
    images, masks : Path
        A mask belongs to the image of the same stem, else of its leading digits.
    instances : bool
        False: a mask is one object, 0 is background and, beside 255, 128 is
        ignored. True: each value of 100 pixels and more is an object.
    seed : int
        Of the choice among more than ``most`` instances.
    most : int
        Instances of an image at most.

    Raises
    ------
    ValueError
        If a folder is missing or empty, a mask has no image, or shapes differ.
    """
    by_stem = {path.stem: path for path in image_files(images)}
    files = image_files(masks)
    if not files:
        raise ValueError(f"no masks in {masks}: give a folder with mask images")
    rng = np.random.default_rng(seed)
    for path in files:
        image = by_stem.get(path.stem) or by_stem.get(_leading_digits(path.stem))
        if image is None:
            raise ValueError(
                f"the mask {path} has no image in {images}: name the image "
                f"{path.stem}, or by its leading digits"
            )
        _, labels = read_pair(LabelledImage(image, path))
        yield from (
            _instances(path, image, labels, rng, most)
            if instances
            else [_single(path, image, labels)]
        )


def _leading_digits(stem: str) -> str:
    match = re.match(r"\d+", stem)
    return match.group() if match else ""


def _single(path: Path, image: Path, labels: NDArray[np.integer[Any]]) -> ClickTarget:
    ignored = (
        (labels == IGNORED) if labels.max() == 255 else np.zeros_like(labels, bool)
    )
    return ClickTarget(path.name, image, (labels > 0) & ~ignored, ~ignored)


def _instances(
    path: Path,
    image: Path,
    labels: NDArray[np.integer[Any]],
    rng: np.random.Generator,
    most: int,
) -> list[ClickTarget]:
    counts = np.bincount(labels.ravel())
    counts[0] = 0
    ids = np.flatnonzero(counts >= MIN_INSTANCE_PIXELS)
    if len(ids) > most:
        ids = np.sort(rng.choice(ids, most, replace=False))
    everywhere = np.ones(labels.shape, np.bool_)
    return [
        ClickTarget(f"{path.name}:{number}", image, labels == number, everywhere)
        for number in ids
    ]


def evaluate_clicks(
    segmenter: ClickSegmenter,
    targets: Iterable[ClickTarget],
    max_clicks: int = MAX_CLICKS,
) -> Iterator[ObjectResult]:
    """Click on each object until it is found; yield its result.

    Parameters
    ----------
    segmenter : ClickSegmenter
        The model; its image and clicks are replaced.
    targets : iterable of ClickTarget
        The objects.
    max_clicks : int
        The most clicks on one object.
    """
    shown: Path | None = None
    for target in targets:
        if target.image != shown:
            segmenter.set_image(read_rgb(target.image))
            shown = target.image
        segmenter.clear()
        yield _click_through(segmenter, target, max_clicks)


def _click_through(
    segmenter: ClickSegmenter, target: ClickTarget, max_clicks: int
) -> ObjectResult:
    mask = np.zeros(target.truth.shape, np.bool_)
    ious: list[float] = []
    times: list[float] = []
    while len(ious) < max_clicks:
        if len(ious) >= REPORTED_CLICKS and ious[-1] >= 0.9:
            break
        click = next_click(mask, target.truth, target.valid, segmenter.clicks)
        if click is None:
            break
        prediction = segmenter.set_clicks([*segmenter.clicks, click])
        mask = prediction.mask()
        ious.append(iou(mask, target.truth, target.valid))
        times.append(prediction.milliseconds)
    return ObjectResult(target.name, tuple(ious), tuple(times))


def summarize(
    results: Iterable[ObjectResult], max_clicks: int = MAX_CLICKS
) -> ClickFigures:
    """Return the figures over all results.

    Raises
    ------
    ValueError
        If there is no result.
    """
    done = [result for result in results if result.ious]
    if not done:
        raise ValueError("there is no object to measure: check images and masks")
    curves = [r.ious + r.ious[-1:] * (max_clicks - len(r.ious)) for r in done]
    return ClickFigures(
        objects=len(done),
        noc85=fmean(number_of_clicks(r.ious, 0.85, max_clicks) for r in done),
        noc90=fmean(number_of_clicks(r.ious, 0.9, max_clicks) for r in done),
        failures90=sum(max(r.ious[:max_clicks]) < 0.9 for r in done),
        iou_at_clicks=tuple(fmean(c[k] for c in curves) for k in range(max_clicks)),
        ms_per_click_median=median(ms for r in done for ms in r.milliseconds),
    )
