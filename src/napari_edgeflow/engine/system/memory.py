"""Memory that runs out, told in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

_SIGNS = ("out of memory", "allocate memory")
"""What torch's errors have in common, on CUDA and on the CPU."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that there is too little memory."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(sign in text for sign in _SIGNS)


@contextmanager
def telling_out_of_memory(remedy: str) -> Iterator[None]:
    """Turn errors of memory that ran out into a ValueError that says what to do.

    Parameters
    ----------
    remedy : str
        What to do, as in "use smaller images".

    Raises
    ------
    ValueError
        If memory ran out; other errors pass.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise ValueError(f"there is not enough memory: {remedy}") from error
