from pathlib import Path

import pytest

from napari_edgeflow.engine.system.files import check_file, check_folder, replacing


def test_a_file_is_replaced_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with replacing(path) as partial:
        partial.write_text("a")
        assert not path.exists()
    assert path.read_text() == "a"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")

    def fail() -> None:
        with replacing(path) as partial:
            partial.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    for folder in (file, file / "deeper" / "still"):
        with pytest.raises(NotADirectoryError, match="file is a file, not a folder"):
            check_folder(folder)
    with (
        pytest.raises(NotADirectoryError, match="file is a file, not a folder"),
        replacing(file / "a.txt"),
    ):
        pass
    check_folder(tmp_path / "new" / "newer")


def test_a_folder_where_a_file_should_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder: give the name"):
        check_file(tmp_path)
    check_file(tmp_path / "new.txt")
    assert not list(tmp_path.iterdir())
