"""What happens in the click dock, without any of its buttons."""

from typing import TYPE_CHECKING

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.prompts import with_clicks
from napari_edgeflow.widgets.clicks.canvas.edits import ClickEdits
from napari_edgeflow.widgets.clicks.canvas.layers import ClickLayers
from napari_edgeflow.widgets.clicks.canvas.stage import ClickStage
from napari_edgeflow.widgets.clicks.canvas.watch import ViewerWatch
from napari_edgeflow.widgets.clicks.hints import what_to_do
from napari_edgeflow.widgets.clicks.object.commit import FinishedObject, commit_object
from napari_edgeflow.widgets.clicks.object.draft import ObjectDraft
from napari_edgeflow.widgets.clicks.object.mask import ClickMask
from napari_edgeflow.widgets.clicks.object.session import ClickSession
from napari_edgeflow.widgets.clicks.object.settings import ClickSettings
from napari_edgeflow.widgets.clicks.object.steps import ClickSteps
from napari_edgeflow.widgets.clicks.object.work import (
    ClickOutcome,
    ClickRequest,
    LoadSegmenter,
)
from napari_edgeflow.widgets.clicks.resume import ClickAgain
from napari_edgeflow.widgets.keys.shortcuts import Shortcuts
from napari_edgeflow.widgets.layers.labels import (
    class_colour,
    read_scheme,
    write_scheme,
)
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.layers import Labels
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
    tool_changed = Signal(str)
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
        self._session = ClickSession()
        self._finishing = self._checks_replay = False
        self._latest: tuple[Labels, FinishedObject] | None = None
        actions = {
            "finish": self.finish,
            "undo": self.undo,
            "redo": self.redo,
            "edit_outline": self.edit_outline,
        }
        self._shortcuts = shortcuts
        self._layers = ClickLayers(viewer, shortcuts, actions)
        self._stage = ClickStage(viewer, self._layers)
        self._edits = ClickEdits(viewer, self._session, self._stage, self._layers)
        self._again = ClickAgain(self._session, self._stage)
        self._mask = ClickMask(load)
        self._watch = ViewerWatch(viewer, self._layers.owns)
        self._steps = ClickSteps(Workspace.of(viewer).history)
        self._connect()

    def _connect(self) -> None:
        watch, mask, layers = self._watch, self._mask, self._layers
        edits = self._edits
        watch.looked.connect(self._tell)
        watch.settled.connect(self._prepare)
        watch.zoomed.connect(layers.resize_points)
        watch.placed.connect(layers.place)
        watch.pixels_exchanged.connect(self._on_image_data)
        watch.ours_removed.connect(self._restore_layers)
        self._shortcuts.changed.connect(self._tell)
        self._steps.changed.connect(self._tell)
        self._steps.told.connect(self.state_changed)
        self._steps.taken_back.connect(self.taken_back)
        edits.edited.connect(self._update)
        edits.refused.connect(self._show_session)
        self._again.started.connect(self._on_started)
        mask.ready.connect(self._on_mask)
        mask.failed.connect(self._on_failed)
        mask.state_changed.connect(self.state_changed)
        mask.model_refused.connect(self.model_refused)

    # ---- what the dock asks for

    @property
    def edits(self) -> ClickEdits:
        """What a person does on the canvas."""
        return self._edits

    @property
    def again(self) -> ClickAgain:
        """What goes on with objects that are there already."""
        return self._again

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
        elif not settings.masks_like(before):
            self._ask()
        target = settings.target
        if target is not None and read_scheme(target) is not None:
            write_scheme(target, settings.scheme)
        if self._session.active and settings.class_id != before.class_id:
            self.draft_changed.emit()
        if settings.tool != before.tool:
            self._layers.set_tool(settings.tool)
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

    def draft(self) -> ObjectDraft | None:
        """Return the object in progress as plain values; None if there is none."""
        return ObjectDraft.of_session(self._session, self._settings.class_id)

    def let_go(self) -> None:
        """Forget the object in progress without a word: somebody else keeps it."""
        self._next_object()

    def close(self, remove_layers: bool) -> None:
        """Stop; with ``remove_layers`` also take our two layers out of the viewer."""
        self._watch.close()
        self._mask.close()
        self._session.reset()
        self._layers.release_keys()
        if remove_layers:
            # When the window goes, Qt may have deleted it.
            self._shortcuts.changed.disconnect(self._tell)
            self._steps.close()
            self._layers.set_aside(None)
            self._layers.remove()

    # ---- the image and its plane

    @property
    def _image_name(self) -> str:
        """What the image is called now, also after it was closed."""
        image = self._stage.image
        return "" if image is None else str(image.name)

    def _change_image(self) -> None:
        self._end_object(f"its image {self._image_name!r} was closed or exchanged")
        image = self._settings.image
        self._stage.choose(image)
        self._watch.follow(image)
        if image is None:
            self._ask()
            self._tell()
            return
        self._prepare()
        self._layers.activate()

    def _prepare(self) -> None:
        """Have the plane being shown read, so that a first click need not wait."""
        if self._session.active or not self._stage.is_open:
            return
        try:
            image = self._stage.read()
        except ValueError:
            # Nothing to click on: the hint says why.
            self._tell()
            return
        self._stage.lay(image.plane)
        self._apply_look()
        self._ask()

    def _end_object(self, reason: str) -> None:
        if self._session.active:
            show_warning(f"The object in progress ended, since {reason}.")
        self._next_object()

    def _next_object(self) -> None:
        self._session.reset()
        self._mask.forget()
        self._finishing = self._checks_replay = False
        self._layers.show_clicks(())
        self._stage.show_origin(self._session)
        self._tell()
        self.draft_changed.emit()

    def _apply_look(self) -> None:
        settings = self._settings
        self._layers.set_polarity(settings.left_positive)
        self._layers.set_colour(class_colour(settings.classes, settings.class_id))
        self._tell()

    # ---- the object in progress

    def _show_session(self) -> None:
        image = self._session.image
        if image is not None and self._stage.is_open:
            self._stage.lay(image.plane)
            self._apply_look()
            self._layers.show_clicks(self._session.clicks)
        self._layers.activate()
        self._update()

    def _on_started(self, checks_replay: bool) -> None:
        self._show_session()
        self._checks_replay = checks_replay

    def _update(self) -> None:
        """Have the mask of the prompts that count computed."""
        self._finishing = self._checks_replay = False
        self._mask.forget()
        self._stage.show_origin(self._session)
        self._ask()
        self._tell()
        self.draft_changed.emit()

    # ---- results

    def _ask(self) -> None:
        session, settings = self._session, self._settings
        self._mask.ask(
            ClickRequest(
                settings.model,
                session.image if session.active else self._stage.plane_image,
                session.view,
                session.prompts,
                settings.threshold,
                session.start_mask,
                settings.refine,
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
            show_warning(
                "The mask is empty: click on the object, or lower the threshold in the "
                "tab Refine."
            )
            return
        done = FinishedObject(
            image.plane,
            outcome.part.window,
            outcome.part.mask,
            self._session.prompts,
            self._session.seconds,
            self._session.origin,
            self._session.view,
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
        image = self._session.image or self._stage.plane_image
        if image is None or not self._stage.is_open:
            return
        if self._layers.points not in self._viewer.layers:
            self._session.edit(with_clicks(self._session.prompts, ()))
        outcome = self._mask.outcome
        self._stage.lay(image.plane)
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
        self.tool_changed.emit(self._layers.tool)
        layer = self._settings.image
        key = self._shortcuts.shown("finish")
        hint = what_to_do(self._viewer, layer, self._layers, session, key)
        self.hint_changed.emit(hint)
