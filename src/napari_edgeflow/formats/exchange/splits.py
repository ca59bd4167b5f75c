"""Splits of a data set into training, validation and test, and their lists."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from napari_edgeflow.engine.system.files import replacing

_NAMES = ("train", "val", "test")


def split_names(
    names: Iterable[str], ratios: Sequence[float], seed: int = 0
) -> dict[str, list[str]]:
    """Return which names are in which split.

    Parameters
    ----------
    names : iterable of str
        In any order: the result depends on the names, the ratios and the seed only.
    ratios : sequence of float
        Two or three parts of 1, for train, val and test.
    seed : int
        Another gives another split; 0 or more.

    Returns
    -------
    dict
        Sorted names for each split that has a ratio. Numbers are rounded so that
        none is more than one away from its ratio.

    Raises
    ------
    ValueError
        If the ratios do not add up to 1, or a name occurs twice.
    """
    is_whole = abs(sum(ratios) - 1) <= 1e-6
    if not is_whole or not 2 <= len(ratios) <= len(_NAMES) or min(ratios) < 0:
        raise ValueError(
            f"split {', '.join(map(str, ratios))}: give two or three parts that add up "
            "to 1, such as 0.8,0.1,0.1"
        )
    if seed < 0:
        raise ValueError(f"seed {seed}: use 0 or more")
    ordered = sorted(names)
    double = next((a for a, b in pairwise(ordered) if a == b), "")
    if double:
        raise ValueError(f"{double!r} occurs twice: each image has one place")
    shuffled = [
        ordered[i] for i in np.random.default_rng(seed).permutation(len(ordered))
    ]
    bounds = np.rint(np.cumsum([0, *ratios]) * len(ordered)).astype(int).tolist()
    return {
        name: sorted(shuffled[start:stop])
        for name, start, stop in zip(_NAMES, bounds[:-1], bounds[1:], strict=False)
    }


def write_split_lists(folder: Path, splits: Mapping[str, Sequence[str]]) -> None:
    """Write one list SPLIT.txt for each split, a name a line, all or nothing.

    Raises
    ------
    ValueError
        If a name has several lines.
    OSError
        If a list cannot be written.
    """
    for split, names in splits.items():
        for name in names:
            if len(name.splitlines()) != 1:
                raise ValueError(f"the name {name!r} has several lines: rename it")
        with replacing(folder / f"{split}.txt") as partial:
            text = "".join(f"{name}\n" for name in names)
            partial.write_text(text, encoding="utf-8", newline="\n")
