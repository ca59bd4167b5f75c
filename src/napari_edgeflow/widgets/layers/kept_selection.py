"""Layers that come without a person having asked for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.viewer import Viewer


@contextmanager
def kept_selection(viewer: "Viewer") -> Iterator[None]:
    """Put layers into the viewer within this; keys and mouse stay with who has them.

    Else napari makes a new layer the active one, and its tools and keys those of the
    window; to go to and fro takes it as long as to make the layer.
    """
    selection = viewer.layers.selection
    before = set(selection)
    with selection.events.blocker_all():
        yield
        selection.clear()
        selection.update(before)
