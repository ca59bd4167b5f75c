"""Click samples made of labelled images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

from napari_edgeflow.engine.data.augmentation import exposed_again, recoloured
from napari_edgeflow.engine.data.pairs import VOID, LabelledImage, read_pair
from napari_edgeflow.engine.data.recent_images import RecentImages
from napari_edgeflow.engine.interaction.clicks import next_click, random_click
from napari_edgeflow.engine.interaction.prediction import Prediction
from napari_edgeflow.engine.interaction.prompts import Box, Prompt, Stroke
from napari_edgeflow.engine.interaction.zoom import LEAST_SIDE
from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.engine.raster.image import Window, resize_image, resize_mask
from napari_edgeflow.engine.raster.masks import (
    bounding_window,
    components_by_size,
    disturbed,
)

PairReader = Callable[
    [LabelledImage], tuple[NDArray[np.uint8], NDArray[np.integer[Any]]]
]
"""Returns an image (H, W, 3) and its labels (H, W), as :func:`read_pair` does."""

MIN_PIXELS = 60
"""Objects with fewer pixels are not trained on."""

LEAST_SEEN = 12
"""Pixels of the network that an object covers at a first click at least."""

MOST_SIDE = 1024
"""Longest side in pixels of what is kept of an image around an object."""

_CARELESS = 0.05
"""How far each side of a box is off at most, as a share of the object's size."""

_MOST_MISSES = 2000
"""Draws without a sample after which there is none: some images have no objects."""


@dataclass(frozen=True, slots=True)
class ClickSource:
    """A set of labelled images to draw objects from.

    Parameters
    ----------
    pairs : tuple of LabelledImage
        The images.
    kind : {"object", "semantic"}
        Whether a label is one object or a class whose connected components are
        the objects.
    weight : float
        How often this source is drawn, relative to the others.
    whole : float
        Probability that everything labelled together is the object, as for the
        parts of one person.
    unlabelled : bool
        Whether pixels of 0 are not labelled yet and do not count, where labels are
        classes. All of an object is labelled: what is beside it is not part of it.
    held_back : tuple of tuple of Window
        For each image the parts whose objects are not trained on; empty if there
        are none.
    """

    pairs: tuple[LabelledImage, ...]
    kind: Kind = "object"
    weight: float = 1.0
    whole: float = 0.0
    unlabelled: bool = False
    held_back: tuple[tuple[Window, ...], ...] = ()

    def __post_init__(self) -> None:
        """Check the settings once."""
        if not self.pairs:
            raise ValueError("a source of training images is empty: check its folder")
        if self.kind not in get_args(Kind):
            raise ValueError(f"unknown kind {self.kind!r}: use object or semantic")
        if self.weight <= 0 or not 0 <= self.whole <= 1:
            raise ValueError(
                f"weight {self.weight} and whole {self.whole}: "
                "use a weight over 0 and a probability from 0 to 1"
            )


@dataclass(frozen=True, slots=True, eq=False)
class ClickSample:
    """An object in its image, and what is said about it first.

    Parameters
    ----------
    image : ndarray
        (H, W, 3) uint8.
    truth, valid : ndarray
        (H, W) bool: the object, and where errors count.
    prompts : tuple of Prompt
        In pixels of the image.
    view : Window or None
        Where a first click looks; None for all of the image.
    before : Prediction or None
        A result to correct; None to find the object.
    """

    image: NDArray[np.uint8]
    truth: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    prompts: tuple[Prompt, ...] = ()
    view: Window | None = None
    before: Prediction | None = None


@dataclass(frozen=True, slots=True)
class SampleSettings:
    """How objects and what is said first are drawn.

    Parameters
    ----------
    size : int
        Height and width in pixels of what the network sees.
    zoom : float
        Probability that a first click looks at a window around the object; else at
        the image as a whole or a large part of it.
    from_mask, from_box, from_stroke : float
        Probability of starting from a wrong mask, with a box, or with several clicks
        at once, instead of with one click and nothing found.
    microscopy : bool
        Whether no way is up, and light differs much between images.
    relit : bool
        Whether images of a microscope are lit in other ways too.
    """

    size: int = 192
    zoom: float = 0.62
    from_mask: float = 0.08
    from_box: float = 0.08
    from_stroke: float = 0.08
    microscopy: bool = False
    relit: bool = True


@dataclass
class ClickSamples(IterableDataset[ClickSample]):
    """An endless stream of click samples, drawn at random; workers draw others."""

    sources: Sequence[ClickSource]
    settings: SampleSettings = field(default_factory=SampleSettings)
    seed: int = 0

    def __iter__(self) -> Iterator[ClickSample]:
        """Yield samples for ever; ValueError if there are none."""
        info = get_worker_info()
        worker = info.id if info else 0
        rng = np.random.default_rng([self.seed, worker])
        torch.manual_seed(int(rng.integers(2**31)))
        weights = np.array([float(source.weight) for source in self.sources])
        weights /= weights.sum()
        read = RecentImages(read_pair)
        misses = 0
        while misses < _MOST_MISSES:
            source = self.sources[int(rng.choice(len(self.sources), p=weights))]
            sample = draw_sample(source, self.settings, rng, read)
            misses = misses + 1 if sample is None else 0
            if sample is not None:
                yield sample
        raise ValueError(
            f"no objects found in the labels beside {self.sources[0].pairs[0].labels}: "
            f"label some of {MIN_PIXELS} pixels and more"
        )


def draw_sample(
    source: ClickSource,
    settings: SampleSettings,
    rng: np.random.Generator,
    read: PairReader = read_pair,
) -> ClickSample | None:
    """Return one augmented sample, or None if the drawn image has no object."""
    number = int(rng.integers(len(source.pairs)))
    image, labels = read(source.pairs[number])
    truth = draw_object(labels, source, rng)
    held_back = source.held_back[number] if source.held_back else ()
    if truth is None or is_held_back(truth, held_back):
        return None
    scene = cut_out(image, truth, counting(labels, source), rng)
    return _started(augment(scene, rng, settings), settings, rng)


def cut_out(
    image: NDArray[np.uint8],
    truth: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    rng: np.random.Generator,
) -> ClickSample:
    """Return an object and so much of its image as training looks at.

    Of an image over ``MOST_SIDE`` that much around the object is kept, or more in a
    smaller size if the object itself is larger.
    """
    box, size = bounding_window(truth), truth.shape
    if max(size) <= MOST_SIDE or box is None:
        return ClickSample(image, truth, valid)
    sides = np.maximum(np.multiply(2, (box.height, box.width)), MOST_SIDE)
    window = _placed(box, np.minimum(sides, size), size, rng)
    scale = min(MOST_SIDE / max(window.height, window.width), 1)
    shape = (round(window.height * scale), round(window.width * scale))
    return ClickSample(
        resize_image(image, window, shape),
        resize_mask(truth, window, shape),
        resize_mask(valid, window, shape),
    )


def counting(
    labels: NDArray[np.integer[Any]], source: ClickSource
) -> NDArray[np.bool_]:
    """Return which pixels (H, W) count."""
    if source.kind != "semantic":
        return np.ones(labels.shape, np.bool_)
    known: NDArray[np.bool_] = labels != VOID
    return known & (labels != 0) if source.unlabelled else known


def is_held_back(truth: NDArray[np.bool_], windows: Sequence[Window]) -> bool:
    """Return whether the centre of an object (H, W) is in one of the windows."""
    if not windows:
        return False
    y, x = (float(places.mean()) for places in np.nonzero(truth))
    return any(w.top <= y < w.bottom and w.left <= x < w.right for w in windows)


def draw_object(
    labels: NDArray[np.integer[Any]], source: ClickSource, rng: np.random.Generator
) -> NDArray[np.bool_] | None:
    """Return the mask (H, W) of a random object, larger ones somewhat more often."""
    is_class = source.kind == "semantic"
    values, chances = _large(labels, VOID if is_class else None)
    if not values.size:
        return None
    if rng.random() < source.whole:
        return np.isin(labels, values)
    mask: NDArray[np.bool_] = labels == rng.choice(values, p=chances)
    if not is_class:
        return mask
    parts = components_by_size(mask)
    values, chances = _large(parts)
    if not values.size:
        return None
    one: NDArray[np.bool_] = parts == rng.choice(values, p=chances)
    return one


def _large(
    labels: NDArray[np.integer[Any]], end: int | None = None
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the values with enough pixels, and how often to draw each."""
    counts = np.bincount(labels.ravel())[:end]
    counts[0] = 0
    values = np.flatnonzero(counts >= MIN_PIXELS)
    chances = np.sqrt(counts[values])
    return values, chances / max(chances.sum(), 1)


def draw_view(
    truth: NDArray[np.bool_], settings: SampleSettings, rng: np.random.Generator
) -> Window:
    """Return a window that holds most of the object, near to square."""
    height, width = truth.shape
    box = bounding_window(truth)
    if box is None:
        return Window(0, 0, height, width)
    if rng.random() >= settings.zoom:
        shrink = 1.0 if rng.random() < 0.6 else rng.uniform(0.55, 1.0)
        sides = np.array([height, width]) * shrink
    else:
        sides = np.array([box.height, box.width]) * np.exp(
            rng.uniform(np.log(1.1), np.log(2.2))
        )
        # The short side grows towards the long one: less stretching.
        sides = np.maximum(sides, sides.max() * rng.uniform(0.5, 1.0))
    sides = np.clip(np.maximum(sides, LEAST_SIDE), 1, (height, width))
    return _placed(box, sides, truth.shape, rng)


def _placed(
    box: Window,
    sides: NDArray[np.floating],
    size: tuple[int, ...],
    rng: np.random.Generator,
) -> Window:
    """Return a window of two sides in an image, the object anywhere in it."""
    centre = np.array([box.top + box.bottom, box.left + box.right]) / 2
    slack = np.maximum(sides - (box.height, box.width), 0) / 2
    start = centre - sides / 2 + rng.uniform(-1, 1, 2) * slack
    start = np.clip(start, 0, np.array(size) - sides)
    top, left = (int(v) for v in np.floor(start))
    bottom, right = (int(v) for v in np.ceil(start + sides))
    return Window(top, left, min(bottom, size[0]), min(right, size[1]))


def augment(
    sample: ClickSample, rng: np.random.Generator, settings: SampleSettings
) -> ClickSample:
    """Return the sample flipped, turned, and with other colours.

    Photographs mostly stay upright; see :class:`SampleSettings` for ``microscopy``.
    """
    arrays: list[NDArray[Any]] = [sample.image, sample.truth, sample.valid]
    if rng.random() < 0.5:
        arrays = [array[:, ::-1] for array in arrays]
    if rng.random() < 0.08:
        arrays = [array[::-1] for array in arrays]
    if rng.random() < (0.75 if settings.microscopy else 0.15):
        turns = int(rng.integers(1, 4))
        arrays = [np.rot90(array, turns) for array in arrays]
    image, truth, valid = (np.ascontiguousarray(array) for array in arrays)
    if settings.microscopy and settings.relit:
        image = exposed_again(image, rng)
    return replace(sample, image=recoloured(image), truth=truth, valid=valid)


def _started(
    sample: ClickSample, settings: SampleSettings, rng: np.random.Generator
) -> ClickSample | None:
    """Return a sample with what is said first; None if it teaches nothing."""
    view = draw_view(sample.truth, settings, rng)
    seen = sample.truth[view.slices], sample.valid[view.slices]
    shrink = settings.size**2 / (view.height * view.width)
    # Without anything around it, an object teaches no border.
    if seen[0].sum() * min(shrink, 1) < LEAST_SEEN or not (seen[1] & ~seen[0]).any():
        return None
    way = rng.random()
    if way < settings.from_mask:
        return _with_mask(sample, settings, rng)
    if way < settings.from_mask + settings.from_box:
        return replace(sample, prompts=(_box_around(sample.truth, rng),))
    several = way < settings.from_mask + settings.from_box + settings.from_stroke
    visible = np.zeros_like(sample.truth)
    visible[view.slices] = seen[0] & seen[1]
    # People click in the middle first; along a stroke, anywhere.
    inner = 1.0 if rng.random() < 0.5 and not several else 0.3
    drawn = [
        random_click(visible, rng, positive=True, inner=inner)
        for _ in range(int(rng.integers(2, 6)) if several else 1)
    ]
    clicks = tuple(click for click in drawn if click is not None)
    if not clicks:
        return None
    return replace(sample, prompts=(Stroke(clicks),) if several else clicks, view=view)


def _with_mask(
    sample: ClickSample, settings: SampleSettings, rng: np.random.Generator
) -> ClickSample | None:
    """Return a sample that starts from a wrong mask and a click that corrects it."""
    window = draw_view(sample.truth, replace(settings, zoom=1.0), rng)
    shape = (settings.size, settings.size)
    scores = disturbed(resize_mask(sample.truth, window, shape), rng)
    before = Prediction(sample.truth.shape, window, scores.astype(np.float32))
    click = next_click(before.mask(), sample.truth, sample.valid)
    if click is None:
        return None
    return replace(sample, prompts=(click,), before=before)


def _box_around(truth: NDArray[np.bool_], rng: np.random.Generator) -> Box:
    """Return a box around an object, as somebody draws it: not quite exactly."""
    box = bounding_window(truth) or Window(0, 0, *truth.shape)
    sides = np.array([box.height, box.width] * 2)
    corners = np.array(box.corners) + rng.uniform(-_CARELESS, _CARELESS, 4) * sides
    first, last = np.floor(corners[:2]), np.ceil(corners[2:]) - 1
    return Box.between(first.tolist(), last.tolist(), truth.shape)
