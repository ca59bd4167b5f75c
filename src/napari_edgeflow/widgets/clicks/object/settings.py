"""What a person chose in the click dock."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from napari_edgeflow.engine.labels.classes import ClassTable, Kind
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.raster.tidy import TidySettings

if TYPE_CHECKING:
    from napari.layers import Image, Labels

DragTool = Literal["click", "box", "stroke"]
"""What dragging the mouse does; a click without dragging is a click with any."""

Tool = Literal["click", "box", "stroke", "brush"]


@dataclass(frozen=True)
class ClickSettings:
    """What a person chose in the click dock.

    Parameters
    ----------
    image : Image or None
        The layer to click on.
    target : Labels or None
        Where finished objects go; None for a new layer.
    kind : {"semantic", "object"}
        Whether the target's values are ids of classes or of objects.
    model : str
        Name or path.
    classes : ClassTable
        The classes.
    class_id : int
        Class of the next object; one of ``classes``.
    threshold : float
        Probability from which a pixel belongs to the object.
    left_positive : bool
        Whether a click with the left button means "part of the object".
    keep_existing : bool
        Whether pixels that have a label keep it.
    tool : {"click", "box", "stroke", "brush"}
        What dragging the mouse does.
    tidy : TidySettings
        How masks are made tidy.
    """

    image: "Image | None"
    target: "Labels | None"
    kind: Kind
    model: str
    classes: ClassTable
    class_id: int
    threshold: float = 0.5
    left_positive: bool = True
    keep_existing: bool = False
    tool: Tool = "click"
    tidy: TidySettings = field(default_factory=TidySettings)

    def masks_like(self, other: "ClickSettings") -> bool:
        """Return whether the same prompts give the same mask with both."""
        return (self.model, self.threshold, self.tidy) == (
            other.model,
            other.threshold,
            other.tidy,
        )

    @property
    def scheme(self) -> LabelScheme:
        """What the values of the target mean."""
        return LabelScheme(self.kind, self.classes)
