"""What happens in the click dock, without any of its buttons."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.prompts import (
    Box,
    Brush,
    Prompt,
    Stroke,
    with_clicks,
)
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.clicks.canvas.layers import ClickLayers
from napari_edgeflow.widgets.clicks.object.commit import commit_object
from napari_edgeflow.widgets.clicks.object.in_progress import (
    ObjectInProgress,
    ObjectMask,
    Origin,
)
from napari_edgeflow.widgets.clicks.object.settings import ClickSettings
from napari_edgeflow.widgets.clicks.object.work import (
    ClickRequest,
    ClickWork,
    LoadClickSegmenter,
)
from napari_edgeflow.widgets.fields.choices import device_name
from napari_edgeflow.widgets.keys.shortcuts import Shortcuts
from napari_edgeflow.widgets.layers.labels import (
    class_colour,
    read_scheme,
    write_scheme,
)
from napari_edgeflow.widgets.layers.planes import Plane, plane_shown
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.later import Later
from napari_edgeflow.widgets.qt.workers import (
    LatestCall,
    UnusableModelError,
    show_problem,
)
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from napari.layers import Labels
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_edgeflow.engine.raster.mask_part import MaskPart

_SETTLE_MS = 150
"""How long the sliders rest before the plane they show is read."""

_STROKE_SPACING = 24.0
"""Least distance of two clicks of a stroke, in pixels of the screen."""


class ClickController(QObject):
    """Turns clicks on one image into a mask, and a mask into labels.

    It owns the object in progress. Whatever a person does gives the next one, which
    the layers show and whose mask is computed in the background.

    Parameters
    ----------
    load : callable
        Loads a model by name or path.
    settings : ClickSettings
        What is chosen at first.
    settle : callable
        Asks what the target holds, if that is not clear, and returns whether it may be
        written to.
    """

    hint_changed = Signal(str)
    state_changed = Signal(str)
    history_changed = Signal(bool, bool, bool)
    tool_changed = Signal(str)
    model_refused = Signal(str)
    committed = Signal(object)
    taken_back = Signal(object, object, object)
    """A finished object is to be in progress again: image, labels, object."""
    outline_asked = Signal(object, object, object)
    """The outline of an object is to be edited: labels, plane, :class:`MaskPart`."""
    draft_changed = Signal()
    """What :meth:`draft` returns is another object, or the same with other prompts."""

    def __init__(
        self,
        viewer: "Viewer",
        load: LoadClickSegmenter,
        settings: ClickSettings,
        shortcuts: Shortcuts,
        settle: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__()
        self._viewer, self._settle = viewer, settle
        self._settings = settings
        self._shortcuts = shortcuts
        self._history = Workspace.of(viewer).history
        self._object: ObjectInProgress | None = None
        self._request: ClickRequest | None = None
        self._latest: tuple[Labels, Plane, MaskPart] | None = None
        self._calls = LatestCall(ClickWork(load), self._on_mask, self._on_failed)
        actions = {
            "finish": self.finish,
            "undo": self.undo,
            "redo": self.redo,
            "edit_outline": self.edit_outline,
        }
        self.layers = ClickLayers(viewer, shortcuts, actions)
        self._prepare_later = Later(self, self._prepare, _SETTLE_MS)
        self._restore_later = Later(self, self._restore_layers)
        self._links, self._image_links = Connections(), Connections()
        self._connect()

    def _connect(self) -> None:
        viewer, layers = self._viewer, self.layers
        layers.clicks.edited.connect(self._on_points)
        layers.clicks.drawn.connect(self._on_drawn)
        layers.mask.brushed.connect(self._on_brushed)
        self._shortcuts.changed.connect(self._tell)
        self._history.steps_changed.connect(self._tell)
        connect = self._links.connect
        for name in ("point", "order", "ndisplay"):
            connect(getattr(viewer.dims.events, name), self._on_dims)
        connect(viewer.layers.events.removed, self._on_removed)
        connect(viewer.layers.selection.events.active, self._tell)

    # ---- what the dock asks for

    @property
    def clicks(self) -> tuple[Click, ...]:
        """The clicks of the object in progress."""
        return () if self._object is None else self._object.clicks

    @property
    def busy(self) -> bool:
        """Whether something is computed in the background."""
        return self._calls.busy

    @property
    def _active(self) -> ObjectInProgress | None:
        """The object in progress; None before its first prompt."""
        now = self._object
        return now if now is not None and now.is_active else None

    def open(self) -> None:
        """Start with the settings given."""
        self._change_image()
        self._apply_look()

    def configure(self, settings: ClickSettings) -> None:
        """Do as the person chose."""
        before, self._settings = self._settings, settings
        if settings.image is not before.image:
            self._change_image()
        elif not settings.masks_like(before):
            self._ask()
        target = settings.target
        if target is not None and read_scheme(target) is not None:
            write_scheme(target, settings.scheme)
        if self._object is not None and settings.class_id != before.class_id:
            self._object = replace(self._object, class_id=settings.class_id)
            self.draft_changed.emit()
        if settings.tool != before.tool:
            self.layers.set_tool(settings.tool)
        self._apply_look()

    def check_free(self) -> None:
        """Make sure that there is no object in progress.

        Raises
        ------
        ValueError
            If there is one.
        """
        if self._active is not None:
            raise ValueError(
                "There is an object in progress: finish it or clear it, then correct "
                "the other one."
            )

    def correct(
        self,
        origin: Origin,
        plane: Plane,
        prompts: Sequence[Prompt] = (),
        *,
        view: Window | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Start from an object that is there already; finishing replaces it.

        Parameters
        ----------
        origin : Origin
            The object.
        plane : Plane
            The plane that it is in, which has to be shown.
        prompts, view, seconds
            As in :meth:`ClickWidget.correct`.

        Raises
        ------
        ValueError
            If there is an object in progress, the plane is not shown, or a prompt lies
            outside of the image.
        """
        self.check_free()
        image = self.layers.read_only(plane)
        kept = ObjectInProgress(
            plane,
            tuple(prompts),
            self._settings.class_id,
            seconds,
            view=view if prompts else self.layers.view(plane),
            origin=origin,
            replays=bool(prompts),
            in_doubt=bool(prompts),
        )
        self._open(kept.opened(image, origin.target))

    def resume(self, kept: ObjectInProgress, target: "Labels | None") -> None:
        """Go on with an object that was in progress.

        Parameters
        ----------
        kept : ObjectInProgress
            What :meth:`draft` gave for the same image. Its plane has to be shown.
        target : Labels or None
            Where it is to go; None for a new layer.

        Raises
        ------
        ValueError
            As :meth:`correct`.
        """
        self.check_free()
        image = self.layers.read_only(kept.plane)
        self._open(kept.opened(image, target))

    def finish(self) -> None:
        """Write the mask into the target, and be ready for the next object."""
        now = self._active
        if now is None:
            show_info("There is no mask to finish: click on an object first.")
        elif self.busy or now.mask is None:
            self._object = replace(now, finishing=True)
            if not self.busy:
                self._ask()
        else:
            self._finish_now(now)

    def undo(self) -> None:
        """Take the last click back, or the last move or deletion of one.

        Without an object in progress, take back the last step of the history, such as
        the last finished object.
        """
        now = self._object
        if now is not None and now.can_undo:
            self._open(now.undone())
        elif self._can_undo_step:
            self.forget()
            step = self._history.undo()
            if step is None:
                return
            self.state_changed.emit(f"undone: {step.what}")
            kept: ObjectInProgress | None = step.effect.in_progress
            image = kept.layer() if kept is not None and kept.layer else None
            if image is not None:
                self.taken_back.emit(image, step.layer, kept)

    def redo(self) -> None:
        """Bring back what was undone last."""
        now = self._object
        if now is not None and now.can_redo:
            self._open(now.redone())
        elif self._can_redo_step:
            self.forget()
            step = self._history.redo()
            if step is not None:
                self.state_changed.emit(f"redone: {step.what}")

    @property
    def _undone_object(self) -> ObjectInProgress | None:
        """The object that the step finishes which redo brings back."""
        step = self._history.next_redo
        kept = None if step is None else step.effect.in_progress
        return cast("ObjectInProgress | None", kept)

    @property
    def _can_undo_step(self) -> bool:
        if self._active is None or not self._history.can_undo:
            return self._history.can_undo
        # While an object is corrected as it was before that step was undone.
        undone, origin = self._undone_object, self._active.origin
        if undone is None or undone.origin is None or origin is None:
            return False
        return undone.origin.value == origin.value

    @property
    def _can_redo_step(self) -> bool:
        if self._active is None or not self._history.can_redo:
            return self._history.can_redo
        undone = self._undone_object
        return undone is not None and undone.prompts == self._active.prompts

    def edit_outline(self) -> None:
        """Ask for the outline of the object that was finished last."""
        if self._active is not None:
            show_info("Finish the object first, then edit its outline.")
        elif self._latest is None or self._latest[0] not in self._viewer.layers:
            show_info("There is no outline to edit yet: finish an object first.")
        else:
            self.outline_asked.emit(*self._latest)

    def clear(self) -> None:
        """Take all clicks away, and what they correct; undo brings them back."""
        if self._object is not None:
            self._open(self._object.cleared())

    def draft(self) -> ObjectInProgress | None:
        """Return what a project keeps of the object in progress; None without one."""
        return None if self._active is None else self._active.at_rest()

    def forget(self) -> None:
        """Forget the object in progress without a word."""
        self._object = self._request = None
        self.layers.show(None)
        self._tell()
        self.draft_changed.emit()

    def use_rectangle(self) -> None:
        """Take the rectangle that was drawn in a Shapes layer for a box."""
        try:
            corners = self.layers.rectangle()
        except ValueError as error:
            show_warning(str(error))
            return
        low, high = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        self._add(lambda shape: Box.between(low, high, shape))
        self.layers.activate()

    def close(self, remove_layers: bool) -> None:
        """Stop; with ``remove_layers`` also take our two layers out of the viewer."""
        self._links.close()
        self._image_links.close()
        self._prepare_later.cancel()
        self._restore_later.cancel()
        self._calls.close()
        self._object = self._request = None
        self.layers.close(remove_layers)
        if remove_layers:
            # When the window goes, Qt may have deleted these.
            self._shortcuts.changed.disconnect(self._tell)
            self._history.steps_changed.disconnect(self._tell)

    # ---- the image and its plane

    @property
    def _image_name(self) -> str:
        """What the image is called now, also after it was closed."""
        image = self.layers.image
        return "" if image is None else str(image.name)

    def _change_image(self) -> None:
        self._end_object(f"its image {self._image_name!r} was closed or exchanged")
        image = self._settings.image
        self.layers.choose(image)
        self._image_links.close()
        if image is None:
            self._ask()
            self._tell()
            return
        self._image_links.connect(image.events.data, self._on_image_data)
        self._prepare()
        self.layers.activate()

    def _prepare(self) -> None:
        """Have the plane being shown read, so that a first click need not wait."""
        if self._active is not None or not self.layers.is_open:
            return
        try:
            image = self.layers.read()
        except ValueError:
            # Nothing to click on: the hint says why.
            self._tell()
            return
        self.layers.lay(image.plane)
        self._apply_look()
        self._ask()

    def _end_object(self, reason: str) -> None:
        if self._active is not None:
            show_warning(f"The object in progress ended, since {reason}.")
        self.forget()

    def _apply_look(self) -> None:
        settings = self._settings
        self.layers.clicks.set_polarity(settings.left_positive)
        self.layers.mask.set_colour(class_colour(settings.classes, settings.class_id))
        self._tell()

    # ---- what a person does on the canvas

    def _on_points(self) -> None:
        """Take the points for the clicks, or put them back."""
        points, positive = self.layers.clicks.read()
        try:
            if len(points) or self._active is not None:
                self._become(self._begun().with_points(points, positive))
        except ValueError as error:
            show_warning(str(error))
            self.layers.show(self._object)

    def _on_drawn(self, tool: str, line: "NDArray[np.float64]", positive: bool) -> None:
        if tool == "box":
            start, end = line[0].tolist(), line[-1].tolist()
            self._add(lambda shape: Box.between(start, end, shape))
        else:
            spacing = _STROKE_SPACING * self.layers.clicks.pixel
            self._add(lambda _: Stroke.along(line, positive, spacing))

    def _on_brushed(self, brush: Brush) -> None:
        self._add(lambda _: brush)

    def _add(self, make: Callable[[tuple[int, int]], Prompt]) -> None:
        """Add what a person drew, made for the height and width of the plane."""
        try:
            begun = self._begun()
            prompt = make(begun.shape)
            self._become(begun.edited((*begun.prompts, prompt)))
        except ValueError as error:
            show_warning(str(error))
            # What was drawn is in the layers yet.
            self._open(self._object)

    def _begun(self) -> ObjectInProgress:
        """Return the object in progress; begin one in the plane that is shown.

        Raises
        ------
        ValueError
            If there is nothing to click on, or an object in another plane.
        """
        now = self._object
        if now is not None and now.is_active:
            if self.layers.plane_shown != now.plane:
                raise ValueError(now.beside)
            return now
        shown = self.layers.read()
        if now is not None and shown.same_as(now.image):
            return now
        view, class_id = self.layers.view(shown.plane), self._settings.class_id
        return ObjectInProgress.begun(shown, class_id, view)

    # ---- the object in progress

    def _open(self, now: ObjectInProgress | None) -> None:
        """Go on with an object in another way than by a click on it."""
        self._become(now)
        self.layers.activate()

    def _become(self, now: ObjectInProgress | None) -> None:
        """Show the object in progress, and have its mask computed."""
        self._object = now
        self.layers.show(now)
        self._ask()
        self._tell()
        self.draft_changed.emit()

    def _ask(self) -> None:
        settings, now = self._settings, self._active
        image = self.layers.plane_image if now is None else now.image
        self._request = ClickRequest(
            settings.model, settings.threshold, settings.tidy, image, now
        )
        self._calls(self._request)
        working = now is not None and now.prompts
        self.state_changed.emit("working …" if working else "getting ready …")

    def _on_mask(self, request: ClickRequest, mask: ObjectMask) -> None:
        now = self._active
        if request is not self._request:
            return
        took = f"last click {mask.milliseconds:.0f} ms"
        done = took if now is not None and now.prompts else "ready"
        self.state_changed.emit(f"{device_name(mask.device)} · {done}")
        if now is None:
            return
        self._object = now = now.masked(mask)
        if now.mask is None:
            # It turned out to be another one.
            self._open(now)
            return
        self.layers.mask.show(mask.part)
        if now.finishing:
            self._finish_now(now)

    def _on_failed(self, request: ClickRequest, error: Exception) -> None:
        self.state_changed.emit("failed")
        show_problem(error)
        if self._object is not None:
            self._object = replace(self._object, finishing=False)
        if isinstance(error, UnusableModelError):
            self.model_refused.emit(request.model)

    def _finish_now(self, now: ObjectInProgress) -> None:
        self._object = replace(now, finishing=False)
        if not self._settle() or self._object is None:
            return
        try:
            target = commit_object(self._viewer, self._settings, now)
        except ValueError as error:
            show_warning(str(error))
            return
        if now.mask is not None and now.mask.part is not None:
            self._latest = target, now.plane, now.mask.part
        self.forget()
        self.committed.emit(target)
        self.layers.activate()
        self._prepare()

    # ---- what happens in the viewer

    def _on_dims(self) -> None:
        self.layers.mask.follow_view()
        self._tell()
        self._prepare_later.ask_anew()

    def _on_removed(self, event: Any) -> None:
        if self.layers.owns(event.value):
            # Not now: napari is still busy removing, perhaps all layers.
            self._restore_later.ask()

    def _on_image_data(self) -> None:
        self._end_object(f"the pixels of {self._image_name!r} were exchanged")
        self._prepare()

    def _restore_layers(self) -> None:
        """Bring back what a person deleted; deleting the points deletes the clicks."""
        now, image = self._object, self.layers.plane_image
        if image is None or not self.layers.is_open:
            return
        if now is None:
            self.layers.lay(image.plane)
            self._ask()
        else:
            if not self.layers.clicks.in_viewer:
                now = now.edited(with_clicks(now.prompts, ()))
            self._become(now)
            if now.mask is not None:
                self.layers.mask.show(now.mask.part)
        self.layers.activate()

    def _tell(self) -> None:
        now = self._object
        self.history_changed.emit(
            (now is not None and now.can_undo) or self._can_undo_step,
            (now is not None and now.can_redo) or self._can_redo_step,
            self._active is not None,
        )
        self.tool_changed.emit(self.layers.tool)
        self.hint_changed.emit(self._hint())

    def _hint(self) -> str:
        """Return what to tell a person to do next, as one sentence."""
        layer, now = self._settings.image, self._active
        if layer is None:
            return "Open an image to start."
        try:
            plane = plane_shown(self._viewer, layer)
        except ValueError as error:
            return f"{str(error)[0].upper()}{str(error)[1:]}."
        if now is not None and now.plane != plane:
            name = now.plane.name
            return f"The object in progress is in {name}: go back, finish or clear it."
        finish = self._shortcuts.shown("finish") or "“Finish object”"
        if self.layers.mask.is_active:
            return f"Paint or erase the mask with napari's tools. {finish} keeps it."
        points = self.layers.points
        if points is None or self._viewer.layers.selection.active is not points:
            name = "Clicks" if points is None else points.name
            return f"Select the layer “{name}” to click."
        if now is None:
            return (
                "Click on an object, or drag a box around it with Shift. Right-click "
                "on what is not part of it."
            )
        return f"Correct the mask with more clicks, or press {finish} to keep it."
