"""From the mask of a finished object to labels."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.clicks import Click
from napari_edgeflow.engine.image import Window
from napari_edgeflow.widgets.click_settings import ClickSettings
from napari_edgeflow.widgets.label_layers import (
    ObjectRecord,
    check_target,
    commit_mask,
    new_labels,
    next_object_id,
    record_object,
    without_labelled,
    write_scheme,
)
from napari_edgeflow.widgets.planes import Plane, layer_shape

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
    clicks : tuple of Click
        The clicks that gave it.
    seconds : float
        From the first click to the last moment.
    """

    plane: Plane
    window: Window
    mask: NDArray[np.bool_] = field(repr=False)
    clicks: tuple[Click, ...]
    seconds: float


def commit_object(
    viewer: "Viewer", settings: ClickSettings, done: FinishedObject
) -> "Labels":
    """Write an object into the target that was chosen, or into a new layer.

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
        target = new_labels(image, settings.scheme)
        _insert_above(viewer, target, image)
    semantic = settings.kind == "semantic"
    value = settings.class_id if semantic else next_object_id(target)
    check_target(target, layer_shape(image), value)
    mask = done.mask
    if settings.keep_existing:
        mask = without_labelled(target, done.plane, done.window, mask)
    if not mask.any():
        raise ValueError(
            "All pixels of the mask have a label already: switch off "
            "“Never overwrite labels”, or clear the clicks."
        )
    write_scheme(target, settings.scheme)
    commit_mask(target, done.plane, done.window, mask, value)
    if not semantic:
        _record(target, settings, done, value)
    return target


def _insert_above(viewer: "Viewer", target: "Labels", image: object) -> None:
    """Put a new layer right above the image, so that clicks and preview stay on top."""
    viewer.layers.insert(viewer.layers.index(image) + 1, target)


def _record(
    target: "Labels", settings: ClickSettings, done: FinishedObject, value: int
) -> None:
    entry = settings.classes.get(settings.class_id)
    record = ObjectRecord(
        value, entry.id, entry.name, done.clicks, done.seconds, done.plane
    )
    record_object(target, record, settings.classes)
