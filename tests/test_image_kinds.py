"""Each kind of image file, read in each way: all show what the file means."""

from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from napari.layers import Image as ImageLayer
from numpy.typing import NDArray
from PIL import Image

from napari_edgeflow.engine.data.pairs import LabelledImage, read_pair
from napari_edgeflow.engine.data.pixels import image_size, read_one_plane
from napari_edgeflow.engine.raster.image import ImageReader, full_limits
from napari_edgeflow.project.images.read import is_rgb, read_any_image, thumbnail
from napari_edgeflow.widgets.layers.planes import Plane, read_plane_at

ROWS, COLUMNS = 9, 14
GREY = (np.arange(ROWS)[:, None] * 20 + np.arange(COLUMNS) * 5).astype(np.uint8)
GREY[0, 0], GREY[-1, -1] = 0, 255
RGB = np.stack([GREY, GREY.T.reshape(GREY.shape), 255 - GREY], axis=-1)
FEW = GREY // 64
BLACK_OR_WHITE = GREY > 100


def _grey(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    return np.repeat(values.astype(np.uint8)[..., None], 3, axis=2)


def _pillow(mode: str, **options: object) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(RGB).convert(mode).save(path, **options)


def _tiff(values: NDArray[np.generic], **options: object) -> Callable[[Path], None]:
    return lambda path: tifffile.imwrite(path, values, **options)


def _turned(way: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        exif = Image.Exif()
        exif[274] = way
        Image.fromarray(RGB).save(path, exif=exif)

    return write


def _turned_tiff(path: Path) -> None:
    tifffile.imwrite(path, RGB, photometric="rgb", extratags=[(274, 3, 1, 6, True)])


def _thumbnail_first(path: Path) -> None:
    with tifffile.TiffWriter(path) as file:
        file.write(RGB[::2, ::2], photometric="rgb", subfiletype=1)
        file.write(RGB, photometric="rgb")


def _packed(bits: int) -> Callable[[Path], None]:
    """Write a TIFF of an odd number of bits as libtiff does, by hand."""

    def write(path: Path) -> None:
        values = (GREY >> (8 - bits)) if bits < 8 else GREY.astype(np.uint16) << 4
        steps = np.arange(bits - 1, -1, -1)
        rows = (values[..., None] >> steps & 1).reshape(ROWS, -1).astype(np.uint8)
        data = np.packbits(rows, axis=1).tobytes()
        tags = [
            (256, 4, COLUMNS), (257, 4, ROWS), (258, 3, bits), (259, 3, 1),
            (262, 3, 1), (273, 4, 8), (277, 3, 1), (278, 4, ROWS), (279, 4, len(data)),
        ]  # fmt: skip
        pad = b"\0" * (len(data) % 2)
        head = b"II*\0" + (8 + len(data) + len(pad)).to_bytes(4, "little")
        found = len(tags).to_bytes(2, "little")
        for tag, kind, value in tags:
            sizes = ((tag, 2), (kind, 2), (1, 4), (value, 4))
            found += b"".join(v.to_bytes(n, "little") for v, n in sizes)
        path.write_bytes(head + data + pad + found + b"\0" * 4)

    return write


def _palette_tiff(path: Path) -> None:
    table = np.zeros((3, 256), np.uint16)
    table[:, :4] = np.array([[0, 255, 0, 9], [0, 0, 255, 9], [0, 99, 0, 9]]) * 257
    tifffile.imwrite(path, FEW, photometric="palette", colormap=table)


def _palette_png(path: Path) -> None:
    image = Image.fromarray(FEW, "P")
    image.putpalette([0, 0, 0, 255, 0, 99, 0, 255, 0, 9, 9, 9])
    image.save(path, transparency=b"\0\xff\x80\xff")


def _png_16(path: Path) -> None:
    path.write_bytes(imagecodecs.png_encode(DEEP))


def _jpeg_2000(values: NDArray[np.generic]) -> Callable[[Path], None]:
    return lambda path: (
        path.write_bytes(imagecodecs.jpeg2k_encode(values, reversible=True, level=0))
        and None
    )


TABLE = np.array([[0, 0, 0], [255, 0, 99], [0, 255, 0], [9, 9, 9]], np.uint8)
DEEP = RGB.astype(np.uint16) * 8
"""From 0 to 2,040."""
CMYK = np.concatenate([255 - RGB, np.zeros_like(RGB[..., :1])], axis=-1)
TRANSPARENT = np.concatenate([RGB, 255 - RGB[..., :1]], axis=-1)

KINDS = {
    "rgb.png": (_pillow("RGB"), RGB),
    "alpha.png": (lambda path: Image.fromarray(TRANSPARENT).save(path), RGB),
    "palette.png": (_palette_png, TABLE[FEW]),
    "bits.png": (
        lambda path: Image.fromarray(BLACK_OR_WHITE).save(path),
        _grey(BLACK_OR_WHITE * 255),
    ),
    "grey16.png": (
        lambda path: Image.fromarray(GREY.astype(np.uint16) * 16).save(path),
        _grey(GREY),
    ),
    "rgb16.png": (_png_16, RGB),
    "grey_alpha.png": (
        lambda path: Image.fromarray(TRANSPARENT[..., 2:]).save(path),
        _grey(RGB[..., 2]),
    ),
    "rgb.bmp": (_pillow("RGB"), RGB),
    "rgb.tga": (_pillow("RGB"), RGB),
    "rgb.ppm": (_pillow("RGB"), RGB),
    "rgb.webp": (_pillow("RGB", lossless=True), RGB),
    "rgb.jp2": (_jpeg_2000(RGB), RGB),
    "rgb16.jp2": (_jpeg_2000(DEEP), RGB),
    "grey.gif": (lambda path: Image.fromarray(GREY).save(path), _grey(GREY)),
    "upside_down.png": (_turned(3), RGB[::-1, ::-1]),
    "turned.png": (_turned(6), np.rot90(RGB, -1)),
    "turned_back.png": (_turned(8), np.rot90(RGB)),
    "mirrored.png": (_turned(5), RGB.swapaxes(0, 1)),
    "lzw.tif": (_tiff(RGB, photometric="rgb", compression="lzw"), RGB),
    "deflate.tif": (_tiff(RGB, photometric="rgb", compression="zlib"), RGB),
    "zstd.tif": (_tiff(RGB, photometric="rgb", compression="zstd"), RGB),
    "fax.tif": (
        lambda p: Image.fromarray(BLACK_OR_WHITE).save(p, compression="group4"),
        _grey(BLACK_OR_WHITE * 255),
    ),
    "planar.tif": (
        _tiff(np.moveaxis(RGB, -1, 0), photometric="rgb", planarconfig="separate"),
        RGB,
    ),
    "brightness.tif": (
        lambda p: Image.fromarray(_grey(GREY)).convert("YCbCr").save(p),
        _grey(GREY),
    ),
    "palette.tif": (_palette_tiff, TABLE[FEW]),
    "inks.tif": (_tiff(CMYK, photometric="separated"), RGB),
    "white_is_zero.tif": (_tiff(255 - GREY, photometric="miniswhite"), _grey(GREY)),
    "white_is_zero16.tif": (
        _tiff(65535 - GREY.astype(np.uint16) * 8, photometric="miniswhite"),
        _grey(GREY),
    ),
    "bits2.tif": (_packed(2), _grey(FEW * 85)),
    "bits4.tif": (_packed(4), _grey(GREY // 16 * 17)),
    "bits12.tif": (_packed(12), _grey(GREY)),
    "thumbnail.tif": (_thumbnail_first, RGB),
    "turned.tif": (_turned_tiff, np.rot90(RGB, -1)),
    "rgb16.tif": (_tiff(DEEP, photometric="rgb"), RGB),
    "float.tif": (_tiff(RGB.astype(np.float32), photometric="rgb"), RGB),
    "alpha.tif": (
        _tiff(TRANSPARENT, photometric="rgb", extrasamples=["unassalpha"]),
        RGB,
    ),
    "imagej.tif": (
        _tiff(np.moveaxis(RGB, -1, 0), imagej=True, metadata={"axes": "CYX"}),
        RGB,
    ),
    "named.ome.tif": (
        _tiff(
            np.moveaxis(RGB, -1, 0),
            photometric="minisblack",
            metadata={"axes": "CYX"},
        ),
        RGB,
    ),
    "two.ome.tif": (
        _tiff(
            np.moveaxis(RGB, -1, 0)[:2],
            photometric="minisblack",
            metadata={"axes": "CYX"},
        ),
        RGB * np.array([1, 1, 0], np.uint8),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_all_ways_to_read_a_file_show_it_alike(name: str, tmp_path: Path) -> None:
    write, shown = KINDS[name]
    path, labels = tmp_path / name, tmp_path / "labels.png"
    write(path)
    Image.fromarray(np.zeros(shown.shape[:2], np.uint8)).save(labels)
    np.testing.assert_allclose(_by_command(path), shown, atol=1)
    np.testing.assert_array_equal(_on_a_page(path), _by_command(path))
    in_training, _ = read_pair(LabelledImage(path, labels))
    np.testing.assert_array_equal(in_training, _by_command(path))
    assert image_size(path) == shown.shape[:2]
    height, width, _ = thumbnail(path, 14).shape
    assert (height > width) == (shown.shape[0] > shown.shape[1])


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "jpe", "jfif", "avif", "tif"])
@pytest.mark.parametrize("way", [1, 3, 6])
def test_files_that_lose_a_little_are_read_alike(
    suffix: str, way: int, tmp_path: Path
) -> None:
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:32, :48] = (250, 40, 10)
    path, exif = tmp_path / f"a.{suffix}", Image.Exif()
    exif[274] = way
    if suffix == "tif":
        turn = [(274, 3, 1, way, True)]
        tifffile.imwrite(path, pixels, compression="jpeg", extratags=turn)
    else:
        kind = "AVIF" if suffix == "avif" else "JPEG"
        Image.fromarray(pixels).save(path, format=kind, exif=exif, quality=95)
    shown = {1: pixels, 3: pixels[::-1, ::-1], 6: np.rot90(pixels, -1)}[way]
    read = _by_command(path).astype(int)
    assert read.shape == shown.shape
    assert np.abs(read - shown).mean() < 6
    np.testing.assert_array_equal(_on_a_page(path), read)
    small = thumbnail(path, 32).astype(int)
    middle = [small[y, x].sum() > 150 for y in (5, -6) for x in (5, -6)]
    corner = [shown[y, x].sum() > 150 for y in (9, -9) for x in (9, -9)]
    assert middle == corner


def test_cmyk_photographs_are_shown_in_their_colours(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (16, 16), (200, 30, 60)).convert("CMYK").save(path)
    assert np.abs(_by_command(path)[8, 8].astype(int) - (200, 30, 60)).max() < 9
    np.testing.assert_array_equal(_on_a_page(path), _by_command(path))


@pytest.mark.parametrize("name", [n for n in KINDS if n != "brightness.tif"])
def test_what_is_cut_off_is_named_in_every_way(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (60, 70, 3), np.uint8)
    if path.suffix in (".tif", ".png"):
        Image.fromarray(noise).save(path)
    else:
        KINDS[name][0](path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    for read in (read_one_plane, read_any_image):
        with pytest.raises(OSError, match=path.name):
            read(path)


def test_a_tiff_that_ends_early_is_not_half_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((200, 100), np.uint16))
    path.write_bytes(path.read_bytes()[:-9000])
    for read in (read_one_plane, read_any_image):
        with pytest.raises(OSError, match=r"a\.tif: the file is truncated"):
            read(path)


def test_images_of_any_size_are_read_in_every_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    for name in ("rgb.png", "rgb.bmp", "rgb.jp2", "grey.gif", "lzw.tif"):
        path = tmp_path / name
        write, shown = KINDS[name]
        write(path)
        np.testing.assert_allclose(_by_command(path), shown, atol=1)
        np.testing.assert_array_equal(_on_a_page(path), _by_command(path))
        assert image_size(path) == shown.shape[:2]


def test_an_image_larger_than_the_memory_is_refused_in_a_sentence(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.png"
    Image.new("L", (8, 8)).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = (2_000_000).to_bytes(4, "big") * 2
    data[29:33] = imagecodecs.zlib_crc32(bytes(data[12:29])).to_bytes(4, "big")
    path.write_bytes(data)
    for read in (read_one_plane, read_any_image):
        with pytest.raises(OSError, match=r"2000000 x 2000000 .* take 4000\.0 GB"):
            read(path)


def _by_command(path: Path) -> NDArray[np.uint8]:
    return ImageReader(read_one_plane(path)).read_whole()


def _on_a_page(path: Path) -> NDArray[np.uint8]:
    pixels = read_any_image(path)
    limits = full_limits(pixels)
    layer = ImageLayer(pixels, rgb=is_rgb(pixels), contrast_limits=limits)
    # It is what napari itself would choose.
    if pixels.dtype != np.uint8:
        assert tuple(ImageLayer(pixels, rgb=is_rgb(pixels)).contrast_limits) == limits
    plane = read_plane_at(layer, Plane((None, None)))
    return ImageReader(plane, plane.limits).read_whole()
