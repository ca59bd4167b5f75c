"""The keys that choose a class."""

from functools import partial
from typing import TYPE_CHECKING

from napari_edgeflow.widgets.classes.list import ClassList
from napari_edgeflow.widgets.keys.shortcuts import Shortcuts
from napari_edgeflow.widgets.qt.connections import Connections

if TYPE_CHECKING:
    from napari.viewer import Viewer


def bind_class_keys(
    viewer: "Viewer", view: ClassList, shortcuts: Shortcuts, links: Connections
) -> None:
    """Let keys choose the classes of a list by their row.

    The keys are those of the whole viewer, so that a layer that uses a digit itself,
    as napari's do for their modes, comes first.

    Parameters
    ----------
    viewer : Viewer
        Where the keys work.
    view : ClassList
        The list.
    shortcuts : Shortcuts
        The keys.
    links : Connections
        Ends it.
    """
    links.keep(shortcuts.bind(viewer, "find_class", view.search))
    for row in range(10):
        choose = partial(view.choose_row, row)
        # The digit 0 is the tenth on a keyboard.
        links.keep(shortcuts.bind(viewer, f"digit_{(row + 1) % 10}", choose))
        if row < 9:
            links.keep(shortcuts.bind(viewer, f"class_{row + 1}", choose))
