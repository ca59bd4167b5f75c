"""An object that was labelled in one slice, found again in the slices beside it.

Each slice starts from the mask of the slice before: the mask is moved to where its
pixels are found again, and the network is shown its edge and clicks, as when a person
corrects a mask: one at the point farthest inside, then some where the result and the
moved mask differ by more than an object changes from slice to slice.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_edgeflow.engine.interaction.clicks import Click, depth, next_click
from napari_edgeflow.engine.interaction.prediction import THRESHOLD, Prediction
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.propagation.colours import colour_likeness, colours_of
from napari_edgeflow.engine.propagation.motion import Shift, find_shift, shifted
from napari_edgeflow.engine.raster.image import ImageReader
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.engine.raster.masks import bounding_window
from napari_edgeflow.engine.raster.metrics import iou

_Scores = tuple[float, float, float, float]
"""Likeness of the pixels, overlap, confidence, and likeness of the colours."""

_BAND = (2.0, 0.05)
"""How far an edge moves from slice to slice beside the object's own movement: pixels,
and a share of half the object's diagonal, as a turn of 3 degrees does."""


@dataclass(frozen=True, slots=True)
class PropagationSettings:
    """How an object is followed, and when it counts as ended.

    Parameters
    ----------
    threshold : float
        Probability from which a pixel belongs to the object.
    corrections : int
        Most clicks in a slice after the first.
    likeness : float
        Least correlation of its pixels with those in the slice before.
    overlap : float
        Least IoU with the moved mask of the slice before.
    confidence : float
        Least mean probability of its pixels.
    steadiness : float
        Least product of these three and of the likeness of its colours with those in
        the first slice, each as a share of its median in the slices before.
    area : int
        Least number of pixels.
    """

    threshold: float = THRESHOLD
    corrections: int = 2
    likeness: float = 0.4
    overlap: float = 0.4
    confidence: float = 0.6
    steadiness: float = 0.5
    area: int = 8


@dataclass(frozen=True, slots=True, eq=False)
class SliceReport:
    """What was found in one slice.

    Parameters
    ----------
    step : int
        1 for the slice next to the one that was labelled, then 2, 3, …
    ended : str
        Why the object ends before this slice; empty if it is in it.
    shift : Shift
        How the object moved.
    part : MaskPart or None
        The mask, in the smallest window; None if it is empty.
    clicks : tuple of Click
        The clicks that gave it.
    overlap : float
        IoU of what the first click gave and the moved mask of the slice before.
    confidence : float
        Mean probability of its pixels after the first click.
    """

    step: int
    ended: str
    shift: Shift
    part: MaskPart | None = None
    clicks: tuple[Click, ...] = ()
    overlap: float = 0.0
    confidence: float = 0.0


def propagate(
    segmenter: ClickSegmenter,
    first: ArrayLike | ImageReader,
    mask: NDArray[np.bool_],
    slices: Iterable[ArrayLike | ImageReader],
    limits: tuple[float, float] | None = None,
    settings: PropagationSettings | None = None,
) -> Generator[SliceReport, None, None]:
    """Follow an object from slice to slice until it ends.

    Parameters
    ----------
    segmenter : ClickSegmenter
        What finds the mask of a slice; its image and clicks are exchanged.
    first : array_like or ImageReader
        The slice in which the object is labelled; see :class:`image.ImageReader`.
    mask : ndarray
        (H, W) bool, the object in it.
    slices : iterable of array_like or ImageReader
        The slices after it, in the order in which the object is followed. Readers are
        for who follows several objects: a slice is read once then.
    limits : tuple of float, optional
        Values shown as black and as white, the same for all slices.
    settings : PropagationSettings, optional
        How it is followed.

    Yields
    ------
    SliceReport
        One for each slice; the last one may say that the object has ended.

    Raises
    ------
    ValueError
        If the mask is empty or its shape is not that of the slices.
    """
    settings = settings or PropagationSettings()
    before = ImageReader.of(first, limits)
    shift: Shift | None = None
    colours = colours_of(before, mask)
    earlier: list[_Scores] = []
    for step, image in enumerate(slices, 1):
        after = ImageReader.of(image, before.limits)
        if after.shape != mask.shape:
            raise ValueError(
                f"the mask has shape {mask.shape}, slice {step} {after.shape}: give "
                "slices of one shape"
            )
        shift = find_shift(before, mask, after, shift)
        start = shifted(mask, shift.y, shift.x)
        if int(start.sum()) < settings.area:
            yield SliceReport(step, "it left the image", shift)
            return
        segmenter.set_image(after)
        found = _found_again(segmenter, start, settings)
        alike = colour_likeness(colours, colours_of(after, found.mask))
        scores = shift.likeness, found.overlap, found.confidence, alike
        ended = _why_ended(found, scores, earlier, settings)
        yield _report(step, ended, shift, found)
        if ended:
            return
        earlier.append(scores)
        mask, before = found.mask, after


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """The object in a slice; ``mask`` (H, W) bool."""

    mask: NDArray[np.bool_]
    clicks: tuple[Click, ...]
    overlap: float
    confidence: float


def _found_again(
    segmenter: ClickSegmenter, start: NDArray[np.bool_], settings: PropagationSettings
) -> _Found:
    """Return the object in the segmenter's image, guided by where it should be."""
    core, reach = _bounds(start)
    segmenter.set_mask(start)
    deepest = np.unravel_index(int(depth(start).argmax()), start.shape)
    clicks: tuple[Click, ...] = (Click(float(deepest[0]), float(deepest[1])),)
    prediction = segmenter.set_clicks(clicks)
    mask = prediction.mask(settings.threshold)
    overlap = iou(mask, start)
    confidence = _confidence(prediction, settings.threshold)
    for _ in range(settings.corrections):
        click = next_click(mask, start, core | ~reach, clicks)
        if click is None:
            break
        clicks = (*clicks, click)
        mask = segmenter.set_clicks(clicks).mask(settings.threshold)
    # What the clicks could not mend.
    return _Found((mask | core) & reach, clicks, overlap, confidence)


def _bounds(mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return what is still part of an object a slice later, and what may be."""
    box = bounding_window(mask)
    if box is None:
        return mask, mask
    band = _BAND[0] + _BAND[1] * float(np.hypot(box.height, box.width)) / 2
    margin = int(band) + 1
    near = slice(max(box.top - margin, 0), box.bottom + margin)
    aside = slice(max(box.left - margin, 0), box.right + margin)
    reach = np.zeros_like(mask)
    part = mask[near, aside]
    reach[near, aside] = ndimage.distance_transform_edt(~part) <= band
    return depth(mask) > band, reach


def _confidence(prediction: Prediction, threshold: float) -> float:
    scores = prediction.scores[prediction.scores >= threshold]
    return float(scores.mean()) if scores.size else 0.0


def _why_ended(
    found: _Found,
    scores: _Scores,
    earlier: list[_Scores],
    settings: PropagationSettings,
) -> str:
    """Return why the object is not in a slice; empty if it is."""
    likeness, overlap, confidence, _ = scores
    if int(found.mask.sum()) < settings.area:
        return "nothing of it is left"
    if likeness < settings.likeness:
        return f"nothing there looks like it (likeness {likeness:.2f})"
    if overlap < settings.overlap:
        return f"its shape changes too much (overlap {overlap:.2f})"
    if confidence < settings.confidence:
        return f"the model is not sure of it (confidence {confidence:.2f})"
    if len(earlier) > 1:
        usual = np.maximum(np.median(earlier, axis=0), 0.01)
        steadiness = float(np.prod(np.array(scores) / usual))
        if steadiness < settings.steadiness:
            return f"it is not what it was before (steadiness {steadiness:.2f})"
    return ""


def _report(step: int, ended: str, shift: Shift, found: _Found) -> SliceReport:
    part = MaskPart.whole(found.mask).tight()
    clicks, overlap, confidence = found.clicks, found.overlap, found.confidence
    return SliceReport(step, ended, shift, part, clicks, overlap, confidence)
