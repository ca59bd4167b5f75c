"""Layers that docks add for their own work, told by a mark in their metadata."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.layers import Layer

HELPER = "napari_edgeflow_helper"
"""Key in the metadata of such a layer: clicks, their mask, confidence, samples."""


def is_helper(layer: "Layer") -> bool:
    """Return whether a dock added a layer for its own work, no person's data.

    It is no image to work on, no target, and nothing to save or train on.
    """
    return HELPER in layer.metadata
