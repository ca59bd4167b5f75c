"""The row that tells of the open project, and how much of it is learnt from."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from napari_edgeflow.project.exchange.learning import LABELLED, ProjectPages
from napari_edgeflow.project.storage.project_file import PageState
from napari_edgeflow.widgets.qt.later import Later
from napari_edgeflow.widgets.train.texts import project_text
from napari_edgeflow.widgets.workspace.docks import ProjectDock
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_edgeflow.project.folder import Project

_STATES: Mapping[tuple[PageState, ...], str] = {
    LABELLED: "all labelled",
    ("done",): "done only",
    (): "not used",
}
_LATER_MS = 600


class ProjectRow(QWidget):
    """Is there while a project is open, whichever of its images is shown."""

    changed = Signal()
    """Another project, or other images of it that are learnt from."""

    def __init__(self, viewer: "Viewer", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        workspace = Workspace.of(viewer)
        self._docks = workspace.docks
        self._project: Project | None = None
        self._labelled = 0, 0
        self.text = QLabel(self)
        self.text.setWordWrap(True)
        self.states = QComboBox(self)
        self.states.addItems(list(_STATES.values()))
        self.states.setToolTip("Which images of the project to learn from")
        self.states.currentIndexChanged.connect(self._on_states)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.states)
        self._tell_later = Later(self, self.changed, _LATER_MS)
        self._docks.changed.connect(self._look)
        workspace.project_changed.connect(self._look)
        self._look()

    @property
    def pages(self) -> ProjectPages | None:
        """The images of the open project that are learnt from; None for none."""
        states = list(_STATES)[self.states.currentIndex()]
        if self._project is None or not states:
            return None
        return ProjectPages(self._project, states)

    @property
    def is_open(self) -> bool:
        """Whether there is a project."""
        return self._project is not None

    def save(self) -> None:
        """Note the last edits of the image that is shown."""
        for dock in self._project_docks():
            dock.save()

    def _project_docks(self) -> list[ProjectDock]:
        return self._docks.all_of(ProjectDock)  # type: ignore[type-abstract]

    def _look(self) -> None:
        """Look for the project, and for what is labelled in it by now."""
        found = (dock.project for dock in self._project_docks())
        project = next((one for one in found if one is not None), None)
        is_other, self._project = project is not self._project, project
        self.setVisible(project is not None)
        before = self._labelled
        if project is not None:
            counts = ProjectPages(project).counts
            self._labelled = counts[:2]
            self.text.setText(project_text(*counts))
            self.text.setToolTip(str(project.images))
        if is_other:
            self.changed.emit()
        elif self._labelled != before:
            # Not for each object: who hears of it reads the labels of all images.
            self._tell_later.ask_anew()

    def _on_states(self, _: int) -> None:
        self.changed.emit()
