"""What a person chose in the dock for training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.formats.annotation.planes import classes_of_objects
from napari_edgeflow.formats.training.plan import TrainingPlan
from napari_edgeflow.formats.training.stacks import LabelledStack
from napari_edgeflow.project.exchange.learning import ProjectPages
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.layers.planes import layer_shape, planes_of

if TYPE_CHECKING:
    from napari.layers import Image, Labels


@dataclass(frozen=True, eq=False)
class LayerPair:
    """An image layer and the Labels layer that says what is in it."""

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
class TrainChoice:
    """What a person chose: what to learn from, and all else a training is told."""

    pairs: tuple[LayerPair, ...]
    plan: TrainingPlan
    project: ProjectPages | None = None
    """Images of the open project; None for none of them."""
