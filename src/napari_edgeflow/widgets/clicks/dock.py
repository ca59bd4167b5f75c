"""The dock "Click to label"."""

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from napari.utils.notifications import show_warning

from napari_edgeflow.engine.raster.mask_part import MaskPart
from napari_edgeflow.widgets.clicks.controller import ClickController
from napari_edgeflow.widgets.clicks.controls import ClickControls
from napari_edgeflow.widgets.clicks.object.in_progress import ObjectInProgress, Origin
from napari_edgeflow.widgets.clicks.object.work import load_segmenter
from napari_edgeflow.widgets.layers.planes import Plane, show_plane
from napari_edgeflow.widgets.workspace.workspace import ViewerDock, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import napari
    import numpy as np
    from napari.layers import Image, Labels
    from numpy.typing import NDArray

    from napari_edgeflow.engine.interaction.prompts import Prompt
    from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
    from napari_edgeflow.engine.raster.image import Window


@runtime_checkable
class OutlineDock(Protocol):
    """A dock in which the outline of an object can be edited."""

    def edit_outline(self, labels: "Labels", plane: Plane, part: MaskPart) -> None:
        """Edit the outline of an object that was just finished, in front of others.

        Raises
        ------
        ValueError
            If another outline is being edited, or nothing is left of the object.
        """


def open_click_dock(viewer: "napari.viewer.Viewer") -> "ClickWidget":
    """Return the click dock of a viewer, which is opened if need be."""
    return Workspace.of(viewer).docks.opened(viewer, ClickWidget.title, ClickWidget)


class ClickWidget(ViewerDock):
    """Click on objects of an image and keep their masks as labels.

    Parameters
    ----------
    load : callable
        Loads a model by name or path, in the background.
    """

    title = "Click to label"

    def __init__(
        self,
        viewer: "napari.viewer.Viewer",
        load: "Callable[[str], ClickSegmenter]" = load_segmenter,
    ) -> None:
        super().__init__(viewer)
        viewer, keys = self._viewer, self._workspace.shortcuts
        self.controls = ClickControls(viewer, self._links, keys)
        settings = self.controls.settings()
        self.controller = ClickController(
            viewer, load, settings, keys, self.controls.kind.settle
        )
        self._connect()
        self._set_up(self.controls, self.controller.close)
        self.controller.open()

    def _connect(self) -> None:
        controls, controller = self.controls, self.controller
        controls.changed.connect(self._on_changed)
        controls.finish.clicked.connect(controller.finish)
        controls.undo.clicked.connect(controller.undo)
        controls.redo.clicked.connect(controller.redo)
        controls.clear.clicked.connect(controller.clear)
        controls.outline.clicked.connect(controller.edit_outline)
        controls.tools.rectangle.clicked.connect(controller.use_rectangle)
        controller.outline_asked.connect(self._edit_outline)
        controller.hint_changed.connect(controls.hint.setText)
        controller.state_changed.connect(controls.state.setText)
        controller.tool_changed.connect(controls.tools.show_tool)
        controller.history_changed.connect(controls.show_history)
        controller.model_refused.connect(controls.model.refuse)
        self._workspace.models_changed.connect(controls.model.list_trained)
        self._workspace.model_trained.connect(controls.model.choose_trained)
        controller.committed.connect(controls.target.choose)
        controller.taken_back.connect(self._on_taken_back)

    def correct(
        self,
        image: "Image",
        labels: "Labels",
        plane: Plane,
        mask: "NDArray[np.bool_]",
        class_id: int,
        prompts: "Sequence[Prompt]" = (),
        *,
        view: "Window | None" = None,
        seconds: float = 0.0,
    ) -> None:
        """Start from an object that is there already; finishing replaces it.

        If the prompts still give its mask they come back, and undo takes them back one
        by one. Else, as for an object that was edited since, the mask is what new
        clicks start from.

        Parameters
        ----------
        image : Image
            The image to click on; it shows ``plane``.
        labels : Labels
            The layer the object is in.
        plane : Plane
            The plane of both that it is in.
        mask : ndarray
            (H, W) bool, the object's pixels in the plane.
        class_id : int
            Its class.
        prompts : sequence of Prompt
            What was said of it, in order; a box comes first.
        view : Window or None
            What the person saw of the plane at the first prompt; None for all of it.
        seconds : float
            What they spent on it.

        Raises
        ------
        ValueError
            If an object is in progress, or this one cannot be clicked on.
        """
        self.controller.check_free()
        origin = Origin.of_mask(labels, plane, mask)
        self._choose(image, labels, class_id)
        self.controller.correct(origin, plane, prompts, view=view, seconds=seconds)

    def resume(
        self, image: "Image", labels: "Labels | None", draft: ObjectInProgress
    ) -> None:
        """Go on with an object that was in progress when the program ended.

        Parameters
        ----------
        image : Image
            The image it is in, showing its plane.
        labels : Labels or None
            Where it is to go; None for a new layer.
        draft : ObjectInProgress
            What ``controller.draft()`` gave.

        Raises
        ------
        ValueError
            If an object is in progress, or this one does not fit the image.
        """
        self.controller.check_free()
        self._choose(image, labels, draft.class_id)
        self.controller.resume(draft, labels)

    def _on_taken_back(
        self, image: "Image", labels: "Labels", draft: ObjectInProgress
    ) -> None:
        """Go on with an object whose finishing was undone."""
        try:
            show_plane(self._viewer, image, draft.plane)
            self.resume(image, labels, draft)
        except ValueError as error:
            show_warning(f"The object is not in progress again: {error}")

    def turn_to(self, image: "Image", labels: "Labels | None") -> None:
        """Be ready for objects on another image, to be finished into ``labels``."""
        self.controls.image.choose(image)
        self.controls.target.choose(labels)
        self.controller.layers.activate()

    def remembered(self) -> "Mapping[str, Any]":
        """Return the settings that a project is to remember."""
        chosen = self.controls.settings()
        return {
            "model": chosen.model,
            "threshold": round(chosen.threshold, 2),
            "left_positive": chosen.left_positive,
            "keep_existing": chosen.keep_existing,
            "class_id": chosen.class_id,
        }

    def remember(self, values: "Mapping[str, Any]") -> None:
        """Set what a project remembered."""
        self.controls.restore(values)

    def _choose(self, image: "Image", labels: "Labels | None", class_id: int) -> None:
        controls = self.controls
        controls.image.choose(image)
        controls.target.choose(labels)
        controls.classes.choose(class_id)
        chosen = controls.settings()
        if chosen.image is not image or chosen.target is not labels:
            raise ValueError("The image or its labels are gone: open them again.")

    def _edit_outline(self, labels: "Labels", plane: Plane, part: MaskPart) -> None:
        docks = self._workspace.docks
        try:
            # Nothing is made of the protocol, which is all that mypy fears.
            dock = docks.opened(self._viewer, "Objects", OutlineDock)  # type: ignore[type-abstract]
            dock.edit_outline(labels, plane, part)
        except ValueError as error:
            show_warning(str(error))

    def _on_changed(self) -> None:
        self.controller.configure(self.controls.settings())
