"""What a training leaves in its folder beside the model: figures and the command."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.engine.training.files import COMMAND_FILE, METRICS_FILE
from napari_edgeflow.engine.training.reports import EpochReport

Row = Mapping[str, float | None]


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


def write_metrics(folder: Path, rows: Sequence[Row]) -> None:
    """Write ``metrics.csv``, a line for each epoch, all or nothing.

    Parameters
    ----------
    folder : Path
        Where to write it.
    rows : sequence of mapping
        As :func:`metrics_row` gives them; what is None stays empty.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (
        replacing(folder / METRICS_FILE) as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def note_command(folder: Path, command: str) -> None:
    """Add a line to ``command.txt``: the commands that made what is in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / COMMAND_FILE).open("a", encoding="utf-8") as file:
        file.write(f"{command}\n")
