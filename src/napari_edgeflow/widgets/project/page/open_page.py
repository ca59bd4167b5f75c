"""A page as the viewer has it: its image, its labels, and what is in progress there.

Together with :mod:`label_layers` the only code of projects that touches layers.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import QObject, Signal

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.labels.scheme import LabelScheme
from napari_edgeflow.project.content.class_changes import known_classes
from napari_edgeflow.project.content.records import LabelContent, PageContent
from napari_edgeflow.project.images.read import is_rgb
from napari_edgeflow.widgets.layers.helpers import is_helper, kept_selection
from napari_edgeflow.widgets.layers.labels import (
    count_objects,
    labels_of,
    new_labels,
    read_scheme,
    write_scheme,
)
from napari_edgeflow.widgets.layers.planes import layer_shape
from napari_edgeflow.widgets.project.page.rows import FeatureRows, as_features
from napari_edgeflow.widgets.qt.connections import Connections
from napari_edgeflow.widgets.qt.later import Later
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from napari.layers import Layer

    from napari_edgeflow.project.content.records import Draft
    from napari_edgeflow.widgets.project.page.loader import LoadedPage
    from napari_edgeflow.widgets.project.page.stage import Stage

SHORT_NAMES = {"object": "objects", "semantic": "classes", "plain": "labels"}
"""What labels of each kind are called in a project."""

_SOON_MS, _LATER_MS = 20, 300
"""How long edits are gathered; redrawing, which may be an edit or not, for longer."""


class OpenPage(QObject):
    """The image and the Labels layers of one page, and what is not saved of them.

    A page is brought in hidden, while a person goes on with the one before, and then
    shown in place of that. Labels layers that appear beside its image, of the same
    shape, belong to it as well. One that a person takes out of the viewer stays in the
    project.

    Parameters
    ----------
    stage : Stage
        Where it comes.
    name : str
        The image's name in the project. Default: none, the page of a viewer that shows
        no project.
    """

    edited = Signal()
    """Labels or objects were edited."""
    redrawn = Signal()
    """Something may have been edited, such as by napari's own undo, or classes were."""
    removed = Signal(str)
    """A person took a Labels layer of this name out of the viewer."""

    def __init__(self, stage: "Stage", name: str = "") -> None:
        super().__init__()
        self.name = name
        self.image: Image | None = None
        self.draft: Draft | None = None
        """The object in progress."""
        self.draft_waits = False
        """Whether that is the one that the page was left with: nobody goes on yet."""
        self._stage, self._layers = stage, stage.viewer.layers
        self._stored = PageContent()
        self._labels: dict[str, Labels] = {}
        self._used: set[str] = set()
        self._names: dict[Layer, str] = {}
        self._gone: list[str] = []
        self._links = Connections()
        self._edited_soon = Later(self, self.edited, _SOON_MS)
        self._redrawn_later = Later(self, self.redrawn, _LATER_MS)
        self._adopt_later = Later(self, self._adopt)
        self._tell_later = Later(self, self._tell_of_gone)

    @property
    def labels(self) -> Labels | None:
        """The first Labels layer, which finished objects go to."""
        return next(iter(self._labels.values()), None)

    @property
    def all_labels(self) -> "Mapping[str, Labels]":
        """All Labels layers by the short names they have in the project."""
        return dict(self._labels)

    @property
    def classes(self) -> ClassTable | None:
        """The classes of the layer that finished objects go to."""
        scheme = read_scheme(self.labels)
        return None if scheme is None else scheme.classes

    # ---- into the viewer, and out of it

    def bring_in(
        self, page: "LoadedPage", new: LabelScheme
    ) -> "Generator[None, None, None]":
        """Put the layers into the viewer one by one, hidden.

        napari takes a while for each of them: it yields wherever the window may have
        its turn.

        Parameters
        ----------
        page : LoadedPage
            What to show; its labels become the layers' own.
        new : LabelScheme
            The classes, and the kind of labels for an image that has none.
        """
        self._stored = page.content
        self._used = {*page.content.layers, *page.kept}
        self.draft = page.content.draft
        self.draft_waits = self.draft is not None
        # Names of layers have no folders; the list shows those.
        name = Path(page.name).stem
        self.image = image = Image(
            page.pixels,
            name=name,
            rgb=is_rgb(page.pixels),
            contrast_limits=page.limits,
        )
        yield
        self._stage.put_off()
        self._put_in(image, name)
        yield
        for key in page.content.layers if self._used else (SHORT_NAMES[new.kind],):
            layer = self._made(key, image, new)
            yield
            self._labels[key] = layer
            # They are named after the image, which may go by another name so far.
            self._put_in(layer, name + layer.name.removeprefix(image.name))
            yield
        self._stage.catch_up()
        yield

    def _made(self, key: str, image: Image, new: LabelScheme) -> Labels:
        layer = self._stored.layers.get(key)
        if layer is None:
            return new_labels(image, new)
        scheme = _scheme(layer, new.classes)
        return labels_of(image, scheme, layer.labels, as_features(layer.rows))

    def _put_in(self, layer: "Layer", name: str) -> None:
        """Put a layer in; it gets its name when the one of the page before is gone."""
        self._names[layer] = name
        self._stage.coming.add(layer)
        layer.visible = False
        with kept_selection(self._stage.viewer):
            self._layers.insert(len(self._names) - 1, layer)

    def show(self, classes: ClassTable) -> None:
        """Show the layers, now that those of the page before are gone.

        Parameters
        ----------
        classes : ClassTable
            The classes now, which may be other ones than when the layers were made.
        """
        for at, (layer, name) in enumerate(self._names.items()):
            if layer not in self._layers:
                # A person took it out, who meant the page before.
                self._layers.insert(at, layer)
            layer.visible = True
            if layer.name != name:
                layer.name = name
        if not self._layers.selection and self._names:
            self._layers.selection.active = list(self._names)[-1]
        self._stage.coming.difference_update(self._names)
        self._names.clear()
        for key, labels in self._labels.items():
            if (stored := self._stored.layers.get(key)) is not None:
                scheme = _scheme(stored, classes)
            elif (scheme := read_scheme(labels)) is not None:
                scheme = LabelScheme(scheme.kind, classes)
            if scheme is not None:
                write_scheme(labels, scheme)
            self._follow(key, labels)
        self._links.connect(self._layers.events.inserted, self._on_inserted)
        self._links.connect(self._layers.events.removed, self._on_removed)

    def take_out(self) -> None:
        """Take the layers out of the viewer; napari's own undo goes with them."""
        self.unfollow()
        for layer in (*self._labels.values(), self.image):
            if layer is not None and layer in self._layers:
                layer.locked = False
                self._layers.remove(layer)
        self._stage.coming.difference_update(self._names)
        self._labels, self._names, self.image = {}, {}, None
        self._stored = PageContent()

    def unfollow(self) -> None:
        """Follow the layers no longer; they stay where they are."""
        self._gone.clear()
        for later in self.findChildren(Later):
            later.cancel()
        self._links.close()

    # ---- what it holds

    def set_classes(self, classes: ClassTable) -> None:
        """Give all layers that know their classes other ones."""
        for layer in self._labels.values():
            scheme = read_scheme(layer)
            if scheme is not None:
                write_scheme(layer, LabelScheme(scheme.kind, classes))

    def flush(self) -> None:
        """Tell of edits now that would be told of soon."""
        if self._edited_soon.waits:
            self._edited_soon.cancel()
            self.edited.emit()

    def content(self) -> PageContent:
        """Return what is on the page, without copying labels; takes a moment."""
        stored = self._stored.layers
        layers = {
            key: _content(layer, stored.get(key), self._quiet(layer))
            for key, layer in self._labels.items()
        }
        return PageContent(layers, self.draft)

    def _quiet(self, layer: Labels) -> "Callable[[], int | None]":
        """Return what tells whether a step is being done to a layer; it keeps none."""
        history = ref(Workspace.of(self._stage.viewer).history)
        known = ref(layer)

        def quiet() -> int | None:
            one, other = history(), known()
            return 0 if one is None or other is None else one.quiet(other)

        return quiet

    # ---- what happens in the viewer

    def _follow(self, key: str, layer: Labels) -> None:
        self._labels[key] = layer
        for name in ("paint", "features", "data"):
            self._links.connect(getattr(layer.events, name), self._on_edited)
        for name in ("set_data", "metadata"):
            self._links.connect(getattr(layer.events, name), self._on_redrawn)

    def _on_edited(self) -> None:
        self._edited_soon.ask()

    def _on_redrawn(self) -> None:
        self._redrawn_later.ask()

    def _on_inserted(self) -> None:
        # Later: whoever made the layer may not have said yet whose it is.
        self._adopt_later.ask()

    def _on_removed(self, event: Any) -> None:
        gone = [key for key, layer in self._labels.items() if layer is event.value]
        if gone:
            # The last edit of it, before nobody knows it any more.
            self.flush()
        for key in gone:
            del self._labels[key]
            self._gone.append(event.value.name)
            # Later: when the viewer closes all layers go, and nobody is to be told.
            self._tell_later.ask()

    def _tell_of_gone(self) -> None:
        names, self._gone = self._gone, []
        if self.image is not None and self.image in self._layers:
            for name in names:
                self.removed.emit(name)

    def _adopt(self) -> None:
        """Make Labels layers that a dock or a person added part of the page."""
        for layer in self._layers:
            if layer not in self._labels.values() and self._belongs(layer):
                self._follow(self._free_key(layer), layer)
                self._on_edited()

    def _belongs(self, layer: "Layer") -> bool:
        return (
            self.image is not None
            and layer not in self._stage.coming
            and isinstance(layer, Labels)
            and isinstance(layer.data, np.ndarray)
            and layer_shape(layer) == layer_shape(self.image)
            and not is_helper(layer)
        )

    def _free_key(self, layer: Labels) -> str:
        scheme, number = read_scheme(layer), 1
        key = name = SHORT_NAMES["plain" if scheme is None else scheme.kind]
        while key in self._used or key in self._labels:
            number += 1
            key = f"{name}-{number}"
        self._used.add(key)
        return key


def _scheme(layer: LabelContent, classes: ClassTable) -> LabelScheme | None:
    """Return what labels mean: the classes, and those that only they have."""
    if layer.kind == "plain":
        return None
    return LabelScheme(layer.kind, known_classes(layer, classes))


def _content(
    layer: Labels, stored: LabelContent | None, quiet: "Callable[[], int | None]"
) -> LabelContent:
    """Return what a layer holds; what it lost with classes it does not know itself."""
    scheme, rows = read_scheme(layer), FeatureRows(layer.features)
    if scheme is None:
        return LabelContent("plain", ClassTable(()), layer.data, rows, quiet=quiet)
    taken = () if stored is None else stored.taken
    counts = count_objects(layer)
    return LabelContent(
        scheme.kind,
        scheme.classes,
        layer.data,
        rows,
        counts=counts,
        taken=taken,
        quiet=quiet,
    )
