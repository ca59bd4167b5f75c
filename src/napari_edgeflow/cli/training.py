"""What the commands that train share: their options, and how they run."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from napari_edgeflow.cli.console import add_device
from napari_edgeflow.cli.reports import REPORT_FORMS, reporting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari_edgeflow.engine.training.reports import TrainEvent
    from napari_edgeflow.engine.training.settings import LoopSettings
    from napari_edgeflow.engine.training.task import TaskSettings

Training: TypeAlias = "Callable[..., Iterator[TrainEvent]]"
"""A training that is ready to start; it takes the request to stop as ``stop``."""

Task = TypeVar("Task", bound="TaskSettings")

EPOCHS = 30
"""How long a training is if nothing else is said."""

_MICROSCOPY = {"auto": None, "photographs": False, "microscopy": True}
"""What ``--augment`` says of the images."""


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
        help="peak learning rate; default: 1e-3, or for clicks with --init 2e-4, and "
        "3e-4 for few images",
    )
    parser.add_argument(
        "--batch",
        type=int,
        help="of all GPUs together; default: 16, fewer for few images",
    )
    parser.add_argument(
        "--size", type=int, help="side of crops in pixels; default: 256, or growing"
    )
    parser.add_argument(
        "--augment",
        choices=list(_MICROSCOPY),
        default="auto",
        help="how crops are varied; auto takes mostly grey images for microscopy; "
        "default: %(default)s",
    )
    parser.add_argument(
        "--unlabelled",
        type=int,
        choices=[0],
        help="pixels of 0 have no label yet; by default they are background, as they "
        "always are beside objects",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--report",
        choices=REPORT_FORMS,
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


def microscopy_asked(options: argparse.Namespace) -> bool | None:
    """Return whether the images are those of a microscope; None to judge by them."""
    return _MICROSCOPY[options.augment]


def in_size_asked(task: Task, options: argparse.Namespace) -> Task:
    """Return a task's settings with the batch and the crops that were asked for."""
    if options.batch is not None:
        task = replace(task, batch=options.batch)
    if options.size is not None:
        task = replace(task, sizes=((1.0, options.size),))
    return task


def as_long_as_asked(
    loop: "LoopSettings", options: argparse.Namespace
) -> "LoopSettings":
    """Return the settings of a loop with the length and the rate asked for."""
    return replace(
        loop,
        minutes=options.minutes,
        patience=options.patience or None,
        rate=loop.rate if options.rate is None else options.rate,
        steps=loop.steps if options.steps is None else options.steps,
    )


def run_training(options: argparse.Namespace, prepare: "Callable[[], Training]") -> int:
    """Run a training to its end, or until it is asked to stop.

    Parameters
    ----------
    options : Namespace
        Of the command.
    prepare : callable
        Reads the data; until it returns, signals end the program as usual.
    """
    with reporting(options.report, options.output) as reporter:
        from napari_edgeflow.engine.training.stop import stopping_on_signals

        train = prepare()
        with stopping_on_signals() as stop:
            for report in train(stop=stop):
                reporter.show(report)
    return 0
