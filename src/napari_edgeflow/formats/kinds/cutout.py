"""Pictures of what was labelled: objects cut out, and classes over their image."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor
from scipy import ndimage

from napari_edgeflow.engine.labels.classes import Colour
from napari_edgeflow.engine.raster.image import ImageReader
from napari_edgeflow.engine.raster.masks import signed_edge
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation

_EDGE_SIGMA = 1.0
"""Width in pixels of the filter that smooths the stairs of a mask."""
_INSIDE = 128


def parse_background(text: str) -> Colour | None:
    """Return the colour that a person wrote; None for "transparent".

    Raises
    ------
    ValueError
        If it is none that Pillow knows, such as "white" or "#ff8800".
    """
    if text.strip().lower() == "transparent":
        return None
    try:
        red, green, blue = ImageColor.getrgb(text.strip())[:3]
    except ValueError:
        raise ValueError(
            f"{text!r} is no colour: write transparent, or such as white or #ff8800"
        ) from None
    return red, green, blue


def cutout(
    image: NDArray[Any], mask: NDArray[np.bool_], background: Colour | None = None
) -> NDArray[np.uint8]:
    """Return an image with all but the mask taken away, with a smooth edge: RGBA uint8.

    Parameters
    ----------
    image : ndarray
        (H, W) or (H, W, C), any type.
    mask : ndarray
        (H, W) bool.
    background : tuple of int, optional
        Red, green and blue to put behind. Default: transparent. Alpha is 128 or more in
        the mask and below that outside then, so that the mask can be had back exactly.

    Raises
    ------
    ValueError
        If the mask is of another size than the image.
    """
    rgb = _as_rgb(image, mask.shape)
    alpha = smooth_alpha(mask)
    if background is None:
        # What is not seen is black: the file is smaller and hides nothing.
        shown: NDArray[np.uint8] = rgb * (alpha > 0)[..., None]
        result: NDArray[np.uint8] = np.dstack((shown, alpha))
        return result
    share = alpha[..., None] / np.float32(255)
    mixed = rgb * share + np.array(background, np.float32) * (1 - share)
    opaque = np.full(mask.shape, 255, np.uint8)
    return np.dstack((np.rint(mixed).astype(np.uint8), opaque))


def smooth_alpha(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return (H, W) uint8 from 0 to 255: a mask (H, W) bool with an edge that fades.

    The mask is where it is 128 or more.
    """
    soft = ndimage.gaussian_filter(mask.astype(np.float32), _EDGE_SIGMA, mode="nearest")
    # Twice as steep: the fading is about two pixels wide.
    alpha = np.rint((soft * 2 - 0.5).clip(0, 1) * 255)
    fixed = np.where(mask, alpha.clip(min=_INSIDE), alpha.clip(max=_INSIDE - 1))
    result: NDArray[np.uint8] = fixed.astype(np.uint8)
    return result


def overlay(
    image: NDArray[Any], annotation: ImageAnnotation, opacity: float = 0.5
) -> NDArray[np.uint8]:
    """Return an image with its classes in their colours, and the objects outlined.

    The image is (H, W) or (H, W, C) of any type, the result (H, W, 3) uint8.
    ``opacity``, from 0 to 1, says how much the colours cover.

    Raises
    ------
    ValueError
        If the image is of another size, or the opacity out of bounds.
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity {opacity}: use 0 to 1")
    rgb = _as_rgb(image, annotation.shape)
    labels, objects = annotation.class_labels(), annotation.object_labels()
    highest = max((entry.id for entry in annotation.classes), default=0)
    colours = np.zeros((highest + 1, 3), np.float32)
    for entry in annotation.classes:
        colours[entry.id] = entry.colour
    cover = np.where(labels > 0, np.float32(opacity), np.float32(0))
    for drawn in annotation.objects:
        window = drawn.region.window.slices
        shown = objects[window] == drawn.id
        cover[window][signed_edge(np.pad(shown, 1))[1:-1, 1:-1] > 0] = 1
    cover = cover[..., None]
    mixed = np.rint(rgb * (1 - cover) + colours[labels] * cover)
    picture: NDArray[np.uint8] = mixed.astype(np.uint8)
    return picture


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture (H, W, 3 or 4) uint8 as PNG, all or nothing.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    with replacing(path) as partial:
        Image.fromarray(picture).save(partial, format="PNG")


def _as_rgb(image: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if image.shape[:2] != shape:
        raise ValueError(
            f"the image is {image.shape[:2]} and its labels are {shape}: both need "
            "the same height and width"
        )
    reader = ImageReader(image)
    return reader.read_whole()
