"""Going on with objects that are there already."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.interaction.prompts import Prompt, check_prompts
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.clicks.canvas.stage import ClickStage
from napari_edgeflow.widgets.clicks.object.draft import ObjectDraft
from napari_edgeflow.widgets.clicks.object.origin import Refinement
from napari_edgeflow.widgets.clicks.object.session import ClickSession

if TYPE_CHECKING:
    from napari.layers import Labels


class ClickAgain(QObject):
    """Makes an object that is there already the one in progress.

    Parameters
    ----------
    session : ClickSession
        The object in progress.
    stage : ClickStage
        The plane that is clicked on.
    """

    started = Signal(bool)
    """An object is in progress; whether its clicks may give another mask by now."""

    def __init__(self, session: ClickSession, stage: ClickStage) -> None:
        super().__init__()
        self._session, self._stage = session, stage

    def refine(self, origin: Refinement) -> None:
        """Start from the mask of an object; finishing replaces it.

        Parameters
        ----------
        origin : Refinement
            An object in the plane that is shown of the image.

        Raises
        ------
        ValueError
            If there is an object in progress, or the plane is not shown.
        """
        self.check_free()
        image = self._stage.read_only(origin.plane)
        self._session.start(image, self._stage.view(image), origin)
        self.started.emit(False)

    def reopen(
        self,
        origin: Refinement,
        prompts: Sequence[Prompt],
        *,
        view: Window | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Go on with an object that was finished; finishing again replaces it.

        Parameters
        ----------
        origin : Refinement
            An object in the plane that is shown of the image.
        prompts, view, seconds
            As in :meth:`ClickWidget.reopen`.

        Raises
        ------
        ValueError
            As :meth:`refine`, or if a prompt lies outside of the image.
        """
        self.check_free()
        image = self._stage.read_only(origin.plane)
        check_prompts(prompts, image.shape[:2])
        self._session.start(image, view, origin, seconds)
        if prompts:
            self._session.replay(origin, tuple(prompts), replays=True)
        self.started.emit(bool(prompts))

    def resume(self, draft: ObjectDraft, target: "Labels | None") -> None:
        """Go on with an object that was in progress.

        Parameters
        ----------
        draft : ObjectDraft
            What :meth:`ClickController.draft` gave for the same image. Its plane has
            to be shown.
        target : Labels or None
            Where it is to go; None for a new layer.

        Raises
        ------
        ValueError
            As :meth:`reopen`.
        """
        self.check_free()
        image = self._stage.read_only(draft.plane)
        shape = image.shape[:2]
        check_prompts(draft.prompts, shape)
        origin = draft.refinement(shape, target)
        self._session.start(image, draft.view, origin, draft.seconds)
        self._session.replay(origin, draft.prompts, replays=draft.replays)
        self.started.emit(False)

    def check_free(self) -> None:
        """Make sure that there is no object in progress.

        Raises
        ------
        ValueError
            If there is one.
        """
        if self._session.active:
            raise ValueError(
                "There is an object in progress: finish it or clear it, then refine "
                "the other one."
            )
