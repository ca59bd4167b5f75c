"""What to tell a person to do next."""

from typing import TYPE_CHECKING

from napari_edgeflow.widgets.clicks.object.session import ClickSession
from napari_edgeflow.widgets.layers.planes import plane_shown

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_edgeflow.widgets.clicks.canvas.layers import ClickLayers


def what_to_do(
    viewer: "Viewer",
    layer: "Image | None",
    layers: "ClickLayers",
    session: ClickSession,
    finish_key: str,
) -> str:
    """Return one sentence.

    Parameters
    ----------
    viewer : Viewer
        What the person sees.
    layer : Image or None
        The image chosen.
    layers : ClickLayers
        The layers of the clicks and of the preview.
    session : ClickSession
        The object in progress.
    finish_key : str
        The key that finishes it; "" for none.
    """
    if layer is None:
        return "Open an image to start."
    try:
        plane = plane_shown(viewer, layer)
    except ValueError as error:
        return f"{str(error)[0].upper()}{str(error)[1:]}."
    finish = finish_key or "“Finish object”"
    active, points = viewer.layers.selection.active, layers.points
    if active is not None and active is layers.preview:
        return f"Paint or erase the mask with napari's tools. {finish} keeps it."
    if points is None or active is not points:
        name = "Clicks" if points is None else points.name
        return f"Select the layer “{name}” to click."
    if not session.active:
        return (
            "Click on an object, or drag a box around it with Shift. Right-click on "
            "what is not part of it."
        )
    if session.image is not None and session.image.plane != plane:
        place = session.image.plane.name
        return f"The object in progress is in {place}: go back, finish or clear it."
    return f"Correct the mask with more clicks, or press {finish} to keep it."
