"""The object in progress: what it starts from, its clicks, and all their states."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.clicks import Click
from napari_edgeflow.engine.image import Window
from napari_edgeflow.widgets.click_refine import Refinement
from napari_edgeflow.widgets.planes import PlaneImage

Clicks = tuple[Click, ...]


class ClickSession:
    """The clicks of one object in one plane; undo and redo without limit.

    Adding, moving and deleting clicks are all edits, and undo takes back each. So is
    letting go of the object that the clicks correct.
    """

    def __init__(self) -> None:
        self.image: PlaneImage | None = None
        self.view: Window | None = None
        self._states: list[tuple[Refinement | None, Clicks]] = [(None, ())]
        self._at = 0
        self._started = 0.0

    @property
    def clicks(self) -> Clicks:
        """The clicks that count now, in the order they were made."""
        return self._states[self._at][1]

    @property
    def origin(self) -> Refinement | None:
        """The object that the clicks correct; None if they make a new one."""
        return self._states[self._at][0]

    @property
    def active(self) -> bool:
        """Whether there is an object in progress."""
        return bool(self.clicks) or self.origin is not None

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to bring back."""
        return self._at < len(self._states) - 1

    @property
    def seconds(self) -> float:
        """Time since the first click; 0 without one."""
        return time.monotonic() - self._started if self.can_undo else 0.0

    def start(
        self,
        image: PlaneImage,
        view: Window | None,
        origin: Refinement | None = None,
    ) -> None:
        """Begin an object in a plane, of which the person sees ``view``.

        Parameters
        ----------
        image : PlaneImage
            The plane.
        view : Window or None
            None for all of it.
        origin : Refinement, optional
            An object that is there already, to be corrected.
        """
        self.reset()
        self.image, self.view = image, view
        self._states = [(origin, ())]
        self._started = time.monotonic()

    def as_clicks(
        self, points: NDArray[np.float64], positive: NDArray[np.bool_]
    ) -> Clicks:
        """Return points as clicks on this object.

        Parameters
        ----------
        points : ndarray
            (N, D) positions in pixels of the image.
        positive : ndarray
            (N,) bool, whether they are part of the object.

        Raises
        ------
        ValueError
            If one lies in another plane or outside the image.
        """
        image = self.image
        if image is None:
            return ()
        clicks = []
        for point, sign in zip(points.tolist(), positive.tolist(), strict=True):
            if not image.plane.holds(point):
                raise ValueError(
                    f"The object in progress is in {image.plane.name}: "
                    "finish or clear it before you click elsewhere."
                )
            y, x = image.plane.position(point)
            if not image.holds(y, x):
                raise ValueError(
                    f"The click (y={y:.0f}, x={x:.0f}) lies outside the image of "
                    f"{image.shape[0]} x {image.shape[1]} pixels: click inside it."
                )
            clicks.append(Click(y, x, sign))
        return tuple(clicks)

    def edit(self, clicks: Sequence[Click]) -> None:
        """Make ``clicks`` the clicks that count; what was undone is gone."""
        if tuple(clicks) != self.clicks:
            self._add(self.origin, tuple(clicks))

    def clear(self) -> None:
        """Take all clicks away, and let go of the object that they correct."""
        if self.active:
            self._add(None, ())

    def _add(self, origin: Refinement | None, clicks: Clicks) -> None:
        self._states[self._at + 1 :] = [(origin, clicks)]
        self._at += 1

    def undo(self) -> None:
        """Take the last edit back, if there is one."""
        self._at = max(self._at - 1, 0)

    def redo(self) -> None:
        """Bring the last undone edit back, if there is one."""
        self._at = min(self._at + 1, len(self._states) - 1)

    def reset(self) -> None:
        """Forget the object."""
        self.image = self.view = None
        self._states, self._at = [(None, ())], 0
