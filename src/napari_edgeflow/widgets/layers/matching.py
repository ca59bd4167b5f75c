"""Which image labels belong to: one rule for all docks.

Of the images that have the shape of the labels, it is

1. the one that the labels were made for, which both say in their metadata; it stays so
   whatever either is called,
2. else the one that a person has chosen in a dock, where there is such a choice,
3. else the one that the labels are named after, the longest such name,
4. else the nearest below the labels, else the nearest above them.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from napari.layers import Image, Labels

from napari_edgeflow.engine.labels.scheme import entry_of, new_image_mark, with_entry
from napari_edgeflow.widgets.layers.helpers import is_helper
from napari_edgeflow.widgets.layers.planes import layer_shape

if TYPE_CHECKING:
    from napari.layers import Layer


def image_of(
    layers: "Iterable[Layer]", labels: "Labels", chosen: Image | None = None
) -> Image:
    """Return the image that labels belong to; see the module.

    Parameters
    ----------
    layers : iterable of Layer
        Both are among them, in the order of the viewer.
    labels : Labels
        The labels.
    chosen : Image, optional
        What a person has chosen.

    Raises
    ------
    ValueError
        If no image has their shape.
    """
    image = _find_image(list(layers), labels, chosen)
    if image is None:
        raise ValueError(
            f"There is no image of the shape {layer_shape(labels)} of {labels.name!r}: "
            "open the image that was labelled."
        )
    return image


def matching_layers(layers: "Iterable[Layer]") -> Iterator[tuple[Image, Labels]]:
    """Yield each layer of labels that has an image, with the image."""
    # A part of napari's own list would be one of its lists too, made in 15 ms a layer.
    layers = list(layers)
    for labels in layers:
        if isinstance(labels, Labels):
            image = _find_image(layers, labels)
            if image is not None:
                yield image, labels


def made_for(layers: "Iterable[Layer]", labels: "Layer", image: Image) -> bool:
    """Return whether labels are of an image, and say so or are named after it."""
    layers = list(layers)
    says_so = _is_stored(labels, image) or labels.name.startswith(image.name)
    return labels in layers and says_so and _find_image(layers, labels) is image


def image_entry(layer: "Image | Labels") -> dict[str, str]:
    """Return what the metadata of labels made on a layer say of their image.

    Parameters
    ----------
    layer : Image or Labels
        The image, which is given a mark to be known by if it has none; or labels of it.
    """
    known = entry_of(layer.metadata).get("image")
    if known is None and isinstance(layer, Image):
        known = new_image_mark()
        layer.metadata = with_entry(layer.metadata, image=known)
    return {} if known is None else {"image": known}


def _find_image(
    layers: "list[Layer]", labels: "Layer", chosen: Image | None = None
) -> Image | None:
    at, shape = layers.index(labels), layer_shape(labels)
    fitting = [
        (place, layer)
        for place, layer in enumerate(layers)
        if isinstance(layer, Image)
        and not is_helper(layer)
        and layer_shape(layer) == shape
    ]

    def rank(candidate: tuple[int, Image]) -> tuple[bool, bool, int, bool, int]:
        place, image = candidate
        named = len(image.name) if labels.name.startswith(image.name) else 0
        is_stored, is_chosen = _is_stored(labels, image), image is chosen
        return not is_stored, not is_chosen, -named, place > at, abs(place - at)

    return min(fitting, key=rank)[1] if fitting else None


def _is_stored(labels: "Layer", image: Image) -> bool:
    known = entry_of(labels.metadata).get("image")
    return known is not None and known == entry_of(image.metadata).get("image")
