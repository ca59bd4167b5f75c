"""What the commands share: options, progress, and files of figures."""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from napari_edgeflow.cli.reports import FORMATS

if TYPE_CHECKING:
    # argparse has no public name for it.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Item = TypeVar("Item")


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the device."""
    parser.add_argument("--device", default="auto", metavar="auto|cuda|mps|cpu")


def with_progress(items: Iterable[Item], total: int, unit: str) -> Iterator[Item]:
    """Pass items on, and show in a terminal how many of ``total`` are done."""
    from tqdm import tqdm

    yield from tqdm(items, total=total, unit=f" {unit}", disable=None)


def add_training(parser: argparse.ArgumentParser, steps: int | None = 20_000) -> None:
    """Add the options that every training has.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Of the command.
    steps : int or None
        How many there are by default.
    """
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--resume", action="store_true", help="go on in the folder")
    parser.add_argument("--steps", type=int, default=steps, help="at most")
    parser.add_argument("--minutes", type=float, help="stop after this time at most")
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    parser.add_argument("--batch", type=int, default=16, help="of all GPUs together")
    parser.add_argument(
        "--size", type=int, help="side of crops in pixels; grows by default"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--report",
        choices=FORMATS,
        default="text",
        help="jsonl: one JSON object a line, for other programs",
    )
    add_device(parser)
