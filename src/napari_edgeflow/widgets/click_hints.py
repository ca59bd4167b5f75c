"""What to tell a person to do next."""

from typing import TYPE_CHECKING

from napari_edgeflow.widgets.click_session import ClickSession
from napari_edgeflow.widgets.planes import plane_shown

if TYPE_CHECKING:
    from napari.layers import Image, Points
    from napari.viewer import Viewer


def what_to_do(
    viewer: "Viewer",
    layer: "Image | None",
    points: "Points | None",
    session: ClickSession,
) -> str:
    """Return one sentence.

    Parameters
    ----------
    viewer : Viewer
        What the person sees.
    layer : Image or None
        The image chosen.
    points : Points or None
        The layer of the clicks.
    session : ClickSession
        The object in progress.
    """
    if layer is None:
        return "Open an image to start."
    try:
        plane = plane_shown(viewer, layer)
    except ValueError as error:
        return f"{str(error)[0].upper()}{str(error)[1:]}."
    if points is None or viewer.layers.selection.active is not points:
        name = "Clicks" if points is None else points.name
        return f"Select the layer “{name}” to click."
    if not session.active:
        return "Click on an object. Right-click on what is not part of it."
    if session.image is not None and session.image.plane != plane:
        place = session.image.plane.name
        return f"The object in progress is in {place}: go back, finish or clear it."
    return "Correct the mask with more clicks, or press Enter to keep it."
