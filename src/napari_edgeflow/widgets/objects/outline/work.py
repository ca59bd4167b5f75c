"""The outline that is being edited: its states, and what they have computed."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.raster.masks import bounding_window
from napari_edgeflow.engine.raster.outlines.outline import (
    Filled,
    Outline,
    OutlineShape,
    fill,
    outline_of,
    refitted,
)
from napari_edgeflow.widgets.layers.labels import check_target
from napari_edgeflow.widgets.layers.planes import Plane, layer_shape
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.history import ObjectHistory

if TYPE_CHECKING:
    from napari.layers import Labels

OutlineShapes = tuple[OutlineShape, ...]

MOST_VERTICES = 3_000
"""napari edits no more than that without holding the window."""


@dataclass(frozen=True, slots=True, eq=False)
class OutlineState:
    """An outline at one time.

    Parameters
    ----------
    shapes : tuple of OutlineShape
        What is shown.
    source : tuple of OutlineShape or None
        The shapes as the person left them, which ``shapes`` may be a simpler version
        of; None for the object in its layer.
    tolerance : float
        How far the outline was allowed to move.
    """

    shapes: OutlineShapes
    source: OutlineShapes | None
    tolerance: float


class OutlineSession:
    """All states of an outline; undo and redo without limit."""

    def __init__(self, first: OutlineState) -> None:
        self._states, self._at = [first], 0

    @property
    def state(self) -> OutlineState:
        """The state that counts now."""
        return self._states[self._at]

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to bring back."""
        return self._at < len(self._states) - 1

    def undo(self) -> None:
        """Take the last edit back, if there is one."""
        self._at = max(self._at - 1, 0)

    def redo(self) -> None:
        """Bring the last undone edit back, if there is one."""
        self._at = min(self._at + 1, len(self._states) - 1)

    def _add(self, state: OutlineState) -> None:
        """Go to an edited state; what was undone is gone."""
        self._states[self._at + 1 :] = [state]
        self._at += 1

    @property
    def edited(self) -> bool:
        """Whether the person changed a shape."""
        return self.state.source is not None

    def edit(self, shapes: OutlineShapes) -> None:
        """Take over shapes that the person changed."""
        self._add(OutlineState(shapes, shapes, self.state.tolerance))

    def simplify(self, shapes: OutlineShapes, tolerance: float) -> None:
        """Take over a simpler version; one after the other is one change."""
        before = self.state
        was_simplified = before.shapes is not before.source and self.can_undo
        if was_simplified and not self.can_redo:
            self.undo()
        self._add(OutlineState(shapes, before.source, tolerance))


@dataclass(frozen=True, slots=True, eq=False)
class OutlinedObject:
    """The object whose outline is edited.

    Parameters
    ----------
    plane : Plane
        The plane of its layer that it is in.
    value : int
        Its value in the layer: the id of its class or its own.
    pixels : ndarray
        (H, W), the plane of the layer, as it is.
    mask : ndarray or None
        (H, W) bool, the object; None for all pixels of its value.
    """

    plane: Plane
    value: int
    pixels: NDArray[np.integer] = field(repr=False)
    mask: NDArray[np.bool_] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class OutlineRequest:
    """An outline that is wanted.

    Parameters
    ----------
    target : OutlinedObject
        Whose outline.
    shapes : tuple of OutlineShape or None
        The outline as the person edited it; None for that of the object in its layer.
    tolerance : float or None
        How far it may move for fewer vertices; None for a good start, or where a
        person's shapes are to stay as they are.
    """

    target: OutlinedObject
    shapes: OutlineShapes | None
    tolerance: float | None


@dataclass(frozen=True, slots=True, eq=False)
class OutlineAnswer:
    """The answer to an :class:`OutlineRequest`.

    Parameters
    ----------
    shapes : tuple of OutlineShape
        The outline.
    mask : ndarray
        (H, W) bool, the object as it is in its layer.
    simplified : Outline or None
        What simplifying cost; None if nothing was simplified.
    filled : Filled or None
        What the outline encloses; None if it encloses nothing.
    problem : str
        Why it encloses nothing; empty if it does.
    """

    shapes: OutlineShapes
    mask: NDArray[np.bool_] = field(repr=False)
    simplified: Outline | None
    filled: Filled | None
    problem: str = ""


def answer(request: OutlineRequest) -> OutlineAnswer:
    """Return the outline of a request, and what it encloses.

    Raises
    ------
    ValueError
        If the object has no pixels, if shapes that enclose nothing are to be
        simplified, or if there are too many vertices to edit.
    """
    target, shape = request.target, request.target.pixels.shape
    mask = target.mask
    if mask is None:
        mask = target.pixels == target.value
    simplified: Outline | None = None
    if request.shapes is None:
        simplified = outline_of(mask, request.tolerance)
    elif request.tolerance is not None:
        simplified = refitted(request.shapes, shape, request.tolerance)
    if simplified is not None and simplified.vertices > MOST_VERTICES:
        raise ValueError(
            f"at a tolerance of {simplified.tolerance:g} the outline has "
            f"{simplified.vertices:,} vertices, and {MOST_VERTICES:,} can be edited: "
            "take a larger tolerance, or the brush"
        )
    shapes = request.shapes or () if simplified is None else simplified.shapes
    try:
        filled = fill(shapes, shape)
    except ValueError as error:
        return OutlineAnswer(shapes, mask, simplified, None, str(error))
    return OutlineAnswer(shapes, mask, simplified, filled)


def commit_outline(
    history: ObjectHistory,
    labels: "Labels",
    target: OutlinedObject,
    mask: NDArray[np.bool_],
    filled: Filled,
) -> int:
    """Give an object the pixels that its outline encloses, as one step of a history.

    Pixels of other objects stay theirs. The object's row stays too.

    ``mask`` (H, W) bool is the object as it was when the outline was made.

    Returns
    -------
    int
        How many enclosed pixels stay those of other objects.

    Raises
    ------
    ValueError
        If the layer cannot be written to, or if no pixel is free for the object.
    """
    check_target(labels, layer_shape(labels), target.value)
    box = bounding_window(mask)
    window = filled.part.window if box is None else filled.part.window.union(box)
    new = filled.part.over(window).mask
    present = target.plane.read(labels.data, window)
    own = present == target.value
    free = new & (own | (present <= 0))
    if not free.any():
        raise ValueError(
            "all pixels inside the outline belong to other objects: move it, or delete "
            "the object"
        )
    values = free * np.dtype(labels.dtype).type(target.value)
    written = free | (mask[window.slices] & own)
    change = PixelChange(target.plane, window, written, values)
    history.apply(labels, "edit the outline", [change])
    return int((new & ~free).sum())
