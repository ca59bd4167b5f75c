"""Measures how long our code holds up the window's thread."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from inspect import CO_VARARGS
from types import FunctionType
from typing import Any

LIMIT_MS = 50.0
"""No slot of ours may take longer."""

MAIN = threading.main_thread()


class Stopwatch:
    """Measures each call of our code from outside, on the window's thread.

    What napari and Qt do because of such a call counts too; calls within a call do
    not count again. It is CPU time: other programs take none of it.
    """

    def __init__(self) -> None:
        self.longest: dict[str, float] = {}
        self._inside = False

    def watch(self, owners: Sequence[type], monkeypatch: Any) -> None:
        """Measure all methods of some classes."""
        for owner in owners:
            for name, function in list(vars(owner).items()):
                if isinstance(function, FunctionType) and not name.startswith("__"):
                    monkeypatch.setattr(owner, name, self.wrap(function))

    def wrap(self, function: FunctionType) -> Callable[..., Any]:
        code = function.__code__
        takes = None if code.co_flags & CO_VARARGS else code.co_argcount

        @wraps(function)
        def timed(*args: Any, **options: Any) -> Any:
            # Qt hands a slot as much as it takes.
            args = args[:takes]
            if self._inside or threading.current_thread() is not MAIN:
                return function(*args, **options)
            self._inside, started = True, time.thread_time()
            try:
                return function(*args, **options)
            finally:
                self._inside = False
                elapsed = 1000 * (time.thread_time() - started)
                name = function.__qualname__
                self.longest[name] = max(self.longest.get(name, 0.0), elapsed)

        return timed

    @contextmanager
    def fresh(self) -> Iterator[dict[str, float]]:
        self.longest = {}
        yield self.longest
