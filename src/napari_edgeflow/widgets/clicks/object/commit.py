"""From the mask of a finished object to labels."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.interaction.prompts import Prompt, box_of, clicks_of
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.widgets.clicks.object.draft import ObjectDraft
from napari_edgeflow.widgets.clicks.object.origin import Refinement
from napari_edgeflow.widgets.clicks.object.settings import ClickSettings
from napari_edgeflow.widgets.clicks.object.steps import FinishedClicks
from napari_edgeflow.widgets.layers.labels import (
    add_labels,
    check_target,
    next_object_id,
    without_labelled,
    write_scheme,
)
from napari_edgeflow.widgets.layers.object_records import ObjectRecord, Source
from napari_edgeflow.widgets.layers.planes import Plane, layer_shape
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer


@dataclass(frozen=True, slots=True, eq=False)
class FinishedObject:
    """A mask, where it is and how it came to be.

    Parameters
    ----------
    plane : Plane
        The plane of the image that it is in.
    window : Window
        Where ``mask`` lies in the plane.
    mask : ndarray
        (h, w) bool, with at least one pixel.
    prompts : tuple of Prompt
        What gave it.
    seconds : float
        From the first click to the last moment.
    origin : Refinement or None
        The object it takes the place of.
    view : Window or None
        What the person saw of the plane at first; None for all of it.
    """

    plane: Plane
    window: Window
    mask: NDArray[np.bool_] = field(repr=False)
    prompts: tuple[Prompt, ...]
    seconds: float
    origin: Refinement | None = None
    view: Window | None = None

    @property
    def source(self) -> Source:
        """What it was made with."""
        if box_of(self.prompts) is not None:
            return "box"
        return "click" if clicks_of(self.prompts) or not self.prompts else "brush"

    def replaces(self, target: "Labels") -> bool:
        """Return whether it takes the place of an object in this layer."""
        return self.origin is not None and self.origin.target is target


def commit_object(
    viewer: "Viewer",
    settings: ClickSettings,
    done: FinishedObject,
    draft: ObjectDraft | None = None,
) -> "Labels":
    """Write an object into the target that was chosen, or into a new layer.

    ``draft`` is what undo goes back to: the object while it was in progress.

    Returns
    -------
    Labels
        The layer that was written to.

    Raises
    ------
    ValueError
        If it cannot be; nothing is changed then.
    """
    image, target = settings.image, settings.target
    if image is None:
        raise ValueError("The image is gone: open it again.")
    if target is None:
        target = add_labels(viewer, image, settings.scheme)
    value = _value(target, settings, done)
    check_target(target, layer_shape(image), value)
    window, mask, gone = _what_changes(target, done)
    if settings.keep_existing:
        free = without_labelled(target, done.plane, window, mask)
        mask = free | (mask & gone)
    if not mask.any():
        raise ValueError(
            "All pixels of the mask have a label already: switch off "
            "“Never overwrite labels”, or clear the clicks."
        )
    write_scheme(target, settings.scheme)
    values = mask * np.dtype(target.dtype).type(value)
    change = PixelChange(done.plane, window, mask | gone, values)
    entry = settings.classes.get(settings.class_id)
    clicks = clicks_of(done.prompts)
    record = ObjectRecord(
        value,
        entry.id,
        entry.name,
        clicks,
        done.seconds,
        done.plane,
        done.source,
        done.view,
        () if clicks == done.prompts else done.prompts,
    )
    records = [record] if settings.kind == "object" else []
    history = Workspace.of(viewer).history
    before = FinishedClicks.of(image, draft)
    history.apply(target, f"finish {entry.name}", [change], records, effect=before)
    return target


def _value(target: "Labels", settings: ClickSettings, done: FinishedObject) -> int:
    """Return what to write for an object."""
    if settings.kind == "semantic":
        return settings.class_id
    origin = done.origin
    if origin is not None and done.replaces(target):
        return origin.value
    return next_object_id(target)


def _what_changes(
    target: "Labels", done: FinishedObject
) -> tuple[Window, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return a window, the new mask in it, and where what it replaces is now."""
    origin = done.origin
    if origin is None or not done.replaces(target):
        return done.window, done.mask, np.zeros_like(done.mask)
    window = done.window.union(origin.window)
    mask = MaskPart(done.window, done.mask).over(window).mask
    return window, mask, origin.still_there(window)
