"""The plane of an image layer that is being shown, as the engine wants it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.transforms import Affine
from numpy.typing import DTypeLike, NDArray

from napari_edgeflow.engine.raster.image import Window

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Plane:
    """A plane of an n-dimensional array.

    Parameters
    ----------
    index : tuple of (int or None)
        One entry for each axis: where the axis is held, or None for the two axes
        that the plane spans. The first of these is y, the second x.
    """

    index: tuple[int | None, ...]

    @property
    def axes(self) -> tuple[int, int]:
        """The axes of y and x."""
        y, x = (axis for axis, at in enumerate(self.index) if at is None)
        return y, x

    @property
    def name(self) -> str:
        """What to call the plane in a message, such as "slice 3 of axis 0"."""
        held = {axis: at for axis, at in enumerate(self.index) if at is not None}
        slices, axes = ", ".join(map(str, held.values())), ", ".join(map(str, held))
        if len(held) == 1:
            return f"slice {slices} of axis {axes}"
        return f"slices {slices} of axes {axes}"

    def point(self, y: float, x: float) -> tuple[float, ...]:
        """Return the position in the array of a position in the plane."""
        inside = iter((y, x))
        return tuple(next(inside) if at is None else float(at) for at in self.index)

    def position(self, point: Sequence[float]) -> tuple[float, float]:
        """Return (y, x) in the plane of a position in the array."""
        y, x = self.axes
        return float(point[y]), float(point[x])

    def holds(self, point: Sequence[float]) -> bool:
        """Return whether a position in the array lies in this plane."""
        return all(
            at is None or round(float(value)) == at
            for at, value in zip(self.index, point, strict=True)
        )

    def select(self, rows: slice, columns: slice) -> tuple[int | slice, ...]:
        """Return what indexes a part of the plane out of the array."""
        inside = iter((rows, columns))
        return tuple(next(inside) if at is None else at for at in self.index)

    def read(self, array: Any, window: Window | None = None) -> NDArray[Any]:
        """Return the plane of an array, or a window of it; a view where it can be."""
        rows, columns = (slice(None),) * 2 if window is None else window.slices
        return np.asarray(array[self.select(rows, columns)])


class PlaneImage:
    """One plane of an image, read where and when it is asked for.

    An array of shape (H, W, C) as far as the engine is concerned; what it does not
    ask for is never read, so that stacks on disk and dask arrays stay where they are.

    Parameters
    ----------
    data : array_like
        The array of the layer: numpy, dask, zarr or anything else that is sliced.
    plane : Plane
        Which plane of it.
    rgb : bool
        Whether the last axis of ``data`` holds the channels.
    limits : tuple of float
        Values shown as black and as white.
    """

    ndim = 3

    def __init__(
        self, data: Any, plane: Plane, rgb: bool, limits: tuple[float, float]
    ) -> None:
        self.data = data
        self.plane = plane
        self.limits = limits
        self._rgb = rgb
        self.dtype: np.dtype[Any] = np.dtype(data.dtype)
        y, x = plane.axes
        channels = data.shape[-1] if rgb else 1
        self.shape: tuple[int, int, int] = (data.shape[y], data.shape[x], channels)

    def __getitem__(self, key: tuple[slice, ...]) -> NDArray[Any]:
        """Return a part of the plane; ``key`` is two slices, or three with channels."""
        rows, columns, *channels = key
        part = np.asarray(self.data[self.plane.select(rows, columns)])
        part = part if self._rgb else part[..., None]
        return part[(slice(None), slice(None), *channels)]

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        """Return the whole plane."""
        return np.asarray(self[:, :], dtype)

    def holds(self, y: float, x: float) -> bool:
        """Return whether a position in pixels lies on the plane."""
        height, width = self.shape[:2]
        return -0.5 <= y < height - 0.5 and -0.5 <= x < width - 0.5

    def at(self, plane: Plane) -> "PlaneImage":
        """Return another plane of the same image."""
        return PlaneImage(self.data, plane, self._rgb, self.limits)

    def same_as(self, other: "PlaneImage | None") -> bool:
        """Return whether both show the same pixels in the same way."""
        return (
            other is not None
            and self.data is other.data
            and self.plane == other.plane
            and self.limits == other.limits
        )


def every_plane(shown: PlaneImage, shape: Sequence[int]) -> tuple[PlaneImage, ...]:
    """Return all planes of an image that are parallel to one of them.

    ``shape`` is that of the image, without channels.
    """
    held = shown.plane.index
    places = product(
        *(
            [None] if at is None else range(side)
            for at, side in zip(held, shape, strict=True)
        )
    )
    return tuple(shown.at(Plane(place)) for place in places)


def planes_of(layer: "Layer") -> tuple[PlaneImage, ...]:
    """Return all planes of the last two axes of a layer, without reading pixels."""
    shape = layer_shape(layer)
    first = Plane((*([0] * (len(shape) - 2)), None, None))
    rgb = bool(getattr(layer, "rgb", False))
    limits = _limits(layer) if hasattr(layer, "contrast_limits") else (0.0, 1.0)
    return every_plane(PlaneImage(layer_array(layer), first, rgb, limits), shape)


def layer_array(layer: "Layer") -> Any:
    """Return the data of an image or Labels layer at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def layer_shape(layer: "Layer") -> tuple[int, ...]:
    """Return the shape of an image or Labels layer without colour channels."""
    shape = tuple(int(side) for side in layer_array(layer).shape)
    return shape[:-1] if getattr(layer, "rgb", False) else shape


def plane_count(layer: "Layer") -> int:
    """Return how many planes a layer has along all axes but the last two."""
    return prod(layer_shape(layer)[:-2])


def plane_shown(viewer: "Viewer", layer: "Layer") -> Plane:
    """Return the plane of a layer that the viewer shows.

    Raises
    ------
    ValueError
        If it shows a volume, axes the layer does not have, or a place outside of it.
    """
    if viewer.dims.ndisplay != 2:
        raise ValueError(
            "the viewer shows a volume: switch it to 2D (Ctrl+Y) to work in a plane"
        )
    missing = viewer.dims.ndim - layer.ndim
    shown = {axis - missing for axis in viewer.dims.displayed}
    if min(shown) < 0:
        raise ValueError(
            f"the axes being shown are not axes of {layer.name!r}: change their order"
        )
    centre = np.round(layer.world_to_data(viewer.dims.point))
    shape = layer_shape(layer)
    index = tuple(
        None if axis in shown else int(centre[axis]) for axis in range(layer.ndim)
    )
    for at, side in zip(index, shape, strict=True):
        if at is not None and not 0 <= at < side:
            raise ValueError(
                f"{layer.name!r} has nothing at the plane being shown: move the "
                "sliders below the image back to it"
            )
    return Plane(index)


def show_plane(viewer: "Viewer", layer: "Layer", plane: Plane) -> None:
    """Move the sliders to a plane of a layer, as far as there are sliders for it."""
    point = [0.0 if at is None else float(at) for at in plane.index]
    missing = viewer.dims.ndim - layer.ndim
    for axis, value in enumerate(layer.data_to_world(point)):
        if (
            plane.index[axis] is not None
            and axis + missing not in viewer.dims.displayed
        ):
            viewer.dims.set_point(axis + missing, float(value))


def read_plane(viewer: "Viewer", layer: "Image") -> PlaneImage:
    """Return the image that the viewer shows of a layer, without reading pixels.

    Raises
    ------
    ValueError
        If no plane of the layer is shown.
    """
    return read_plane_at(layer, plane_shown(viewer, layer))


def read_plane_at(layer: "Image", plane: Plane) -> PlaneImage:
    """Return a plane of a layer with the contrast it is shown with."""
    return PlaneImage(layer_array(layer), plane, layer.rgb, _limits(layer))


def _limits(layer: "Layer") -> tuple[float, float]:
    """Return the values of a layer that napari shows as black and white."""
    low, high = (float(value) for value in layer.contrast_limits)
    return (low, high) if high > low else (low, low + 1.0)


def visible_window(layer: "Image", plane: Plane) -> Window | None:
    """Return the part of a plane that the canvas shows; None if that is all of it."""
    axes = list(plane.axes)
    factor = (
        np.asarray(layer.downsample_factors[layer.data_level])[axes]
        if layer.multiscale
        else 1
    )
    first, last = layer.corner_pixels[:, axes]
    height, width = np.take(layer_shape(layer), axes)
    top, left = (int(edge) for edge in np.maximum(first * factor, 0))
    bottom, right = (int(edge) for edge in (last + 1) * factor)
    window = Window(top, left, min(bottom, int(height)), min(right, int(width)))
    if window.height < 1 or window.width < 1:
        return None
    whole = (window.height, window.width) == (height, width)
    return None if whole else window


def placement(layer: "Layer", plane: Plane | None = None) -> dict[str, Any]:
    """Return the arguments that put a new layer where another one is.

    Parameters
    ----------
    layer : Layer
        The layer to follow.
    plane : Plane, optional
        The new layer holds only this plane, one pixel thick.
    """
    linear = {"scale": layer.scale, "rotate": layer.rotate, "shear": layer.shear}
    translate = np.asarray(layer.translate)
    if plane is not None:
        start = [0 if at is None else at for at in plane.index]
        translate = translate + Affine(**linear, ndim=layer.ndim)(start)
    return {
        **linear,
        "translate": translate,
        "affine": np.asarray(layer.affine.affine_matrix),
        "units": layer.units,
        "axis_labels": layer.axis_labels,
    }


def follow(layer: "Layer", other: "Layer", plane: Plane | None = None) -> None:
    """Move an existing layer to where another one is; see :func:`placement`."""
    here = placement(layer)
    for name, value in placement(other, plane).items():
        # napari slices the layer again for each of them.
        if not np.array_equal(here[name], value):
            setattr(layer, name, value)


def thick_shape(shape: tuple[int, ...], plane: Plane) -> tuple[int, ...]:
    """Return the shape of an array that holds one plane of an array of ``shape``."""
    return tuple(
        side if at is None else 1 for side, at in zip(shape, plane.index, strict=True)
    )
