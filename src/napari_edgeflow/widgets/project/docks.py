"""The project dock of a viewer, for docks that work with its project."""

from typing import TYPE_CHECKING

from napari_edgeflow.widgets.project.dock import ProjectWidget
from napari_edgeflow.widgets.workspace.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_edgeflow.project.folder import Project
    from napari_edgeflow.widgets.project.controller import ProjectController


def open_project_of(viewer: "Viewer") -> "Project":
    """Return the project that is open in a viewer.

    Raises
    ------
    ValueError
        If there is none.
    """
    return project_and_pages(viewer)[0]


def project_and_pages(viewer: "Viewer") -> "tuple[Project, ProjectController]":
    """Return the project that is open in a viewer, and who turns its pages.

    Raises
    ------
    ValueError
        If there is none.
    """
    controller = next(_controllers(viewer), None)
    if controller is None or controller.project is None:
        raise ValueError("No project is open: open one in the dock “Project folder”.")
    return controller.project, controller


def project_file(viewer: "Viewer", image: "Layer | None") -> "Path | None":
    """Return the file of an image that a project shows; None for other images."""
    for controller in _controllers(viewer):
        project = controller.project
        is_shown = image is not None and image is controller.page.image
        if project is not None and is_shown:
            return project.image(controller.current)
    return None


def _controllers(viewer: "Viewer") -> "Iterator[ProjectController]":
    """Yield the controllers of project docks, those with a project first."""
    docks = Workspace.of(viewer).docks.all_of(ProjectWidget)
    found = [dock.controller for dock in docks]
    yield from sorted(found, key=lambda controller: controller.project is None)
