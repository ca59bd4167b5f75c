from pathlib import Path

import numpy as np
from PIL import Image

from napari_edgeflow.engine.data.pairs import folder_pairs, read_pair
from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.training.folder import (
    PlaneFile,
    write_stacks,
)
from napari_edgeflow.formats.training.stacks import (
    LabelledStack,
    count_stack,
    merge_classes,
)

CELL = ClassTable((LabelClass(3, "cell", (9, 9, 0)),))


def grey_stack() -> LabelledStack:
    images = np.linspace(0, 500, 3 * 6 * 8).reshape(3, 6, 8).astype(np.uint16)
    labels = np.zeros((3, 6, 8), np.int64)
    labels[0, :2] = 70_000
    labels[2, 3:] = 2
    labels[2, 5] = 9
    return LabelledStack(
        "cells",
        list(images),
        list(labels),
        "object",
        CELL,
        {70_000: 3, 2: 3},
        (0.0, 500.0),
    )


def test_planes_with_labels_are_written_by_class(tmp_path: Path) -> None:
    stacks = [grey_stack()]
    counts = [count_stack(stack) for stack in stacks]
    merged = merge_classes(stacks, counts)
    reports = list(write_stacks(tmp_path, stacks, counts, [0], merged))
    assert [(r.done, r.total) for r in reports] == [(1, 2), (2, 2)]
    first, second = folder_pairs(tmp_path / "images", tmp_path / "labels")
    assert [p.image.stem for p in (first, second)] == ["000-00000", "000-00002"]
    image, labels = read_pair(second)
    assert image.shape == (6, 8, 3)
    assert image.max() == 255
    # Object 9 has no class: its pixels are ignored.
    assert labels[:, 0].tolist() == [0, 0, 0, 3, 3, 255]


def test_objects_are_written_as_they_are(tmp_path: Path) -> None:
    stacks = [grey_stack()]
    counts = [count_stack(stack) for stack in stacks]
    list(write_stacks(tmp_path, stacks, counts, [0]))
    with Image.open(tmp_path / "labels" / "000-00002.png") as file:
        assert np.unique(np.asarray(file)).tolist() == [0, 2, 9]
    with Image.open(tmp_path / "labels" / "000-00000.png") as file:
        # More than a PNG can hold: counted anew.
        assert np.unique(np.asarray(file)).tolist() == [0, 1]


def test_a_file_leads_back_to_its_plane() -> None:
    place = PlaneFile(2, 31)
    assert PlaneFile.of(place.stem) == place
    assert PlaneFile.of("2007_000033") is None
    assert PlaneFile.of("12-345") is None
    assert PlaneFile.of("cat") is None
