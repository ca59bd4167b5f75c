"""Labels that are kept for later: compressed, they take little memory and text."""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FAST = 1
"""zlib's level: labels are mostly runs of one value."""


@dataclass(frozen=True, slots=True)
class PackedLabels:
    """Labels, compressed.

    Parameters
    ----------
    shape : tuple of int
        Of the labels.
    dtype : str
        Of the labels, as numpy writes it.
    data : bytes
        Their values.
    """

    shape: tuple[int, ...]
    dtype: str
    data: bytes = field(repr=False)

    @classmethod
    def of(cls, labels: NDArray[Any]) -> "PackedLabels":
        """Return labels packed."""
        data = zlib.compress(np.ascontiguousarray(labels).data, _FAST)
        return cls(labels.shape, labels.dtype.str, data)

    def unpacked(self) -> NDArray[np.integer[Any]]:
        """Return the labels."""
        values = np.frombuffer(zlib.decompress(self.data), np.dtype(self.dtype))
        labels: NDArray[np.integer[Any]] = values.reshape(self.shape).copy()
        return labels

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        text = b64encode(self.data).decode("ascii")
        return {"shape": list(self.shape), "dtype": self.dtype, "zlib": text}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "PackedLabels":
        """Return what :meth:`to_json` gave."""
        shape = tuple(int(side) for side in record["shape"])
        return cls(shape, str(record["dtype"]), b64decode(record["zlib"]))
