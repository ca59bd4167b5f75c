"""The keys of all docks: one table, which a person can change.

To add an action, add a line to :data:`ACTIONS`. Then, with the workspace's
``shortcuts``:

- ``shortcuts.bind(target, "finish", function)`` makes its key call a function while
  ``target`` is in use: a layer, the viewer, or a widget for actions of a dock; what it
  returns ends that, so hand it to ``Connections.keep``;
- ``shortcuts.label(button, "finish")`` shows the key in a button's text;
- ``shortcuts.shown("finish")`` is the key for a hint.

All three follow when the person chooses another key.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from weakref import ref

from napari.utils.key_bindings import KeymapProvider
from napari.utils.notifications import show_warning
from platformdirs import user_config_path
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QAbstractButton, QShortcut, QWidget

from napari_edgeflow.formats.files.json_files import read_record, write_json
from napari_edgeflow.widgets.keys.keys import (
    PLACES,
    KeyPlace,
    napari_holder,
    napari_key,
    normal_key,
    shown_key,
)

if TYPE_CHECKING:
    from app_model.types import KeyBinding

_Target: TypeAlias = "KeymapProvider | QWidget"
"""What a key is bound to: a layer, the viewer or a widget."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a key does.

    Parameters
    ----------
    id : str
        What code calls it.
    text : str
        What a person reads.
    key : str
        The key at first; see :mod:`napari_edgeflow.widgets.keys.keys`. Empty for
        none. It is taken as given: see to it that napari leaves it free there.
    place : {"clicks", "labels", "outline", "viewer", "dock"}
        Where the key works.
    fixed : bool
        Whether the key stays what it is; layers that use it themselves come first.
    """

    id: str
    text: str
    key: str
    place: KeyPlace
    fixed: bool = False


ACTIONS = (
    Action("finish", "Finish the object", "Return", "clicks"),
    Action("undo", "Undo the last click", "Ctrl+Z", "clicks"),
    Action("redo", "Redo the click", "Ctrl+Shift+Z", "clicks"),
    Action("edit_outline", "Edit the outline of the latest object", "G", "clicks"),
    Action("delete_objects", "Delete the selected objects", "Del", "dock"),
    Action("outline_write", "Write the outline into the labels", "Return", "outline"),
    Action("outline_cancel", "Leave the object as it was", "Esc", "outline"),
    Action("outline_undo", "Undo the last change of the outline", "Ctrl+Z", "outline"),
    Action("outline_redo", "Redo the change", "Ctrl+Shift+Z", "outline"),
    Action("find_class", "Find a class by its name", "K", "viewer"),
    *(
        Action(f"class_{n}", f"Choose class {n} of the list", f"Ctrl+{n}", "viewer")
        for n in range(1, 10)
    ),
    *(
        Action(
            f"digit_{n}",
            f"Choose class {n or 10} of the list",
            str(n),
            "viewer",
            fixed=True,
        )
        for n in (*range(1, 10), 0)
    ),
    Action("next_image", "Next image of the project", "N", "viewer"),
    Action("previous_image", "Previous image of the project", "Shift+N", "viewer"),
    Action("mark_done", "Mark the image as done, or not", "Shift+S", "viewer"),
)
"""All actions with a key, in the order in which a person sees them."""

_VERSION = 1
"""Of the file; one of a later version is left alone."""


def shortcuts_path() -> Path:
    """Return the file in which the person's keys are kept."""
    return user_config_path("napari-edgeflow", appauthor=False) / "shortcuts.json"


class Shortcuts(QObject):
    """Which key does what, and what it is bound to.

    Parameters
    ----------
    actions : iterable of Action
        The table.
    path : Path, optional
        The file that remembers what the person changed. Default:
        :func:`shortcuts_path`.
    """

    changed = Signal()
    """The person chose another key."""

    def __init__(
        self, actions: Iterable[Action] = ACTIONS, path: Path | None = None
    ) -> None:
        super().__init__()
        self._actions = {action.id: action for action in actions}
        self._path = shortcuts_path() if path is None else path
        self._bound: list[tuple[str, _BoundKey | _BoundShortcut]] = []
        self._keys = {action.id: action.key for action in self}
        self._keys.update(self._remembered())

    def __iter__(self) -> Iterator[Action]:
        """Iterate over the actions."""
        return iter(self._actions.values())

    # ---- the keys

    def key(self, action_id: str) -> str:
        """Return the key of an action; empty if it has none."""
        return self._keys[action_id]

    def shown(self, action_id: str) -> str:
        """Return the key of an action as a person reads it on this system."""
        return shown_key(self._keys[action_id])

    def holder(self, action_id: str, key: str) -> str | None:
        """Say what holds a key where an action works; None if it is free.

        The action's first key is always free for it.
        """
        action = self._actions[action_id]
        for other in self:
            same = other is not action and self._keys[other.id] == key
            if same and _meet(other.place, action.place):
                return f"“{other.text}” {PLACES[other.place]}"
        return None if key == action.key else napari_holder(action.place, key)

    def assign(self, action_id: str, key: str) -> None:
        """Give an action another key, at once and from now on; "" for none.

        Raises
        ------
        ValueError
            If it is no key, or something else holds it; nothing is changed then.
        OSError
            If it cannot be remembered; it holds until the viewer is closed.
        """
        key = normal_key(key) if key else ""
        holder = self.holder(action_id, key) if key else None
        if holder is not None:
            raise ValueError(
                f"{shown_key(key)} is taken by {holder}: choose another key"
            )
        self._change({**self._keys, action_id: key})

    def reset(self) -> None:
        """Give all actions their first keys again.

        Raises
        ------
        OSError
            If it cannot be remembered; it holds until the viewer is closed.
        """
        self._change({action.id: action.key for action in self})

    def _change(self, keys: dict[str, str]) -> None:
        self._keys = keys
        self._rebind()
        self.changed.emit()
        self._remember()

    # ---- the file

    def _remembered(self) -> dict[str, str]:
        """Return the keys the person chose; those that are none any more are left."""
        if not self._path.exists():
            return {}
        try:
            record = read_record(self._path)
            keys = record.get("keys")
            if record.get("version") != _VERSION or not isinstance(keys, dict):
                raise ValueError(f"{self._path} is no list of shortcuts")
            known = {i: key for i, key in keys.items() if i in self._actions}
            return {i: normal_key(str(key)) if key else "" for i, key in known.items()}
        except (ValueError, OSError) as error:
            show_warning(f"The shortcuts are the first ones again: {error}")
            return {}

    def _remember(self) -> None:
        changed = {a.id: self._keys[a.id] for a in self if self._keys[a.id] != a.key}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._path, {"version": _VERSION, "keys": changed}, indent=2)

    # ---- what the keys are bound to

    def bind(
        self, target: _Target, action_id: str, function: Callable[[], object]
    ) -> Callable[[], None]:
        """Let an action's key call a function, now and after the key was changed.

        Parameters
        ----------
        target : Layer, Viewer or QWidget
            The layer that is active, or the viewer; a widget for actions of a dock,
            whose key works while the focus is inside.
        action_id : str
            The action.
        function : callable
            Called without arguments.

        Returns
        -------
        callable
            Ends it. Whoever binds calls this when it closes, else it lives on.
        """
        if isinstance(target, QWidget):
            bound: _BoundKey | _BoundShortcut = _BoundShortcut(target, function)
        else:
            bound = _BoundKey(target, function)
        self._bound.append((action_id, bound))
        bound.hold(self._keys[action_id])
        return partial(self._cut, bound)

    def label(self, button: QAbstractButton, action_id: str) -> None:
        """Show an action's key after the text of a button."""
        _Label(button, self, action_id)

    def _rebind(self) -> None:
        for _, bound in self._bound:
            bound.hold("")
        # Only now every key is free that another action may have had.
        for action_id, bound in self._bound:
            bound.hold(self._keys[action_id])

    def _cut(self, bound: "_BoundKey | _BoundShortcut") -> None:
        bound.hold("")
        self._bound = [entry for entry in self._bound if entry[1] is not bound]


def _meet(first: KeyPlace, second: KeyPlace) -> bool:
    """Return whether one key could mean either of two actions."""
    return first == second or "viewer" in (first, second)


class _BoundKey:
    """A function that a key calls while a layer or its viewer is in use."""

    def __init__(self, target: KeymapProvider, function: Callable[[], object]) -> None:
        # A layer that a person deletes must not be kept.
        self._target = ref(target)
        self._function = function
        self._held: KeyBinding | None = None

    def hold(self, key: str) -> None:
        """Take this key, or none, in place of the one before."""
        target = self._target()
        if target is None:
            return
        if self._held is not None:
            target.bind_key(self._held, None)
            self._held = None
        # What somebody else bound to this very layer or viewer stays theirs.
        if key and napari_key(key) not in target.keymap:
            self._held = napari_key(key)
            target.bind_key(self._held, self._presser())

    def _presser(self) -> Callable[[object], object]:
        # napari asks for the name, which not every callable has.
        def press(_target: object) -> object:
            return self._function()

        return press


class _BoundShortcut:
    """A function that a key calls while the focus is in a widget."""

    def __init__(self, target: QWidget, function: Callable[[], object]) -> None:
        self._shortcut: QShortcut | None = QShortcut(QKeySequence(), target)
        self._shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._shortcut.activated.connect(function)
        target.destroyed.connect(self._forget)

    def hold(self, key: str) -> None:
        """Take this key, or none, in place of the one before."""
        if self._shortcut is not None:
            self._shortcut.setKey(QKeySequence(key))

    def _forget(self) -> None:
        self._shortcut = None


class _Label(QObject):
    """Keeps the key in a button's text up to date; it goes with the button."""

    def __init__(
        self, button: QAbstractButton, shortcuts: Shortcuts, action_id: str
    ) -> None:
        super().__init__(button)
        self._button, self._text = button, button.text()
        self._shortcuts, self._action_id = shortcuts, action_id
        shortcuts.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        key = self._shortcuts.shown(self._action_id)
        self._button.setText(f"{self._text}  ({key})" if key else self._text)
