"""What the commands share."""

import argparse
import sys
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    # argparse has no public name for it.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Item = TypeVar("Item")
End = TypeVar("End")

BAD_INPUT = 2
"""Exit status for input that cannot be used, as argparse has it."""


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the device."""
    parser.add_argument("--device", default="auto", metavar="auto|cuda|mps|cpu")


def complain(sentence: str) -> None:
    """Print a sentence that is no result, after the name of the program."""
    print(f"napari-edgeflow: {sentence}", file=sys.stderr)


def with_progress(items: Iterable[Item], total: int, unit: str) -> Iterator[Item]:
    """Pass items on, and show in a terminal how many of ``total`` are done."""
    from tqdm import tqdm

    yield from tqdm(items, total=total, unit=f" {unit}", disable=None)


def finished(steps: Generator[object, None, End]) -> End:
    """Run to the end and return what is returned there."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: End = end.value
            return result


def two_columns(rows: Iterable[tuple[str, str]]) -> str:
    """Return rows of a name and a figure as a table for a terminal."""
    return "\n".join(f"{name:<22}{value:>8}" for name, value in rows)


def save_figures(path: Path | None, record: object) -> None:
    """Write figures as JSON if they are asked for."""
    if path is not None:
        from napari_edgeflow.formats.files.json_files import write_json

        write_json(path, record, indent=2)
