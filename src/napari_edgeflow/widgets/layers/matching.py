"""Which image labels belong to."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from napari.layers import Image, Labels

from napari_edgeflow.widgets.layers.helpers import is_helper
from napari_edgeflow.widgets.layers.planes import layer_shape

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer


def image_of(
    viewer: "Viewer", labels: "Labels", preferred: Image | None = None
) -> Image:
    """Return the image that labels belong to: one of the same shape.

    Parameters
    ----------
    viewer : Viewer
        Where both are.
    labels : Labels
        The labels.
    preferred : Image, optional
        Is taken if it fits; else the image next to the labels.

    Raises
    ------
    ValueError
        If there is none.
    """
    shape, at = layer_shape(labels), viewer.layers.index(labels)
    fitting = [
        layer
        for layer in viewer.layers
        if isinstance(layer, Image)
        and not is_helper(layer)
        and layer_shape(layer) == shape
    ]
    if preferred in fitting:
        return preferred
    if not fitting:
        raise ValueError(
            f"There is no image of the shape {shape} of {labels.name!r}: open the "
            "image that was labelled."
        )
    return min(fitting, key=lambda layer: abs(viewer.layers.index(layer) - at))


def matching_layers(layers: "Iterable[Layer]") -> Iterator[tuple["Image", "Labels"]]:
    """Yield each layer of labels with the nearest image of its shape below it."""
    # A part of napari's own list would be one of its lists too, made in 15 ms a layer.
    layers = list(layers)
    for at, labels in enumerate(layers):
        if not isinstance(labels, Labels):
            continue
        for layer in (*reversed(layers[:at]), *layers[at + 1 :]):
            is_image = isinstance(layer, Image) and not is_helper(layer)
            if is_image and layer_shape(layer) == layer_shape(labels):
                yield layer, labels
                break
