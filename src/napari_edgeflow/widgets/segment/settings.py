"""What a person chose in the dock for automatic segmentation."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_edgeflow.engine.labels.classes import Kind

if TYPE_CHECKING:
    from napari.layers import Image, Labels


@dataclass(frozen=True)
class SegmentSettings:
    """What a person chose in the dock for automatic segmentation.

    Parameters
    ----------
    image : Image or None
        The layer to segment.
    every_plane : bool
        Whether to segment all slices of a stack and not only the one that is shown.
    model : str
        Name or path.
    device : str
        "auto", "cuda", "mps" or "cpu".
    tile_size : int
        Side in pixels of what goes through the network at once.
    flip : bool
        Whether to average with the mirrored image.
    kept : frozenset of int or None
        Ids of the classes to keep; None for all.
    minimum_pixels : int
        Smaller connected areas are left out.
    kind : {"semantic", "object"}
        Whether to write ids of classes or of objects.
    target : Labels or None
        Where the result goes; None for a new layer.
    only_unlabelled : bool
        Whether pixels that have a label keep it.
    """

    image: "Image | None"
    every_plane: bool
    model: str
    device: str
    tile_size: int
    flip: bool
    kept: frozenset[int] | None
    minimum_pixels: int
    kind: Kind
    target: "Labels | None"
    only_unlabelled: bool
