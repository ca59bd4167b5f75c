"""Asking before a window closes under a training."""

from collections.abc import Callable

from qtpy.QtCore import QEvent, QEventLoop, QObject
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import (
    QApplication,
    QMainWindow,
    QMessageBox,
    QProgressDialog,
    QWidget,
)

from napari_edgeflow.widgets.qt.dock import main_window
from napari_edgeflow.widgets.train.controller import TrainController

_KEPT = "Its best model is kept, and it can be resumed."

Ask = Callable[[QWidget | None, str], bool]


def ask_person(parent: QWidget | None, question: str) -> bool:
    """Return whether a person says yes to stopping a training."""
    answer = QMessageBox.question(parent, "A training is running", question)
    return bool(answer == QMessageBox.StandardButton.Yes)


class CloseGuard(QObject):
    """Asks when the window is closed while a training runs, and stops it before.

    A script that closes a viewer is not asked: the training is stopped.
    """

    def __init__(self, controller: TrainController, ask: Ask) -> None:
        super().__init__()
        self._controller, self._ask = controller, ask
        self._window: QMainWindow | None = None

    def watch(self, widget: QWidget) -> None:
        """Watch the window that a widget is in."""
        window = main_window(widget)
        if window is not None and window is not self._window:
            self._window = window
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Return whether the window is to stay open."""
        if not isinstance(event, QCloseEvent) or self._controller.process is None:
            return False
        window = self._window
        by_person = event.spontaneous() or (window and window.isActiveWindow())
        question = f"Stop the training and close the window?\n{_KEPT}"
        if by_person and not self._ask(window, question):
            event.ignore()
            return True
        self.stop(window)
        return False

    def ask_about_dock(self) -> bool:
        """Return whether a training is to stop since its dock was closed."""
        question = (
            f"Stop the training? {_KEPT}\n"
            "“No” opens the dock again, and the training goes on."
        )
        return self._ask(self._window, question)

    def stop(self, parent: QWidget | None = None) -> None:
        """Stop the training, and return when its process is gone."""
        if self._controller.process is None:
            return
        text = "Stopping the training; its best model is kept …"
        waiting = QProgressDialog(text, "", 0, 0, parent or self._window)
        waiting.setCancelButton(None)
        waiting.setMinimumDuration(300)

        def idle() -> None:
            waiting.setValue(0)
            QApplication.processEvents(
                QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents
            )

        self._controller.stop_and_wait(idle)
        waiting.close()
        waiting.deleteLater()
