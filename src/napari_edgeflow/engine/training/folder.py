"""What a training's folder holds beside the model; loads no torch."""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.engine.training.reports import EpochReport

STATE_FILE = "training-state.pt"
"""What a training goes on from."""

PLAN_FILE = "training.json"
"""What the training was told; see :mod:`napari_edgeflow.formats.training.plan`."""

COMMAND_FILE = "command.txt"
"""The commands that made what is in the folder, one a line."""

METRICS_FILE = "metrics.csv"
"""The figures of each epoch."""

PREDICTIONS_FOLDER = "predictions"
"""What the network makes of images that were held back, written after each epoch."""

MetricsRow = Mapping[str, float | None]
"""The figures of an epoch by column; None where there is none."""


def metrics_row(report: EpochReport) -> dict[str, float | None]:
    """Return the line of ``metrics.csv`` for an epoch, by column."""
    return {
        "epoch": report.epoch,
        "step": report.step,
        "seconds": round(report.seconds, 1),
        "rate": report.rate,
        "images_per_second": round(report.samples_per_second, 2),
        **{f"train {name}": value for name, value in report.losses.items()},
        "validation loss": report.validation.loss,
        "score": report.validation.score,
        **{f"iou {n}": value for n, value in report.validation.classes.items()},
    }


def write_metrics(folder: Path, rows: Sequence[MetricsRow]) -> None:
    """Write ``metrics.csv``, a line for each epoch, all or nothing."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (
        replacing(folder / METRICS_FILE) as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def read_metrics(folder: Path) -> list[dict[str, float | None]]:
    """Return the rows of ``metrics.csv`` in a folder; none if it cannot be read."""
    try:
        with (folder / METRICS_FILE).open(newline="", encoding="utf-8") as file:
            return [
                {name: float(text) if text else None for name, text in row.items()}
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, TypeError):
        return []


@contextmanager
def started(folder: Path, command: str, plan: str = "") -> Iterator[None]:
    """Note what starts a training, and keep others out of its folder until it ends.

    The lock is on ``command.txt``; the system takes it away with the process.

    Parameters
    ----------
    folder : Path
        Where the model will be; made if need be.
    command : str
        A line that is added to ``command.txt``.
    plan : str
        What ``training.json`` is to hold; empty to leave it as it is.

    Raises
    ------
    ValueError
        If a training is running there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / COMMAND_FILE).open("a", encoding="utf-8") as file:
        try:
            _lock(file)
        except OSError as error:
            raise ValueError(
                f"a training is running in {folder}: wait for its end, stop it, or "
                "choose another folder"
            ) from error
        try:
            if plan:
                with replacing(folder / PLAN_FILE) as partial:
                    partial.write_text(plan, encoding="utf-8")
            file.write(f"{command}\n")
            file.flush()
            yield
        finally:
            # Processes that draw samples hold the file too, and may end later.
            _lock(file, off=True)


def _lock(file: IO[str], *, off: bool = False) -> None:
    """Lock a file for this process, or take the lock off; OSError if it cannot be."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        # Nobody else could read what is locked: there is nothing so far off.
        place = os.lseek(file.fileno(), 0, os.SEEK_CUR)
        os.lseek(file.fileno(), 1 << 30, os.SEEK_SET)
        mode = msvcrt.LK_UNLCK if off else msvcrt.LK_NBLCK  # type: ignore[attr-defined]
        msvcrt.locking(file.fileno(), mode, 1)  # type: ignore[attr-defined]
        os.lseek(file.fileno(), place, os.SEEK_SET)
        return
    fcntl.flock(file, fcntl.LOCK_UN if off else fcntl.LOCK_EX | fcntl.LOCK_NB)
