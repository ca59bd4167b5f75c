"""A bar in napari's activity dock for work in the background."""

from napari.utils import progress
from qtpy.QtCore import QObject

from napari_edgeflow.widgets.qt.later import Later

_PAUSE_MS = 100


class ActivityBar(QObject):
    """Shows how far something is, some times a second.

    napari handles all events that wait whenever its bar moves: reports that moved it
    themselves would be handled within each other, without end.
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._bar: progress | None = None
        self._latest = (0, 0)
        self._open = True
        self._moving = False
        self._move_later = Later(self, self._move, _PAUSE_MS)
        self._move_later.ask_anew(0)

    def show(self, done: int, total: int) -> None:
        """Show that ``done`` steps of ``total`` are done, before long."""
        self._latest = (done, total)
        self._move_later.ask()

    def close(self) -> None:
        """Take the bar away."""
        self._open = False
        self._take_away()

    def _move(self) -> None:
        if not self._open or self._moving:
            return
        self._moving = True
        done, total = self._latest
        if self._bar is None:
            self._bar = progress(total=total, desc=self._title)
        if self._bar.total != total:
            self._bar.total = total
        self._bar.update(done - self._bar.n)
        self._moving = False
        self._take_away()

    def _take_away(self) -> None:
        """Close the bar once nobody needs it, also the caller further up."""
        if self._bar is not None and not self._open and not self._moving:
            self._bar.close()
            self._bar = None
