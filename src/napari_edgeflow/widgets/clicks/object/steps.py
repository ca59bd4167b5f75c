"""Undo and redo in the click dock beyond the object in progress."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import ref

from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.interaction.prompts import Brush
from napari_edgeflow.widgets.clicks.object.draft import ObjectDraft
from napari_edgeflow.widgets.workspace.history import Effect, ObjectHistory, Step

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_edgeflow.widgets.clicks.object.session import ClickSession


@dataclass(frozen=True, slots=True, eq=False)
class FinishedClicks(Effect):
    """What a step of the history remembers of the object that was finished by it.

    Parameters
    ----------
    image : reference
        The image that was clicked on, which is not kept for that.
    draft : ObjectDraft
        The object right before.
    """

    image: "ref[Image]"
    draft: ObjectDraft

    @classmethod
    def of(cls, image: "Image", draft: ObjectDraft | None) -> "FinishedClicks | None":
        """Return what to remember of an object; None for none."""
        return None if draft is None else cls(ref(image), draft)

    @property
    def nbytes(self) -> int:
        """How much memory it takes, about."""
        origin = self.draft.origin
        painted = sum(
            prompt.inside.nbytes + prompt.outside.nbytes
            for prompt in self.draft.prompts
            if isinstance(prompt, Brush)
        )
        return painted + (0 if origin is None else origin.mask.nbytes)

    def moved(self, image: "Image") -> "FinishedClicks":
        """Return the same for another layer that shows the image."""
        return replace(self, image=ref(image))


class ClickSteps(QObject):
    """Takes finished objects, and what else was done to objects, back.

    Parameters
    ----------
    history : ObjectHistory
        The viewer's.
    """

    changed = Signal()
    """There is something else to undo or to redo."""
    taken_back = Signal(object, object, object)
    """An object was in progress before it was finished: image, labels, draft."""
    told = Signal(str)
    """What was done, for the person."""

    def __init__(self, history: ObjectHistory) -> None:
        super().__init__()
        self._history = history
        history.steps_changed.connect(self.changed)

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self._history.can_undo

    def can_redo(self, session: "ClickSession") -> bool:
        """Whether there is a step to bring back beside the object in progress."""
        step = self._history.next_redo
        return step is not None and (not session.active or _is_of(session, step))

    def took_back(self, session: "ClickSession") -> bool:
        """Return whether the object in progress corrects one, as it did before."""
        step, origin = self._history.next_redo, session.origin
        done = None if step is None else step.effect
        return (
            origin is not None
            and isinstance(done, FinishedClicks)
            and done.draft.origin_id == origin.value
        )

    def undo(self) -> None:
        """Take the last step back; an object finished by it is in progress again."""
        step = self._history.undo()
        if step is None:
            return
        self.told.emit(f"undone: {step.what}")
        done = step.effect
        image = done.image() if isinstance(done, FinishedClicks) else None
        if isinstance(done, FinishedClicks) and image is not None:
            self.taken_back.emit(image, step.layer, done.draft)

    def redo(self) -> None:
        """Bring back the last step that was undone."""
        step = self._history.redo()
        if step is not None:
            self.told.emit(f"redone: {step.what}")

    def close(self) -> None:
        """Listen to the history no more."""
        self._history.steps_changed.disconnect(self.changed)


def _is_of(session: "ClickSession", step: Step) -> bool:
    """Return whether the object in progress is the one that a step finishes."""
    done = step.effect
    return isinstance(done, FinishedClicks) and session.prompts == done.draft.prompts
