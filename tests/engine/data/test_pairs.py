import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_edgeflow.engine.data.pairs import (
    LabelledImage,
    folder_pairs,
    image_files,
    read_pair,
)
from napari_edgeflow.engine.data.pixels import image_size, read_label_image, read_rgb
from napari_edgeflow.engine.raster.image import ImageReader


def test_pairs_are_matched_by_stem(labelled_folder: Path) -> None:
    pairs = folder_pairs(labelled_folder / "images", labelled_folder / "labels")
    assert [(p.image.name, p.labels.name) for p in pairs] == [
        ("0.png", "0.png"),
        ("1.png", "1.png"),
    ]
    image, labels = read_pair(pairs[0])
    assert image.shape == (80, 100, 3)
    assert labels.shape == (80, 100)


def test_folders_without_pairs_are_refused(labelled_folder: Path) -> None:
    empty = labelled_folder / "empty"
    with pytest.raises(ValueError, match="no folder"):
        folder_pairs(labelled_folder / "images", empty)
    empty.mkdir()
    with pytest.raises(ValueError, match="has the stem"):
        folder_pairs(labelled_folder / "images", empty)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((80, 99), np.uint8), "same height and width"),
        (np.zeros((80, 100, 3), np.uint8), "one channel"),
        (np.zeros((80, 100), np.float32), "whole numbers"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    labelled_folder: Path, labels: np.ndarray, message: str
) -> None:
    path = labelled_folder / "labels" / "bad.tif"
    Image.fromarray(labels).save(path)
    pair = LabelledImage(labelled_folder / "images" / "0.png", path)
    with pytest.raises(ValueError, match=message):
        read_pair(pair)


def test_a_broken_file_is_named(labelled_folder: Path) -> None:
    path = labelled_folder / "images" / "0.png"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(OSError, match=r"0\.png"):
        read_pair(folder_pairs(path.parent, labelled_folder / "labels")[0])


def test_only_images_are_taken_sorted_and_whatever_their_case(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt", "c.tiff", ".a.png.part"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    assert [p.name for p in image_files(tmp_path)] == ["a.jpg", "b.PNG", "c.tiff"]


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "I"])
def test_label_images_of_all_modes_are_read(tmp_path: Path, mode: str) -> None:
    labels = np.arange(12).reshape(3, 4) % 2
    path = tmp_path / "labels.tif"
    if mode == "P":
        picture = Image.fromarray(labels.astype(np.uint8))
        picture.putpalette([0, 0, 0, 9, 9, 9])
        path = tmp_path / "labels.png"
    elif mode == "1":
        picture = Image.fromarray(labels.astype(bool))
    else:
        kinds = {"L": np.uint8, "I;16": np.uint16, "I": np.int32}
        labels *= 200 if mode == "L" else 60_000
        picture = Image.fromarray(labels.astype(kinds[mode]))
    assert picture.mode == mode
    picture.save(path)
    found = read_label_image(path)
    assert found.dtype.kind in "ui"
    np.testing.assert_array_equal(found, labels)


def test_negative_labels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.tif"
    Image.fromarray(np.full((3, 4), -1, np.int32)).save(path)
    with pytest.raises(ValueError, match=r"labels\.tif go down to -1"):
        read_label_image(path)


def test_images_are_read_as_colours(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(path)
    rgb = read_rgb(path)
    assert rgb.shape == (3, 4, 3)
    assert rgb[2, 3].tolist() == [11, 11, 11]
    with pytest.raises(OSError, match=r"no image .*none\.png"):
        read_rgb(tmp_path / "none.png")


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_deep_images_are_stretched_as_where_models_are_used(
    tmp_path: Path, suffix: str
) -> None:
    deep = np.linspace(900, 5000, 80 * 100).reshape(80, 100).astype(np.uint16)
    path = tmp_path / f"deep{suffix}"
    Image.fromarray(deep).save(path)
    rgb = read_rgb(path)
    np.testing.assert_array_equal(rgb, ImageReader(deep).read_whole())
    assert (rgb.min(), rgb.max()) == (0, 255)
    floats = tmp_path / "floats.tif"
    Image.fromarray(deep.astype(np.float32) / 5000).save(floats)
    assert np.ptp(read_rgb(floats)) == 255


def test_files_of_other_programs_are_read(tmp_path: Path) -> None:
    labels = np.arange(12, dtype=np.int64).reshape(3, 4)
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    np.testing.assert_array_equal(read_label_image(tmp_path / "labels.tif"), labels)
    tifffile.imwrite(tmp_path / "long.tif", labels.astype(np.uint64) * 5000)
    assert read_rgb(tmp_path / "long.tif").shape == (3, 4, 3)
    assert image_size(tmp_path / "long.tif") == (3, 4)
    (tmp_path / "torn.tif").write_bytes(b"II*")
    for read in (read_rgb, read_label_image, image_size):
        with pytest.raises(OSError, match=r"cannot read the \w+ .*torn\.tif"):
            read(tmp_path / "torn.tif")


def test_of_a_stack_not_just_the_first_image_is_taken(tmp_path: Path) -> None:
    planes = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    for dtype in (np.uint8, np.uint16):
        path = tmp_path / "stack.tif"
        tifffile.imwrite(path, planes.astype(dtype), photometric="minisblack")
        for read in (read_rgb, read_label_image):
            with pytest.raises(ValueError, match=r"stack\.tif holds a stack of shape"):
                read(path)
    with tifffile.TiffWriter(tmp_path / "preview.tif") as file:
        file.write(planes[0])
        file.write(planes[0, ::2, ::2], subfiletype=1)
    np.testing.assert_array_equal(read_label_image(tmp_path / "preview.tif"), planes[0])


def test_pairs_need_no_torch() -> None:
    code = (
        "import sys, napari_edgeflow.engine.data.pairs,"
        "napari_edgeflow.engine.raster.metrics,"
        "napari_edgeflow.engine.evaluation.semantic;"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_only_files_that_are_seen_are_images_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    for name in ("._a.jpg", ".hidden.png", "notes.txt", "b.JFIF", "c.avif", "d.jp2"):
        (tmp_path / name).write_bytes(b"")
    assert [p.name for p in image_files(tmp_path)] == ["b.JFIF", "c.avif", "d.jp2"]
