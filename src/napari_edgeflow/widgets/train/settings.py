"""What a person chose in the dock for training."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.formats.annotation.planes import classes_of_objects
from napari_edgeflow.formats.training.sources import DataFolder
from napari_edgeflow.formats.training.stacks import LabelledStack
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.layers.planes import layer_shape, planes_of

if TYPE_CHECKING:
    from napari.layers import Image, Labels


@dataclass(frozen=True, eq=False)
class LayerPair:
    """An image layer and the Labels layer that says what is in it.

    Parameters
    ----------
    image, labels : Image, Labels
        The layers.
    kind : {"semantic", "object"}
        What the values of the labels are.
    """

    image: "Image"
    labels: "Labels"
    kind: Kind = "semantic"

    def stack(self) -> LabelledStack:
        """Return both as training reads them, without reading pixels.

        Raises
        ------
        ValueError
            If they are of different shapes.
        """
        shapes = layer_shape(self.image), layer_shape(self.labels)
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"{self.labels.name!r} has the shape {shapes[1]}, its image "
                f"{self.image.name!r} {shapes[0]}: choose labels of the same shape"
            )
        scheme = read_scheme(self.labels)
        images = planes_of(self.image)
        return LabelledStack(
            self.labels.name,
            images,
            planes_of(self.labels),
            self.kind,
            None if scheme is None else scheme.classes,
            {i: c for i, c in classes_of_objects(self.labels.features).items() if c},
            images[0].limits,
        )


@dataclass(frozen=True, eq=False)
class TrainSettings:
    """What a person chose.

    Parameters
    ----------
    pairs : tuple of LayerPair
        Layers to learn from.
    folders : tuple of DataFolder
        Folders to learn from.
    unlabelled : bool
        Whether pixels of 0 have no label yet, instead of being background.
    task : str
        ``weights.CLICK_TASK`` or ``weights.SEMANTIC_TASK``.
    model : str
        Name or path of the model to start from, or name of a new network.
    output : Path
        Folder of the new model.
    epochs, loss
        As the command has them.
    rate, batch, size : float or int or None
        Peak learning rate, samples in a step, and side of crops in pixels; None to
        leave it to the command.
    device : str
        "auto", "cuda", "mps" or "cpu".
    predictions : bool
        Whether to show what the network makes of validation images.
    """

    pairs: tuple[LayerPair, ...]
    folders: tuple[DataFolder, ...]
    unlabelled: bool
    task: str
    model: str
    output: Path
    epochs: int
    loss: str
    rate: float | None
    batch: int | None
    size: int | None
    device: str
    predictions: bool = False
