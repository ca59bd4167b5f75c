import json
import sys
from collections.abc import Callable
from types import FrameType

import numpy as np
import pytest
from napari.layers import Labels

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.widgets.layers.object_records import (
    ObjectRecord,
    ObjectRows,
    read_records,
)
from napari_edgeflow.widgets.layers.planes import Plane

FLAT = Plane((None, None))
CLICKS = (Click(1.5, 2.0, True), Click(3.0, 4.0, False))


def test_a_record_is_a_row_and_back() -> None:
    record = ObjectRecord(
        7,
        15,
        "person",
        CLICKS,
        1.25,
        Plane((3, None, None)),
        "brush",
        Window(1, 2, 3, 4),
    )
    row = record.as_row()
    assert json.loads(str(row["clicks"]))[1] == {"y": 3.0, "x": 4.0, "positive": False}
    assert ObjectRecord.from_row(row, 3) == record


def test_rows_that_others_wrote_lack_things() -> None:
    layer = Labels(
        np.zeros((3, 9, 9), int),
        features={
            "index": [0, 4, 5],
            "class_id": [float("nan"), 2.0, float("nan")],
            "clicks": ["", "no json", '[{"y": 1}]'],
            "plane": ["[1, 2]", "7", "[null]"],
            "source": ["click", "dream", "auto"],
            "view": ["[1]", "null", "{}"],
        },
    )
    records = read_records(layer)
    assert list(records) == [4, 5], "0 is no object"
    empty = ObjectRecord(4, 2, "", (), 0.0, Plane((0, None, None)), "import")
    assert records[4] == empty
    assert records[5].source == "auto"


def test_a_table_of_others_holds_no_records() -> None:
    assert read_records(Labels(np.zeros((9, 9), int))) == {}
    measured = Labels(np.zeros((9, 9), int), features={"index": [1], "area": [5]})
    assert read_records(measured) == {}


def test_rows_of_others_are_kept() -> None:
    layer = Labels(np.zeros((9, 9), int), features={"index": [1, 4], "area": [5, 6]})
    rows = ObjectRows(layer)
    rows.update([ObjectRecord(7, 15, "person", CLICKS, 0.0, FLAT).as_row()])
    rows.store()
    assert layer.features["index"].tolist() == [1, 4, 7]
    assert layer.features["area"].tolist()[:2] == [5, 6]
    assert layer.features["class_name"].isna().tolist() == [True, True, False]


def test_rows_without_ids_count_from_0() -> None:
    layer = Labels(np.zeros((9, 9), int), features={"area": [0, 5, 6]})
    rows = ObjectRows(layer).get([2, 9])
    assert rows[9] is None
    assert rows[2] is not None
    assert rows[2].values == {"area": 6, "index": 2}


@pytest.mark.parametrize("removed", [[1], [2, 3], [1, 2, 3, 4]])
def test_rows_come_back_to_their_places(removed: list[int]) -> None:
    layer = Labels(
        np.zeros((9, 9), int),
        features={"index": [1, 2, 3, 4], "area": [5, 6, 7, 8]},
    )
    before = layer.features.copy()
    rows = ObjectRows(layer)
    old = rows.get(removed)
    rows.remove(removed)
    rows.store()
    assert len(layer.features) == 4 - len(removed)
    rows = ObjectRows(layer)
    rows.exchange(dict.fromkeys(removed), old)
    rows.store()
    assert layer.features.to_dict("list") == before.to_dict("list")


def test_what_was_changed_since_stays() -> None:
    layer = Labels(
        np.zeros((9, 9), int),
        features={"index": [1, 2], "class_id": [3, 3], "note": ["", ""]},
    )
    rows = ObjectRows(layer)
    before = rows.get([1, 2])
    rows.update([{"index": 1, "class_id": 8}, {"index": 2, "class_id": 8}])
    after = rows.get([1, 2])
    rows.update([{"index": 1, "note": "mine"}, {"index": 2, "class_id": 9}])
    rows.exchange(after, before)
    rows.store()
    assert layer.features["class_id"].tolist() == [3, 9]
    assert layer.features["note"].tolist() == ["mine", ""]


def calls_of_ours(action: Callable[[], object]) -> int:
    """Return how often functions of this package are called."""
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event == "call" and "napari_edgeflow" in frame.f_code.co_filename

    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


def many_rows(count: int) -> Labels:
    rows = [
        ObjectRecord(i, 3, "bird", CLICKS, 1.0, FLAT).as_row() for i in range(count)
    ]
    features = {name: [row[name] for row in rows] for name in rows[0]}
    return Labels(np.zeros((9, 9), int), features=features)


def test_one_row_among_thousands_is_no_more_work_than_among_ten() -> None:
    def work(count: int) -> int:
        layer = many_rows(count)

        def change() -> None:
            rows = ObjectRows(layer)
            rows.update([ObjectRecord(count, 4, "boat", (), 0.0, FLAT).as_row()])
            rows.remove([5])
            rows.store()
            rows = ObjectRows(layer)
            rows.exchange({count: rows.get([count])[count]}, {count: None})
            rows.store()

        calls = calls_of_ours(change)
        assert layer.features["index"].tolist() == [*range(5), *range(6, count)]
        return calls

    assert work(2_000) == work(10)
