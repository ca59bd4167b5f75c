"""A network told of all prompts: where it looks, and what it sees there."""

from collections.abc import Sequence

import numpy as np

from napari_edgeflow.engine.box import box_hints, inscribed_ellipse
from napari_edgeflow.engine.clicks import Click, disk_maps
from napari_edgeflow.engine.image import ImageReader, Window
from napari_edgeflow.engine.masks import signed_edge
from napari_edgeflow.engine.outline_level import agreeing_level
from napari_edgeflow.engine.prediction import THRESHOLD, Prediction
from napari_edgeflow.engine.prompts import (
    Box,
    Brush,
    Prompt,
    box_of,
    brushed,
    clicks_of,
)
from napari_edgeflow.engine.runtime import Network
from napari_edgeflow.engine.steadiness import CLOSE_UP, steadied
from napari_edgeflow.engine.zoom import (
    ZoomSettings,
    around,
    network_shape,
    scaled_clicks,
)


class GuidedNetwork:
    """Runs a network on what the prompts are about.

    It keeps nothing: the same image, prompts and earlier result give the same again.

    Parameters
    ----------
    network : Network
        What turns an image and interaction maps into probabilities.
    zoom : ZoomSettings
        What the network gets to see.
    """

    def __init__(self, network: Network, zoom: ZoomSettings) -> None:
        self._network = network
        self._zoom = zoom

    @property
    def device(self) -> str:
        """Where the network runs."""
        return self._network.device

    def after(
        self,
        prompts: Sequence[Prompt],
        before: Prediction,
        image: ImageReader,
        view: Window | None,
    ) -> Prediction:
        """Return what the network says after the last of some prompts.

        Parameters
        ----------
        prompts : sequence of Prompt
            All of them, at least one.
        before : Prediction
            The result without the last one.
        image : ImageReader
            The image.
        view : Window or None
            Where a first click looks; None for all of the image.
        """
        last = prompts[-1]
        if isinstance(last, Brush):
            return before
        if isinstance(last, Box):
            return self._boxed(last, clicks_of(prompts), image)
        return self._clicked(prompts, before, image, view)

    def _clicked(
        self,
        prompts: Sequence[Prompt],
        before: Prediction,
        image: ImageReader,
        view: Window | None,
    ) -> Prediction:
        clicks, box, brush = clicks_of(prompts), box_of(prompts), brushed(prompts)
        level = agreeing_level(
            (before.at(click.y, click.x), click.positive)
            for click in clicks_of(prompts[-1:])
        )
        points, found = around(clicks), _held(before, brush, level)
        if box is not None:
            clicks = (*box_hints(box, image.shape), *clicks)
            found = found or box.window
        if found is not None:
            window = self._zoom.window_around(found.union(points), image.shape)
            # Where there was no click before, an outline is no result of the network.
            follows = bool(clicks_of(prompts[:-1]))
            return self._look(
                image, window, clicks, before, brush, level, follows=follows
            )
        if not any(click.positive for click in clicks):
            # What is not part of an object does not say which object is meant.
            return before
        view = view or Window(0, 0, *image.shape)
        window = self._zoom.first_window(view, points, image.shape)
        return self._found(image, window, clicks, before, brush)

    def _found(
        self,
        image: ImageReader,
        window: Window,
        clicks: Sequence[Click],
        before: Prediction,
        brush: Brush | None,
    ) -> Prediction:
        """Look for an object in a window, then at what is there from near."""
        first = self._look(image, window, clicks, before, brush)
        found = _held(first, brush, THRESHOLD) if self._zoom.refine_first else None
        if found is None:
            return first
        window = self._zoom.window_around(found.union(around(clicks)), image.shape)
        return self._look(image, window, clicks, first, brush)

    def _boxed(
        self, box: Box, clicks: Sequence[Click], image: ImageReader
    ) -> Prediction:
        window = self._zoom.window_around(box.window, image.shape)
        told = (*box_hints(box, image.shape), *clicks)
        guess = inscribed_ellipse(box, image.shape)
        return self._look(image, window, told, guess, None)

    def _look(
        self,
        image: ImageReader,
        window: Window,
        clicks: Sequence[Click],
        before: Prediction,
        brush: Brush | None,
        level: float = THRESHOLD,
        *,
        follows: bool = False,
    ) -> Prediction:
        """Run the network once on a window, guided by the result before at a level.

        Where the last click follows up on that result, it is steadied by it close up.
        """
        shape = network_shape(window, self._zoom.side)
        earlier = before.sample(window, shape)
        mask = earlier >= level
        if brush is not None:
            brush.apply_scaled(mask, window, image.shape)
        scaled = scaled_clicks(clicks, window, shape)
        maps = np.concatenate([disk_maps(scaled, shape), signed_edge(mask)[None]])
        scores = self._network(image.read(window, shape), maps)
        if follows and shape[0] >= CLOSE_UP * window.height:
            scores = steadied(scores, earlier, scaled[-1], level)
        return Prediction(image.shape, window, scores)


def _held(result: Prediction, brush: Brush | None, level: float) -> Window | None:
    """Return a window around a result at a level and what was painted into it."""
    found = result.extent(level)
    painted = None if brush is None else brush.painted_window()
    if found is None or painted is None:
        return found or painted
    return found.union(painted)
