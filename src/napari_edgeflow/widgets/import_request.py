"""From what a person chose to a request for the background."""

from pathlib import Path
from typing import TYPE_CHECKING

from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.widgets.import_work import ImportRequest
from napari_edgeflow.widgets.layer_annotation import image_names, path_of
from napari_edgeflow.widgets.planes import every_plane, layer_shape, read_plane

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer


def import_request(
    viewer: "Viewer",
    image: "Image | None",
    path: Path | None,
    source: str | None = None,
    *,
    every: bool = False,
    values: Kind = "object",
    file: Path | None = None,
) -> ImportRequest:
    """Return what to read in the background.

    Parameters
    ----------
    viewer : Viewer
        Which plane it shows is what counts.
    image : Image
        The image that the labels are for.
    path : Path
        The file or folder.
    source : str, optional
        Its format. Default: found out.
    every : bool
        Whether labels of all planes are wanted.
    values : {"semantic", "object"}
        What the values of label images are that do not say it.
    file : Path, optional
        The image's file. Default: the one it was opened from, if any.

    Raises
    ------
    ValueError
        If there is no image or no path.
    """
    if image is None:
        raise ValueError("There is no image: open one first.")
    if path is None:
        raise ValueError("Choose a file or a folder to import from.")
    shown = read_plane(viewer, image)
    planes = every_plane(shown, layer_shape(image)) if every else (shown,)
    file = file or path_of(image)
    height, width = shown.shape[:2]
    return ImportRequest(
        path,
        source,
        values,
        None if file is None else file.parent,
        tuple(image_names(image, planes, file)),
        tuple(plane.plane for plane in planes),
        (height, width),
    )
