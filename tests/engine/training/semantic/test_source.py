from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.engine.colour_network import patches
from tests.engine.labelled import save_pairs

from napari_edgeflow.engine.data.pairs import VOID, LabelledImage
from napari_edgeflow.engine.training.semantic.source import (
    SemanticSource,
    check_size,
    survey,
    unknown_values,
)


def source(folder: Path, *labels: np.ndarray) -> SemanticSource:
    return SemanticSource(save_pairs(folder, labels), (0, 1, 2))


def test_it_tells_what_is_in_the_labels(tmp_path: Path) -> None:
    first = np.zeros((4, 6), np.uint8)
    first[0, :3] = 2, 77, VOID
    second = np.full((5, 3), 1, np.uint8)
    found = survey(source(tmp_path, first, second))
    assert found.presence.tolist() == [[True, False, True], [False, True, False]]
    assert found.shapes == ((4, 6), (5, 3))
    assert found.unknown == (77,)
    told = unknown_values(found.unknown)
    assert told is not None
    assert "labels 77 are not in the class list" in told
    assert unknown_values(()) is None
    many = unknown_values(range(300, 309))
    assert many is not None
    assert "300, 301, 302, 303, 304 and 4 more" in many


def changed(folder: Path, labels: np.ndarray) -> SemanticSource:
    """Return a source whose second image has labels saved as they are."""
    pairs = save_pairs(folder, [patches((8, 8)) % 3] * 2)
    path = pairs[1].labels.with_suffix(".tif")
    Image.fromarray(labels).save(path)
    return SemanticSource((pairs[0], LabelledImage(pairs[1].image, path)), (0, 1, 2))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((8, 9), np.uint8), r"have shape \(8, 9\), their image \(8, 8\)"),
        (np.zeros((8, 8), np.float32), "a label image has one channel of whole"),
        (np.zeros((8, 8, 3), np.uint8), "a label image has one channel of whole"),
        (np.full((8, 8), -3, np.int32), "go down to -3"),
        (np.full((8, 8), 2**30, np.int32), "hold 1073741824: class ids are 0 to"),
    ],
)
def test_labels_that_do_not_fit_are_named(
    labels: np.ndarray, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message) as error:
        survey(changed(tmp_path, labels))
    assert "1.tif" in str(error.value)


def test_truth_values_are_labels_too(tmp_path: Path) -> None:
    found = survey(changed(tmp_path, patches((8, 8), 2) > 1))
    assert found.presence[1].tolist() == [True, True, False]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    one = source(tmp_path, patches((8, 8)))
    one.pairs[0].image.write_text("no picture")
    with pytest.raises(OSError, match=r"cannot read the image .*0\.png"):
        survey(one)


def test_two_classes_are_needed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="hold only class 1: training needs two"):
        survey(source(tmp_path, np.ones((9, 9), np.uint8)))
    with pytest.raises(ValueError, match=r"no class of the list and 9, which are not"):
        survey(source(tmp_path, np.full((9, 9), 9, np.uint8)))
    unlabelled = SemanticSource(
        save_pairs(tmp_path, [np.eye(9, dtype=np.uint8)]), (1, 2)
    )
    with pytest.raises(ValueError, match="hold only class 1"):
        survey(unlabelled)


def test_a_single_image_smaller_than_a_crop_is_told(tmp_path: Path) -> None:
    small = patches((20, 30))
    one = survey(source(tmp_path, small))
    with pytest.raises(ValueError, match="20 x 30 pixels, less than a crop of 32"):
        check_size(one, 32)
    check_size(one, 30)
    check_size(survey(source(tmp_path, small, small)), 32)
