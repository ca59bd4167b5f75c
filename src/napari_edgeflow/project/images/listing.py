"""The images of a folder and of all folders in it, in the order a person expects."""

import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from napari_edgeflow.engine.data.pixels import IMAGE_SUFFIXES

IMAGE_ENDINGS = (*IMAGE_SUFFIXES, ".npy", ".dcm")
"""Endings of the images of a project: NumPy and imageio read what others do not."""

HOME = "napari-edgeflow"
"""The folder beside the images that a project lives in, unless it has another."""

_NUMBERS = re.compile(r"(\d+)")


def list_images(
    folder: Path, suffixes: Iterable[str] = IMAGE_ENDINGS, skip: Path | None = None
) -> list[str]:
    """Return the images below a folder, with 2 before 10.

    Parameters
    ----------
    folder : Path
        The folder. Hidden files and folders in it do not count, nor do folders of
        projects and links to folders.
    suffixes : iterable of str
        Endings of images, in lower case, with the dot.
    skip : Path, optional
        A folder to leave out as well.

    Returns
    -------
    list of str
        Paths below the folder, with "/" between folders.

    Raises
    ------
    OSError
        If the folder cannot be read.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}: give one with images in it")
    endings, names = tuple(suffixes), []
    for at, folders, files in os.walk(folder, onerror=_refuse):
        here = Path(at)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and name != HOME and here / name != skip
        ]
        names += [
            (here / name).relative_to(folder).as_posix()
            for name in files
            if name.lower().endswith(endings) and not name.startswith(".")
        ]
    return sorted(names, key=natural_key)


def natural_key(name: str) -> list[tuple[list[tuple[int, str]], str]]:
    """Return what sorts paths as people do: by folder, numbers by their value."""
    return [
        (
            # Between two numbers there is text, be it empty: kinds never mix.
            [(int(p), "") if p.isdecimal() else (-1, _plain(p)) for p in parts],
            part,
        )
        for part in name.split("/")
        if (parts := _NUMBERS.split(part))
    ]


def _plain(text: str) -> str:
    """Return text without capitals, and with ä as an a with dots, not after z."""
    return unicodedata.normalize("NFKD", text.casefold())


def _refuse(error: OSError) -> None:
    raise OSError(
        f"cannot read the folder {error.filename}: {error.strerror}"
    ) from error
