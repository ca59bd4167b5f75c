"""What labelling took, as a table for spreadsheets."""

import csv
from collections.abc import Iterable
from pathlib import Path

from napari_edgeflow.engine.evaluation.effort import ObjectEffort
from napari_edgeflow.engine.system.files import replacing

COLUMNS = ("object", "class", "source", "where", "clicks", "seconds")


def write_effort_csv(path: Path, objects: Iterable[ObjectEffort]) -> None:
    """Write a line for each object, all or nothing.

    It is UTF-8 with a mark at the beginning, by which Excel knows it.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    with (
        replacing(path) as partial,
        partial.open("w", encoding="utf-8-sig", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for entry in objects:
            writer.writerow(
                (
                    entry.object_id,
                    entry.class_name,
                    entry.source,
                    entry.where,
                    entry.clicks,
                    f"{entry.seconds:.2f}",
                )
            )
