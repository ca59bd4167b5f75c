from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from tests.formats.annotation_samples import MANY, TABLE

from napari_edgeflow.formats.kinds.label_images.tiff import (
    LabelTiff,
    read_label_tiff,
    write_label_tiff,
)

many = settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@many
@given(
    labels=st.sampled_from([np.uint8, np.uint16, np.uint32, np.int64]).flatmap(
        lambda dtype: arrays(
            dtype,
            array_shapes(min_dims=2, max_dims=4, max_side=6),
            elements=st.integers(0, min(np.iinfo(dtype).max, 2**32 - 1)),
        )
    )
)
def test_labels_come_back(tmp_path: Path, labels: np.ndarray) -> None:
    path = tmp_path / "größe 🐈.tif"
    write_label_tiff(path, LabelTiff(labels, TABLE))
    back = read_label_tiff(path)
    assert np.array_equal(back.labels, labels)
    assert back.labels.shape == labels.shape
    assert back.labels.dtype in (np.uint8, np.uint16, np.uint32)
    assert back.classes == TABLE
    assert np.array_equal(tifffile.imread(path), labels)


@pytest.mark.parametrize(
    ("highest", "dtype"), [(255, "uint8"), (256, "uint16"), (65_536, "uint32")]
)
def test_as_few_bits_as_hold_them(tmp_path: Path, highest: int, dtype: str) -> None:
    write_label_tiff(tmp_path / "a.tiff", LabelTiff(np.full((3, 4, 5), highest)))
    assert tifffile.imread(tmp_path / "a.tiff").dtype == dtype


def test_objects_know_their_classes(tmp_path: Path) -> None:
    labels = np.array([[0, 1000, 2]])
    content = LabelTiff(labels, MANY, "object", {2: 300, 1000: 7})
    write_label_tiff(tmp_path / "a.tif", content)
    back = read_label_tiff(tmp_path / "a.tif")
    assert (back.kind, back.class_of, back.classes) == (
        "object",
        {2: 300, 1000: 7},
        MANY,
    )


@pytest.mark.parametrize(
    "description", [None, "{", "[]", '{"napari_edgeflow": 3}', "größe"]
)
def test_files_of_others_are_labels_without_classes(
    tmp_path: Path, description: str | None
) -> None:
    labels = np.eye(4, dtype=np.uint16)
    raw = None if description is None else description.encode()
    tifffile.imwrite(tmp_path / "a.tif", labels, description=raw, metadata=None)
    back = read_label_tiff(tmp_path / "a.tif")
    assert np.array_equal(back.labels, labels)
    assert back.classes is None
    assert back.kind is None


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for labels, message in (
        (np.array([[-1]]), "labels go from -1 to -1"),
        (np.array([[2**32]]), "number them anew"),
        (np.array([[0.5]]), "planes of whole numbers"),
        (np.zeros((0, 4), int), "planes of whole numbers"),
        (np.zeros(4, int), "planes of whole numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            write_label_tiff(path, LabelTiff(labels))
    with pytest.raises(ValueError, match=r"must end in \.tif or \.tiff, not 'a\.png'"):
        write_label_tiff(tmp_path / "a.png", LabelTiff(np.eye(2, dtype=int)))
    assert list(tmp_path.iterdir()) == []
    tifffile.imwrite(path, np.zeros((3, 3), np.float32))
    with pytest.raises(ValueError, match="labels are whole numbers"):
        read_label_tiff(path)
    path.write_bytes(path.read_bytes()[:20])
    for broken in (path, tmp_path / "none.tif"):
        with pytest.raises(OSError, match="as a TIFF: is it there, and complete"):
            read_label_tiff(broken)
