"""Small labelled images: napari's File > Open Sample, the demo and the tests.

Each sample is an image and a palette PNG whose values are object ids. Sources and
licences are named in ``sample_data/README.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from PIL import Image

from napari_edgeflow.engine.labels.scheme import new_image_mark, with_entry

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LayerData: TypeAlias = "tuple[NDArray[np.uint8], dict[str, Any], str]"


@dataclass(frozen=True)
class Sample:
    """One sample image.

    Parameters
    ----------
    title
        What a person reads.
    image_file
        File name of the image inside ``sample_data``.
    objects
        Names of the labels 1, 2, … in order; one name alone holds for every label.
    """

    title: str
    image_file: str
    objects: tuple[str, ...]


SAMPLES = {
    "astronaut": Sample("Astronaut", "astronaut.jpg", ("person", "helmet")),
    "cat": Sample("Cat", "cat.jpg", ("cat",)),
    "coffee": Sample("Coffee", "coffee.jpg", ("cup", "saucer", "spoon")),
    "nuclei_purple": Sample("Stained nuclei", "nuclei_purple.jpg", ("nucleus",)),
    "nuclei_grey": Sample("Fluorescent nuclei", "nuclei_grey.png", ("nucleus",)),
}


def sample_folder() -> Path:
    """Find the folder of samples: inside an installed package, or in a checkout.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "sample_data", package.parents[1] / "sample_data"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"no sample_data folder belongs to {package}; install napari-edgeflow again"
    )


def sample_paths() -> dict[str, tuple[Path, Path]]:
    """Return the paths of the image and the labels of every sample, by its name."""
    folder = sample_folder()
    return {
        name: (folder / sample.image_file, folder / f"{name}_labels.png")
        for name, sample in SAMPLES.items()
    }


def load_sample(name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read one sample, by a key of `SAMPLES`.

    Returns
    -------
    image : numpy.ndarray
        (H, W, 3) or (H, W) uint8.
    labels : numpy.ndarray
        (H, W) uint8, 0 for background, else the object's id.

    Raises
    ------
    ValueError
        If there is no sample of that name.
    """
    if name not in SAMPLES:
        raise ValueError(f"no sample {name!r}; choose one of {', '.join(SAMPLES)}")
    image_path, labels_path = sample_paths()[name]
    return _read(image_path), _read(labels_path)


def sample_layers(name: str) -> list[_LayerData]:
    """Read one sample as napari layers: the image, and its objects hidden."""
    image, labels = load_sample(name)
    title = SAMPLES[name].title
    metadata = with_entry({}, image=new_image_mark())
    truth = {"name": f"Truth of {title}", "visible": False, "opacity": 0.5}
    return [
        (image, {"name": title, "metadata": metadata}, "image"),
        (labels, {**truth, "metadata": metadata}, "labels"),
    ]


def astronaut() -> list[_LayerData]:
    """Return the layers of the astronaut: a person and a helmet."""
    return sample_layers("astronaut")


def cat() -> list[_LayerData]:
    """Return the layers of the cat."""
    return sample_layers("cat")


def coffee() -> list[_LayerData]:
    """Return the layers of the coffee: a cup, a saucer and a spoon."""
    return sample_layers("coffee")


def nuclei_purple() -> list[_LayerData]:
    """Return the layers of the nuclei in stained tissue."""
    return sample_layers("nuclei_purple")


def nuclei_grey() -> list[_LayerData]:
    """Return the layers of the nuclei under a fluorescence microscope."""
    return sample_layers("nuclei_grey")


def _read(path: Path) -> NDArray[np.uint8]:
    """Read pixel values, which in a palette image are the ids and not the colours."""
    with Image.open(path) as picture:
        return np.array(picture, dtype=np.uint8)
