"""The object in progress: what it starts from, its clicks, and all their states."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.history import StateHistory
from napari_edgeflow.engine.interaction.prompts import Prompt, clicks_of
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.clicks.object.origin import Refinement
from napari_edgeflow.widgets.layers.planes import Plane, PlaneImage

Prompts = tuple[Prompt, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ObjectState:
    """All that decides what the object in progress is.

    Parameters
    ----------
    origin : Refinement or None
        The object that is corrected; None for a new one.
    prompts : tuple of Prompt
        What the person said of it, oldest first.
    replays : bool
        Whether the prompts are those that once gave ``origin``, so that they start
        from nothing rather than from its mask.
    """

    origin: Refinement | None = None
    prompts: Prompts = ()
    replays: bool = False


class ClickSession(StateHistory[ObjectState]):
    """The clicks of one object in one plane; undo and redo without limit.

    Adding, moving and deleting clicks are all edits, and undo takes back each. So are
    boxes, strokes, what is brushed, and letting go of the object that is corrected.
    """

    def __init__(self) -> None:
        super().__init__(ObjectState())
        self.image: PlaneImage | None = None
        self.view: Window | None = None
        self._started = 0.0

    @property
    def prompts(self) -> Prompts:
        """What counts now, in the order it was said."""
        return self.state.prompts

    @property
    def clicks(self) -> tuple[Click, ...]:
        """The clicks that count now, those of strokes too, in order."""
        return clicks_of(self.prompts)

    @property
    def origin(self) -> Refinement | None:
        """The object that the clicks correct; None if they make a new one."""
        return self.state.origin

    @property
    def start_mask(self) -> NDArray[np.bool_] | None:
        """The mask (H, W) that the prompts start from; None for nothing."""
        state = self.state
        return None if state.origin is None or state.replays else state.origin.mask

    @property
    def active(self) -> bool:
        """Whether there is an object in progress."""
        return bool(self.prompts) or self.origin is not None

    @property
    def seconds(self) -> float:
        """Time since the first click; 0 without one."""
        worked = self.can_undo or bool(self.prompts)
        return time.monotonic() - self._started if worked else 0.0

    def start(
        self,
        image: PlaneImage,
        view: Window | None,
        origin: Refinement | None = None,
        seconds: float = 0.0,
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
        seconds : float
            What the person spent on it before.
        """
        self.reset()
        self.image, self.view = image, view
        self._begin(ObjectState(origin))
        self._started = time.monotonic() - seconds

    def replay(
        self, origin: Refinement | None, prompts: Prompts, *, replays: bool
    ) -> None:
        """Go on with prompts that were made before; undo takes them back one by one.

        Parameters
        ----------
        origin : Refinement or None
            The object that is corrected.
        prompts : tuple of Prompt
            What was said of it.
        replays : bool
            Whether the prompts are those that once gave ``origin``.
        """
        # There is nothing to see of an object before the first of its own prompts.
        counts = range(1 if replays and prompts else 0, len(prompts) + 1)
        self._begin(*(ObjectState(origin, prompts[:n], replays) for n in counts))

    def restart(self, origin: Refinement) -> None:
        """Start from the mask of an object, and forget what was said of it."""
        self._begin(ObjectState(origin))

    def as_clicks(
        self, points: NDArray[np.float64], positive: NDArray[np.bool_]
    ) -> tuple[Click, ...]:
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
                raise ValueError(elsewhere(image.plane))
            y, x = image.plane.position(point)
            if not image.holds(y, x):
                raise ValueError(
                    f"The click (y={y:.0f}, x={x:.0f}) lies outside the image of "
                    f"{image.shape[0]} x {image.shape[1]} pixels: click inside it."
                )
            clicks.append(Click(y, x, sign))
        return tuple(clicks)

    def edit(self, prompts: Sequence[Prompt]) -> None:
        """Make ``prompts`` all that counts; what was undone is gone."""
        if tuple(prompts) != self.prompts:
            self._add(replace(self.state, prompts=tuple(prompts)))

    def clear(self) -> None:
        """Take all prompts away, and let go of the object that they correct."""
        if self.active:
            self._add(ObjectState())

    def reset(self) -> None:
        """Forget the object."""
        self.image = self.view = None
        self._begin(ObjectState())


def elsewhere(plane: Plane) -> str:
    """Return what to tell a person who clicks beside the object in progress."""
    return (
        f"The object in progress is in {plane.name}: finish or clear it before you "
        "click elsewhere."
    )
