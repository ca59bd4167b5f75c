"""What a training's folder holds beside the model; loads no torch."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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

_FAR_OFF = 1 << 40
"""Of the byte that is locked: Windows lets nobody else read those that are."""

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


def note_start(folder: Path, command: str, plan: str = "") -> None:
    """Write what started a training into its folder, before its first step.

    Parameters
    ----------
    folder : Path
        Where the model will be; made if need be.
    command : str
        A line that is added to ``command.txt``.
    plan : str
        What ``training.json`` is to hold; empty to leave it as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if plan:
        with replacing(folder / PLAN_FILE) as partial:
            partial.write_text(plan, encoding="utf-8")
    with (folder / COMMAND_FILE).open("a", encoding="utf-8") as file:
        file.write(f"{command}\n")


@dataclass(slots=True)
class FolderLock:
    """A lock on ``command.txt``, which the system takes away with the process."""

    folder: Path
    _file: IO[bytes] | None = field(default=None, init=False)

    def hold(self) -> None:
        """Lock the folder, if there is a command in it.

        Raises
        ------
        ValueError
            If another process holds it.
        """
        path = self.folder / COMMAND_FILE
        if self._file is not None or not path.is_file():
            return
        file = path.open("r+b")
        try:
            _lock(file)
        except OSError as error:
            file.close()
            raise ValueError(
                f"a training is running in {self.folder}: wait for its end, stop it, "
                "or choose another folder"
            ) from error
        self._file = file

    def release(self) -> None:
        """Let others train in the folder."""
        if self._file is not None:
            # Processes that draw samples hold the file too, and may end later.
            _lock(self._file, off=True)
            self._file.close()
            self._file = None


@contextmanager
def alone_in(folder: Path) -> Iterator[FolderLock]:
    """Keep other trainings out of a folder, from now on if one was started in it.

    Yields
    ------
    FolderLock
        To be held once the start has been noted.

    Raises
    ------
    ValueError
        If a training is running there.
    """
    lock = FolderLock(folder)
    lock.hold()
    try:
        yield lock
    finally:
        lock.release()


def _lock(file: IO[bytes], *, off: bool = False) -> None:
    """Lock a file for this process, or take the lock off; OSError if it cannot be."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        file.seek(_FAR_OFF)
        mode = msvcrt.LK_UNLCK if off else msvcrt.LK_NBLCK  # type: ignore[attr-defined]
        msvcrt.locking(file.fileno(), mode, 1)  # type: ignore[attr-defined]
        return
    fcntl.flock(file, fcntl.LOCK_UN if off else fcntl.LOCK_EX | fcntl.LOCK_NB)
