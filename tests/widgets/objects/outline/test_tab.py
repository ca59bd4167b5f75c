"""Outlines from the dock of objects and right after a finish by clicks."""

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from tests.widgets.dock_person import WHITE, MakePerson, two_squares

from napari_edgeflow.widgets.clicks.dock import OutlineDock
from napari_edgeflow.widgets.objects.dock import ObjectsWidget
from napari_edgeflow.widgets.workspace.workspace import Workspace


def test_the_selected_object_is_edited_in_the_slice_being_shown(qtbot: Any) -> None:
    viewer: Any = ViewerModel()
    data = np.zeros((3, 40, 50), np.uint8)
    data[:, 10:20, 10:20] = 1
    data[:2, 25:35, 30:45] = 2
    viewer.add_labels(data.copy(), name="cells")
    dock = ObjectsWidget(viewer)
    qtbot.addWidget(dock)
    qtbot.waitUntil(lambda: not dock.busy, timeout=20_000)
    tab = dock.outline
    assert Workspace.of(viewer).docks.find(OutlineDock) is dock  # type: ignore[type-abstract]
    assert not tab.start.isEnabled()
    dock.controller.select([2])
    assert "object 2" in tab.start.text()
    viewer.dims.set_point(0, 1)
    tab.start.click()
    outline = tab.panel.controller
    qtbot.waitUntil(lambda: outline.layer is not None, timeout=20_000)
    assert outline.layer is not None
    assert set(np.concatenate(outline.layer.shapes.data)[:, 0]) == {1}
    assert not tab.start.isVisibleTo(tab)
    tab.panel.cancel.click()
    assert tab.start.isVisibleTo(tab)
    assert np.array_equal(viewer.layers["cells"].data, data)


@pytest.mark.parametrize("kind", ["object", "semantic"])
def test_the_object_finished_last_is_edited_from_the_click_dock(
    make_person: MakePerson, notices: list[str], kind: Any
) -> None:
    person = make_person(two_squares(), show=False)
    person.dock.controls.kind.choose(kind)
    person.dock.controls.outline.click()
    assert "finish an object first" in notices[-1]
    points = person.layers.points
    points.add([WHITE])
    person.wait()
    person.dock.controller.finish()
    person.wait()
    objects = ObjectsWidget(person.viewer)
    person.viewer.window.add_dock_widget(objects, name="Objects")
    person.dock.controls.outline.click()
    outline = objects.outline.panel.controller
    person.qtbot.waitUntil(lambda: outline.layer is not None, timeout=20_000)
    assert outline.session is not None
    ring = outline.session.state.shapes[0].ring
    assert ring.min(0).tolist() == [20, 30]
    assert ring.max(0).tolist() == [60, 80]
    before = person.target.data.copy()
    outline.write()
    person.qtbot.waitUntil(lambda: not outline.active, timeout=20_000)
    assert np.array_equal(person.target.data, before)
    person.qtbot.waitUntil(lambda: not objects.busy, timeout=20_000)
