"""Clicks to masks and images to labels, in napari or without it.

The public names are loaded when they are first used, so that importing the package,
as napari does to find its plugins, loads neither torch nor Qt.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
    from napari_edgeflow.engine.segmentation.segmenter import SemanticSegmenter

__version__ = "0.1.0"
__all__ = ["ClickSegmenter", "SemanticSegmenter", "__version__"]

_MODULE_OF = {
    "ClickSegmenter": "napari_edgeflow.engine.interaction.segmenter",
    "SemanticSegmenter": "napari_edgeflow.engine.segmentation.segmenter",
}


def __getattr__(name: str) -> object:
    """Load a public name from the module that defines it."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    """List the public names, also those that are not loaded yet."""
    return sorted({*globals(), *_MODULE_OF})
