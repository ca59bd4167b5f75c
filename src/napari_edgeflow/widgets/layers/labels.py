"""Labels layers that hold classes or objects: their colours, tables and edits."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme, entry_of, with_entry
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.formats.annotation.planes import classes_of_objects
from napari_edgeflow.widgets.layers.colours import direct_colormap
from napari_edgeflow.widgets.layers.matching import image_entry
from napari_edgeflow.widgets.layers.planes import Plane, layer_shape, placement

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.viewer import Viewer


def read_scheme(layer: "Layer | None") -> LabelScheme | None:
    """Return what a layer of ours says of itself; None for any other, and for none."""
    return None if layer is None else LabelScheme.of(layer.metadata)


def new_labels(image: "Image", scheme: LabelScheme) -> Labels:
    """Return an empty Labels layer on an image, not in a viewer yet.

    Its values have 8 or 16 bits, which napari colours without the CPU.
    """
    highest = max((entry.id for entry in scheme.classes), default=0)
    small = scheme.kind == "semantic" and highest <= np.iinfo(np.uint8).max
    data = np.zeros(layer_shape(image), np.uint8 if small else np.uint16)
    return labels_of(image, scheme, data, {})


def labels_of(
    image: "Image | Labels",
    scheme: LabelScheme | None,
    data: NDArray[np.integer],
    features: Mapping[str, Sequence[object]],
) -> Labels:
    """Return a Labels layer on an image that holds what was kept of another one.

    Parameters
    ----------
    image : Image or Labels
        The image, or labels of it.
    scheme : LabelScheme or None
        What the values mean; None if nobody knows.
    data : ndarray
        The values, of the image's shape.
    features : mapping
        Of objects: the columns of the table.
    """
    what = "labels"
    if scheme is not None:
        what = "classes" if scheme.kind == "semantic" else "objects"
    name = f"{image.name} {what}"
    metadata = with_entry({}, **image_entry(image))
    layer = Labels(
        data, name=name, features=dict(features), metadata=metadata, **placement(image)
    )
    if scheme is not None:
        _store(layer, scheme)
        layer.colormap = _colormap(layer, scheme)
    return layer


def add_labels(viewer: "Viewer", image: "Image", scheme: LabelScheme) -> Labels:
    """Put an empty Labels layer right above an image, and return it.

    What lies higher, such as clicks and their preview, stays on top.
    """
    layer = new_labels(image, scheme)
    viewer.layers.insert(viewer.layers.index(image) + 1, layer)
    return layer


def write_scheme(layer: Labels, scheme: LabelScheme) -> None:
    """Store what a layer's values mean and colour them accordingly.

    An object layer that was not ours before keeps its colours: nobody told us the
    classes of the objects in it.
    """
    known = read_scheme(layer)
    if known == scheme:
        return
    foreign = known is None and bool(np.any(layer.data))
    _store(layer, scheme)
    if scheme.kind == "semantic" or not foreign:
        layer.colormap = _colormap(layer, scheme)


def _store(layer: Labels, scheme: LabelScheme) -> None:
    layer.metadata = with_entry(layer.metadata, **scheme.entry)
    if scheme.kind == "object":
        rename_classes(layer, scheme.classes)


def hidden_classes(layer: "Layer") -> frozenset[int]:
    """Return the ids of the classes whose labels a layer does not show."""
    hidden = entry_of(layer.metadata).get("hidden", ())
    return frozenset(int(class_id) for class_id in hidden)


def hide_classes(layer: Labels, class_ids: Collection[int]) -> None:
    """Show the labels of all classes but these; the labels stay what they are."""
    scheme = read_scheme(layer)
    if scheme is None or hidden_classes(layer) == frozenset(class_ids):
        return
    layer.metadata = with_entry(layer.metadata, hidden=sorted(class_ids))
    layer.colormap = _colormap(layer, scheme)


def _colormap(layer: Labels, scheme: LabelScheme) -> DirectLabelColormap:
    """Return the colours of all values that can be told."""
    class_of = classes_of_objects(layer.features)
    return direct_colormap(scheme.colours(class_of, hidden_classes(layer)))


def class_colour(classes: ClassTable, class_id: int) -> tuple[float, ...]:
    """Return a class's colour as RGBA from 0 to 1."""
    return (*(value / 255 for value in classes.get(class_id).colour), 1.0)


def check_target(layer: Labels, shape: tuple[int, ...], value: int = 0) -> None:
    """Make sure that a mask of an image can be written into a layer.

    ``shape`` is that of the image without channels, ``value`` what is to be written.

    Raises
    ------
    ValueError
        If it cannot, saying why.
    """
    if layer_shape(layer) != shape:
        raise ValueError(
            f"{layer.name!r} has the shape {layer_shape(layer)}, the image {shape}: "
            "choose labels of the image's shape, or a new layer"
        )
    data = layer.data
    writeable = getattr(getattr(data, "flags", None), "writeable", True)
    if layer.multiscale or hasattr(data, "dask") or not writeable:
        raise ValueError(
            f"{layer.name!r} cannot be edited, since it has several scales or is read "
            "from elsewhere: choose another layer, or a new one"
        )
    highest = int(np.iinfo(layer.dtype).max)
    if value > highest:
        raise ValueError(
            f"{layer.name!r} holds values up to {highest}, not {value}: "
            "choose a new layer"
        )


def next_object_id(layer: Labels) -> int:
    """Return the id after the highest in use; the first is 1, also above -1."""
    return max(int(np.max(layer.data, initial=0)), 0) + 1


def without_labelled(
    layer: Labels, plane: Plane, window: Window, mask: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the part of a mask where a layer has no label yet."""
    present = plane.read(layer.data, window)
    free: NDArray[np.bool_] = mask & (present <= 0)
    return free


def commit_mask(
    layer: Labels,
    plane: Plane,
    window: Window,
    mask: NDArray[np.bool_],
    values: int | NDArray[np.integer],
) -> None:
    """Write into a layer, as one edit that napari's own undo takes back.

    Parameters
    ----------
    layer : Labels
        The layer; see :func:`check_target`.
    plane : Plane
        The plane of the layer that is written to.
    window : Window
        Where ``mask`` lies in the plane.
    mask : ndarray
        (h, w) bool, the pixels to write.
    values : int or ndarray
        What to write: one value, or (h, w) with one for each pixel.
    """
    rows, columns = np.nonzero(mask)
    inside = iter((rows + window.top, columns + window.left))
    # napari keeps these for its undo: the smallest type takes a quarter of the memory.
    indices = tuple(
        (next(inside) if at is None else np.full(rows.size, at)).astype(
            np.min_scalar_type(side)
        )
        for at, side in zip(plane.index, layer.data.shape, strict=True)
    )
    if not layer.visible:
        # napari has not followed the sliders with a hidden layer, and draws into it.
        layer.set_view_slice()
    # Assigning layer.data instead would leave an undo history of other pixels.
    layer.data_setitem(indices, np.broadcast_to(values, mask.shape)[mask])


def class_of_label(layer: Labels, value: int) -> int | None:
    """Return the class id of a value in a layer; None if nobody told it."""
    scheme = read_scheme(layer)
    if scheme is None or scheme.kind == "object":
        return classes_of_objects(layer.features).get(value)
    return value


def colouring(
    layer: Labels, classes: ClassTable, class_of: Mapping[int, int | None]
) -> Iterator[None]:
    """Give objects the colours of their classes, if the layer has such colours.

    Yields in between: with thousands of objects each step takes a moment.

    Parameters
    ----------
    layer : Labels
        A layer of objects.
    classes : ClassTable
        The colours.
    class_of : mapping
        The class id of each object; None for an object that is gone.
    """
    if not isinstance(layer.colormap, DirectLabelColormap):
        return
    now = {i: c for i, c in class_of.items() if c is not None}
    known = layer.colormap.color_dict
    colours = {i: colour for i, colour in known.items() if i not in class_of}
    colours |= LabelScheme("object", classes).colours(now, hidden_classes(layer))
    colormap = direct_colormap(colours)
    if any(
        tuple(colormap.color_dict.get(i, ())) != tuple(known.get(i, ()))
        for i in class_of
    ):
        # napari draws its thumbnail for that: not without need.
        yield
        layer.colormap = colormap


def count_objects(layer: "Labels") -> dict[int, int]:
    """Return how many objects of each class a layer has rows of."""
    features = layer.features
    if "class_id" not in features:
        return {}
    counts = features["class_id"].dropna().value_counts()
    return {int(class_id): int(count) for class_id, count in counts.items()}


def rename_classes(layer: "Labels", classes: ClassTable) -> None:
    """Call the classes of objects as the table does."""
    features = layer.features
    if "class_id" not in features or "class_name" not in features:
        return
    names = {entry.id: entry.name for entry in classes}
    before = features["class_name"].tolist()
    ids = features["class_id"].tolist()
    after = [names.get(i, name) for i, name in zip(ids, before, strict=True)]
    if after != before:
        columns = {str(name): features[name].tolist() for name in features}
        layer.features = {**columns, "class_name": after}
