"""Eight samples as training will see them, as layers of the viewer."""

import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels
from napari.utils.notifications import show_warning
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.data.pairs import folder_pairs
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.formats.training.folder import write_stacks
from napari_edgeflow.formats.training.sources import read_source
from napari_edgeflow.widgets.layers.helpers import HELPER
from napari_edgeflow.widgets.layers.labels import write_scheme
from napari_edgeflow.widgets.qt.torch_beside_opengl import keep_triton_apart
from napari_edgeflow.widgets.qt.workers import LatestCall, show_problem
from napari_edgeflow.widgets.train.settings import TrainChoice
from napari_edgeflow.widgets.train.work import TrainRequest

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.viewer import Viewer

IMAGE, LABELS = "training samples", "training samples labels"
_MOST = 50
"""Images to draw from at most: a preview should not take long."""


@dataclass(frozen=True, slots=True, eq=False)
class PreviewRequest:
    """What to draw samples from, and which ones."""

    data: TrainRequest
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """Samples beside each other: (H, W, 3) uint8 and (H, W) class ids."""

    image: NDArray[np.uint8]
    labels: NDArray[np.uint16]
    classes: ClassTable


def make_preview(request: PreviewRequest) -> Preview:
    """Return eight samples, augmented as they are in training.

    Raises
    ------
    ValueError
        If the data cannot be trained on.
    OSError
        If a file cannot be read or written.
    """
    data = request.data
    survey = data.survey().usable()
    # Before what follows may load torch.
    keep_triton_apart()
    from napari_edgeflow.engine.training.semantic.preview import preview_samples

    classes = survey.merged.table
    ids = tuple(entry.id for entry in classes)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = [
            pair
            for source in data.plan.sources
            for pair in read_source(source, folder, _MOST)[0]
        ]
        if data.stacks:
            counts = [found for found in survey.counts if found is not None]
            chosen = range(len(data.stacks))
            written = write_stacks(folder, data.stacks, counts, chosen, survey.merged)
            for made in written:
                if made.done >= _MOST:
                    break
            pairs += folder_pairs(folder / "images", folder / "labels")
        image, labels = preview_samples(
            pairs, ids if data.plan.unlabelled else (0, *ids), request.seed
        )
    return Preview(image, labels, classes)


class TrainPreview(QObject):
    """Makes previews in the background and shows them as two layers."""

    state_changed = Signal(str)

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self._viewer = viewer
        self._seeds = count()
        self._calls: LatestCall[PreviewRequest, Preview] = LatestCall(
            make_preview, self._show, self._fail
        )

    @property
    def busy(self) -> bool:
        """Whether a preview is made."""
        return self._calls.busy

    def show_samples(self, choice: TrainChoice) -> None:
        """Show eight samples, other ones each time."""
        try:
            data = TrainRequest.of(choice)
        except ValueError as error:
            show_warning(str(error))
            return
        self.state_changed.emit("Drawing samples …")
        self._calls(PreviewRequest(data, next(self._seeds)))

    def close(self) -> None:
        """Show nothing any more."""
        self._calls.close()

    def _show(self, request: PreviewRequest, made: Preview) -> None:
        self.state_changed.emit(
            "Eight samples as the network sees them. Press Preview for others."
        )
        layers = self._viewer.layers
        for name in (IMAGE, LABELS):
            if name in layers:
                layers.remove(name)
        place = place_over(layers, made.labels.shape)
        self._viewer.add_image(made.image, name=IMAGE, rgb=True, **place)
        labels = Labels(
            made.labels, name=LABELS, opacity=0.5, metadata={HELPER: "samples"}, **place
        )
        write_scheme(labels, LabelScheme("semantic", made.classes))
        self._viewer.add_layer(labels)

    def _fail(self, request: PreviewRequest, error: Exception) -> None:
        self.state_changed.emit("No preview.")
        if isinstance(error, ValueError):
            show_warning(str(error))
        else:
            show_problem(error)


def place_over(
    layers: "LayerList", shape: tuple[int, ...]
) -> dict[str, NDArray[np.float64]]:
    """Return scale and translation that show a picture where the layers are.

    A person who looks at all of the layers then sees all of it, whatever they
    measure, and the same as before once it is removed.
    """
    if not len(layers):
        return {}
    low, high = np.asarray(layers.extent.world)[:, -2:]
    step = float(np.min((high - low) / shape))
    corner = (low + high) / 2 - step * (np.array(shape) - 1) / 2
    return {"scale": np.full(2, step), "translate": corner}
