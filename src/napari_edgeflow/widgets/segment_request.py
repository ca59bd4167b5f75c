"""From what a person chose to a request for the background."""

from typing import TYPE_CHECKING

from napari_edgeflow.widgets.label_layers import check_target
from napari_edgeflow.widgets.planes import (
    every_plane,
    layer_shape,
    read_plane,
)
from napari_edgeflow.widgets.segment_settings import SegmentSettings
from napari_edgeflow.widgets.segment_work import SegmentRequest

if TYPE_CHECKING:
    from napari.viewer import Viewer


def segment_request(viewer: "Viewer", settings: SegmentSettings) -> SegmentRequest:
    """Return what to do in the background.

    Raises
    ------
    ValueError
        If there is nothing to segment, or nowhere to write to.
    """
    image, target = settings.image, settings.target
    if image is None:
        raise ValueError("There is no image: open one first.")
    if settings.kept is not None and not settings.kept:
        raise ValueError("No class is ticked: tick at least one in the list.")
    shape = layer_shape(image)
    if target is not None:
        check_target(target, shape)
    shown = read_plane(viewer, image)
    planes = every_plane(shown, shape) if settings.every_plane else (shown,)
    return SegmentRequest(
        settings.model,
        settings.device,
        planes,
        shape,
        settings.tile_size,
        settings.flip,
        settings.kept,
        settings.minimum_pixels,
        settings.kind,
    )
