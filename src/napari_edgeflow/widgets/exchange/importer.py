"""What happens when labels are imported, without any of the dock's buttons."""

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal

from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.widgets.exchange.import_work import (
    Imported,
    ImportRequest,
    read_import,
    write_import,
)
from napari_edgeflow.widgets.exchange.texts import imported_text, reading_text
from napari_edgeflow.widgets.layers.annotation import image_names, path_of
from napari_edgeflow.widgets.layers.planes import every_plane, layer_shape, read_plane
from napari_edgeflow.widgets.qt.run import Run
from napari_edgeflow.widgets.qt.workers import show_problem
from napari_edgeflow.widgets.workspace.label_writer import LabelTarget, Written

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer


class ImportController(Run[ImportRequest, int, Imported]):
    """Reads labels in the background and writes them into a Labels layer."""

    committed = Signal(object)
    """The Labels layer that was written to."""

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__("Importing", "import", read_import, viewer.layers)
        self._viewer = viewer
        self._to: LabelTarget | None = None
        self._problems: list[str] = []

    def run(self, request: ImportRequest, to: LabelTarget) -> None:
        """Start to read."""
        if self.busy:
            return
        self._to = to
        needed = [
            (layer, f"its layer {layer.name!r} was deleted")
            for layer in (to.image, to.labels)
            if layer is not None
        ]
        self._start(request, "Reading …", *needed)

    def _reported(self, request: ImportRequest, number: int) -> None:
        self._show(number, 0, reading_text(number))

    def _made(self, request: ImportRequest, imported: Imported) -> None:
        if self._to is not None:
            self._problems = imported.problems
            self._write(write_import(self._viewer, imported, self._to))

    def _written(self, written: Written) -> None:
        self._end(imported_text(written, self._problems))
        if written.target in self._viewer.layers:
            self._viewer.layers.selection.active = written.target
            self.committed.emit(written.target)

    def _failed(self, error: Exception) -> None:
        self._end("Nothing was imported.")
        show_problem(error)

    def _forget(self) -> None:
        self._to = None
        super()._forget()


def import_request(
    viewer: "Viewer",
    image: "Image | None",
    path: Path | None,
    source: str | None = None,
    *,
    every: bool = False,
    values: Kind = "object",
    file: Path | None = None,
) -> ImportRequest:
    """Return what to read in the background.

    Parameters
    ----------
    viewer : Viewer
        Which plane it shows is what counts.
    image : Image
        The image that the labels are for.
    path : Path
        The file or folder.
    source : str, optional
        Its format. Default: found out.
    every : bool
        Whether labels of all planes are wanted.
    values : {"semantic", "object"}
        What the values of label images are that do not say it.
    file : Path, optional
        The image's file. Default: the one it was opened from, if any.

    Raises
    ------
    ValueError
        If there is no image or no path.
    """
    if image is None:
        raise ValueError("There is no image: open one first.")
    if path is None:
        raise ValueError("Choose a file or a folder to import from.")
    shown = read_plane(viewer, image)
    planes = every_plane(shown, layer_shape(image)) if every else (shown,)
    file = file or path_of(image)
    height, width = shown.shape[:2]
    return ImportRequest(
        path,
        source,
        values,
        None if file is None else file.parent,
        tuple(image_names(image, planes, file)),
        tuple(plane.plane for plane in planes),
        (height, width),
    )
