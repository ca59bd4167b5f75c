"""The layers of the next page on their way into the viewer, not to be seen yet."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Image

from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.project.content.class_changes import known_classes
from napari_edgeflow.project.content.records import LabelContent
from napari_edgeflow.widgets.layers.kept_selection import kept_selection
from napari_edgeflow.widgets.layers.labels import labels_of, new_labels
from napari_edgeflow.widgets.project.page.rows import as_features

if TYPE_CHECKING:
    from napari.layers import Labels, Layer
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_edgeflow.engine.labels.classes import ClassTable

SHORT_NAMES = {"object": "objects", "semantic": "classes", "plain": "labels"}
"""What labels of each kind are called in a project."""


@dataclass(frozen=True, slots=True, eq=False)
class ComingPage:
    """An image of a project and what is to be shown on it.

    Parameters
    ----------
    name : str
        What to call the image.
    pixels : ndarray
        The image.
    rgb : bool
        Whether its last axis is colours.
    layers : mapping
        Its labels; they become the layers' own.
    new : LabelScheme
        The classes now, and the kind of labels for an image that has none.
    kept : tuple of str
        Short names that labels have which are not shown.
    """

    name: str
    pixels: "NDArray[Any]" = field(repr=False)
    rgb: bool
    layers: Mapping[str, LabelContent]
    new: LabelScheme
    kept: tuple[str, ...] = ()

    @property
    def taken(self) -> set[str]:
        """Short names that no other labels of the page may have."""
        return {*self.layers, *self.kept}

    def scheme(self, key: str, classes: "ClassTable") -> LabelScheme | None:
        """Return what labels mean: the classes, and those that only they have."""
        layer = self.layers.get(key)
        if layer is None:
            return LabelScheme(self.new.kind, classes)
        if layer.kind == "plain":
            return None
        return LabelScheme(layer.kind, known_classes(layer, classes))

    def makers(self, image: Image) -> "dict[str, Callable[[], Labels]]":
        """Return what makes the Labels layers, by their short names."""
        if not self.taken:
            return {SHORT_NAMES[self.new.kind]: partial(new_labels, image, self.new)}
        classes = self.new.classes
        return {
            key: partial(
                labels_of,
                image,
                self.scheme(key, classes),
                layer.labels,
                as_features(layer.rows),
            )
            for key, layer in self.layers.items()
        }


class SceneUpdate:
    """Has napari sort out what it draws once for layers that come at different times.

    Parameters
    ----------
    viewer : Viewer
        Whose scene it is.
    """

    def __init__(self, viewer: "Viewer") -> None:
        self._events = viewer.layers.events
        self._waits = False

    def put_off(self) -> None:
        """Let it wait until :meth:`catch_up`; what is drawn already stays so."""
        # Not viewer.layers.batched_update(): it would catch up as well when nobody
        # holds it any more, such as when the window goes.
        self._waits = True
        self._events.begin_batch()

    def catch_up(self) -> None:
        """Have done now what waits."""
        if self._waits:
            self._waits = False
            self._events.end_batch()


class PageArrival:
    """Puts the layers of a page into the viewer one by one, hidden.

    napari takes a while for each of them. In between the window has its turn, and a
    person goes on with the page before.

    Parameters
    ----------
    viewer : Viewer
        Where to put them.
    scene : SceneUpdate
        Its scene.
    """

    def __init__(self, viewer: "Viewer", scene: SceneUpdate) -> None:
        self._viewer, self._scene = viewer, scene
        self._names: dict[Layer, str] = {}
        self._labels: dict[str, Labels] = {}
        self._image: Image | None = None

    def owns(self, layer: "Layer") -> bool:
        """Return whether a layer is one of those on their way."""
        return layer in self._names

    def bring_in(self, page: ComingPage) -> Generator[None, None, None]:
        """Put a page in; yields wherever the window may have its turn."""
        self._image = image = Image(page.pixels, name=page.name, rgb=page.rgb)
        yield
        self._scene.put_off()
        self._put_in(image, page.name)
        yield
        for key, make in page.makers(image).items():
            layer = make()
            yield
            self._labels[key] = layer
            # They are named after the image, which may go by another name so far.
            self._put_in(layer, page.name + layer.name.removeprefix(image.name))
            yield
        self._scene.catch_up()
        yield

    def _put_in(self, layer: "Layer", name: str) -> None:
        """Put a layer in; it gets its name when the one of the page before is gone."""
        self._names[layer] = name
        layer.visible = False
        with kept_selection(self._viewer):
            self._viewer.layers.insert(len(self._names) - 1, layer)

    def show(self) -> "tuple[Image | None, Mapping[str, Labels]]":
        """Show the page, now that the one before is gone.

        Returns
        -------
        image : Image or None
            None if none was brought in.
        labels : mapping
            Its Labels layers by their short names.
        """
        for at, (layer, name) in enumerate(self._names.items()):
            if layer not in self._viewer.layers:
                # A person took it out, who meant the page before.
                self._viewer.layers.insert(at, layer)
            layer.visible = True
            if layer.name != name:
                layer.name = name
        if not self._viewer.layers.selection and self._names:
            self._viewer.layers.selection.active = list(self._names)[-1]
        shown = self._image, self._labels
        self._forget()
        return shown

    def send_back(self) -> None:
        """Take out what is on its way."""
        for layer in self._names:
            if layer in self._viewer.layers:
                layer.locked = False
                self._viewer.layers.remove(layer)
        self._forget()
        self._scene.catch_up()

    def _forget(self) -> None:
        self._names, self._labels, self._image = {}, {}, None
