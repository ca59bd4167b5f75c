from pathlib import Path

import pytest

from napari_edgeflow.project.storage.durable import durably, write_durably


def test_a_file_is_there_at_the_end_only(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "ä.txt"
    with durably(path) as partial:
        assert partial.suffix == ".txt"
        partial.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    write_durably(path, "before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_durably(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
