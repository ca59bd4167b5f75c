"""Where a network looks after each prompt, whoever runs it."""

from collections.abc import Callable, Generator, Sequence

import numpy as np

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.look import Look
from napari_edgeflow.engine.interaction.outline_level import agreeing_level
from napari_edgeflow.engine.interaction.prediction import THRESHOLD, Prediction
from napari_edgeflow.engine.interaction.prompts import (
    Box,
    Brush,
    Prompt,
    box_of,
    brushed,
    clicks_of,
)
from napari_edgeflow.engine.interaction.zoom import ZoomSettings, around
from napari_edgeflow.engine.raster.image import Window

Looks = Generator[Look, Prediction, Prediction]
"""Yields looks, is sent the result of each, and returns the last word."""


class Guide:
    """Decides what a network is shown and told; it runs none itself.

    So one batch of training can hold looks at many images, and training sees what the
    network will see in use. It keeps nothing: the same prompts and results give the
    same looks again.

    Parameters
    ----------
    zoom : ZoomSettings
        How near it looks.
    shape_of : callable
        Returns the height and width a window is resized to.
    """

    def __init__(
        self, zoom: ZoomSettings, shape_of: Callable[[Window], tuple[int, int]]
    ) -> None:
        self._zoom = zoom
        self._shape_of = shape_of

    def looks(
        self, prompts: Sequence[Prompt], before: Prediction, view: Window | None = None
    ) -> Looks:
        """Look at what the last of some prompts is about.

        Parameters
        ----------
        prompts : sequence of Prompt
            All of them, at least one.
        before : Prediction
            The result without the last one.
        view : Window or None
            Where a first click looks; None for all of the image.

        Yields
        ------
        Look
            What to run the network on; its result is to be sent back.

        Returns
        -------
        Prediction
            The result with the last prompt.
        """
        last = prompts[-1]
        if isinstance(last, Brush):
            return before
        if isinstance(last, Box):
            return (yield self._boxed(last, clicks_of(prompts), before.shape))
        return (yield from self._clicked(prompts, before, view))

    def _clicked(
        self, prompts: Sequence[Prompt], before: Prediction, view: Window | None
    ) -> Looks:
        shape = before.shape
        clicks, box, brush = clicks_of(prompts), box_of(prompts), brushed(prompts)
        level = agreeing_level(
            (before.at(click.y, click.x), click.positive)
            for click in clicks_of(prompts[-1:])
        )
        points, found = around(clicks), _held(before, brush, level)
        if box is not None:
            clicks = (*box_hints(box, shape), *clicks)
            found = found or box.window
        if found is not None:
            window = self._zoom.window_around(found.union(points), shape)
            # Where there was no click before, an outline is no result of the network.
            follows = bool(clicks_of(prompts[:-1]))
            return (yield self._look(window, clicks, before, level, brush, follows))
        if not any(click.positive for click in clicks):
            # What is not part of an object does not say which object is meant.
            return before
        window = self._zoom.first_window(view or Window(0, 0, *shape), points, shape)
        return (yield from self._found(window, clicks, before, brush))

    def _found(
        self,
        window: Window,
        clicks: Sequence[Click],
        before: Prediction,
        brush: Brush | None,
    ) -> Looks:
        """Look for an object in a window, then at what is there from near."""
        first = yield self._look(window, clicks, before, brush=brush)
        found = _held(first, brush, THRESHOLD) if self._zoom.looks_twice else None
        if found is None:
            return first
        near = self._zoom.window_around(found.union(around(clicks)), before.shape)
        return (yield self._look(near, clicks, first, brush=brush))

    def _boxed(self, box: Box, clicks: Sequence[Click], shape: tuple[int, int]) -> Look:
        window = self._zoom.window_around(box.window, shape)
        told = (*box_hints(box, shape), *clicks)
        return self._look(window, told, inscribed_ellipse(box, shape))

    def _look(
        self,
        window: Window,
        clicks: Sequence[Click],
        before: Prediction,
        level: float = THRESHOLD,
        brush: Brush | None = None,
        follows: bool = False,
    ) -> Look:
        shape = self._shape_of(window)
        return Look(window, shape, tuple(clicks), before, level, brush, follows)


def _held(result: Prediction, brush: Brush | None, level: float) -> Window | None:
    """Return a window around a result at a level and what was painted into it."""
    found = result.extent(level)
    painted = None if brush is None else brush.painted_window()
    if found is None or painted is None:
        return found or painted
    return found.union(painted)


_BESIDE = 0.06
"""How far beyond a corner its negative click lies, as a share of the box's sides."""

_GUESS_SIDE = 128


def box_hints(box: Box, shape: tuple[int, int]) -> tuple[Click, ...]:
    """Return the clicks that stand for a box in an image of a height and width.

    They say it to a network that was trained on clicks and edges alone. Of all ways
    that were tried on images held out for such choices, one positive click in the
    middle, one negative click beside each corner and the edge of the inscribed ellipse
    gave the best masks after the box and the one or two clicks that follow; a second
    look at the first result made them worse.

    Corners so near to the border of the image that there is nothing beside them get
    none.
    """
    window = box.window
    axes = ((window.top, window.bottom - 1), (window.left, window.right - 1))
    middle = [(low + high) / 2 for low, high in axes]
    beside = [
        (low - _BESIDE * (high - low + 1), high + _BESIDE * (high - low + 1))
        for low, high in axes
    ]
    return (
        Click(middle[0], middle[1]),
        *(
            Click(y, x, False)
            for y in beside[0]
            for x in beside[1]
            if 0 <= y <= shape[0] - 1 and 0 <= x <= shape[1] - 1
        ),
    )


def inscribed_ellipse(box: Box, shape: tuple[int, int]) -> Prediction:
    """Return the first guess at what is in a box: the ellipse that fills it."""
    place = (np.arange(_GUESS_SIDE) + 0.5) / _GUESS_SIDE * 2 - 1
    inside = place[:, None] ** 2 + place[None] ** 2 <= 1
    return Prediction(shape, box.window, inside.astype(np.float32))
