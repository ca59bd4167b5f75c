from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_edgeflow.widgets.fields.layers import LayerCombo, target_combo
from napari_edgeflow.widgets.qt.connections import Connections


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def combo_of(viewer: Any, qtbot: Any, prefer_layers: bool) -> LayerCombo:
    combo = LayerCombo(
        viewer,
        lambda layer: isinstance(layer, Image),
        Connections(),
        empty="none",
        prefer_layers=prefer_layers,
    )
    qtbot.addWidget(combo)
    return combo


def texts(combo: LayerCombo) -> list[str]:
    return [combo.itemText(i) for i in range(combo.count())]


def test_it_follows_the_layers(viewer: ViewerModel, qtbot: Any) -> None:
    combo = combo_of(viewer, qtbot, prefer_layers=True)
    assert texts(combo) == ["none"]
    with qtbot.waitSignal(combo.layer_changed):
        first = viewer.add_image(np.zeros((4, 5)), name="first")
    viewer.add_labels(np.zeros((4, 5), int))
    second = viewer.add_image(np.zeros((4, 5)), name="second")
    qtbot.waitUntil(lambda: texts(combo) == ["second", "first"])
    assert combo.layer is first
    first.name = "other"
    viewer.layers.move(0, 3)
    qtbot.waitUntil(lambda: texts(combo) == ["other", "second"])
    assert combo.currentText() == "other"
    with qtbot.waitSignal(combo.layer_changed):
        viewer.layers.remove(first)
    assert combo.layer is second
    with qtbot.waitSignal(combo.layer_changed):
        viewer.layers.clear()
    assert combo.layer is None


def test_no_layer_can_stay_chosen(viewer: ViewerModel, qtbot: Any) -> None:
    combo = combo_of(viewer, qtbot, prefer_layers=False)
    layer = viewer.add_image(np.zeros((4, 5)), name="first")
    qtbot.waitUntil(lambda: texts(combo) == ["none", "first"])
    assert combo.layer is None
    combo.choose(layer)
    assert combo.currentText() == "first"
    combo.choose(Image(np.zeros((4, 5))))
    assert combo.layer is layer
    combo.setCurrentIndex(0)
    combo.activated.emit(0)
    assert combo.layer is None


def test_closed_links_leave_the_viewer_alone(viewer: ViewerModel, qtbot: Any) -> None:
    links = Connections()
    counts = len(viewer.layers.events.renamed.callbacks)
    combo = LayerCombo(viewer, bool, links, empty="none", prefer_layers=True)
    qtbot.addWidget(combo)
    assert len(viewer.layers.events.renamed.callbacks) == counts + 1
    links.close()
    assert len(viewer.layers.events.renamed.callbacks) == counts


def test_labels_suit_the_image(viewer: ViewerModel, qtbot: Any) -> None:
    links = Connections()
    target = target_combo(viewer, links)
    qtbot.addWidget(target)
    small = viewer.add_image(np.zeros((4, 5)), name="small")
    large = viewer.add_image(np.zeros((40, 50, 3), np.uint8), name="large", rgb=True)
    of_small = viewer.add_labels(np.zeros((4, 5), int), name="small objects")
    of_large = viewer.add_labels(np.zeros((40, 50), int), name="large objects")
    viewer.add_labels(np.zeros((40, 50), int), name="of somebody else")
    target.suit(large)
    assert target.layer is None
    target.choose(of_small)
    target.suit(None)
    assert target.layer is of_small
    target.suit(large)
    assert target.layer is of_large
    of_small.name = "mine"
    target.suit(small)
    assert target.layer is None
