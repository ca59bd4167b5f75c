"""What readers and writers do about entries that cannot be used."""

from collections.abc import Callable

Report = Callable[[str], None]
"""Takes one sentence on what is left out; the rest goes on unless it raises."""


class Note(str):
    """A sentence on how something was read, of which nothing is left out."""

    __slots__ = ()


def refuse(sentence: str) -> None:
    """Report a problem by giving up; what is a mere note is passed over.

    Raises
    ------
    ValueError
        If something would be left out.
    """
    if not isinstance(sentence, Note):
        raise ValueError(sentence)
