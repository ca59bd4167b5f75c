import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow.engine.evaluation.clicks import find_targets
from napari_edgeflow.engine.evaluation.effort import ObjectEffort
from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.formats.effort.click_benchmark import (
    CLICKS,
    ClickedObject,
    read_click_benchmark,
    write_click_benchmark,
)
from napari_edgeflow.formats.effort.csv import write_effort_csv

LABELS = np.repeat(np.arange(4, dtype=np.uint16) * 300, 300).reshape(30, 40)
PIXELS = np.full((30, 40, 3), 9, np.uint8)
FIRST = ClickedObject(
    300, "größe 🐈", (Click(1, 2.5), Click(3, 4, False)), Window(0, 1, 20, 30), 4.2
)
SECOND = ClickedObject(900, "", (Click(25, 5),))


def test_objects_come_back_with_their_clicks(tmp_path: Path) -> None:
    folder = tmp_path / "my 'clicks' 🐈"
    Image.fromarray(PIXELS).save(tmp_path / "b.jpg")
    write_click_benchmark(folder, "a.tif", PIXELS, LABELS, [FIRST, SECOND])
    write_click_benchmark(folder, "b.jpg", tmp_path / "b.jpg", LABELS, [SECOND])
    write_click_benchmark(folder, "a.tif", PIXELS, LABELS, [FIRST])
    found = sorted(read_click_benchmark(folder / CLICKS), key=lambda o: o.image)
    assert [entry.name for entry in found] == ["a.png:300", "b.jpg:900"]
    first = found[0]
    assert (first.clicks, first.view) == (FIRST.clicks, FIRST.view)
    assert (first.class_name, first.seconds) == (FIRST.class_name, 4.2)
    assert all(entry.image.is_file() and entry.mask.is_file() for entry in found)
    targets = list(find_targets(folder / "images", folder / "masks", instances=True))
    assert len(targets) == 6


@pytest.mark.parametrize("text", ["{}", '{"objects": [{"image": "a.png"}]}', "["])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / CLICKS
    path.write_text(text)
    with pytest.raises(ValueError, match=r"clicks\.json"):
        read_click_benchmark(path)


def test_a_table_for_spreadsheets(tmp_path: Path) -> None:
    path = tmp_path / "effort.csv"
    write_effort_csv(path, [ObjectEffort(3, 'a "b", c', "click", 2, 1.234, "slice 3")])
    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == {
        "object": "3",
        "class": 'a "b", c',
        "source": "click",
        "where": "slice 3",
        "clicks": "2",
        "seconds": "1.23",
    }
