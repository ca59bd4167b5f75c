"""Keys as text, and what napari itself uses them for.

A key is written as Qt does on all systems: ``Ctrl+Shift+Z``, ``Return``, ``Del``, where
``Ctrl`` is the command key on macOS.
"""

from typing import Literal

from app_model.backends.qt import qkeysequence2modelkeybinding
from app_model.types import KeyBinding
from napari.layers import Image, Labels, Layer, Points, Shapes, Surface, Tracks, Vectors
from napari.utils.key_bindings import KeymapProvider
from napari.viewer import Viewer
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QApplication

KeyPlace = Literal["clicks", "labels", "outline", "viewer", "dock"]
"""Where a key works: on a layer of ours, in the whole viewer, in a dock."""

PLACES: dict[KeyPlace, str] = {
    "clicks": "on the layer of the clicks",
    "labels": "on a labels layer",
    "outline": "on an outline",
    "viewer": "in the whole viewer",
    "dock": "in the dock",
}

_ALL_LAYERS = (Image, Labels, Points, Shapes, Surface, Tracks, Vectors)

_LAYERS: dict[KeyPlace, tuple[type[Layer], ...]] = {
    "clicks": (Points,),
    "labels": (Labels,),
    "outline": (Shapes,),
    # The active layer comes before the viewer, whichever it is.
    "viewer": _ALL_LAYERS,
    "dock": (),
}


def normal_key(text: str) -> str:
    """Return a key as it is stored.

    Raises
    ------
    ValueError
        If there is no such key, or napari would never see it.
    """
    keys = QKeySequence.fromString(text, QKeySequence.SequenceFormat.PortableText)
    written = keys.toString(QKeySequence.SequenceFormat.PortableText)
    if not text.strip() or keys.count() != 1 or not written.isascii():
        raise ValueError(f"{text!r} is no key: use one such as N, Ctrl+Z or Return")
    binding = qkeysequence2modelkeybinding(keys).part0
    name = str(binding.key or "")
    if not name or name in ("Shift", "Ctrl", "Alt", "Meta"):
        raise ValueError(f"{text!r} is no key on its own: add a letter or a digit")
    if binding.shift and not binding.ctrl and len(name) == 1 and not name.isalpha():
        raise ValueError(
            f"{text!r}: napari hears Shift with letters only; use another key"
        )
    return written.replace("Enter", "Return")


def shown_key(key: str) -> str:
    """Return a key as a person reads it on this system; empty for none."""
    text = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
    return text.replace("Return", "Enter")


def napari_key(key: str) -> KeyBinding:
    """Return a key as napari binds it."""
    return qkeysequence2modelkeybinding(QKeySequence(key))


def napari_holder(place: KeyPlace, key: str) -> str | None:
    """Say what napari uses a key for where an action is to work; None if it is free."""
    binding = napari_key(key)
    for provider in (*_LAYERS[place], *(() if place == "dock" else (Viewer,))):
        command = _bound(provider, binding)
        if command is not None:
            where = "viewer" if provider is Viewer else f"{provider.__name__} layers"
            return f"“{command}” of napari's {where}"
    return _in_menus(key)


def _bound(provider: type[KeymapProvider], binding: KeyBinding) -> str | None:
    for base in provider.__mro__:
        keymap = getattr(base, "class_keymap", {})
        if binding in keymap:
            return str(getattr(keymap[binding], "__name__", "")).replace("_", " ")
    return None


def _in_menus(key: str) -> str | None:
    """Return what holds a key in a menu of a window that is open."""
    wanted = QKeySequence(key)
    for widget in QApplication.allWidgets():
        for action in widget.actions():
            if wanted in action.shortcuts():
                text = action.text().replace("&", "").strip("\u200e. …")
                return f"“{text}” of the menus"
    return None
