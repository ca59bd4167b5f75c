"""Prompts: all that a person can say about an object, click by click and otherwise."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.prediction import Prediction
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart

MAX_STROKE_CLICKS = 12


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle around an object; ValueError if it has no pixels."""

    window: Window

    def __post_init__(self) -> None:
        """Refuse a box without pixels."""
        if self.window.height < 1 or self.window.width < 1:
            raise ValueError(
                f"the box {self.corners} has no pixels: give top, left, bottom, "
                "right with bottom and right the greater ones"
            )

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """Top, left, bottom, right; the last two excluded."""
        return self.window.corners

    @classmethod
    def between(
        cls, start: Sequence[float], end: Sequence[float], shape: tuple[int, int]
    ) -> "Box":
        """Return the box that two opposite corners (y, x) span in an image.

        Raises
        ------
        ValueError
            If it lies outside of the image.
        """
        ends = []
        for first, second, size in zip(start, end, shape, strict=True):
            low, high = sorted((first, second))
            ends.append(
                (
                    max(int(np.floor(low + 0.5)), 0),
                    min(int(np.floor(high + 0.5)) + 1, size),
                )
            )
        (top, bottom), (left, right) = ends
        if top >= bottom or left >= right:
            raise ValueError("The box lies outside of the image: draw it inside.")
        return cls(Window(top, left, bottom, right))


@dataclass(frozen=True, slots=True)
class Stroke:
    """Clicks along a line, all of one sign and at least one, that count as one."""

    clicks: tuple[Click, ...]

    @classmethod
    def along(
        cls, points: NDArray[np.float64], positive: bool, spacing: float
    ) -> "Stroke":
        """Return clicks along a line that a person drew.

        Parameters
        ----------
        points : ndarray
            (N, 2) positions (y, x), at least one.
        positive : bool
            Sign of the clicks.
        spacing : float
            Least distance between two clicks along the line, in pixels.
        """
        steps = np.hypot(*np.diff(points, axis=0).T)
        travelled = np.concatenate([[0.0], np.cumsum(steps)])
        count = min(int(travelled[-1] / max(spacing, 1.0)) + 1, MAX_STROKE_CLICKS)
        # A line too short for two clicks is one in its middle.
        shares = np.linspace(0, 1, count) if count > 1 else np.array([0.5])
        at = shares * travelled[-1]
        ys, xs = (np.interp(at, travelled, points[:, axis]) for axis in (0, 1))
        return cls(
            tuple(
                Click(y, x, positive)
                for y, x in zip(ys.tolist(), xs.tolist(), strict=True)
            )
        )


@dataclass(frozen=True, slots=True, eq=False)
class Brush:
    """Pixels that a person painted into a mask, and out of it.

    Parameters
    ----------
    window : Window
        Where the arrays lie in the image.
    inside, outside : ndarray
        (h, w) bool, no pixel in both.
    """

    window: Window
    inside: NDArray[np.bool_] = field(repr=False)
    outside: NDArray[np.bool_] = field(repr=False)

    def then(self, later: "Brush") -> "Brush":
        """Return both as one; where they disagree the later one counts."""
        window = self.window.union(later.window)
        inside = np.zeros((window.height, window.width), np.bool_)
        outside = np.zeros_like(inside)
        for brush in (self, later):
            part = brush.window.within(window)
            inside[part] = (inside[part] & ~brush.outside) | brush.inside
            outside[part] = (outside[part] & ~brush.inside) | brush.outside
        return Brush(window, inside, outside)

    def painted_window(self) -> Window | None:
        """Return the smallest window of what was painted in; None for nothing."""
        part = MaskPart(self.window, self.inside).tight()
        return None if part is None else part.window

    def painted(self, part: MaskPart) -> MaskPart:
        """Return a mask with what was painted, in a window that holds both."""
        window = self.painted_window()
        result = part.over(part.window if window is None else part.window.union(window))
        self.apply(result.mask, result.window)
        return result

    def apply(self, mask: NDArray[np.bool_], window: Window) -> None:
        """Paint into a mask (h, w) that lies in ``window`` of the image."""
        if not self.window.meets(window):
            return
        both = self.window.intersection(window)
        there, here = both.within(window), both.within(self.window)
        mask[there] = (mask[there] | self.inside[here]) & ~self.outside[here]

    def apply_scaled(
        self, mask: NDArray[np.bool_], window: Window, shape: tuple[int, int]
    ) -> None:
        """Paint into a mask of ``window`` that has another resolution.

        Parameters
        ----------
        mask : ndarray
            (h, w) bool.
        window : Window
            The part of the image that it shows.
        shape : tuple of int
            Height and width of the image.
        """
        for pixels, value in ((self.inside, True), (self.outside, False)):
            scores = pixels.astype(np.float32)
            sampled = Prediction(shape, self.window, scores).sample(window, mask.shape)
            mask[sampled >= 0.5] = value


Prompt = Click | Box | Stroke | Brush


def clicks_of(prompts: Iterable[Prompt]) -> tuple[Click, ...]:
    """Return all clicks among prompts, those of strokes too, in order."""
    found: list[Click] = []
    for prompt in prompts:
        if isinstance(prompt, Click):
            found.append(prompt)
        elif isinstance(prompt, Stroke):
            found.extend(prompt.clicks)
    return tuple(found)


def box_of(prompts: Iterable[Prompt]) -> Box | None:
    """Return the last box among prompts, the one that counts."""
    boxes = [prompt for prompt in prompts if isinstance(prompt, Box)]
    return boxes[-1] if boxes else None


def brushed(prompts: Iterable[Prompt]) -> Brush | None:
    """Return all that was brushed, as one; None for nothing."""
    result: Brush | None = None
    for prompt in prompts:
        if isinstance(prompt, Brush):
            result = prompt if result is None else result.then(prompt)
    return result


def with_clicks(
    prompts: Sequence[Prompt], clicks: Sequence[Click]
) -> tuple[Prompt, ...]:
    """Return prompts after their clicks were moved, taken away or added.

    Parameters
    ----------
    prompts : sequence of Prompt
        The prompts before.
    clicks : sequence of Click
        All clicks now, in order: as many as before, some of them moved; or fewer, the
        others where they were; or more, the new ones at the end.
    """
    before = clicks_of(prompts)
    left: Iterator[Click | None]
    if len(clicks) < len(before):
        left = _remaining(before, clicks)
    else:
        left = iter(clicks[: len(before)])
    result: list[Prompt] = []
    for prompt in prompts:
        if isinstance(prompt, Click):
            click = next(left)
            result.extend([] if click is None else [click])
        elif isinstance(prompt, Stroke):
            kept = tuple(
                c for _, c in zip(prompt.clicks, left, strict=False) if c is not None
            )
            result.extend([Stroke(kept)] if kept else [])
        else:
            result.append(prompt)
    return (*result, *clicks[len(before) :])


def _remaining(
    before: Sequence[Click], clicks: Sequence[Click]
) -> Iterator[Click | None]:
    """Yield each click before if it is still there, else None."""
    at = 0
    for click in before:
        there = at < len(clicks) and clicks[at] == click
        at += there
        yield click if there else None


def check_prompts(prompts: Iterable[Prompt], shape: tuple[int, int]) -> None:
    """Make sure that prompts fit an image of a height and width.

    Raises
    ------
    ValueError
        If one lies outside of it.
    """
    for prompt in prompts:
        if isinstance(prompt, Box | Brush):
            _check_window(prompt.window, shape)
            continue
        for click in clicks_of([prompt]):
            _check_click(click, shape)


def _check_click(click: Click, shape: tuple[int, int]) -> None:
    height, width = shape
    if not (-0.5 <= click.y < height - 0.5 and -0.5 <= click.x < width - 0.5):
        raise ValueError(
            f"the click (y={click.y:g}, x={click.x:g}) lies outside the image of "
            f"{height} x {width} pixels: click inside it"
        )


def _check_window(window: Window, shape: tuple[int, int]) -> None:
    height, width = shape
    inside = window.top >= 0 and window.bottom <= height
    if not (inside and window.left >= 0 and window.right <= width):
        raise ValueError(
            f"the box from y={window.top}, x={window.left} to y={window.bottom}, "
            f"x={window.right} reaches beyond the image of {height} x {width} pixels: "
            "give one inside it"
        )
