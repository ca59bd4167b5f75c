"""Edits a page until it is killed, and prints the number of each edit that is saved.

The number that it begins with says what it does: the page is the same function of it.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tests.project.page_edits import CLASSES, row

from napari_edgeflow.project.content.records import LabelContent, PageContent
from napari_edgeflow.project.folder import ProjectPlace, open_project
from napari_edgeflow.project.storage import saver


def edit(labels: np.ndarray[Any, Any], rows: dict[int, Any], number: int) -> None:
    """Make one edit, a few pixels that cover some of the ones before."""
    top, left = (7 * number) % 90, (13 * number) % 80
    labels[top : top + 9, left : left + 17] = number
    rows[number] = row(1 + number % 2)
    rows.pop(number - 20, None)


def main(images: Path) -> None:
    # Small enough that label images are written all the time.
    saver.COMPACT_BYTES = 1500
    project = open_project(ProjectPlace(images))
    project.note(replace(project.record, classes=CLASSES))
    page = project.open_page("a.png").content.layers.get("objects")
    labels = np.zeros((100, 100), np.uint16) if page is None else page.labels
    rows = {} if page is None else dict(page.rows)
    number = max(rows, default=0)
    while True:
        number += 1
        edit(labels, rows, number)
        layer = LabelContent("object", CLASSES, labels, dict(rows))
        content = PageContent({"objects": layer}, {"clicks": number})
        assert project.saver is not None
        project.saver.wait(project.saver.note_page("a.png", content))
        print(number, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
