"""Layers that docks add for their own work, told by a mark in their metadata."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer


HELPER = "napari_edgeflow_helper"
"""Key in the metadata of such a layer: clicks, their mask, confidence, samples."""


def is_helper(layer: "Layer") -> bool:
    """Return whether a dock added a layer for its own work, no person's data.

    It is no image to work on, no target, and nothing to save or train on.
    """
    return HELPER in layer.metadata


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
