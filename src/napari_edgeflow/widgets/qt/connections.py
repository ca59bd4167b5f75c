"""Signal connections that are made together and undone together."""

from collections.abc import Callable
from functools import partial
from typing import Any


class Connections:
    """Owns connections to things that outlive a dock, such as the viewer's layers."""

    def __init__(self) -> None:
        self._cuts: list[tuple[Any, Callable[[], object]]] = []

    def connect(self, emitter: Any, slot: Callable[..., object]) -> None:
        """Connect a slot to an event emitter of napari."""
        emitter.connect(slot)
        self._cuts.append((emitter, partial(emitter.disconnect, slot)))

    def keep(self, cut: Callable[[], object]) -> None:
        """Call this when the connections are undone."""
        self._cuts.append((None, cut))

    def close(self) -> None:
        """Undo all connections; the object can be used again."""
        for _, cut in reversed(self._cuts):
            cut()
        self._cuts.clear()
