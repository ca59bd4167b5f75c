"""Where the object in progress is: an image, a plane of it, and our layers on that."""

from typing import TYPE_CHECKING

from napari_edgeflow.widgets.clicks.object.session import elsewhere
from napari_edgeflow.widgets.layers.planes import (
    Plane,
    PlaneImage,
    plane_shown,
    read_plane,
    visible_window,
)

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_edgeflow.engine.raster.image import Window
    from napari_edgeflow.widgets.clicks.canvas.layers import ClickLayers
    from napari_edgeflow.widgets.clicks.object.session import ClickSession


class ClickStage:
    """Knows which plane of the image is shown, and lays our layers on it.

    Parameters
    ----------
    viewer : Viewer
        Where the image is.
    layers : ClickLayers
        The layers of the clicks and of the preview.
    """

    def __init__(self, viewer: "Viewer", layers: "ClickLayers") -> None:
        self._viewer = viewer
        self._layers = layers
        self.image: Image | None = None
        """The image to click on; it may have been closed since."""
        self.plane_image: PlaneImage | None = None
        """The plane of it that was shown last."""

    @property
    def is_open(self) -> bool:
        """Whether there is an image, in the viewer still."""
        return self.image is not None and self.image in self._viewer.layers

    def choose(self, image: "Image | None") -> None:
        """Go to another image, or to none."""
        self.image, self.plane_image = image, None
        if image is None:
            self._layers.remove()

    def read(self) -> PlaneImage:
        """Return the plane that is shown now.

        The same one is returned as the same object, since its reader is kept by that.

        Raises
        ------
        ValueError
            If there is nothing to click on, saying why.
        """
        if self.image is None:
            raise ValueError("There is no image to click on: open one.")
        shown = read_plane(self._viewer, self.image)
        if self.plane_image is None or not shown.same_as(self.plane_image):
            self.plane_image = shown
        return self.plane_image

    def read_only(self, plane: Plane) -> PlaneImage:
        """Return a plane if it is the one that is shown.

        Raises
        ------
        ValueError
            If it is not.
        """
        image = None if self.image is None else self.read()
        if image is None or image.plane != plane:
            raise ValueError(
                f"{plane.name} is not shown: go back to it to refine the object"
            )
        return image

    def view(self, image: PlaneImage) -> "Window | None":
        """Return what the canvas shows of a plane; None for all of it."""
        return None if self.image is None else visible_window(self.image, image.plane)

    def begin(self, session: "ClickSession") -> PlaneImage:
        """Begin an object in the plane that is shown, unless there is one in it.

        Returns
        -------
        PlaneImage
            The plane.

        Raises
        ------
        ValueError
            If there is nothing to click on, or an object in another plane.
        """
        image = session.image
        if not session.active:
            shown = self.read()
            if image is None or not shown.same_as(image):
                session.start(shown, self.view(shown))
                self.lay(shown.plane)
                return shown
        if image is None or self.image is None:
            raise ValueError("There is no image to click on: open one.")
        if plane_shown(self._viewer, self.image) != image.plane:
            raise ValueError(elsewhere(image.plane))
        return image

    def lay(self, plane: Plane) -> None:
        """Lay our layers on a plane."""
        if self.image is not None and self.is_open:
            self._layers.ensure(self.image, plane)

    def show_origin(self, session: "ClickSession") -> None:
        """Show what the clicks start from: an object in place of its layer, or none."""
        origin = session.origin
        self._layers.set_aside(None if origin is None else origin.target)
        if not session.prompts:
            # Otherwise their mask follows.
            self._layers.show_part(None if origin is None else origin.part)
