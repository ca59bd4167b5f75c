"""A rectangle in a Shapes layer as a box in a plane of an image."""

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.viewer import Viewer

    from napari_edgeflow.widgets.click_stage import ClickStage

Corner = tuple[float, float]


def shapes_layers(viewer: "Viewer") -> "Iterator[Shapes]":
    """Yield the Shapes layers with a rectangle, the active and the topmost first."""
    active = viewer.layers.selection.active
    topmost_first = list(viewer.layers)[::-1]
    for layer in sorted(topmost_first, key=lambda layer: layer is not active):
        if isinstance(layer, Shapes) and "rectangle" in layer.shape_type:
            yield layer


def rectangle(viewer: "Viewer", stage: "ClickStage") -> tuple[Corner, Corner]:
    """Return two opposite corners (y, x) of a rectangle in the plane that is shown.

    It is the one that is selected, else the last one that was drawn.

    Raises
    ------
    ValueError
        If there is none.
    """
    layer = next(shapes_layers(viewer), None)
    if layer is None or stage.image is None:
        raise ValueError("There is no rectangle: draw one in a Shapes layer.")
    found = [i for i, kind in enumerate(layer.shape_type) if kind == "rectangle"]
    selected = [i for i in found if i in layer.selected_data]
    plane = stage.read().plane
    corners = np.array(
        [
            plane.position(stage.image.world_to_data(layer.data_to_world(vertex)))
            for vertex in layer.data[(selected or found)[-1]]
        ]
    )
    (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
    return (float(top), float(left)), (float(bottom), float(right))
