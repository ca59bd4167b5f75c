from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.files.class_lists import read_class_list, write_class_list

COLOURS = st.tuples(*(st.integers(0, 255),) * 3)
NAMES = st.text(min_size=1).filter(
    lambda name: name == name.strip() and len(name.splitlines()) == 1
)
TABLES = st.lists(
    st.builds(LabelClass, st.integers(1, 65_535), NAMES, COLOURS),
    min_size=1,
    unique_by=lambda entry: entry.id,
).map(lambda entries: ClassTable(tuple(entries)))


def read(tmp_path: Path, text: str) -> list[tuple[int, str]]:
    path = tmp_path / "labels.txt"
    path.write_text(text, encoding="utf-8")
    return [(entry.id, entry.name) for entry in read_class_list(path)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=TABLES)
def test_tables_come_back(tmp_path: Path, table: ClassTable) -> None:
    write_class_list(tmp_path / "labels.txt", table)
    assert read_class_list(tmp_path / "labels.txt") == table


def test_lines_are_eisegs(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    write_class_list(path, ClassTable((LabelClass(5, "bottle", (64, 0, 128)),)))
    assert path.read_bytes() == b"5 bottle 64 0 128\n"
    # EISeg ends its lines in a space.
    path.write_bytes(b"1 cat 255 0 0 \r\n2 dog 0 255 0 \r\n")
    assert [c.colour for c in read_class_list(path)] == [(255, 0, 0), (0, 255, 0)]


def test_labelmes_list_is_read(tmp_path: Path) -> None:
    text = "__ignore__\n_background_\naeroplane\npotted plant\n"
    assert read(tmp_path, text) == [(1, "aeroplane"), (2, "potted plant")]
    assert read(tmp_path, "Background\n\ncat\n") == [(1, "cat")]
    assert read(tmp_path, "cat\nbackground\n") == [(1, "cat"), (2, "background")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_all_forms_of_a_line_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "labels.txt"
    text = "# ids\n0 background 0 0 0\n7 room 101\n  \n9\tlane 2 1 2 3\n5 Bär\n"
    path.write_text(text, encoding=encoding)
    assert read_class_list(path).to_records() == [
        {"id": 7, "name": "room 101", "colour": [128, 128, 128]},
        {"id": 9, "name": "lane 2", "colour": [1, 2, 3]},
        {"id": 5, "name": "Bär", "colour": [128, 0, 128]},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 cat\n1 dog", "line 2: id 1 is 'cat' already: give it another"),
        ("cat\n\n1 dog", "line 3: id 1 is 'cat' already"),
        ("0 cat 1 2 3", "line 1: class id 0: use 1 to 65535"),
        ("70000 cat", "line 1: class id 70000: use 1 to 65535"),
        ("-1 cat", "line 1: class id -1"),
        ("1 cat 0 0 256", "line 1: .*256.*use three values from 0 to 255"),
        ("1 cat 0 -1 0", "line 1: .*-1"),
        ("1 cat 128 0", "line 1: .*half a colour: give red, green, blue"),
        ("# nothing\n7", "line 2: '7' has no name: write '7 name'"),
        ("# nothing\n", "names no class: write one a line"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"labels\.txt.*{message}"):
        read(tmp_path, text)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    with pytest.raises(OSError, match=r"labels\.txt: No such file"):
        read_class_list(path)
    path.write_bytes(b"1 B\xe4r")
    with pytest.raises(ValueError, match=r"labels\.txt is no UTF-8 text: save it as"):
        read_class_list(path)


def test_names_of_several_lines_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("kept")
    table = ClassTable((LabelClass(1, "cat\n2 dog", (0, 0, 0)),))
    with pytest.raises(ValueError, match="of class 1 has several lines"):
        write_class_list(path, table)
    assert path.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [path]
