"""Print how well objects are followed through stacks, and whether it ends with them.

    python benchmarks/propagation.py DATA [--model edgeflow-lite] [--objects 24]

Objects of real images are pasted on other real images, where they move 3 to 10 pixels
per slice (nuclei 3 to 6), turn, grow and shrink, under changing light and noise; after
ten slices they vanish. DATA holds objects/ecssd/ and nuclei/train/ with images/ and
labels/. ``--tuning`` takes the objects that the settings were chosen on; others are
reported.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from moving_stack import Motion, MovingStack, moving_stack
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.measure import label, regionprops

from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.propagation.propagate import propagate
from napari_edgeflow.engine.raster.metrics import iou

SLICES = 10


def salient_stacks(root: Path, objects: range) -> Iterator[MovingStack]:
    """Yield an object of one photo on another, at under half of its side."""
    paths = sorted((root / "images").iterdir())
    for at in objects:
        path, other = paths[at * 7 % len(paths)], paths[(at * 7 + 400) % len(paths)]
        image, background = read(path), read(other)
        mask = read_labels(root / "labels" / f"{path.stem}.png") > 0
        extent = max(int(np.ptp(places)) for places in np.nonzero(mask))
        scale = min(1.0, 0.45 * min(background.shape[:2]) / extent)
        rng = np.random.default_rng(at)
        yield moving_stack(image, mask, background, rng, scale=scale)


def nuclei_stacks(root: Path, objects: range) -> Iterator[MovingStack]:
    """Yield a nucleus that moves among the others of its image."""
    paths = sorted((root / "images").iterdir())
    for at in objects:
        path = paths[at * 3 % len(paths)]
        image = read(path)
        labels = read_labels(root / "labels" / f"{path.stem}.png")
        regions = sorted(regionprops(labels), key=lambda region: -region.area)
        mask = labels == regions[len(regions) // 4].label
        rng = np.random.default_rng(at)
        background = painted_out(image, labels, mask, rng)
        yield moving_stack(image, mask, background, rng, Motion(speed=(3.0, 6.0)))


def painted_out(
    image: NDArray[np.uint8],
    labels: NDArray[np.integer],
    mask: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Return an image with ground in place of an object, from around it."""
    around = ndimage.binary_dilation(mask, iterations=6) & (labels == 0)
    ground = image[around] if around.any() else image[labels == 0]
    gone = ndimage.binary_dilation(mask, iterations=3) & (mask | (labels == 0))
    result = image.copy()
    result[gone] = ground[rng.integers(0, len(ground), int(gone.sum()))]
    return result


def read(path: Path) -> NDArray[np.uint8]:
    """Return an image as (H, W, 3) uint8."""
    return np.asarray(Image.open(path).convert("RGB"))


def read_labels(path: Path) -> NDArray[np.integer]:
    """Return labels (H, W); where all objects have one value, each gets its own."""
    labels = np.asarray(Image.open(path))
    labels = labels if labels.ndim == 2 else labels[..., 0]
    return labels if labels.max() > 1 else label(labels)


def measure(segmenter: ClickSegmenter, stack: MovingStack) -> tuple[float, int]:
    """Return the mean IoU of ten slices, and the slice before which it ended.

    A slice that it did not reach counts as 0.
    """
    ious, ended = [0.0] * SLICES, len(stack.images)
    for report in propagate(
        segmenter, stack.images[0], stack.masks[0], stack.images[1:]
    ):
        if report.ended:
            ended = report.step
        elif report.part is not None and report.step <= SLICES:
            mask = report.part.full(stack.masks[0].shape)
            ious[report.step - 1] = iou(mask, stack.masks[report.step])
    return float(np.mean(ious)), ended


def row(name: str, means: NDArray[np.float64], ends: NDArray[np.intp]) -> str:
    """Return one row of a Markdown table."""
    # At the second slice without the object at the latest.
    in_time = (ends > SLICES) & (ends <= SLICES + 2)
    shares = [(means >= 0.8).mean(), in_time.mean(), (ends <= SLICES).mean()]
    cells = [name, str(len(means)), f"{means.mean():.3f}"]
    return " | ".join(["", *cells, *(f"{share:.0%}" for share in shares), ""]).strip()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="edgeflow-lite")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--objects", type=int, default=24)
    parser.add_argument("--tuning", action="store_true")
    options = parser.parse_args()
    segmenter = ClickSegmenter.from_pretrained(options.model, options.device)
    objects = range(14) if options.tuning else range(14, 14 + options.objects)
    print("| set | objects | mean IoU | IoU >= 0.8 | ended in time | too early |")
    print("|---|---|---|---|---|---|")
    for name, stacks in (
        ("photos", salient_stacks(options.data / "objects/ecssd", objects)),
        ("nuclei", nuclei_stacks(options.data / "nuclei/train", objects)),
    ):
        means, ends = zip(*(measure(segmenter, stack) for stack in stacks), strict=True)
        print(row(name, np.array(means), np.array(ends)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
