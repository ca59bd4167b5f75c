"""Measure a semantic model on labelled images and draw its best and worst results.

    python benchmarks/semantic_figures.py VOC [--split val] [--model M] [--output DIR]

VOC is a folder in VOC layout. Prints the table of IoU per class and writes a page of
pictures: image, truth and prediction side by side, the best results at the top, the
worst below, and some from the middle between them. The images of the list may not have
been used for training or for choosing settings.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from napari_edgeflow.cli.console import with_progress
from napari_edgeflow.cli.semantic import semantic_table
from napari_edgeflow.engine.data.pairs import VOID, read_pair
from napari_edgeflow.engine.evaluation.semantic import (
    SemanticResult,
    evaluate_semantic,
    summarize_semantic,
)
from napari_edgeflow.engine.segmentation.segmenter import SemanticSegmenter
from napari_edgeflow.formats.kinds.voc.folder import VocFolder

TILE = (240, 180)
"""Width and height of one picture on the page."""

CAPTION = 16
COLUMNS = 2
"""Results side by side; each has an image, its truth and its prediction."""


def coloured(
    labels: NDArray[np.integer], palette: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return labels (H, W) in the colours of a palette."""
    pixels: NDArray[np.uint8] = palette[labels]
    return pixels


def fitted(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return an image on a white tile, as large as fits."""
    tile = Image.new("RGB", TILE, "white")
    picture = Image.fromarray(pixels)
    picture.thumbnail(TILE, Image.Resampling.NEAREST)
    tile.paste(picture, ((TILE[0] - picture.width) // 2, 0))
    return tile


def strip(segmenter: SemanticSegmenter, result: SemanticResult) -> Image.Image:
    """Return image, truth and prediction of a result side by side, with a caption."""
    image, truth = read_pair(result.pair)
    labels = segmenter.predict(image)
    palette = segmenter.classes.palette()
    names = [
        segmenter.classes.get(int(i)).name
        for i in np.unique(labels)
        if 0 < int(i) < VOID
    ]
    strip = Image.new("RGB", (3 * TILE[0] + 12, TILE[1] + CAPTION), "white")
    pictures = (image, coloured(truth, palette), coloured(labels, palette))
    for column, pixels in enumerate(pictures):
        strip.paste(fitted(pixels), (column * (TILE[0] + 4), CAPTION))
    caption = f"{result.pair.image.stem}   IoU {result.miou:.2f}   {', '.join(names)}"
    ImageDraw.Draw(strip).text((2, 2), caption, fill="black")
    return strip


def page(
    segmenter: SemanticSegmenter, results: list[SemanticResult], rows: int
) -> Image.Image:
    """Return the page: rows of the best, of the middle and of the worst results."""
    ranked = sorted(results, key=lambda result: -result.miou)
    count = rows * COLUMNS
    start = max((len(ranked) - count) // 2, 0)
    groups = {
        "best": ranked[:count],
        "in the middle": ranked[start : start + count],
        "worst": ranked[-count:],
    }
    width = COLUMNS * (3 * TILE[0] + 24)
    height = len(groups) * (24 + rows * (TILE[1] + CAPTION + 6))
    sheet = Image.new("RGB", (width, height), "white")
    draw, top = ImageDraw.Draw(sheet), 0
    for title, group in groups.items():
        draw.text((4, top + 6), f"{title}: image, truth, prediction", fill="black")
        top += 24
        for number, result in enumerate(group):
            left = (number % COLUMNS) * (3 * TILE[0] + 24)
            row = number // COLUMNS
            place = (left, top + row * (TILE[1] + CAPTION + 6))
            sheet.paste(strip(segmenter, result), place)
        top += rows * (TILE[1] + CAPTION + 6)
    return sheet


def main() -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voc", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--model", default="deeplabv3plus-lite0-voc")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rows", type=int, default=3, help="rows of each kind")
    parser.add_argument("--output", type=Path, default=Path("semantic-figures"))
    options = parser.parse_args()
    segmenter = SemanticSegmenter.from_pretrained(options.model, options.device)
    pairs = VocFolder(options.voc).pairs(options.split)
    results = list(
        with_progress(evaluate_semantic(segmenter, pairs), len(pairs), "images")
    )
    figures = summarize_semantic(segmenter, results)
    print(semantic_table(figures))
    options.output.mkdir(parents=True, exist_ok=True)
    page(segmenter, results, options.rows).save(options.output / "results.png")
    record = json.dumps(asdict(figures), indent=2) + "\n"
    (options.output / "figures.json").write_text(record)
    print(f"written to {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
