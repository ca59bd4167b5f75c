r"""The edits of one image since its label image was written, one after the other.

A journal is a file that only grows. It begins with ``EFJ1`` and a line feed; each
entry is its length and its CRC-32 as two little-endian 32-bit numbers and then that
many bytes: a line of JSON, and after it the pixels that the line tells of. An entry
that was cut off by a crash does not count, and was not reported as saved.
"""

import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.system.json_text import parse_json
from napari_edgeflow.project.storage.durable import make_folder, sync, sync_folder

MAGIC = b"EFJ1\n"
_HEAD = struct.Struct("<II")
_FAST = 1
"""zlib's level: labels are mostly runs of one value."""


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """New values of a box of pixels of one layer.

    Parameters
    ----------
    layer : str
        The layer's short name.
    start : tuple of int
        Where the box begins, on each axis.
    values : ndarray
        The values in the box.
    """

    layer: str
    start: tuple[int, ...]
    values: NDArray[np.integer[Any]]

    def apply(self, labels: NDArray[np.integer[Any]]) -> None:
        """Write the values into the layer's labels."""
        box = tuple(
            slice(at, at + side)
            for at, side in zip(self.start, self.values.shape, strict=True)
        )
        labels[box] = self.values


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One edit.

    Parameters
    ----------
    number : int
        Counts the edits of an image.
    facts : dict
        JSON values: what changed besides pixels.
    patches : sequence of Patch
        The pixels that changed.
    """

    number: int
    facts: Mapping[str, Any]
    patches: Sequence[Patch] = ()

    def to_bytes(self) -> bytes:
        """Return the entry as it is written."""
        blobs = [zlib.compress(p.values.tobytes(), _FAST) for p in self.patches]
        boxes = [
            {
                "layer": patch.layer,
                "start": list(patch.start),
                "shape": list(patch.values.shape),
                "dtype": patch.values.dtype.str,
                "bytes": len(blob),
            }
            for patch, blob in zip(self.patches, blobs, strict=True)
        ]
        line = json.dumps(
            {"number": self.number, "patches": boxes, "facts": self.facts}
        )
        body = b"".join([line.encode("ascii"), b"\n", *blobs])
        return _HEAD.pack(len(body), zlib.crc32(body)) + body

    @classmethod
    def from_bytes(cls, body: bytes) -> "Entry":
        """Return what :meth:`to_bytes` wrote after the length."""
        end = body.index(b"\n")
        record = parse_json(body[:end])
        patches, at = [], end + 1
        for box in record["patches"]:
            blob = zlib.decompress(body[at : at + box["bytes"]])
            values = np.frombuffer(blob, np.dtype(box["dtype"])).reshape(box["shape"])
            patches.append(Patch(box["layer"], tuple(box["start"]), values))
            at += box["bytes"]
        return cls(record["number"], record["facts"], patches)


class JournalWriter:
    """Appends entries to a new file; what returned is on disk.

    Parameters
    ----------
    path : Path
        The file, made with the first entry.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0

    @property
    def is_whole(self) -> bool:
        """Whether the file is there as it was written, and nobody took it away."""
        try:
            return self.path.stat().st_size == self.size
        except OSError:
            return not self.size

    def append(self, entry: Entry) -> None:
        """Write an entry and wait for the disk.

        Raises
        ------
        OSError
            If it cannot be written; the file ends with the entry before then.
        """
        content = entry.to_bytes()
        if not self.size:
            make_folder(self.path.parent)
            content = MAGIC + content
        try:
            # Unbuffered: what was not written must not follow later.
            with self.path.open("ab" if self.size else "wb", buffering=0) as file:
                _write_all(file, content)
                sync(file)
            if not self.size:
                sync_folder(self.path.parent)
        except OSError:
            self._take_back()
            raise
        self.size += len(content)

    def _take_back(self) -> None:
        """Cut off what was written of an entry."""
        if self.size:
            os.truncate(self.path, self.size)
        else:
            self.path.unlink(missing_ok=True)


def _write_all(file: FileIO, content: bytes) -> None:
    """Write everything: a disk that fills up takes a part first."""
    rest = memoryview(content)
    while rest:
        written = file.write(rest)
        if not written:
            raise OSError(f"cannot write {file.name}: the disk takes nothing more")
        rest = rest[written:]


def read_journal(path: Path) -> Iterator[Entry]:
    """Yield the complete entries of a journal, the oldest first.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        left = os.fstat(file.fileno()).st_size - len(MAGIC)
        if file.read(len(MAGIC)) != MAGIC:
            return
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            length, checksum = _HEAD.unpack(head)
            left -= _HEAD.size + length
            # A damaged length must not make this read gigabytes.
            body = file.read(length) if left >= 0 else b""
            if len(body) != length or zlib.crc32(body) != checksum:
                return
            yield Entry.from_bytes(body)
