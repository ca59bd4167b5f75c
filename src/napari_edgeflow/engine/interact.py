"""Clicks to masks: one image, one object, a network that follows each click."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_edgeflow.engine.clicks import Click, ClickHistory, disk_maps
from napari_edgeflow.engine.image import ImageReader, Window
from napari_edgeflow.engine.masks import signed_edge
from napari_edgeflow.engine.prediction import THRESHOLD, Prediction
from napari_edgeflow.engine.runtime import Network, load_network

DEFAULT_MODEL = "edgeflow-lite"

_STEP = 32


@dataclass(frozen=True, slots=True)
class ZoomSettings:
    """What the network gets to see.

    Parameters
    ----------
    side : int
        Side in pixels of a square with the area of the network's input.
    expansion : float
        How much larger than mask and clicks the window is.
    min_side : int
        Smallest side of a window, in pixels of the image.
    max_view : int
        Largest side of the first view, in pixels: a first click on a larger image
        looks at a part of it around the click.
    refine_first : bool
        Whether the first click looks a second time, zoomed in on what it found.
    """

    side: int = 256
    expansion: float = 1.4
    min_side: int = 32
    max_view: int = 2048
    refine_first: bool = True


class ClickSegmenter:
    """Segments one object at a time in one image at a time.

    Parameters
    ----------
    network : Network
        What turns an image and interaction maps into probabilities.
    zoom : ZoomSettings
        What the network gets to see.

    Examples
    --------
    >>> segmenter = ClickSegmenter.from_pretrained("edgeflow-lite")
    >>> segmenter.set_image(image)
    >>> probabilities = segmenter.add_click((120, 200))
    >>> mask = segmenter.mask()
    """

    def __init__(self, network: Network, zoom: ZoomSettings | None = None) -> None:
        self._network = network
        self._zoom = zoom or ZoomSettings()
        self._reader: ImageReader | None = None
        self._history: ClickHistory[Prediction] = ClickHistory()
        self._base: Prediction | None = None
        self._view: Window | None = None

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path = DEFAULT_MODEL, device: str = "auto"
    ) -> "ClickSegmenter":
        """Load a bundled model by name, or a checkpoint by path.

        Parameters
        ----------
        name_or_path : str or Path
            For example "edgeflow-lite".
        device : str
            "auto" takes CUDA, then MPS, then the CPU; or one of those by name.

        Raises
        ------
        ValueError
            If model or device are unknown, or the checkpoint is not ours.
        """
        return cls(load_network(name_or_path, device))

    @property
    def device(self) -> str:
        """Where the network runs: "cuda", "mps" or "cpu"."""
        return self._network.device

    @property
    def clicks(self) -> tuple[Click, ...]:
        """The clicks so far, oldest first."""
        return self._history.clicks

    @property
    def prediction(self) -> Prediction:
        """The result so far, before any click that of :meth:`set_mask` or nothing.

        Raises
        ------
        ValueError
            If no image is set.
        """
        result = self._history.result or self._base
        return result or Prediction.nothing(self._image().shape)

    def set_image(
        self, image: ArrayLike, limits: tuple[float, float] | None = None
    ) -> None:
        """Choose the image; clicks and masks of the one before are forgotten.

        Parameters
        ----------
        image : array_like
            (H, W) or (H, W, C), of any size and numeric type; see
            :class:`image.ImageReader`.
        limits : tuple of float, optional
            Values shown as black and as white.

        Raises
        ------
        ValueError
            If it is no 2-D image or has no pixels.
        """
        self._reader = ImageReader(image, limits)
        self._view = None
        self.clear()

    def set_view(self, view: Window | None) -> None:
        """Say which part of the image the person sees, where the first click looks.

        Parameters
        ----------
        view : Window or None
            None for the whole image. Parts outside the image are cut off.

        Raises
        ------
        ValueError
            If the view does not touch the image.
        """
        height, width = self._image().shape
        if view is not None:
            top, left = max(view.top, 0), max(view.left, 0)
            view = Window(top, left, min(view.bottom, height), min(view.right, width))
            if view.height < 1 or view.width < 1:
                raise ValueError(
                    f"the view {view} lies outside the image of {height} x {width}"
                )
        self._view = view

    def set_mask(self, mask: ArrayLike) -> None:
        """Start the object from an existing mask; clicks so far are forgotten.

        Parameters
        ----------
        mask : array_like
            (H, W), True or non-zero inside.

        Raises
        ------
        ValueError
            If its shape is not that of the image.
        """
        array = np.asarray(mask)
        if array.shape != self._image().shape:
            raise ValueError(
                f"the mask has shape {array.shape}, the image {self._image().shape}: "
                "give a mask of the image's height and width"
            )
        self._history.clear()
        self._base = Prediction.of_mask(array != 0)

    def add_click(
        self, position: tuple[float, float], positive: bool = True
    ) -> NDArray[np.float32]:
        """Add a click and return the new result.

        Parameters
        ----------
        position : tuple of float
            (y, x) in pixels of the image.
        positive : bool
            Whether the point is part of the object.

        Returns
        -------
        ndarray
            (H, W) float32 probabilities.

        Raises
        ------
        ValueError
            If no image is set or the click lies outside of it.
        """
        self._add(Click(float(position[0]), float(position[1]), positive))
        return self.prediction.full()

    def set_clicks(self, clicks: Sequence[Click]) -> Prediction:
        """Make ``clicks`` the clicks that count, and return the result.

        Results that are known already, also of undone clicks, are not computed
        again; so adding, undoing, redoing and moving a click are all this one call.

        Parameters
        ----------
        clicks : sequence of Click
            In the order they were made.

        Raises
        ------
        ValueError
            If no image is set or a click lies outside of it; nothing changes then.
        """
        for click in clicks:
            self._check(click)
        known = self._history.rewind(clicks)
        for click in clicks[known:]:
            self._add(click)
        return self.prediction

    def undo(self) -> NDArray[np.float32]:
        """Take the last click back and return exactly the earlier result (H, W).

        Raises
        ------
        ValueError
            If there is no click.
        """
        self._history.undo()
        return self.prediction.full()

    def redo(self) -> NDArray[np.float32]:
        """Bring the last undone click back and return its result (H, W).

        Raises
        ------
        ValueError
            If nothing was undone.
        """
        self._history.redo()
        return self.prediction.full()

    def clear(self) -> None:
        """Forget the clicks and the mask they started from; keep the image."""
        self._history.clear()
        self._base = None

    def mask(self, threshold: float = THRESHOLD) -> NDArray[np.bool_]:
        """Return the (H, W) bool mask of the result so far."""
        return self.prediction.mask(threshold)

    def _image(self) -> ImageReader:
        if self._reader is None:
            raise ValueError("there is no image yet: call set_image first")
        return self._reader

    def _check(self, click: Click) -> None:
        height, width = self._image().shape
        if not (-0.5 <= click.y < height - 0.5 and -0.5 <= click.x < width - 0.5):
            raise ValueError(
                f"the click (y={click.y:g}, x={click.x:g}) lies outside the image of "
                f"{height} x {width} pixels: click inside it"
            )

    def _add(self, click: Click) -> None:
        self._check(click)
        started = time.perf_counter()
        clicks = (*self.clicks, click)
        result = self.prediction
        extent = result.extent()
        if extent is None:
            result = self._predict(self._first_window(clicks), clicks, result)
            extent = result.extent() if self._zoom.refine_first else None
        if extent is not None:
            result = self._predict(self._zoomed(extent, clicks), clicks, result)
        elapsed = 1000 * (time.perf_counter() - started)
        self._history.add(click, replace(result, milliseconds=elapsed))

    def _predict(
        self, window: Window, clicks: Sequence[Click], before: Prediction
    ) -> Prediction:
        """Run the network once on a window, guided by the result before."""
        image = self._image()
        shape = network_shape(window, self._zoom.side)
        tall, wide = shape[0] / window.height, shape[1] / window.width
        moved = [
            Click(
                (click.y + 0.5 - window.top) * tall - 0.5,
                (click.x + 0.5 - window.left) * wide - 0.5,
                click.positive,
            )
            for click in clicks
        ]
        edge = signed_edge(before.sample(window, shape) >= THRESHOLD)
        maps = np.concatenate([disk_maps(moved, shape), edge[None]])
        scores = self._network(image.read(window, shape), maps)
        return Prediction(image.shape, window, scores)

    def _first_window(self, clicks: Sequence[Click]) -> Window:
        """Return what a first click looks at: the view, bounded around the clicks."""
        height, width = self._image().shape
        view = self._view or Window(0, 0, height, width)
        points = _around(clicks)
        limit = self._zoom.max_view
        sides = (min(view.height, limit), min(view.width, limit))
        if sides == (view.height, view.width):
            return view.union(points)
        return _grown(points, sides, (height, width))

    def _zoomed(self, extent: Window, clicks: Sequence[Click]) -> Window:
        """Return the window around a mask and all clicks, with room around them."""
        held = extent.union(_around(clicks))
        tall = max(held.height * self._zoom.expansion, self._zoom.min_side)
        wide = max(held.width * self._zoom.expansion, self._zoom.min_side)
        return _grown(held, (round(tall), round(wide)), self._image().shape)


def network_shape(window: Window, side: int) -> tuple[int, int]:
    """Return the network's input shape for a window: same area, similar aspect."""
    aspect = min(max(window.height / window.width, 0.25), 4.0)
    height = max(round(side * aspect**0.5 / _STEP), 1) * _STEP
    width = max(round(side / aspect**0.5 / _STEP), 1) * _STEP
    return height, width


def _around(clicks: Sequence[Click]) -> Window:
    """Return the window of the pixels that were clicked."""
    ys = [int(np.floor(click.y + 0.5)) for click in clicks]
    xs = [int(np.floor(click.x + 0.5)) for click in clicks]
    return Window(min(ys), min(xs), max(ys) + 1, max(xs) + 1)


def _grown(held: Window, sides: tuple[int, int], shape: tuple[int, int]) -> Window:
    """Return a window of at least ``sides`` around ``held``, within the image.

    At the image's border it is pushed inwards rather than cut.
    """
    top, bottom = _axis(held.top, held.bottom, sides[0], shape[0])
    left, right = _axis(held.left, held.right, sides[1], shape[1])
    return Window(top, left, bottom, right)


def _axis(low: int, high: int, side: int, size: int) -> tuple[int, int]:
    side = min(max(side, high - low), size)
    start = min(max((low + high - side) // 2, 0), size - side)
    return start, start + side
