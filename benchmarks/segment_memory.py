"""Measure the memory that labelling a large image takes, image itself apart.

    python benchmarks/segment_memory.py [--side 12000] [--scale 1]

Writes an RGB image of side x side pixels to a temporary folder, labels it with the
command ``segment``, and prints the peak of its resident memory as ``/usr/bin/time -v``
reports it, less the image's own size. Exit status 1 if that is over 1.5 GB.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile

from napari_edgeflow.engine.raster.image import ImageReader, Window
from napari_edgeflow.samples import load_sample

LIMIT_GB = 1.5
_PEAK = re.compile(r"Maximum resident set size \(kbytes\): (\d+)")


def write_image(path: Path, side: int) -> int:
    """Write a photograph side x side pixels large and return its size in bytes."""
    image, _ = load_sample("astronaut")
    part = ImageReader(image).read(Window(0, 0, *image.shape[:2]), (1000, 1000))
    times = -(-side // 1000)
    whole = np.tile(part, (times, times, 1))[:side, :side]
    tifffile.imwrite(path, whole, photometric="rgb")
    return int(whole.nbytes)


def main() -> int:
    """Measure and print; exit status 1 if it takes too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=12_000)
    parser.add_argument("--scale", type=float, help="1: the image's own pixels")
    options = parser.parse_args()
    timer = shutil.which("time")
    if timer is None:
        print("needs GNU time: install the package time", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "large.tif"
        size = write_image(image, options.side)
        command = [sys.executable, "-m", "napari_edgeflow", "segment", str(image)]
        command += ["--output", folder, "--device", "cpu"]
        if options.scale:
            command += ["--scale", str(options.scale)]
        started = time.perf_counter()
        done = subprocess.run(
            [timer, "-v", *command], capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - started
    found = _PEAK.search(done.stderr)
    if done.returncode or found is None:
        print(done.stderr, file=sys.stderr)
        return 2
    peak, own = int(found[1]) * 1024 / 1e9, size / 1e9
    print(f"image {options.side} x {options.side} x 3   {own:6.2f} GB")
    print(f"peak resident memory        {peak:6.2f} GB")
    print(f"above the image itself      {peak - own:6.2f} GB   (bar: {LIMIT_GB} GB)")
    print(f"time                        {seconds:6.1f} s")
    return int(peak - own > LIMIT_GB)


if __name__ == "__main__":
    sys.exit(main())
