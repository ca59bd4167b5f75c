from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, UnidentifiedImageError

from napari_edgeflow.engine.data.pixels import (
    image_size,
    open_picture,
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
    pixels = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    options = {"planarconfig": "contig"} if len(shape) == 3 else {}
    tifffile.imwrite(path, pixels, photometric="minisblack", **options)
    np.testing.assert_array_equal(
        read_one_plane(path), pixels[..., :3] if options else pixels
    )


def test_what_was_written_as_a_stack_of_rows_is_a_plane(tmp_path: Path) -> None:
    path, pixels = tmp_path / "plane.tif", np.zeros((40, 30, 7), np.uint16)
    pixels[5] = 9
    tifffile.imwrite(path, pixels, photometric="minisblack")
    np.testing.assert_array_equal(read_one_plane(path), pixels[..., :3])
    assert image_size(path) == (40, 30)


@pytest.mark.parametrize("start", [b"", b"B", b"BM\0", b"\x89PN"])
def test_files_of_a_few_bytes_are_no_images(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(start)
    with pytest.raises(UnidentifiedImageError, match=r"a\.png is no image of a kind"):
        open_picture(path)
