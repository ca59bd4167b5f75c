"""The panel about clicks and seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from qtpy.QtCore import QPoint
from qtpy.QtGui import QHelpEvent

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.labels.classes import METADATA, ClassTable, LabelClass
from napari_edgeflow.formats.effort.click_benchmark import CLICKS, read_click_benchmark
from napari_edgeflow.widgets.layers.matching import image_of
from napari_edgeflow.widgets.layers.object_records import ObjectRecord, read_records
from napari_edgeflow.widgets.layers.planes import Plane
from napari_edgeflow.widgets.objects.effort.panel import EffortPanel, spoken
from napari_edgeflow.widgets.objects.table.controller import ObjectsController

TABLE = ClassTable(
    (LabelClass(1, "cat", (200, 0, 0)), LabelClass(2, "dog", (0, 0, 200)))
)
IDS = np.repeat(np.arange(4, dtype=np.uint16), 300).reshape(30, 40)
CLICKED = (Click(10, 5), Click(12, 30, False))


def labelled(plane: Plane, data: Any = IDS) -> Labels:
    records = [
        ObjectRecord(1, 1, "cat", CLICKED, 4.0, plane, "click"),
        ObjectRecord(2, 2, "dog", (), 40.0, plane, "brush"),
        ObjectRecord(3, 1, "cat", (), 0.0, plane, "import"),
    ]
    rows = [record.as_row() for record in records]
    features = {name: [row[name] for row in rows] for name in rows[0]}
    entry = {"kind": "object", "classes": TABLE.to_records()}
    return Labels(
        data, name="photo objects", features=features, metadata={METADATA: entry}
    )


def show(panel: EffortPanel, layer: Labels) -> None:
    panel.show_layer(layer, read_records(layer).values())


MakePanel = Callable[[], tuple[ViewerModel, EffortPanel]]


@pytest.fixture
def make_panel(qtbot: Any) -> MakePanel:
    def make() -> tuple[ViewerModel, EffortPanel]:
        viewer = ViewerModel()
        panel = EffortPanel(ObjectsController(viewer))
        qtbot.addWidget(panel)
        return viewer, panel

    return make


def test_figures_by_class_and_what_is_saved(make_panel: MakePanel) -> None:
    _, panel = make_panel()
    assert not panel.csv.isEnabled()
    show(panel, labelled(Plane((None, None))))
    table = panel.table
    rows = [
        [table.item(row, column).text() for column in range(4)]
        for row in range(table.rowCount())
    ]
    assert rows == [
        ["cat", "1", "2.0", "4.0"],
        ["dog", "1", "0.0", "40.0"],
        ["all", "2", "1.0", "22.0"],
    ]
    assert panel.told.text() == (
        "By hand 40.0 s each (1 object), with the model 4.0 s (1 object): "
        "36 s saved so far."
    )
    panel.show_layer(None)
    assert panel.table.rowCount() == 0
    assert panel.told.text() == ""


def test_the_plot_has_a_bar_for_each_object(make_panel: MakePanel) -> None:
    _, panel = make_panel()
    panel.resize(300, 400)
    show(panel, labelled(Plane((None, None))))
    plot = panel.plot
    plot.resize(200, 84)
    first, second = plot.bars()
    assert second.height() == pytest.approx(10 * first.height())
    colours = plot.grab().toImage()
    inside = colours.pixelColor(second.center().toPoint())
    assert (inside.red(), inside.blue()) == (0, 200)
    panel.measure.setCurrentIndex(1)
    first, second = plot.bars()
    assert first.height() > 40 > second.height()
    found = plot.object_at(int(second.center().x()))
    assert found is not None
    assert found.object_id == 2
    assert plot.object_at(190) is None
    centre = first.center().toPoint()
    assert plot.event(QHelpEvent(QHelpEvent.Type.ToolTip, centre, QPoint(9, 9)))


def test_many_objects_fit_into_the_plot(make_panel: MakePanel) -> None:
    _, panel = make_panel()
    layer = labelled(Plane((None, None)))
    rows = [
        ObjectRecord(i, 1, "cat", CLICKED, i, Plane((None, None))).as_row()
        for i in range(1, 2001)
    ]
    layer.features = {name: [row[name] for row in rows] for name in rows[0]}
    show(panel, layer)
    panel.plot.resize(200, 84)
    bars = panel.plot.bars()
    assert len(bars) == 2000
    assert bars[-1].right() <= 198
    panel.plot.grab()


def test_saving_a_table_and_a_benchmark(
    make_panel: MakePanel, tmp_path: Path, qtbot: Any, notices: list[str]
) -> None:
    viewer, panel = make_panel()
    other = viewer.add_image(np.zeros((30, 40)), name="other")
    stack = np.stack([IDS * 0, IDS])
    photo = viewer.add_image(np.random.default_rng(0).random((2, 30, 40)), name="photo")
    layer = viewer.add_layer(labelled(Plane((1, None, None)), stack))
    assert image_of(viewer.layers, layer) is photo
    show(panel, layer)
    panel.save_csv(tmp_path / "effort.csv")
    text = (tmp_path / "effort.csv").read_text(encoding="utf-8-sig")
    assert "1,cat,click,slice 1 of axis 0,2,4.00" in text
    panel.save_benchmark(tmp_path / "bench")
    qtbot.waitUntil(lambda: len(notices) == 2, timeout=20_000)
    assert (
        notices[-1] == f"Wrote the clicks of 1 object to {tmp_path / 'bench'}/{CLICKS}."
    )
    (found,) = read_click_benchmark(tmp_path / "bench" / CLICKS)
    assert (found.name, found.clicks) == ("photo_0001.png:1", CLICKED)
    viewer.layers.remove(photo)
    panel.save_benchmark(tmp_path / "bench")
    assert (
        "There is no image of the shape (2, 30, 40) of 'photo objects'" in notices[-1]
    )
    layer.features = {"index": [1], "class_id": [1]}
    panel.save_benchmark(tmp_path / "bench")
    assert notices[-1] == "No object in 'photo objects' was made by clicks."
    (tmp_path / "file").write_text("")
    panel.save_csv(tmp_path / "file" / "x.csv")
    assert len(notices) == 5
    assert other in viewer.layers


def test_times_as_a_person_says_them() -> None:
    assert [spoken(s) for s in (40, 600, 9000)] == ["40 s", "10 min", "2.5 h"]


def test_it_shows_what_the_dock_lists(qtbot: Any) -> None:
    viewer = ViewerModel()
    controller = ObjectsController(viewer)
    panel = EffortPanel(controller)
    qtbot.addWidget(panel)
    layer = viewer.add_layer(labelled(Plane((None, None))))
    controller.set_layer(layer)
    qtbot.waitUntil(lambda: not controller.busy, timeout=20_000)
    assert panel.table.rowCount() == 0, "it works while nobody sees it"
    panel.show()
    assert panel.table.rowCount() == 3
    layer.data = np.zeros_like(IDS)
    qtbot.waitUntil(lambda: panel.table.rowCount() == 0, timeout=20_000)
    controller.close(True)
