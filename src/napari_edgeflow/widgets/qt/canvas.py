"""The widget that napari draws on, and where its drawing resources belong."""

from typing import TYPE_CHECKING, Any
from weakref import ref

from qtpy.compat import isalive
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    from napari.viewer import Viewer


def find_canvas(widget: QWidget) -> QOpenGLWidget:
    """Return the widget that napari draws on, in the window of another one.

    Raises
    ------
    ValueError
        If there is none.
    """
    window = widget.window()
    canvases = [] if window is None else window.findChildren(QOpenGLWidget)
    if not canvases:
        raise ValueError("the window has no canvas: is the viewer shown?")
    return canvases[0]


class CanvasContext:
    """Sees to it that the buffers of a removed layer are freed where they belong.

    napari frees them right after the removal, in whatever OpenGL context is current
    then. That is often the one in which Qt puts the window together, and the canvas's
    own goes on pointing to what is gone: it crashes in the next draw that begins with
    another layer, as it does after further removals or a change of order.

    Parameters
    ----------
    viewer : Viewer
        The viewer, which is not kept. Without a window nothing is done.
    """

    def __init__(self, viewer: "Viewer") -> None:
        self._viewer = ref(viewer)
        # napari does not keep whom it calls.
        viewer.layers.events.removing.connect(self._make_current)

    def _make_current(self, _event: Any) -> None:
        # ViewerModel has no window, and a closed one has no main window any more.
        window = getattr(self._viewer(), "window", None)
        main: QWidget | None = getattr(window, "_qt_window", None)
        if main is not None and isalive(main):  # type: ignore[no-untyped-call]
            for canvas in main.findChildren(QOpenGLWidget):
                canvas.makeCurrent()
