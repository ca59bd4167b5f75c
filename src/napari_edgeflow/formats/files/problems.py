"""What readers and writers do about entries that cannot be used."""

from collections.abc import Callable

Report = Callable[[str], None]
"""Takes one sentence on what is left out; the rest goes on unless it raises."""


def refuse(sentence: str) -> None:
    """Report a problem by giving up.

    Raises
    ------
    ValueError
        Always.
    """
    raise ValueError(sentence)
