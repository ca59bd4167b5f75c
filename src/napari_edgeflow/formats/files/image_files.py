"""Image files beside labels: where they are."""

import shutil
from pathlib import Path, PurePosixPath

from napari_edgeflow.engine.data.pairs import image_files
from napari_edgeflow.engine.system.files import replacing


def images_by_stem(folder: Path) -> dict[str, Path]:
    """Return the images of a folder by their names without ending.

    Raises
    ------
    ValueError
        If there is no such folder, or two images differ in their ending only.
    """
    found: dict[str, Path] = {}
    for path in image_files(folder):
        other = found.setdefault(path.stem, path)
        if other != path:
            raise ValueError(
                f"{other.name} and {path.name} in {folder} have one name for their "
                "labels: rename one"
            )
    return found


def copy_image(image: Path, path: Path) -> None:
    """Copy an image file, all or nothing, unless it is there already.

    Raises
    ------
    OSError
        If it cannot be copied.
    """
    if path.exists() and path.samefile(image):
        return
    with replacing(path) as partial:
        shutil.copyfile(image, partial)


def find_image(folder: Path | None, file_name: str) -> Path | None:
    """Return the image of a name in a folder, or of its last part; None if not there.

    ``file_name`` has forward slashes; a folder that is not known has nothing.
    """
    if folder is None:
        return None
    name = PurePosixPath(file_name)
    paths = (folder / name, folder / name.name)
    return next((path for path in paths if path.is_file()), None)
