"""The outline that is being edited, and all its states."""

from dataclasses import dataclass

from napari_edgeflow.engine.interaction.history import StateHistory
from napari_edgeflow.engine.raster.outlines.outline import OutlineShape

Shapes = tuple[OutlineShape, ...]


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

    shapes: Shapes
    source: Shapes | None
    tolerance: float


class OutlineSession(StateHistory[OutlineState]):
    """All states of an outline; undo and redo without limit."""

    @property
    def edited(self) -> bool:
        """Whether the person changed a shape."""
        return self.state.source is not None

    def edit(self, shapes: Shapes) -> None:
        """Take over shapes that the person changed."""
        self._add(OutlineState(shapes, shapes, self.state.tolerance))

    def simplify(self, shapes: Shapes, tolerance: float) -> None:
        """Take over a simpler version; one after the other is one change."""
        before = self.state
        was_simplified = before.shapes is not before.source and self.can_undo
        if was_simplified and not self.can_redo:
            self.undo()
        self._add(OutlineState(shapes, before.source, tolerance))
