"""What a person did, step by step, with undo and redo."""

from collections.abc import Sequence
from typing import Generic, TypeVar

_Step = TypeVar("_Step")
Result = TypeVar("Result")
State = TypeVar("State")


class StepHistory(Generic[_Step, Result]):
    """Steps with the result each one gave; undo and redo without limit."""

    def __init__(self) -> None:
        self._done: list[tuple[_Step, Result]] = []
        self._undone: list[tuple[_Step, Result]] = []

    @property
    def steps(self) -> tuple[_Step, ...]:
        """The steps that count now, oldest first."""
        return tuple(step for step, _ in self._done)

    @property
    def result(self) -> Result | None:
        """What the last step gave, or None without steps."""
        return self._done[-1][1] if self._done else None

    @property
    def can_redo(self) -> bool:
        """Whether an undone step can come back."""
        return bool(self._undone)

    def add(self, step: _Step, result: Result) -> None:
        """Record a step and its result; what was undone is gone."""
        self._done.append((step, result))
        self._undone.clear()

    def undo(self) -> None:
        """Take the last step back.

        Raises
        ------
        ValueError
            If there is none.
        """
        if not self._done:
            raise ValueError("there is no step to undo: add one first")
        self._undone.append(self._done.pop())

    def redo(self) -> None:
        """Bring the last undone step back.

        Raises
        ------
        ValueError
            If there is none.
        """
        if not self._undone:
            raise ValueError("there is no step to redo: undo one first")
        self._done.append(self._undone.pop())

    def clear(self) -> None:
        """Forget everything."""
        self._done.clear()
        self._undone.clear()

    def rewind(self, steps: Sequence[_Step]) -> int:
        """Go to the longest beginning of ``steps`` whose results are known.

        Undone steps are known too, so that stepping to and fro costs nothing.

        Returns
        -------
        int
            How many of ``steps`` count now; the rest has to be added.
        """
        known = self._done + self._undone[::-1]
        common = 0
        for step, (earlier, _) in zip(steps, known, strict=False):
            if step != earlier:
                break
            common += 1
        self._done, self._undone = known[:common], known[common:][::-1]
        return common


class StateHistory(Generic[State]):
    """All states of what a person edits, from the first on; one of them counts.

    Parameters
    ----------
    first : State
        How it begins.
    """

    def __init__(self, first: State) -> None:
        self._states = [first]
        self._at = 0

    @property
    def state(self) -> State:
        """The state that counts now."""
        return self._states[self._at]

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to bring back."""
        return self._at < len(self._states) - 1

    def undo(self) -> None:
        """Take the last edit back, if there is one."""
        self._at = max(self._at - 1, 0)

    def redo(self) -> None:
        """Bring the last undone edit back, if there is one."""
        self._at = min(self._at + 1, len(self._states) - 1)

    def _add(self, state: State) -> None:
        """Take over an edited state; what was undone is gone."""
        self._states[self._at + 1 :] = [state]
        self._at += 1

    def _begin(self, *states: State) -> None:
        """Forget all states, and go to the last of these."""
        self._states, self._at = list(states), len(states) - 1
