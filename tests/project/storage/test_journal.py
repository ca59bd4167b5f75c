from pathlib import Path

import numpy as np
import pytest

from napari_edgeflow.project.storage.journal import (
    Entry,
    JournalWriter,
    Patch,
    read_journal,
)


def entry(number: int) -> Entry:
    patch = Patch("objects", (2, 3), np.full((4, 5), number, np.uint16))
    return Entry(number, {"layers": {"objects": {"removed": [number]}}}, [patch])


def written(path: Path, count: int) -> JournalWriter:
    journal = JournalWriter(path)
    for number in range(count):
        journal.append(entry(number))
    return journal


def test_entries_come_back(tmp_path: Path) -> None:
    written(tmp_path / "new" / "ä.journal", 3)
    found = list(read_journal(tmp_path / "new" / "ä.journal"))
    assert [e.number for e in found] == [0, 1, 2]
    assert found[2].facts == {"layers": {"objects": {"removed": [2]}}}
    labels = np.zeros((9, 9), np.uint16)
    found[2].patches[0].apply(labels)
    assert (labels[2:6, 3:8] == 2).all()
    assert labels.sum() == 2 * 20


def test_a_tail_that_was_cut_off_at_any_byte_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    journal = written(path, 2)
    size = journal.size
    journal.append(entry(2))
    whole = path.read_bytes()
    for end in range(size, len(whole), 3):
        path.write_bytes(whole[:end])
        assert [e.number for e in read_journal(path)] == [0, 1]


def test_damaged_bytes_end_it(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    written(path, 2)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert [e.number for e in read_journal(path)] == [0]
    path.write_bytes(b"something else")
    assert list(read_journal(path)) == []


@pytest.mark.parametrize("before", [0, 2])
def test_a_failed_append_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    journal = written(tmp_path / "a.journal", before)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            journal.append(entry(9))
    journal.append(entry(before))
    found = [e.number for e in read_journal(tmp_path / "a.journal")]
    assert found == list(range(before + 1))
