import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.utils._proxies import PublicOnlyProxy

from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.workspace.changed_pixels import PixelChange
from napari_edgeflow.widgets.workspace.workspace import Workspace


def test_a_viewer_has_one_workspace_wrapped_or_not(qapp: Any) -> None:
    viewer, other = ViewerModel(), ViewerModel()
    workspace = Workspace.of(viewer)
    assert Workspace.of(viewer) is workspace
    assert Workspace.of(PublicOnlyProxy(viewer)) is workspace
    assert Workspace.of(other) is not workspace
    assert Workspace.of(other).history is not workspace.history


def test_it_goes_with_the_viewer(qapp: Any) -> None:
    viewer = ViewerModel()
    workspace = weakref.ref(Workspace.of(viewer))
    del viewer
    gc.collect()
    assert workspace() is None


def test_a_window_with_a_history_can_be_closed(
    make_napari_viewer: Callable[[], Any],
) -> None:
    # The fixture finds viewers that are kept alive.
    viewer = make_napari_viewer()
    layer = viewer.add_labels(np.zeros((20, 30), np.uint8))
    change = PixelChange(
        Plane((None, None)), Window(0, 0, 5, 5), np.ones((5, 5), bool), 1
    )
    history = Workspace.of(viewer).history
    history.apply(layer, "write", [change])
    assert history.undo() is not None
