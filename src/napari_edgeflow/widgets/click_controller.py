"""What happens in the click dock, without any of its buttons."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.clicks import Click
from napari_edgeflow.engine.image import Window
from napari_edgeflow.engine.prompts import Prompt, check_prompts, with_clicks
from napari_edgeflow.widgets.click_commit import FinishedObject, commit_object
from napari_edgeflow.widgets.click_draft import ObjectDraft
from napari_edgeflow.widgets.click_hints import what_to_do
from napari_edgeflow.widgets.click_layers import ClickLayers
from napari_edgeflow.widgets.click_mask import ClickMask
from napari_edgeflow.widgets.click_refine import Refinement
from napari_edgeflow.widgets.click_session import ClickSession
from napari_edgeflow.widgets.click_settings import ClickSettings
from napari_edgeflow.widgets.click_steps import ClickSteps
from napari_edgeflow.widgets.click_watch import ViewerWatch
from napari_edgeflow.widgets.click_work import (
    ClickOutcome,
    ClickRequest,
    LoadSegmenter,
)
from napari_edgeflow.widgets.label_layers import (
    class_colour,
    read_scheme,
    write_scheme,
)
from napari_edgeflow.widgets.planes import (
    Plane,
    PlaneImage,
    read_plane,
    visible_window,
)
from napari_edgeflow.widgets.shortcuts import Shortcuts
from napari_edgeflow.widgets.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from napari.viewer import Viewer


class ClickController(QObject):
    """Turns clicks on one image into a mask, and a mask into labels.

    Parameters
    ----------
    viewer : Viewer
        Where image and labels are.
    load : callable
        Loads a model by name or path.
    settings : ClickSettings
        What is chosen at first.
    shortcuts : Shortcuts
        The keys.
    """

    hint_changed = Signal(str)
    state_changed = Signal(str)
    history_changed = Signal(bool, bool, bool)
    model_refused = Signal(str)
    committed = Signal(object)
    taken_back = Signal(object, object, object)
    """A finished object is to be in progress again: image, labels, draft."""
    outline_asked = Signal(object, object)
    """The labels and the :class:`FinishedObject` whose outline is to be edited."""
    draft_changed = Signal()
    """What :meth:`draft` returns is another object, or the same with other prompts."""

    def __init__(
        self,
        viewer: "Viewer",
        load: LoadSegmenter,
        settings: ClickSettings,
        shortcuts: Shortcuts,
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._settings = settings
        self._image_name = ""
        self._session = ClickSession()
        self._shown: PlaneImage | None = None
        self._finishing = self._checks_replay = False
        self._latest: tuple[Labels, FinishedObject] | None = None
        actions = {
            "finish": self.finish,
            "undo": self.undo,
            "redo": self.redo,
            "edit_outline": self.edit_outline,
        }
        self._layers = ClickLayers(viewer, self._on_points_edited, shortcuts, actions)
        self._mask = ClickMask(load)
        self._watch = ViewerWatch(viewer, self._layers.owns)
        self._steps = ClickSteps(Workspace.of(viewer).history)
        self._connect()

    def _connect(self) -> None:
        watch, mask = self._watch, self._mask
        watch.looked.connect(self._tell)
        watch.settled.connect(self._prepare)
        watch.zoomed.connect(self._layers.resize_points)
        watch.placed.connect(self._layers.place)
        watch.pixels_exchanged.connect(self._on_image_data)
        watch.ours_removed.connect(self._restore_layers)
        self._steps.changed.connect(self._tell)
        self._steps.told.connect(self.state_changed)
        self._steps.taken_back.connect(self.taken_back)
        mask.ready.connect(self._on_mask)
        mask.failed.connect(self._on_failed)
        mask.state_changed.connect(self.state_changed)
        mask.model_refused.connect(self.model_refused)

    # ---- what the dock asks for

    @property
    def layers(self) -> ClickLayers:
        """The layers of the clicks and of the preview."""
        return self._layers

    @property
    def clicks(self) -> tuple[Click, ...]:
        """The clicks of the object in progress."""
        return self._session.clicks

    @property
    def busy(self) -> bool:
        """Whether something is computed in the background."""
        return self._mask.busy

    def open(self) -> None:
        """Start with the settings given."""
        self._change_image()
        self._apply_look()

    def configure(self, settings: ClickSettings) -> None:
        """Take over what a person chose."""
        before, self._settings = self._settings, settings
        if settings.image is not before.image:
            self._change_image()
        elif (settings.model, settings.threshold) != (before.model, before.threshold):
            self._ask()
        target = settings.target
        if target is not None and read_scheme(target) is not None:
            write_scheme(target, settings.scheme)
        if self._session.active and settings.class_id != before.class_id:
            self.draft_changed.emit()
        self._apply_look()

    def finish(self) -> None:
        """Write the mask into the target, and be ready for the next object."""
        if not self._session.active:
            show_info("There is no mask to finish: click on an object first.")
            return
        self._finishing = True
        if not self._mask.busy:
            if self._mask.outcome is None:
                self._ask()
            else:
                self._finish_now()

    def undo(self) -> None:
        """Take the last click back, or the last move or deletion of one.

        Without an object in progress, take back the last step of the history, such as
        the last finished object.
        """
        if self._session.can_undo:
            self._session.undo()
            self._show_session()
        elif self._can_undo_step:
            self._next_object()
            self._steps.undo()

    @property
    def _can_undo_step(self) -> bool:
        steps, session = self._steps, self._session
        free = not session.active or steps.took_back(session)
        return steps.can_undo and free

    def redo(self) -> None:
        """Bring back what was undone last."""
        if self._session.can_redo:
            self._session.redo()
            self._show_session()
        elif self._steps.can_redo(self._session):
            self._next_object()
            self._steps.redo()

    def edit_outline(self) -> None:
        """Ask for the outline of the object that was finished last."""
        if self._session.active:
            show_info("Finish the object first, then edit its outline.")
        elif self._latest is None or self._latest[0] not in self._viewer.layers:
            show_info("There is no outline to edit yet: finish an object first.")
        else:
            self.outline_asked.emit(*self._latest)

    def clear(self) -> None:
        """Take all clicks away, and what they correct; undo brings them back."""
        self._session.clear()
        self._show_session()

    def refine(self, origin: Refinement) -> None:
        """Start from an object that is there already; finishing replaces it.

        Parameters
        ----------
        origin : Refinement
            An object in the plane that is shown of the image.

        Raises
        ------
        ValueError
            If there is an object in progress, or the plane is not shown.
        """
        layer, shown = self._shown_for(origin.plane)
        self._session.start(shown, visible_window(layer, shown.plane), origin)
        self._show_session()

    def reopen(
        self,
        origin: Refinement,
        prompts: Sequence[Prompt],
        *,
        view: Window | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Go on with an object that was finished; finishing again replaces it.

        If its prompts still give its mask, the person goes on where they stopped, and
        undo takes the prompts back. Else the mask is what new clicks start from.

        Parameters
        ----------
        origin : Refinement
            An object in the plane that is shown of the image.
        prompts : sequence of Prompt
            What gave it.
        view : Window or None
            What the person saw of the plane at the first click; None for all of it.
        seconds : float
            What they spent on it.

        Raises
        ------
        ValueError
            As :meth:`refine`, or if a prompt lies outside of the image.
        """
        _, shown = self._shown_for(origin.plane)
        check_prompts(prompts, shown.shape[:2])
        self._session.start(shown, view, origin, seconds)
        if prompts:
            self._session.replay(origin, tuple(prompts), replays=True)
        self._checks_replay = bool(prompts)
        self._show_session()

    def draft(self) -> ObjectDraft | None:
        """Return the object in progress as plain values; None if there is none."""
        return ObjectDraft.of_session(self._session, self._settings.class_id)

    def let_go(self) -> None:
        """Forget the object in progress without a word: somebody else keeps it."""
        self._next_object()

    def resume(self, draft: ObjectDraft) -> None:
        """Go on with an object that was in progress.

        Parameters
        ----------
        draft : ObjectDraft
            What :meth:`draft` gave for the same image. Its plane has to be shown.

        Raises
        ------
        ValueError
            As :meth:`reopen`.
        """
        _, shown = self._shown_for(draft.plane)
        shape = shown.shape[:2]
        check_prompts(draft.prompts, shape)
        origin = draft.refinement(shape, self._settings.target)
        self._session.start(shown, draft.view, origin, draft.seconds)
        self._session.replay(origin, draft.prompts, replays=draft.replays)
        self._show_session()

    def _shown_for(self, plane: Plane) -> "tuple[Image, PlaneImage]":
        """Return image and plane if the plane is shown and nothing is in progress."""
        self.check_free()
        layer = self._settings.image
        shown = None if layer is None else read_plane(self._viewer, layer)
        if layer is None or shown is None or shown.plane != plane:
            raise ValueError(
                f"{plane.name} is not shown: go back to it to refine the object"
            )
        self._shown = shown
        return layer, shown

    def check_free(self) -> None:
        """Make sure that there is no object in progress.

        Raises
        ------
        ValueError
            If there is one.
        """
        if self._session.active:
            raise ValueError(
                "There is an object in progress: finish it (Enter) or clear it, "
                "then refine the other one."
            )

    def close(self, remove_layers: bool) -> None:
        """Stop; with ``remove_layers`` also take our two layers out of the viewer."""
        self._watch.close()
        self._mask.close()
        self._session.reset()
        self._layers.release_keys()
        if remove_layers:
            # When the window goes, Qt may have deleted it.
            self._steps.close()
            self._layers.set_aside(None)
            self._layers.remove()

    # ---- the image and its plane

    def _change_image(self) -> None:
        self._end_object(f"its image {self._image_name!r} was closed or exchanged")
        self._shown = None
        image = self._settings.image
        self._watch.follow(image)
        if image is None:
            self._layers.remove()
            self._ask()
            self._tell()
            return
        self._image_name = image.name
        self._prepare()

    def _prepare(self) -> None:
        """Have the plane being shown read, so that a first click need not wait."""
        layer = self._settings.image
        if self._session.active or layer is None or layer not in self._viewer.layers:
            return
        try:
            shown = read_plane(self._viewer, layer)
        except ValueError:
            # Nothing to click on: the hint says why.
            self._tell()
            return
        if not shown.same_as(self._shown):
            self._shown = shown
        self._layers.ensure(layer, shown.plane)
        self._apply_look()
        self._ask()

    def _end_object(self, reason: str) -> None:
        if self._session.active:
            show_warning(f"The object in progress ended, since {reason}.")
        self._next_object()

    def _next_object(self) -> None:
        self._session.reset()
        self._mask.forget()
        self._finishing = False
        self._layers.show_clicks(())
        self._show_origin()
        self._tell()
        self.draft_changed.emit()

    def _apply_look(self) -> None:
        settings = self._settings
        self._layers.set_polarity(settings.left_positive)
        self._layers.set_colour(class_colour(settings.classes, settings.class_id))
        self._tell()

    # ---- clicks

    def _on_points_edited(self) -> None:
        try:
            points, positive = self._layers.read()
            if len(points) and not self._session.active:
                self._start_object()
            clicks = self._session.as_clicks(points, positive)
        except ValueError as error:
            show_warning(str(error))
            self._layers.show_clicks(self._session.clicks)
            return
        self._session.edit(with_clicks(self._session.prompts, clicks))
        self._update()

    def _start_object(self) -> None:
        layer = self._settings.image
        if layer is None:
            return
        shown = read_plane(self._viewer, layer)
        if not shown.same_as(self._shown):
            self._shown = shown
        if self._shown is not None and not self._shown.same_as(self._session.image):
            self._session.start(self._shown, visible_window(layer, shown.plane))
            self._layers.ensure(layer, shown.plane)

    def _show_session(self) -> None:
        image, layer = self._session.image, self._settings.image
        if image is not None and layer is not None and layer in self._viewer.layers:
            self._layers.ensure(layer, image.plane)
            self._apply_look()
            self._layers.show_clicks(self._session.clicks)
        self._layers.activate()
        self._update()

    def _update(self) -> None:
        """Have the mask of the clicks that count computed."""
        self._finishing = False
        self._mask.forget()
        self._show_origin()
        self._ask()
        self._tell()
        self.draft_changed.emit()

    def _show_origin(self) -> None:
        """Show what the clicks start from: an object in place of its layer, or none."""
        origin = self._session.origin
        self._layers.set_aside(None if origin is None else origin.target)
        if self._session.prompts:
            # Their mask follows.
            return
        if origin is None:
            self._layers.show_part(None)
        else:
            self._layers.show_part(origin.part)

    # ---- results

    def _ask(self) -> None:
        session, settings = self._session, self._settings
        self._mask.ask(
            ClickRequest(
                settings.model,
                session.image if session.active else self._shown,
                session.view,
                session.prompts,
                settings.threshold,
                session.start_mask,
            )
        )

    def _on_mask(self, outcome: ClickOutcome) -> None:
        if self._checks_replay:
            self._checks_replay = False
            origin = self._session.origin
            if origin is not None and not origin.still_is(outcome.part):
                self._session.restart(origin)
                self._show_session()
                return
        self._layers.show_part(outcome.part)
        if self._finishing:
            self._finish_now()

    def _on_failed(self) -> None:
        self._finishing = False

    def _finish_now(self) -> None:
        self._finishing = False
        outcome, image = self._mask.outcome, self._session.image
        if outcome is None or outcome.part is None or image is None:
            show_warning("The mask is empty: click on the object, or lower the limit.")
            return
        done = FinishedObject(
            image.plane,
            outcome.part.window,
            outcome.part.mask,
            self._session.clicks,
            self._session.seconds,
            self._session.origin,
        )
        try:
            target = commit_object(self._viewer, self._settings, done, self.draft())
        except ValueError as error:
            show_warning(str(error))
            return
        self._latest = target, done
        self._next_object()
        self.committed.emit(target)
        self._layers.activate()
        self._prepare()

    # ---- what happens in the viewer

    def _on_image_data(self) -> None:
        self._end_object(f"the pixels of {self._image_name!r} were exchanged")
        self._prepare()

    def _restore_layers(self) -> None:
        """Bring back what a person deleted; deleting the points deletes the clicks."""
        layer, image = self._settings.image, self._session.image or self._shown
        if layer is None or image is None or layer not in self._viewer.layers:
            return
        if self._layers.points not in self._viewer.layers:
            self._session.edit(with_clicks(self._session.prompts, ()))
        outcome = self._mask.outcome
        self._layers.ensure(layer, image.plane)
        self._show_session()
        if outcome is not None and self._session.active:
            self._layers.show_part(outcome.part)

    def _tell(self) -> None:
        session = self._session
        steps = self._steps
        self.history_changed.emit(
            session.can_undo or self._can_undo_step,
            session.can_redo or steps.can_redo(session),
            session.active,
        )
        layer = self._settings.image
        hint = what_to_do(self._viewer, layer, self._layers.points, self._session)
        self.hint_changed.emit(hint)
