"""The dock "Export and import"."""

from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_warning
from qtpy.QtWidgets import QTabWidget

from napari_edgeflow.project.exchange.imports import FolderImport
from napari_edgeflow.project.folder import Project
from napari_edgeflow.widgets.exchange.export_controls import FOLDER, ExportControls
from napari_edgeflow.widgets.exchange.exporter import ExportController, ExportRequest
from napari_edgeflow.widgets.exchange.folder_import_undo import FolderImportUndo
from napari_edgeflow.widgets.exchange.folder_importer import FolderImporter
from napari_edgeflow.widgets.exchange.import_controls import ImportControls
from napari_edgeflow.widgets.exchange.importer import ImportController, import_request
from napari_edgeflow.widgets.layers.annotation import LabelledLayers, labelled_layers
from napari_edgeflow.widgets.project.dock import (
    open_project_of,
    project_and_pages,
    project_file,
)
from napari_edgeflow.widgets.project.page.loader import read_with_plugins
from napari_edgeflow.widgets.workspace.label_writer import LabelTarget
from napari_edgeflow.widgets.workspace.workspace import ViewerDock

if TYPE_CHECKING:
    import napari

    from napari_edgeflow.widgets.qt.run import Run

_LEAST_WIDTH = 325
"""In pixels: names of formats and ends of paths can be read."""


class ExportWidget(ViewerDock):
    """Write labels into files of any format, and read them back."""

    title = "Export and import"

    def __init__(self, viewer: "napari.viewer.Viewer") -> None:
        super().__init__(viewer)
        self.exports = ExportControls(self._viewer, self._links)
        self.imports = ImportControls(self._viewer, self._links)
        self.exporter = ExportController()
        self.importer = ImportController(self._viewer)
        self.folder_importer = FolderImporter(self._viewer)
        self.folder_undo = FolderImportUndo(self._viewer)
        self.tabs = QTabWidget(self)
        self.tabs.addTab(self.exports, "Export")
        self.tabs.addTab(self.imports, "Import")
        self.tabs.setMinimumWidth(_LEAST_WIDTH)
        self._connect()
        exporter = self.exporter
        importers = self._importers

        def stop(_viewer_remains: bool) -> None:
            exporter.close()
            for importer in importers:
                importer.close()

        self._set_up(self.tabs, stop)

    @property
    def _importers(self) -> "tuple[Run[Any, Any, Any], ...]":
        return self.importer, self.folder_importer, self.folder_undo

    def _connect(self) -> None:
        self.exports.run.clicked.connect(self._on_export)
        self.exports.cancel.clicked.connect(self.exporter.cancel)
        self.exporter.state_changed.connect(self.exports.state.setText)
        self.exporter.running_changed.connect(self.exports.show_running)
        self.exporter.written.connect(self.exports.show_written)
        self.imports.run.clicked.connect(self._on_import)
        self.imports.undo.clicked.connect(self.folder_undo.run)
        self.folder_importer.imported.connect(self.folder_undo.offer)
        self.folder_undo.offered.connect(self.imports.undo.setVisible)
        for importer in self._importers:
            self.imports.cancel.clicked.connect(importer.cancel)
            importer.state_changed.connect(self.imports.state.setText)
            importer.running_changed.connect(self.imports.show_running)
        self.importer.committed.connect(self.imports.target.choose)

    def _on_export(self) -> None:
        try:
            source = self._source()
            settings = self.exports.options.settings()
        except ValueError as error:
            show_warning(str(error))
        else:
            self.exporter.run(ExportRequest(source, settings))

    def _source(self) -> LabelledLayers | Project:
        """Return what to export; ValueError if there is nothing."""
        fields = self.exports
        if fields.is_project:
            project = open_project_of(self._viewer)
            fields.suggest(project.home / FOLDER)
            return project
        return labelled_layers(
            self._viewer,
            fields.image.layer,
            fields.labels.layer,
            every=fields.planes.every,
            kind=fields.kind.kind,
            path=project_file(self._viewer, fields.image.layer),
        )

    def _on_import(self) -> None:
        fields = self.imports
        if fields.is_project:
            self._import_folder()
            return
        if not fields.kind.settle():
            return
        try:
            request = import_request(
                self._viewer,
                fields.image.layer,
                fields.chosen_path,
                fields.source,
                every=fields.planes.every,
                values=fields.kind.kind,
                file=project_file(self._viewer, fields.image.layer),
            )
        except ValueError as error:
            show_warning(str(error))
            return
        target = LabelTarget(
            fields.image.layer,
            fields.target.layer,
            fields.kind.kind,
            fields.keep_existing.isChecked(),
        )
        self.importer.run(request, target)

    def _import_folder(self) -> None:
        fields, path = self.imports, self.imports.chosen_path
        try:
            project, pages = project_and_pages(self._viewer)
            if project.read_only:
                raise ValueError("The project is open to look only: nothing is saved.")
            if path is None:
                raise ValueError("Choose a file or a folder to import from.")
        except ValueError as error:
            show_warning(str(error))
            return
        request = FolderImport(
            path,
            fields.source,
            fields.kind.kind,
            fields.adds,
            fields.keep_existing.isChecked(),
            read_with_plugins,
        )
        self.folder_importer.run(pages, request)
