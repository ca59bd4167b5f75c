"""What is told of all data before a training."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from napari_edgeflow.formats.training.sources import find_source
from napari_edgeflow.formats.training.stacks import LabelledStack
from napari_edgeflow.formats.training.survey import survey_data


def one_image(side: int) -> LabelledStack:
    labels = np.zeros((side, side), np.uint8)
    labels[: side // 2, : side // 2] = 1
    return LabelledStack("cells", [np.zeros((side, side))], [labels])


def test_a_single_small_image_will_do_for_clicks_alone() -> None:
    (problem,) = survey_data([one_image(150)]).problems
    assert "150 x 150 pixels" in problem
    assert "smaller crops" in problem
    assert survey_data([one_image(150)], size=128).problems == ()
    assert survey_data([one_image(192)]).problems == ()
    assert survey_data([one_image(150)], by_object=True).problems == ()


def test_pixels_of_a_class_need_others_around_them() -> None:
    partly = one_image(200)
    (problem,) = survey_data([partly], unlabelled=True, by_object=True).problems
    assert "let 0 be background" in problem
    whole = replace(partly, kind="object")
    assert survey_data([whole], unlabelled=True, by_object=True).problems == ()


def test_what_is_rare_or_without_labels_is_told() -> None:
    rare = one_image(300)
    rare.labels[0][299, 299] = 2
    empty = LabelledStack("later", [np.zeros((9, 9))], [np.zeros((9, 9), int)])
    some, none = survey_data([rare, empty]).warnings[::-1]
    assert some == "Less than 1% of the pixels are class 2 (0.00%): label more of it."
    assert none == "'later' has no labels: it is left out."
    # Of pixels without a label it is not known what they are.
    assert survey_data([one_image(300)], unlabelled=True).problems


def test_folders_are_counted_too(tmp_path: Path) -> None:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    (tmp_path / "labels.txt").write_text("background\ncell\nrare\n")
    labels = np.zeros((3, 200, 200), np.uint8)
    labels[:2, :100], labels[0, 0, 0] = 1, 2
    for number, one in enumerate(labels):
        Image.new("RGB", (200, 200)).save(tmp_path / f"images/{number}.png")
        Image.fromarray(one).save(tmp_path / f"labels/{number}.png")
    folder = find_source(tmp_path)
    survey = survey_data([], (folder,))
    assert survey.pixels == {0: 80_000, 1: 39_999, 2: 1}
    empty, rare = survey.warnings
    assert empty == f"1 of 3 images of {tmp_path.name!r} have no labels."
    assert rare.startswith("Less than 1% of the pixels are rare (0.00%)")
    # Layers count as well.
    assert survey_data([one_image(200)], (folder,)).pixels[1] == 49_999
    (tmp_path / "labels/0.png").unlink()
    os.utime(tmp_path / "labels", (1, 1))
    assert survey_data([], (folder,)).pixels[2] == 0
    (tmp_path / "labels/1.png").write_bytes(b"torn")
    os.utime(tmp_path / "labels", (2, 2))
    (problem,) = survey_data([], (folder,)).problems
    assert "cannot read the labels" in problem
