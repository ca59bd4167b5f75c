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

EPOCHS = 30
"""How long a training is if nothing else is said."""


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the device."""
    parser.add_argument("--device", default="auto", metavar="auto|cuda|mps|cpu")


def with_progress(items: Iterable[Item], total: int, unit: str) -> Iterator[Item]:
    """Pass items on, and show in a terminal how many of ``total`` are done."""
    from tqdm import tqdm

    yield from tqdm(items, total=total, unit=f" {unit}", disable=None)


def add_training(parser: argparse.ArgumentParser) -> None:
    """Add the options that every training has."""
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE.toml",
        help="options by name, such as epochs = 10; those typed here win",
    )
    parser.add_argument("--resume", action="store_true", help="go on in the folder")
    parser.add_argument(
        "--epochs",
        type=int,
        metavar="N",
        help=f"default: {EPOCHS}, unless --steps or --minutes are given",
    )
    parser.add_argument("--steps", type=int, help="at most")
    parser.add_argument("--minutes", type=float, help="stop after this time at most")
    _add_validation(parser)
    parser.add_argument(
        "--rate",
        type=float,
        help="peak learning rate; default: 1e-3, or for clicks with --init 2e-4",
    )
    parser.add_argument(
        "--batch",
        type=int,
        help="of all GPUs together; default: 16, fewer for few images",
    )
    parser.add_argument(
        "--size", type=int, help="side of crops in pixels; default: 256, or growing"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--report",
        choices=FORMATS,
        default="text",
        help="jsonl: one JSON object a line, for other programs",
    )
    add_device(parser)


def _add_validation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--validation",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="of the images, or of blocks of one or two, that is held back to keep "
        "the best model; 0 for none; default: %(default)s",
    )
    parser.add_argument(
        "--patience",
        type=int,
        default=10,
        metavar="N",
        help="epochs without a better validation after which to stop; 0 for never; "
        "default: %(default)s",
    )


def epochs_of(options: argparse.Namespace) -> int | None:
    """Return the epochs asked for; by default there is some end to a training.

    Raises
    ------
    ValueError
        If steps are given as well.
    """
    if options.steps is not None and options.epochs is not None:
        raise ValueError(
            f"{options.epochs} epochs and {options.steps} steps: give one of them"
        )
    if options.epochs is not None:
        return int(options.epochs)
    return EPOCHS if options.steps is None and options.minutes is None else None
