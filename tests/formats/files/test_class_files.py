import json
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from tests.formats.annotation_samples import CAT, DOG, MANY, TABLE
from tests.formats.files.test_class_lists import TABLES

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.files.class_files import (
    CLASS_FORMATS,
    ClassFormat,
    read_classes,
    write_classes,
)
from napari_edgeflow.formats.kinds.coco.dataset import read_coco


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=TABLES)
def test_tables_come_back_from_json_and_coco(tmp_path: Path, table: ClassTable) -> None:
    for form in ("json", "coco"):
        path = tmp_path / f"{form}.json"
        write_classes(path, table, form)  # type: ignore[arg-type]
        assert read_classes(path) == table


@pytest.mark.parametrize("form", get_args(ClassFormat))
def test_three_hundred_classes_come_back(tmp_path: Path, form: ClassFormat) -> None:
    path = tmp_path / f"classes{CLASS_FORMATS[form][1]}"
    write_classes(path, MANY, form)
    found = read_classes(path)
    assert [(c.id, c.name) for c in found] == [(c.id, c.name) for c in MANY]
    assert form == "voc" or found == MANY
    assert form in CLASS_FORMATS


def test_names_with_spaces_quotes_and_emoji_come_back(tmp_path: Path) -> None:
    for form in ("text", "json", "coco"):
        path = tmp_path / f"names{CLASS_FORMATS[form][1]}"  # type: ignore[index]
        write_classes(path, TABLE, form)  # type: ignore[arg-type]
        assert read_classes(path) == ClassTable((DOG, CAT))


def test_coco_readers_take_the_categories(tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    write_classes(path, TABLE, "coco")
    assert list(read_coco(path)) == []
    assert json.loads(path.read_text())["categories"][1]["color"] == [10, 20, 30]


def test_names_alone_are_labelmes_for_voc(tmp_path: Path) -> None:
    path = tmp_path / "class_names.txt"
    names = ClassTable(
        (LabelClass(2, "dog", (1, 2, 3)), LabelClass(1, "cat", (0,) * 3))
    )
    write_classes(path, names, "voc")
    assert path.read_text() == "_background_\ncat\ndog\n"
    with pytest.raises(ValueError, match="the highest here is 7: save as text"):
        write_classes(path, TABLE, "voc")


def test_the_rest_of_a_json_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "classes.json"
    good = {"id": 3, "name": "cat", "colour": [1, 2, 3]}
    bad = [
        ({"id": 3, "name": "dog"}, "entry 2 is left out: id 3 is 'cat' already"),
        ({"id": 4, "name": " "}, "class 4 has no name"),
        ({"id": 70_000, "name": "far"}, "class id 70000: use 1 to 65535"),
        ({"id": "5", "name": "text"}, "its id '5' is no whole number"),
        ({"name": "none"}, "its id None"),
        ("dog", "no object"),
    ]
    path.write_text(json.dumps([good, *(record for record, _ in bad)]))
    told: list[str] = []
    assert read_classes(path, told.append) == ClassTable(
        (LabelClass(3, "cat", (1, 2, 3)),)
    )
    assert len(told) == len(bad)
    for sentence, (_, expected) in zip(told, bad, strict=True):
        assert expected in sentence
        assert "classes.json" in sentence
    with pytest.raises(ValueError, match="entry 2 is left out"):
        read_classes(path)


def test_the_rest_of_a_text_is_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("1 cat 1 2 3\n1 dog 4 5 6\n70000 far\n2 two 300 0 0\n9 owl\n")
    told: list[str] = []
    assert [c.name for c in read_classes(path, told.append)] == ["cat", "owl"]
    assert [s.partition("line ")[2][0] for s in told] == ["2", "3", "4"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON file"),
        ("3", "no list of classes or categories"),
        ('{"images": []}', "no list of classes or categories"),
        ("[]", "names no class"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "classes.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"classes\.json.*{message}"):
        read_classes(path)


def test_an_unknown_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'xml' is no form: use text, json"):
        write_classes(tmp_path / "a", TABLE, "xml")  # type: ignore[arg-type]
