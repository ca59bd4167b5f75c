from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_edgeflow.project.images.read import (
    bytes_needed,
    is_rgb,
    read_any_image,
    spatial_shape,
    thumbnail,
)


def test_every_kind_of_file_is_read(tmp_path: Path) -> None:
    rgb = np.zeros((20, 30, 3), np.uint8)
    Image.fromarray(rgb).save(tmp_path / "ä.png")
    stack = np.zeros((3, 20, 30), np.uint16)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    np.save(tmp_path / "a.npy", np.zeros((20, 30), np.float32))
    imageio.imwrite(tmp_path / "a.gif", np.stack([rgb, rgb + 90]))
    shapes = {p.name: spatial_shape(read_any_image(p)) for p in tmp_path.iterdir()}
    assert shapes == {
        "ä.png": (20, 30),
        "stack.tif": (3, 20, 30),
        "a.npy": (20, 30),
        "a.gif": (2, 20, 30),
    }


def test_three_planes_are_no_colours() -> None:
    assert is_rgb(np.zeros((8, 9, 3), np.uint8))
    assert is_rgb(np.zeros((5, 8, 9, 4), np.uint8))
    assert not is_rgb(np.zeros((9, 3), np.uint8))
    assert not is_rgb(np.zeros((3, 8, 9), np.uint8))


def test_what_nothing_reads_is_told_with_the_first_reason(tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    with pytest.raises(OSError, match=r"cannot read .*broken\.png"):
        read_any_image(path)
    path = tmp_path / "broken.tif"
    path.write_bytes(b"nothing")
    asked = []

    def plugin(asked_path: Path) -> Any:
        asked.append(asked_path)
        return np.ones((4, 5))

    assert read_any_image(path, plugin).shape == (4, 5)
    assert asked == [path]


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
def test_thumbnails_keep_the_proportions_and_the_colours(
    tmp_path: Path, name: str
) -> None:
    pixels = np.zeros((200, 400, 3), np.uint8)
    pixels[:, 200:] = (250, 0, 0)
    imageio.imwrite(tmp_path / name, pixels)
    small = thumbnail(tmp_path / name, 64)
    assert small.shape == (32, 64, 3)
    assert small[16, 50, 0] > 200
    assert small[16, 10].max() < 50


def test_the_thumbnail_of_a_stack_is_its_middle_stretched(tmp_path: Path) -> None:
    stack = np.zeros((3, 40, 40), np.uint16)
    stack[1, :, 20:] = 900
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    small = thumbnail(tmp_path / "stack.tif", 20)
    assert small.shape == (20, 20, 3)
    assert small[10, 15, 1] == 255


def test_a_broken_jpeg_has_no_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8 no more")
    with pytest.raises(OSError, match=r"a\.jpg"):
        thumbnail(tmp_path / "a.jpg", 64)


def test_memory_is_guessed_without_reading(tmp_path: Path) -> None:
    Image.new("RGB", (300, 200)).save(tmp_path / "a.png")
    assert bytes_needed(tmp_path / "a.png") == 180_000
    (tmp_path / "b.npy").write_bytes(b"12345")
    assert bytes_needed(tmp_path / "b.npy") == 5


def test_others_are_not_asked_for_what_pillow_alone_reads(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG oh")
    asked: list[Path] = []

    def other(path: Path) -> np.ndarray:
        asked.append(path)
        return np.zeros((4, 4), np.uint8)

    with pytest.raises(OSError, match=r"a\.png is no image of a kind that is known"):
        read_any_image(tmp_path / "a.png", other)
    assert not asked
    (tmp_path / "a.tif").write_bytes(b"of a kind that a plugin knows")
    assert read_any_image(tmp_path / "a.tif", other).shape == (4, 4)
