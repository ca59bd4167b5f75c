import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt

from napari_edgeflow.project.storage.project_file import PageSummary
from napari_edgeflow.widgets.project.list import PageList, PageModel
from napari_edgeflow.widgets.project.page.rows import FeatureRows, as_features
from napari_edgeflow.widgets.project.recent import RecentProjects
from napari_edgeflow.widgets.project.thumbnails import SIDE, Thumbnails

PAGES = {"b.png": PageSummary("work", 2), "sub/c.png": PageSummary("done", 1)}
NAMES = ["a.png", "b.png", "sub/c.png", "sub/d.png"]


@pytest.fixture
def thumbnails(qtbot: Any, tmp_path: Path) -> Any:
    pictures = Thumbnails()
    pictures.open(lambda name: tmp_path / name)
    yield pictures
    pictures.close()


@pytest.fixture
def model(thumbnails: Thumbnails) -> PageModel:
    pages = PageModel(thumbnails)
    pages.open(NAMES, PAGES)
    return pages


def test_filter_by_state_and_words(model: PageModel) -> None:
    model.filter("new", "")
    assert model.shown == ["a.png", "sub/d.png"]
    model.filter(None, "SUB  d")
    assert model.shown == ["sub/d.png"]
    model.filter("done", "d.png")
    assert model.shown == []
    assert model.row("a.png") is None


def test_turning_follows_the_filter_from_the_place_of_a_hidden_image(
    model: PageModel,
) -> None:
    assert model.neighbour("a.png", 1) == "b.png"
    assert model.neighbour("a.png", -1) == ""
    assert model.neighbour("sub/d.png", 1) == ""
    assert model.neighbour("", 1) == "a.png"
    model.filter("new", "")
    assert model.neighbour("b.png", 1) == "sub/d.png"
    assert model.neighbour("b.png", -1) == "a.png"
    assert model.neighbour("sub/d.png", -1) == "a.png"


def test_broken_images_are_skipped_if_asked(model: PageModel) -> None:
    model.set_problem("b.png", "it is broken")
    assert model.neighbour("a.png", 1) == "b.png"
    assert model.neighbour("a.png", 1, skip_broken=True) == "sub/c.png"
    tip = model.data(model.index(1), Qt.ItemDataRole.ToolTipRole)
    assert tip == "it is broken"
    assert model.state_of("b.png")[0] == "cannot be read"
    model.set_problem("b.png", "")
    assert model.state_of("b.png")[0] == "in work · 2 objects"
    assert model.state_of("sub/c.png")[0] == "done · 1 object"


def test_pictures_come_in_the_background(
    qtbot: Any, model: PageModel, thumbnails: Thumbnails, tmp_path: Path
) -> None:
    Image.new("RGB", (200, 100), "red").save(tmp_path / "a.png")
    with qtbot.waitSignal(thumbnails.ready, timeout=20_000):
        assert model.data(model.index(0), Qt.ItemDataRole.DecorationRole) is None
    picture = model.data(model.index(0), Qt.ItemDataRole.DecorationRole)
    assert (picture.width(), picture.height()) == (SIDE, SIDE // 2)
    with qtbot.waitSignal(thumbnails.ready, timeout=20_000):
        assert thumbnails.get("b.png") is None
    assert "b.png" in thumbnails.problems["b.png"]
    assert model.state_of("b.png")[0] == "cannot be read"


def test_ten_thousand_images_are_listed_at_once(
    qtbot: Any, thumbnails: Thumbnails
) -> None:
    names = [f"folder {n // 100}/image {n}.png" for n in range(10_000)]
    model = PageModel(thumbnails)
    view = PageList(model)
    qtbot.addWidget(view)
    view.show()
    started = time.perf_counter()
    model.open(names, {})
    model.filter("new", "99")
    view.mark("folder 99/image 9999.png")
    # A tenth of that where nothing else runs.
    assert time.perf_counter() - started < 1.0
    assert model.shown[-1] == "folder 99/image 9999.png"


def test_rows_of_features_come_back(qtbot: Any) -> None:
    pandas = pytest.importorskip("pandas")
    clicks = '[{"y": 1.0, "x": 2.5, "positive": true}]'
    table = pandas.DataFrame(
        {
            "index": [3, 9],
            "class_id": [1, np.int64(2)],
            "clicks": [clicks, "[]"],
            "plane": ["[null, null]", "[null, null]"],
            "seconds": [1.5, float("nan")],
            "source": ["click", None],
        }
    )
    rows = FeatureRows(table)
    assert len(rows) == 2
    assert rows[3]["clicks"] == [{"y": 1.0, "x": 2.5, "positive": True}]
    assert rows[9]["seconds"] is None
    columns = as_features(rows)
    assert columns["index"] == [3, 9]
    assert columns["clicks"] == [clicks, "[]"]
    assert columns["plane"] == ["[null, null]"] * 2
    assert as_features({}) == {}


def test_recent_projects(tmp_path: Path) -> None:
    recent = RecentProjects(tmp_path / "recent.json")
    assert recent.places() == []
    homes = [tmp_path / name for name in "abc"]
    for home in homes:
        (home / "labels").mkdir(parents=True)
        recent.add(home, home / "labels")
    recent.add(homes[0], homes[0] / "labels")
    assert [p.folder.name for p in recent.places()] == ["a", "c", "b"]
    assert recent.place_of(homes[1]).labels == homes[1] / "labels"
    assert recent.place_of(tmp_path).labels is None
    (tmp_path / "recent.json").write_text("{")
    assert recent.places() == []
