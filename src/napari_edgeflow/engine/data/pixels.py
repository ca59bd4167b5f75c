"""Pixels of image files: one reader for the window, the commands and training.

An image is grey or RGB and the way up that its file says; whoever reads it elsewhere
would show the network another picture than a person sees.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from napari_edgeflow.engine.raster.image import ImageReader

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage, TiffPageSeries

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".lsm", ".stk"),
    *(".bmp", ".webp", ".gif", ".jp2", ".avif", ".tga", ".ppm", ".pgm", ".pbm"),
)
"""Endings of the files that :func:`read_image` reads, in lower case."""

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_ORIENTATION = 274
"""EXIF's and TIFF's tag for which way up an image is."""

_AXIS_SWAPPED, _ROWS_FLIPPED, _COLUMNS_FLIPPED = range(5, 9), (3, 4, 7, 8), (2, 3, 6, 7)
"""Values of the tag; rows and columns are flipped after the axes are swapped."""

_CHANNELS = 3
"""More than red, green and blue is not shown."""

_MOST_CHANNELS = 16
"""So many planes at most can be channels, where nothing says what they are."""

_CODED_COLOURS = {6, 7, 33003, 33004, 33005, 34712, 34892, 34927, 50001}
"""TIFF's compressions whose decoders give RGB themselves."""


class UnfitImageError(OSError):
    """A file that is an image, and must not be read: cut off, or too large."""


def read_image(path: Path) -> NDArray[Any]:
    """Read an image file.

    Parameters
    ----------
    path : Path
        One of :data:`IMAGE_SUFFIXES`.

    Returns
    -------
    ndarray
        (..., H, W) or (..., H, W, 3) uint8, or of the file's own type if that has
        more bits; the leading axes are frames, planes and the like.

    Raises
    ------
    OSError
        If there is no such file, it is no image, is cut off or too large.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, no image: give the file of one")
    if not path.is_file():
        raise FileNotFoundError(f"no image {path}: check the path")
    with _explaining(f"cannot read the image {path}"):
        if not _is_tiff(path):
            return _read_frames(path)
        try:
            return _read_tiff(path)
        except UnfitImageError:
            raise
        # tifffile raises whatever its decoders do for a kind it does not know.
        except Exception as error:
            return _read_rare_tiff(path, error)


def read_one_plane(path: Path) -> NDArray[Any]:
    """Read an image file as :func:`read_image` does: (H, W) or (H, W, 3).

    Raises
    ------
    ValueError
        If the file holds a stack: its first planes would be taken for rows.
    OSError
        If there is no such file or it is no image.
    """
    image = read_image(path)
    return _checked_plane(path, image, in_colour=image.shape[-1] == _CHANNELS)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Return an image file as (H, W, 3) uint8, as it is shown and networks see it.

    Raises
    ------
    ValueError
        If it is no single image.
    OSError
        If it cannot be read.
    """
    pixels = read_one_plane(path)
    try:
        return ImageReader(pixels).read_whole()
    except ValueError as error:
        raise ValueError(f"cannot use the image {path}: {error}") from error


def read_label_image(path: Path) -> NDArray[np.integer[Any]]:
    """Return a label image (H, W), the indices if it has a palette.

    Raises
    ------
    ValueError
        If it has more than one channel, or is a stack.
    OSError
        If it cannot be read.
    """
    with _explaining(f"cannot read the labels {path}"):
        read = _read_tiff_labels if _is_tiff(path) else _read_indices
        labels, in_colour = read(path)
    if labels.dtype == np.bool_:
        # True need not be a 1 in memory.
        labels = np.where(labels, np.uint8(1), np.uint8(0))
    labels = _checked_plane(path, labels, in_colour=in_colour)
    if labels.ndim != 2 or labels.dtype.kind not in "ui":
        raise ValueError(
            f"the labels {path} are {labels.shape} of {labels.dtype}: "
            "a label image has one channel of whole numbers"
        )
    if labels.dtype.kind == "i" and labels.size and labels.min() < 0:
        raise ValueError(
            f"the labels {path} go down to {labels.min()}: label from 0 upwards"
        )
    return labels


def image_size(path: Path) -> tuple[int, int]:
    """Return the height and width of an image file without reading its pixels.

    Raises
    ------
    OSError
        If it is no image.
    """
    try:
        if _is_tiff(path):
            import tifffile

            with tifffile.TiffFile(path) as file:
                series = _main_series(file)
                page = series.keyframe
                size = int(page.imagelength), int(page.imagewidth)
                if series.axes == "QYX" and _may_be_channels(series.shape):
                    size = series.shape[0], series.shape[1]
                return size[::-1] if _tiff_turn(page) in _AXIS_SWAPPED else size
        with open_picture(path) as image:
            size = image.height, image.width
            return size[::-1] if orientation(image) in _AXIS_SWAPPED else size
    # Decoders raise whatever they do for a broken file.
    except Exception as error:
        raise OSError(
            f"cannot read the image {path}: is it there, and a PNG, JPEG or TIFF?"
        ) from error


def open_picture(path: Path) -> Image.Image:
    """Open a file with Pillow; pixels are read when they are asked for.

    Pillow's own ``open`` takes images of more than 178,956,970 pixels for attacks.
    Here the memory is the limit: who reads pixels asks for it first.

    Raises
    ------
    OSError
        If it is no image, or not there.
    """
    Image.init()
    with path.open("rb") as file:
        start = file.read(16)
    for name in Image.ID:
        factory: Any
        factory, accept = Image.OPEN[name]
        try:
            accepted = accept is None or accept(start)
            # A text says why it is not.
            if not accepted or isinstance(accepted, str):
                continue
            opened: Image.Image = factory(path)
            return opened
        # WebP's own decoder has the limit too.
        except Image.DecompressionBombError as error:
            raise UnfitImageError(
                f"{path.name} is too large for its kind: save it as PNG or TIFF"
            ) from error
        # It only looked like one.
        except (SyntaxError, IndexError, TypeError, struct.error):
            continue
    raise UnidentifiedImageError(f"{path.name} is no image of a kind that is known")


def orientation(file: Image.Image) -> int:
    """Return which way up a picture is as EXIF numbers it, 1 to 8; 1 if it is upright.

    Call it before pixels are read.
    """
    try:
        # A PNG's own method would read all pixels.
        value = Image.Image.getexif(file).get(_ORIENTATION, 1)
    # Damaged notes on a picture are no reason not to show it.
    except (SyntaxError, ValueError, KeyError, TypeError, OSError, struct.error):
        return 1
    return value if value in range(1, 9) else 1


def turned(pixels: NDArray[Any], way: int, y: int = 0) -> NDArray[Any]:
    """Return pixels turned upright.

    Parameters
    ----------
    pixels : ndarray
        Any, whose axis ``y`` is rows and the next one columns.
    way : int
        As :func:`orientation` returns it.
    y : int
        The axis of the rows, counted from the first.
    """
    if way in _AXIS_SWAPPED:
        pixels = np.swapaxes(pixels, y, y + 1)
    if way in _ROWS_FLIPPED:
        pixels = np.flip(pixels, y)
    if way in _COLUMNS_FLIPPED:
        pixels = np.flip(pixels, y + 1)
    return np.ascontiguousarray(pixels)


def _is_tiff(path: Path) -> bool:
    """Return whether a file begins as TIFFs do, whatever its ending is."""
    with path.open("rb") as file:
        return file.read(4) in _TIFF_STARTS


@contextmanager
def _explaining(failed: str) -> Iterator[None]:
    """Turn whatever decoders raise for a broken file into one sentence."""
    try:
        yield
    except UnfitImageError as error:
        raise UnfitImageError(f"{failed}: {error}") from error
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OSError(
            f"{failed} ({reason}): is the file complete, and a PNG, JPEG or TIFF?"
        ) from error


def _checked_plane(path: Path, image: NDArray[Any], *, in_colour: bool) -> NDArray[Any]:
    if image.ndim != 2 and not (image.ndim == 3 and in_colour):
        raise ValueError(
            f"{path} holds a stack of shape {image.shape}, not one image: save the "
            "plane you mean as a file of its own, or open the stack in napari"
        )
    return image


def _check_memory(shape: tuple[int, ...], bytes_each: int) -> None:
    """Raise UnfitImageError if pixels take more memory than there is."""
    needed, free = prod(shape) * bytes_each, psutil.virtual_memory().available
    if needed > free:
        raise UnfitImageError(
            f"its {' x '.join(map(str, shape))} values take "
            f"{needed / 1e9:.1f} GB and {free / 1e9:.1f} GB of memory are free; "
            "cut it into parts, or reduce it"
        )


def _read_frames(path: Path) -> NDArray[Any]:
    """Return what Pillow reads, (H, W), (H, W, 3) or with frames before that."""
    with open_picture(path) as file:
        # The further pictures of a camera's file are other sizes and other views.
        count = 1 if file.format == "MPO" else getattr(file, "n_frames", 1)
        way = orientation(file)
        _check_memory((count, file.height, file.width, len(file.getbands())), 1)
        deep = _deep_colours(path, file)
        if deep is not None:
            return turned(deep, way)
        frames = []
        for place in range(count):
            file.seek(place)
            frames.append(turned(_shown(file), way))
    return frames[0] if count == 1 else np.stack(_alike(frames))


def _alike(frames: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return frames in colour if one of them is."""
    if len({frame.ndim for frame in frames}) == 1:
        return frames
    return [f if f.ndim == 3 else np.repeat(f[..., None], 3, 2) for f in frames]


def _shown(file: Image.Image) -> NDArray[Any]:
    """Return the pixels of a picture as grey or RGB, without alpha."""
    if file.mode == "P":
        # Pillow warns of colours that are transparent to a degree.
        return np.asarray(file.convert("RGBA").convert("RGB"))
    if file.mode == "La":
        file = file.convert("LA")
    if file.mode in ("1", "LA"):
        return np.asarray(file.convert("L"))
    if file.mode in ("L", "RGB", "F") or file.mode.startswith("I"):
        return _native(np.asarray(file))
    return np.asarray(file.convert("RGB"))


def _native(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return an array in the byte order of this machine."""
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def _deep_colours(path: Path, file: Image.Image) -> NDArray[Any] | None:
    """Return colours of more than 8 bits, of which Pillow would drop the rest."""
    if file.mode.startswith("I"):
        return None
    import imagecodecs

    if file.format == "PNG" and _png_depth(path) == 16:
        pixels = imagecodecs.png_decode(path.read_bytes())
    elif file.format == "JPEG2000" and _jpeg_2000_depth(path) > 8:
        pixels = imagecodecs.jpeg2k_decode(path.read_bytes())
    else:
        return None
    return _without_alpha(pixels, has_alpha=True)


def _png_depth(path: Path) -> int:
    """Return the bits of a value in a PNG, which its header has at a fixed place."""
    with path.open("rb") as file:
        return file.read(25)[24]


def _jpeg_2000_depth(path: Path) -> int:
    """Return the bits of a value, from the marker of sizes that begins the codes."""
    data = path.read_bytes()
    start = data.find(b"\xff\x4f\xff\x51")
    return (data[start + 42] & 0x7F) + 1 if start >= 0 else 8


def _without_alpha(pixels: NDArray[Any], *, has_alpha: bool) -> NDArray[Any]:
    """Return (..., H, W, C) as (..., H, W) or (..., H, W, 3).

    ``has_alpha`` says that what comes after grey is how opaque it is; else two
    channels are red and green.
    """
    if pixels.ndim < 3:
        return pixels
    channels = pixels.shape[-1]
    if channels == 1 or (channels == 2 and has_alpha):
        return np.ascontiguousarray(pixels[..., 0])
    if channels == 2:
        return np.concatenate([pixels, np.zeros_like(pixels[..., :1])], axis=-1)
    return np.ascontiguousarray(pixels[..., :_CHANNELS])


def _main_series(file: "TiffFile") -> "TiffPageSeries":
    """Return the images of the largest size; a thumbnail may come before them."""
    if not file.series:
        raise ValueError("it has no image")

    def area(series: "TiffPageSeries") -> int:
        page = series.keyframe
        return int(page.imagelength) * int(page.imagewidth)

    return max(file.series, key=area)


def _tiff_turn(page: "TiffPage") -> int:
    tag = page.tags.get(_ORIENTATION)
    return int(tag.value) if tag is not None and tag.value in range(1, 9) else 1


def _read_tiff(path: Path) -> NDArray[Any]:
    """Return the main image of a TIFF as it is shown."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = _main_series(file)
        page = series.keyframe
        kind = tifffile.PHOTOMETRIC(page.photometric)
        if kind is tifffile.PHOTOMETRIC.YCBCR and (
            int(page.compression) not in _CODED_COLOURS
        ):
            raise ValueError("colours are stored as brightness and difference")
        values, has_samples = _tiff_values(file, series)
        shown = _tiff_colours(values, page, has_samples)
        has_samples = has_samples or kind is tifffile.PHOTOMETRIC.PALETTE
        if has_samples:
            is_grey = kind.name.startswith("MINIS")
            has_alpha = not is_grey or any(page.extrasamples)
            shown = _without_alpha(shown, has_alpha=has_alpha)
            has_samples = shown.ndim >= 3 and shown.shape[-1] == _CHANNELS
        y = shown.ndim - (3 if has_samples else 2)
        return turned(shown, _tiff_turn(page), y)


def _tiff_values(
    file: "TiffFile", series: "TiffPageSeries"
) -> tuple[NDArray[Any], bool]:
    """Return values as they are stored, (..., Y, X) or (..., Y, X, C), and which."""
    _check_complete(file, series)
    _check_memory(series.shape, series.dtype.itemsize)
    values, axes = _native(np.asarray(series.asarray())), series.axes
    rows, columns = axes.find("Y"), axes.find("X")
    if len(axes) != values.ndim or rows < 0 or columns < 0:
        return values, False
    channel = axes.find("S")
    if channel < 0:
        channel = axes.find("C")
        # More of them are looked at one by one.
        channel = channel if channel >= 0 and values.shape[channel] <= 3 else -1
    if channel < 0 and axes == "QYX" and _may_be_channels(values.shape):
        return values, True
    last = [rows, columns, *([channel] if channel >= 0 else [])]
    order = [axis for axis in range(values.ndim) if axis not in last]
    return np.transpose(values, [*order, *last]), channel >= 0


def _may_be_channels(shape: tuple[int, ...]) -> bool:
    """Return whether pages are rows: an array (H, W, C) was written as a stack."""
    rows, columns, channels = shape
    return channels <= min(_MOST_CHANNELS, rows - 1, columns - 1)


def _check_complete(file: "TiffFile", series: "TiffPageSeries") -> None:
    """Raise UnfitImageError if pixels lie behind the end of the file."""
    size, start = file.filehandle.size, series.dataoffset
    missing = start is not None and start + series.nbytes > size
    for page in series.pages:
        # Pages of other files of a series have ends of their own.
        if page is None or page.parent is not file:
            continue
        spans = zip(page.dataoffsets, page.databytecounts, strict=False)
        missing = missing or any(start + count > size for start, count in spans)
    if missing:
        raise UnfitImageError(
            "the file is truncated, part of its pixels is missing; copy or save it "
            "again"
        )


def _tiff_colours(
    values: NDArray[Any], page: "TiffPage", has_samples: bool
) -> NDArray[Any]:
    """Return values as they are shown, by the photometric interpretation."""
    from tifffile import PHOTOMETRIC

    kind, bits = PHOTOMETRIC(page.photometric), int(page.bitspersample)
    if kind is PHOTOMETRIC.PALETTE and page.colormap is not None:
        table = page.colormap.T
        # Some programs wrote 8 bits where 16 are meant.
        table = (table >> 8 if table.max(initial=0) > 255 else table).astype(np.uint8)
        shown: NDArray[np.uint8] = table[values]
        return shown
    if values.dtype == np.bool_:
        values = np.where(values, np.uint8(255), np.uint8(0))
    elif bits < 8 and values.dtype == np.uint8:
        values = (values * (255 / (2**bits - 1))).round().astype(np.uint8)
    if kind is PHOTOMETRIC.MINISWHITE and values.dtype.kind == "u":
        highest = 2**bits - 1 if bits > 8 else 255
        return np.asarray(highest - values, values.dtype)
    if kind is PHOTOMETRIC.SEPARATED and has_samples and values.shape[-1] >= 4:
        return _from_cmyk(values[..., :4])
    if kind is PHOTOMETRIC.CIELAB and has_samples and values.dtype == np.uint8:
        return _from_lab(values[..., :3])
    return values


def _from_cmyk(values: NDArray[Any]) -> NDArray[Any]:
    """Return inks (..., 4) as RGB (..., 3) of the same type."""
    highest = float(np.iinfo(values.dtype).max) if values.dtype.kind in "ui" else 1.0
    light = 1 - values.astype(np.float32) / highest
    rgb = light[..., :3] * light[..., 3:] * highest
    return (rgb.round() if values.dtype.kind in "ui" else rgb).astype(values.dtype)


def _from_lab(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return CIE L*a*b* (..., 3) as RGB; a and b are signed."""
    from skimage.color import lab2rgb

    lab = np.concatenate(
        [values[..., :1] * (100 / 255), values[..., 1:].view(np.int8)],
        axis=-1,
        dtype=np.float32,
    )
    rgb: NDArray[np.uint8] = (lab2rgb(lab) * 255).round().astype(np.uint8)
    return rgb


def _read_rare_tiff(path: Path, reason: Exception) -> NDArray[Any]:
    """Return a TIFF of a kind that Pillow knows and tifffile does not.

    Raises
    ------
    OSError
        With the first reason if Pillow does not read it either.
    """
    try:
        with open_picture(path) as file:
            _check_memory((file.height, file.width, len(file.getbands())), 1)
            count = getattr(file, "n_frames", 1)
            frames = []
            for place in range(count):
                file.seek(place)
                # Pillow turns what TIFFs say, and no other kind.
                frames.append(_shown(file))
    except Exception as error:
        raise OSError(str(reason)) from error
    largest = max(frames, key=lambda frame: prod(frame.shape[:2]))
    same = [frame for frame in frames if frame.shape[:2] == largest.shape[:2]]
    return same[0] if len(same) == 1 else np.stack(_alike(same))


def _read_tiff_labels(path: Path) -> tuple[NDArray[Any], bool]:
    """Return the values of a TIFF, not inverted, and whether it has channels."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = _main_series(file)
        page = series.keyframe
        labels, has_samples = _tiff_values(file, series)
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            bits = int(page.bitspersample)
            inverted = ~labels if bits == 1 else (2**bits - 1 - labels)
            labels = np.asarray(inverted, series.dtype)
        y = labels.ndim - (3 if has_samples else 2)
        return turned(labels, _tiff_turn(page), y), has_samples


def _read_indices(path: Path) -> tuple[NDArray[Any], bool]:
    """Return the values of a picture, and whether it has channels."""
    with open_picture(path) as file:
        way, depth = orientation(file), _png_depth(path) if file.format == "PNG" else 8
        _check_memory((file.height, file.width, len(file.getbands())), 1)
        count = 1 if file.format == "MPO" else getattr(file, "n_frames", 1)
        frames = []
        for place in range(count):
            file.seek(place)
            frames.append(turned(_native(np.asarray(file)), way))
        if file.mode == "L" and depth in (2, 4):
            # Pillow stretches them to the range of 8 bits.
            frames = [frame // (255 // (2**depth - 1)) for frame in frames]
    labels = frames[0] if count == 1 else np.stack(frames)
    return labels, frames[0].ndim == 3 and count == 1
