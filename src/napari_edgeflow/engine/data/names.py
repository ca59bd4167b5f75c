"""One rule for names: images and their labels are known by folder and name.

Programs write the names of images in many ways, and call labels after images whose
names differ in their folder or ending only. What is matched here is matched by as much
of a path as there is; where that leaves two, neither is taken.
"""

import posixpath
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit


def inner_names(written: Sequence[str]) -> list[str]:
    """Return names that lie inside a folder for the names of images that a file gives.

    Parameters
    ----------
    written : sequence of str
        With separators of Windows or not, relative to the folder, absolute, with a
        drive, leading out of the folder, or URLs.

    Returns
    -------
    list of str
        With forward slashes. Of those that lead outside, what their folder has in
        common is dropped, so that files of one name in two folders stay apart.
    """
    paths = [as_posix(text) for text in written]
    outside = [path for path in paths if leads_out(path)]
    common = posixpath.commonpath([f"/{posixpath.dirname(_below(p))}" for p in outside]
                                  ) if outside else "/"  # fmt: skip
    return [
        posixpath.relpath(f"/{_below(path)}", common) if leads_out(path) else path
        for path in paths
    ]


def as_posix(text: str) -> str:
    """Return a path with forward slashes, without scheme, host, query and drive."""
    path = text.strip()
    scheme, colon, rest = path.partition("://")
    if colon and scheme.isalnum():
        path = unquote(urlsplit(path).path) if scheme != "file" else unquote(rest)
        # It leads out of any folder, whatever the host.
        path = f"/{path.lstrip('/')}"
    elif "/?d=" in path:
        # Label Studio's local files.
        path = "/" + parse_qs(urlsplit(path).query).get("d", [path])[0].lstrip("/")
    path = path.replace("\\", "/")
    if path[1:2] == ":" and path[:1].isalpha():
        path = "/" + path[2:].lstrip("/")
    return posixpath.normpath(path) if path else ""


def leads_out(path: str) -> bool:
    """Return whether a path with forward slashes is of no file inside a folder."""
    return path.startswith(("/", "../")) or path == ".."


def _below(path: str) -> str:
    """Return what is left of a path without the folders above."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return "/".join(parts)


def stem_of(name: str) -> str:
    """Return a file name without its ending, with its folder."""
    return PurePosixPath(name).with_suffix("").as_posix() if name else name


class NameIndex:
    """Finds which of many names is meant by one with another folder or ending.

    Parameters
    ----------
    names : iterable of str
        Paths in a folder, with forward slashes.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """Sort the names by what they end in."""
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        for name in names:
            path = PurePosixPath(name)
            self._by_name.setdefault(path.name.casefold(), []).append(name)
            self._by_stem.setdefault(path.stem.casefold(), []).append(name)

    def find(self, name: str) -> str | None:
        """Return the name that ends in the same parts; None for none.

        Raises
        ------
        ValueError
            If it may be several.
        """
        return _only(name, self._by_name.get(PurePosixPath(name).name.casefold()))

    def find_any(self, name: str) -> str | None:
        """Do :func:`find`, but take another ending if there is none of that name.

        ``name`` may be that of an image's labels, which may end in the image's name and
        another ending.

        Raises
        ------
        ValueError
            If it may be several.
        """
        stem = PurePosixPath(name).stem.casefold()
        return (
            self.find(name)
            or _only(name, self._by_name.get(stem))
            or _only(name, self._by_stem.get(stem))
        )


def _only(name: str, found: list[str] | None) -> str | None:
    """Return the one of some names whose folder is most like that of another."""
    if not found:
        return None
    closest = _closest(found, PurePosixPath(name).parent)
    if len(closest) > 1:
        raise ValueError(
            f"{name!r} may be {' or '.join(map(repr, closest[:3]))}: give the folder "
            "and the ending in its name, or rename one"
        )
    return closest[0]


def _closest(names: Collection[str], folder: PurePosixPath) -> list[str]:
    """Return the names whose folders end most like another one."""
    common = {name: _in_common(PurePosixPath(name).parent, folder) for name in names}
    best = max(common.values())
    return sorted(name for name in names if common[name] == best)


def _in_common(folder: PurePosixPath, other: PurePosixPath) -> tuple[int, int]:
    """Return how many last parts two folders share, and whether that is all."""
    shared = 0
    for one, two in zip(reversed(folder.parts), reversed(other.parts), strict=False):
        if one.casefold() != two.casefold():
            break
        shared += 1
    return shared, int(folder == other)


def output_stems(
    names: Iterable[str], *, flat: bool = False, words: bool = False
) -> dict[str, str]:
    """Return what the labels of images are called, without an ending, each by its own.

    Parameters
    ----------
    names : iterable of str
        File names of the images, with forward slashes.
    flat : bool
        Whether there are no folders: what would have one name then gets the folders
        into it.
    words : bool
        Whether there is no white space, in place of which there is ``_``.

    Returns
    -------
    dict
        Of each image the name of its labels: its own without the ending. Where two
        images differ in the ending only, or in the case of letters, which is one file
        on Windows, both keep it.
    """
    every = list(dict.fromkeys(names))
    stems = {name: stem_of(name) for name in every}
    for name in _meeting(stems):
        stems[name] = name
    if words:
        stems = {name: "_".join(stem.split()) for name, stem in stems.items()}
    if flat:
        whole = dict(stems)
        stems = {name: PurePosixPath(stem).name for name, stem in stems.items()}
        for name in _meeting(stems):
            stems[name] = "_".join(PurePosixPath(whole[name]).parts)
    taken = Counter(stem.casefold() for stem in stems.values())
    for name in _meeting(stems):
        taken[stems[name].casefold()] -= 1
        if not taken[stems[name].casefold()]:
            # The others have been renamed: it keeps its own.
            taken[stems[name].casefold()] = 1
            continue
        number = 2
        while taken[f"{stems[name]}_{number}".casefold()]:
            number += 1
        stems[name] = f"{stems[name]}_{number}"
        taken[stems[name].casefold()] += 1
    return stems


def _meeting(stems: dict[str, str]) -> list[str]:
    """Return the images whose labels would have the name of another's."""
    number = Counter(stem.casefold() for stem in stems.values())
    return [name for name, stem in stems.items() if number[stem.casefold()] > 1]
