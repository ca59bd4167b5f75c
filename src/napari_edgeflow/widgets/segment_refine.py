"""From an object in the result to the dock that corrects it by clicks."""

from typing import TYPE_CHECKING

from napari_edgeflow.widgets.click_docks import bring_to_front, open_click_dock
from napari_edgeflow.widgets.segment_pick import PickedObject

if TYPE_CHECKING:
    from napari.viewer import Viewer


def refine_by_clicks(viewer: "Viewer", picked: PickedObject) -> None:
    """Hand an object over to the click dock, which is opened if need be.

    Raises
    ------
    ValueError
        If the dock is busy with another object, or cannot take this one.
    """
    dock = open_click_dock(viewer)
    dock.refine(picked.image, picked.labels, picked.plane, picked.mask, picked.class_id)
    bring_to_front(dock)
