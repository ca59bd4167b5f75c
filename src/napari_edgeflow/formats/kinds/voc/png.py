"""Palette PNGs as in PASCAL VOC: the pixel's value is the class id.

The names of the classes, for which such a file has no place, are kept in a text chunk
that other programs skip.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from napari_edgeflow.engine.data.pairs import VOID
from napari_edgeflow.engine.data.pixels import open_picture
from napari_edgeflow.engine.labels.classes import (
    METADATA,
    ClassTable,
    LabelClass,
    voc_palette,
)
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.engine.system.json_text import parse_json

MAX_INDEX = 255

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_SIZE = 26
"""Bytes up to the colour type: signature, IHDR's length and name, size, depth."""
_PALETTE_TYPE = 3
_MAX_FOREIGN_LABELS = 64
"""Pictures that were reduced to a palette use more colours than this."""


def is_palette_png(path: Path) -> bool:
    """Return whether a file says that it is a PNG with a palette.

    Raises
    ------
    OSError
        If it cannot be opened.
    """
    return _header(path)[:2] == (True, _PALETTE_TYPE)


def holds_labels(path: Path) -> bool:
    """Return whether a palette PNG holds labels and is no picture of few colours.

    It does if this package wrote it, if its palette begins as VOC's does, or if no
    more than 64 indices are in use: an image reduced to a palette uses most of it.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    if not is_palette_png(path):
        return False
    with _explaining(path), PngImageFile(path) as image:
        start = _palette(image)[:2]
        if METADATA in image.info or np.array_equal(start, voc_palette(2)):
            return True
        counts = np.bincount(np.asarray(image).ravel())
    return int(np.count_nonzero(counts)) <= _MAX_FOREIGN_LABELS


def names_classes(path: Path) -> bool:
    """Return whether a PNG holds the names of classes that we wrote into it.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with _explaining(path), open_picture(path) as image:
        return _named_classes(image.info.get(METADATA)) is not None


def read_palette_png(
    path: Path, default: ClassTable | None = None
) -> tuple[NDArray[np.uint8], ClassTable]:
    """Read labels and their classes.

    Parameters
    ----------
    path : Path
        A PNG with a palette of 1 to 8 bits, or a grey one of up to 8 bits, whose
        values are the labels; or one in the colours of the classes.
    default : ClassTable, optional
        The classes of a file that does not name them itself.

    Returns
    -------
    labels : ndarray
        (H, W) uint8. VOC's void, 255, stays 255.
    classes : ClassTable
        Those that :func:`write_palette_png` put into the file; else ``default``;
        else VOC's, if the palette has VOC's colours wherever it is in use. Any other
        label is "class 7" or the like in the colour of the palette, 255 "void".

    Raises
    ------
    ValueError
        If it is a PNG of another kind.
    OSError
        If it cannot be read.
    """
    _, _, depth = _header(path)
    with _explaining(path), PngImageFile(path) as image:
        pixels = np.array(image)
        mode, text, palette = image.mode, image.info.get(METADATA), _palette(image)
    if mode in ("RGB", "RGBA"):
        return labels_of_colours(path, pixels[..., :3], default)
    if mode not in ("P", "L", "1"):
        raise ValueError(
            f"{path} is a picture of mode {mode}, its values are no labels: "
            "give a PNG with a palette, or a grey one of 8 bits"
        )
    if mode == "L":
        # Pillow stretches 2 and 4 bits to the range of 8.
        pixels //= MAX_INDEX // (2**depth - 1)
    labels = pixels.astype(np.uint8)
    classes = _named_classes(text) or default
    if classes is None and mode == "P" and _is_voc(labels, palette):
        classes = ClassTable.voc()
    return labels, _completed(classes or ClassTable(()), labels, palette)


def labels_of_colours(
    path: Path, rgb: NDArray[np.uint8], classes: ClassTable | None = None
) -> tuple[NDArray[np.uint8], ClassTable]:
    """Return labels (H, W) uint8 and classes of a picture in their colours, on black.

    Parameters
    ----------
    path : Path
        Where it is from.
    rgb : ndarray
        (H, W, 3) uint8.
    classes : ClassTable, optional
        Whose colours are known. Another colour is a label of VOC's palette, else the
        next free one, and a class "class 7" or the like.

    Raises
    ------
    ValueError
        If there are more colours than labels: it is a photograph.
    """
    wide = rgb.astype(np.uint32)
    codes = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    values, places = np.unique(codes, return_inverse=True)
    if len(values) > MAX_INDEX + 1:
        raise ValueError(
            f"{path} is a picture of {len(values)} colours, no labels: give a PNG with "
            "a palette, a grey one of 8 bits, or one in the colours of the classes"
        )
    table = classes or ClassTable(())
    ids = {entry.colour: entry.id for entry in table}
    usual = {tuple(c): i for i, c in enumerate(voc_palette().tolist())}
    numbers = np.zeros(len(values), np.uint8)
    for place, code in enumerate(values.tolist()):
        colour = code >> 16, code >> 8 & 255, code & 255
        if colour not in ids and code:
            known = {entry.id for entry in table}
            number = usual.get(colour, 0)
            if not number or number in known:
                free = (i for i in range(1, MAX_INDEX) if i not in known)
                number = next(free, 0)
            named = "void" if number == VOID else f"class {number}"
            table = table.with_class(LabelClass(number, named, colour))
            ids[colour] = number
        numbers[place] = ids.get(colour, 0)
    return numbers[places.reshape(codes.shape)], table


def check_palette_path(path: Path) -> None:
    """Raise ValueError if ``path`` does not end in .png."""
    if path.suffix.lower() != ".png":
        raise ValueError(f"a palette image is a PNG file: {path} must end in .png")


def write_palette_png(
    path: Path,
    labels: NDArray[np.integer],
    palette: NDArray[np.uint8],
    classes: ClassTable | None = None,
) -> None:
    """Write labels (H, W), 0 to 255, as an 8-bit palette PNG, all or nothing.

    The path ends in .png; the palette is (256, 3) uint8. The names of ``classes`` are
    kept for :func:`read_palette_png`.

    Raises
    ------
    ValueError
        If the path does not end in .png or the labels do not fit.
    OSError
        If the file cannot be written.
    """
    check_palette_path(path)
    _check_labels(labels)
    image = Image.fromarray(labels.astype(np.uint8))
    image.putpalette(palette.tobytes())
    text = PngInfo()
    if classes is not None:
        kept = ClassTable(tuple(c for c in classes if c.id <= MAX_INDEX))
        text.add_text(METADATA, json.dumps({"classes": kept.to_records()}), zip=True)
    with replacing(path) as partial:
        image.save(partial, format="PNG", pnginfo=text)


def _check_labels(labels: NDArray[np.integer]) -> None:
    if labels.ndim != 2 or not labels.size or labels.dtype.kind not in "bui":
        raise ValueError(
            f"labels of shape {labels.shape} and type {labels.dtype}, a palette PNG "
            "holds one plane (H, W) of whole numbers: save as TIFF (.tif) instead"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > MAX_INDEX:
        raise ValueError(
            f"labels go from {low} to {high}, a palette PNG holds 0 to {MAX_INDEX}: "
            "save as TIFF (.tif) instead, or export as COCO"
        )


def _header(path: Path) -> tuple[bool, int, int]:
    """Return whether a file is a PNG, its colour type and its bits per channel."""
    with _explaining(path), path.open("rb") as file:
        start = file.read(_HEADER_SIZE)
    if len(start) < _HEADER_SIZE or not start.startswith(_SIGNATURE):
        return False, 0, 0
    return True, start[25], start[24]


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    """Turn what Pillow raises for a broken file into one OSError."""
    try:
        yield
    # A broken chunk may raise anything from SyntaxError to struct.error.
    except Exception as error:
        system = getattr(error, "strerror", None)
        reason = system or str(error) or type(error).__name__
        advice = "check the path" if system else "is the file complete?"
        raise OSError(
            f"cannot read {path} as a palette PNG ({reason}): {advice}"
        ) from error


def _palette(image: Image.Image) -> NDArray[np.uint8]:
    """Return (256, 3): the image's colours, and VOC's where it has none."""
    palette = voc_palette()
    colours = np.array(image.getpalette() or [], np.uint8).reshape(-1, 3)
    palette[: len(colours)] = colours
    return palette


def _is_voc(labels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bool:
    used = _used(labels)
    return np.array_equal(palette[used], voc_palette()[used])


def _used(labels: NDArray[np.uint8]) -> NDArray[np.intp]:
    return np.flatnonzero(np.bincount(labels.ravel(), minlength=MAX_INDEX + 1))


def _completed(
    classes: ClassTable, labels: NDArray[np.uint8], palette: NDArray[np.uint8]
) -> ClassTable:
    """Return the classes, and a class for each label that has none."""
    known = {0, *(entry.id for entry in classes)}
    unnamed = [
        LabelClass(i, "void" if i == VOID else f"class {i}", (*palette[i].tolist(),))
        for i in _used(labels).tolist()
        if i not in known
    ]
    every = ClassTable((*classes, *unnamed))
    # A layer without a class could not be painted on.
    return every if len(every) else ClassTable.voc()


def _named_classes(text: object) -> ClassTable | None:
    """Return the classes in our text chunk; None if there is none to be understood.

    The labels of a file whose text was damaged are still good.
    """
    try:
        return ClassTable.from_records(parse_json(str(text))["classes"])
    except (ValueError, KeyError, TypeError):
        return None
