"""A program that edits a project and ends with its window open."""

import sys
from pathlib import Path

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.project.folder import ProjectPlace
from napari_edgeflow.widgets.layers.labels import commit_mask
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.project.dock import ProjectWidget
from napari_edgeflow.widgets.project.recent import RecentProjects


def main(images: Path) -> None:
    """Paint some pixels of the first image with 3, and leave at once."""
    viewer = napari.Viewer(show=False)
    dock = ProjectWidget(viewer, RecentProjects(images.parent / "recent.json"))
    viewer.window.add_dock_widget(dock)
    controller = dock.controller
    controller.open(ProjectPlace(images))
    while controller.busy or not controller.current:
        QApplication.processEvents()
    labels = controller.page.labels
    assert labels is not None
    mask = np.ones((4, 50), np.bool_)
    commit_mask(labels, Plane((None, None)), Window(10, 0, 14, 50), mask, 3)
    sys.exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
