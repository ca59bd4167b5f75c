from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_edgeflow.formats.files.images import (
    is_in_colour,
    read_image,
    read_one_plane,
)


def test_common_formats_are_read(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "ä b.png")
    assert np.array_equal(read_image(tmp_path / "ä b.png"), pixels)
    deep = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1000
    tifffile.imwrite(tmp_path / "deep.tif", deep)
    assert np.array_equal(read_image(tmp_path / "deep.tif"), deep)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"no image .*missing\.png"):
        read_image(tmp_path / "missing.png")
    with pytest.raises(OSError, match="no image"):
        read_image(tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(OSError, match=r"cannot read .*text\.png"):
        read_image(tmp_path / "text.png")


@pytest.mark.parametrize("shape", [(5, 40, 30), (60, 40, 30), (2, 5, 40, 3)])
def test_a_stack_is_no_plane(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.zeros(shape, np.uint16), photometric="minisblack")
    with pytest.raises(ValueError, match=r"stack\.tif holds a stack of shape"):
        read_one_plane(path)


@pytest.mark.parametrize("shape", [(40, 30), (1, 1, 3), (2, 3, 4), (40, 30, 7)])
def test_a_plane_may_have_channels(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "plane.tif"
    tifffile.imwrite(path, np.zeros(shape, np.uint16), photometric="minisblack")
    assert read_one_plane(path).shape == shape


@pytest.mark.parametrize(
    ("mode", "in_colour"),
    [("RGB", True), ("RGBA", True), ("L", False), ("P", False), ("I;16", False)],
)
def test_pictures_in_true_colours_are_no_labels(
    tmp_path: Path, mode: str, in_colour: bool
) -> None:
    Image.new(mode, (6, 5)).save(tmp_path / "any.png")
    assert is_in_colour(tmp_path / "any.png") is in_colour


def test_what_is_no_image_is_not_in_colour(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    assert not is_in_colour(tmp_path / "text.png")
    assert not is_in_colour(tmp_path / "missing.png")
