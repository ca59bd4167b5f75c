"""What the network makes of validation images, shown anew after each epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_edgeflow.engine.data.pixels import read_label_image
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.engine.training.folder import PREDICTIONS_FOLDER
from napari_edgeflow.formats.training.folder import PlaneFile
from napari_edgeflow.widgets.layers.helpers import HELPER, kept_selection
from napari_edgeflow.widgets.layers.labels import write_scheme
from napari_edgeflow.widgets.layers.planes import layer_shape, placement
from napari_edgeflow.widgets.qt.workers import LatestCall, show_problem

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_edgeflow.widgets.train.settings import LayerPair

Planes = Mapping[PlaneFile, NDArray[np.integer]]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Predictions of a training's folder, after an epoch."""

    folder: Path
    epoch: int


def read_predictions(wanted: _Wanted) -> Planes:
    """Return the predictions that are there, by the plane that they are of.

    Raises
    ------
    ValueError, OSError
        If one cannot be read.
    """
    paths = sorted((wanted.folder / PREDICTIONS_FOLDER).glob("*.png"))
    places = ((PlaneFile.of(path.stem), path) for path in paths)
    return {
        place: read_label_image(path) for place, path in places if place is not None
    }


class TrainPredictions(QObject):
    """Shows predictions on the layers that a training learns from."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._pairs: Sequence[LayerPair] = ()
        self._classes = ClassTable(())
        self._layers: dict[int, Labels] = {}
        self._calls: LatestCall[_Wanted, Planes] = LatestCall(
            read_predictions, self._show, self._fail
        )

    @property
    def busy(self) -> bool:
        """Whether predictions are read."""
        return self._calls.busy

    def begin(self, pairs: "Sequence[LayerPair]", classes: ClassTable) -> None:
        """Show predictions on other layers from now on."""
        self._pairs, self._classes, self._layers = pairs, classes, {}

    def update_from(self, folder: Path, epoch: int) -> None:
        """Show what a training has written after an epoch."""
        if self._pairs:
            self._calls(_Wanted(folder, epoch))

    def close(self) -> None:
        """Show nothing new any more."""
        self._calls.close()

    def _show(self, wanted: _Wanted, planes: Planes) -> None:
        for place, labels in planes.items():
            if place.stack >= len(self._pairs):
                # Of a folder beside the layers, whose images have such names too.
                continue
            layer = self._layer_of(place.stack)
            if layer is None:
                continue
            flat = layer.data.reshape(-1, *layer.data.shape[-2:])
            if place.plane < len(flat) and flat[place.plane].shape == labels.shape:
                flat[place.plane] = labels
            image = self._pairs[place.stack].image
            layer.name = f"Epoch {wanted.epoch}: {image.name}"
        for layer in self._layers.values():
            layer.refresh()

    def _layer_of(self, stack: int) -> Labels | None:
        """Return the layer of predictions of a pair; None if its image is gone."""
        image = self._pairs[stack].image
        if image not in self._viewer.layers:
            return None
        known = self._layers.get(stack)
        if known is None:
            data = np.zeros(layer_shape(image), np.uint16)
            known = Labels(data, metadata={HELPER: "predictions"}, **placement(image))
            known.visible = image.visible
            write_scheme(known, LabelScheme("semantic", self._classes))
            known.editable = False
            self._layers[stack] = known
            layers = self._viewer.layers
            # The person may be labelling something.
            with kept_selection(self._viewer):
                layers.insert(layers.index(image) + 1, known)
        # One that a person deleted stays away.
        return known if known in self._viewer.layers else None

    def _fail(self, wanted: _Wanted, error: Exception) -> None:
        if not isinstance(error, ValueError | OSError):
            show_problem(error)
