"""Small data sets for finetune.py, copied out of the larger ones."""

import random
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.segmentation import expand_labels

from napari_edgeflow.engine.data.pairs import LabelledImage, folder_pairs
from napari_edgeflow.engine.data.pixels import read_label_image, read_rgb

SEED = 0
TAGS = 8
FEW = 10


@dataclass(frozen=True, slots=True)
class FewImages:
    """A folder with few labelled images, and others to measure on."""

    folder: Path
    others: tuple[LabelledImage, ...]


def nuclei(data: Path, output: Path, *, develop: bool) -> FewImages:
    """Return 10 images of nuclei/train with one class, and those to measure on."""
    few, others = _nuclei_pairs(data, develop=develop)
    names = ["background", "nucleus"]
    table = np.minimum(np.arange(65_536), 1).astype(np.uint8)
    return FewImages(
        _written(output / "few", few, table, names),
        _pairs(_written(output / "others", others, table, names)),
    )


def nuclei_objects(
    data: Path, output: Path, *, develop: bool, rim: int = 0
) -> tuple[Path, Path]:
    """Return folders of the same images, each label grown by so many pixels."""
    few, others = _nuclei_pairs(data, develop=develop)
    return (
        _written(output / "few", few, rim=rim),
        _written(output / "others", others, rim=rim),
    )


def _nuclei_pairs(
    data: Path, *, develop: bool
) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Return 10 images from dark to bright, as a person picks different ones."""
    pairs = _shuffled(data / "nuclei/train")
    ranked = sorted(pairs, key=lambda pair: float(read_rgb(pair.image).mean()))
    step = len(ranked) // FEW
    few = ranked[step // 2 :: step][:FEW]
    if develop:
        return few, [pair for pair in pairs if pair not in few][:40]
    return few, _shuffled(data / "nuclei/val")


def clothes(data: Path, output: Path) -> FewImages:
    """Return 30 images with the 8 commonest tags, and 60 to measure on."""
    root = data / "objects/ccp"
    pairs = _shuffled(root)
    names = (root / "classes.txt").read_text().splitlines()
    counts = Counter(
        value for pair in pairs for value in np.unique(read_label_image(pair.labels))
    )
    tags = sorted(tag for tag, _ in counts.most_common(TAGS + 1) if tag)
    table = np.zeros(256, np.uint8)
    table[tags] = np.arange(1, TAGS + 1)
    listed = ["background", *(names[tag] for tag in tags)]
    return FewImages(
        _written(output / "few", pairs[:30], table, listed),
        _pairs(_written(output / "others", pairs[30:90], table, listed)),
    )


def _shuffled(root: Path) -> list[LabelledImage]:
    pairs = list(_pairs(root))
    random.Random(SEED).shuffle(pairs)
    return pairs


def _pairs(root: Path) -> tuple[LabelledImage, ...]:
    return folder_pairs(root / "images", root / "labels")


def _written(
    folder: Path,
    pairs: list[LabelledImage],
    table: NDArray[np.uint8] | None = None,
    names: list[str] | None = None,
    rim: int = 0,
) -> Path:
    """Copy pairs, their labels looked up in a table, with a list of the classes.

    Labels may be grown by a rim of so many pixels, up to their neighbours.
    """
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for pair in pairs:
        shutil.copy(pair.image, folder / "images")
        labels = read_label_image(pair.labels)
        pixels = labels if table is None else table[labels]
        if rim:
            pixels = expand_labels(pixels, rim)
        Image.fromarray(pixels).save(folder / "labels" / f"{pair.labels.stem}.png")
    if names is not None:
        (folder / "labels.txt").write_text("\n".join(names) + "\n")
    return folder
