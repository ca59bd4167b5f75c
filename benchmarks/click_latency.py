"""Time a click in the engine against one eager-torch forward of the same network.

    python benchmarks/click_latency.py [--model edgeflow-lite] [--rounds 5]

Both are timed in turn, click by click, in one run: on a busy machine the ratio holds
where the milliseconds do not. A click is everything from the position to the
probabilities of the whole window: cropping, resizing, maps, network, interpolation.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from napari_edgeflow.engine.checkpoints.checkpoint import find_checkpoint, load_edgeflow
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
from napari_edgeflow.engine.interaction.zoom import network_shape
from napari_edgeflow.engine.raster.image import ImageReader, Window
from napari_edgeflow.samples import load_sample

SHAPE = (1000, 1500)
CLICKS = ((0.5, 0.5), (0.35, 0.55), (0.1, 0.1), (0.65, 0.45), (0.9, 0.8), (0.45, 0.4))
"""Where to click, as shares of height and width; every third is negative."""


SETTLE_S = 0.05
"""ONNX Runtime's and torch's threads spin for a while after their work."""


def milliseconds(call: Callable[[], object]) -> float:
    """Return how long a call takes, once the threads of the one before are at rest."""
    time.sleep(SETTLE_S)
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


def sample_image() -> NDArray[np.uint8]:
    """Return a photograph of 1,500 x 1,000 pixels."""
    image, _ = load_sample("astronaut")
    whole = Window(0, 0, *image.shape[:2])
    return ImageReader(image).read(whole, SHAPE)


@torch.inference_mode()
def measure(model: str, rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Return the milliseconds of clicks, and of forwards of the same input's size.

    The forwards are of the network as torch has it, and in channels-last layout.
    """
    segmenter = ClickSegmenter.from_pretrained(model, "cpu")
    eager = load_edgeflow(find_checkpoint(model))
    tuned = load_edgeflow(find_checkpoint(model)).to(memory_format=torch.channels_last)
    segmenter.set_image(sample_image())
    clicks: list[float] = []
    forwards: list[float] = []
    tuned_forwards: list[float] = []
    for _ in range(rounds + 1):
        segmenter.clear()
        for number, (y, x) in enumerate(CLICKS):
            at = (y * SHAPE[0], x * SHAPE[1])
            clicks.append(
                milliseconds(lambda at=at, n=number: segmenter.add_click(at, n % 3 < 2))
            )
            shape = network_shape(segmenter.prediction.window, 256)
            inputs = torch.rand(1, 3, *shape), torch.zeros(1, 3, *shape)
            forwards.append(milliseconds(lambda i=inputs: eager(*i)))
            tuned_forwards.append(milliseconds(lambda i=inputs: tuned(*i)))
    # The first round warms everything up.
    first = len(CLICKS)
    return clicks[first:], forwards[first:], tuned_forwards[first:]


def main() -> int:
    """Print the table; exit status 1 if a click takes over half a forward."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="edgeflow-lite")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    clicks, forwards, tuned = measure(options.model, options.rounds)
    ratio = median(clicks) / median(forwards)
    print(f"image {SHAPE[1]} x {SHAPE[0]}, {torch.get_num_threads()} threads")
    print(f"click in the engine, median   {median(clicks):7.1f} ms")
    print(f"eager-torch forward, median   {median(forwards):7.1f} ms")
    print(f"  in channels-last layout     {median(tuned):7.1f} ms")
    print(f"click / eager-torch forward   {ratio:7.2f}   (bar: 0.50)")
    if options.json:
        record = {"click_ms": median(clicks), "forward_ms": median(forwards)}
        options.json.write_text(json.dumps({**record, "ratio": ratio}))
    return int(ratio > 0.5)


if __name__ == "__main__":
    sys.exit(main())
