"""Where a network that follows clicks looks: windows around clicks and masks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.raster.image import Window

_STEP = 32

LEAST_SIDE = 48
"""Smallest side of a window, in pixels of the image.

Closer up there is no more to see, while the disk of a click covers less of the image
and says less. On 420 nuclei of the training images NoC@85 was 3.06 with 32 pixels, 2.83
with 48 and 2.78 with 64, where more objects failed.
"""


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
    looks_twice : bool
        Whether the first click looks a second time, zoomed in on what it found.
    """

    side: int = 256
    expansion: float = 1.4
    min_side: int = LEAST_SIDE
    max_view: int = 2048
    looks_twice: bool = True

    def first_window(
        self, view: Window, points: Window, shape: tuple[int, int]
    ) -> Window:
        """Return what a first click looks at: the view, bounded around the clicks.

        Parameters
        ----------
        view : Window
            What the person sees of the image.
        points : Window
            What was clicked; see :func:`around`.
        shape : tuple of int
            Height and width of the image.
        """
        sides = (min(view.height, self.max_view), min(view.width, self.max_view))
        if sides == (view.height, view.width):
            return view.union(points)
        return _grown(points, sides, shape)

    def window_around(self, held: Window, shape: tuple[int, int]) -> Window:
        """Return ``held`` with room around it, within an image of ``shape``."""
        tall = max(held.height * self.expansion, self.min_side)
        wide = max(held.width * self.expansion, self.min_side)
        return _grown(held, (round(tall), round(wide)), shape)


def network_shape(window: Window, side: int) -> tuple[int, int]:
    """Return the network's input shape for a window: same area, similar aspect."""
    aspect = min(max(window.height / window.width, 0.25), 4.0)
    height = max(round(side * aspect**0.5 / _STEP), 1) * _STEP
    width = max(round(side / aspect**0.5 / _STEP), 1) * _STEP
    return height, width


def scaled_clicks(
    clicks: Sequence[Click], window: Window, shape: tuple[int, int]
) -> list[Click]:
    """Return clicks in pixels of a window that was resized to ``shape``."""
    tall, wide = shape[0] / window.height, shape[1] / window.width
    return [
        Click(
            (click.y + 0.5 - window.top) * tall - 0.5,
            (click.x + 0.5 - window.left) * wide - 0.5,
            click.positive,
        )
        for click in clicks
    ]


def around(clicks: Sequence[Click]) -> Window:
    """Return the window of the pixels that were clicked, at least one."""
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
