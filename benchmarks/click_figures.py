"""Print the click figures of a model on GrabCut, Berkeley and nuclei.

    python benchmarks/click_figures.py DATA [--model edgeflow-lite] [--json OUT]

DATA holds grabcut/, berkeley/ and nuclei/val/ with images/ and masks/ or labels/.
None of them may have been used for training or for choosing settings.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from napari_edgeflow.engine.evaluation.clicks import (
    ClickFigures,
    evaluate_clicks,
    find_targets,
    summarize,
)
from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter

SETS = {
    "GrabCut": ("grabcut/images", "grabcut/masks", False),
    "Berkeley": ("berkeley/images", "berkeley/masks", False),
    "nuclei": ("nuclei/val/images", "nuclei/val/labels", True),
}


def row(name: str, figures: ClickFigures) -> str:
    """Return one row of a Markdown table."""
    at = figures.iou_at_clicks
    return (
        f"| {name} | {figures.objects} | {figures.noc85:.2f} | {figures.noc90:.2f} | "
        f"{figures.failures90} | {at[0]:.3f} / {at[2]:.3f} / {at[4]:.3f} | "
        f"{figures.ms_per_click_median:.0f} |"
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="edgeflow-lite")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    segmenter = ClickSegmenter.from_pretrained(options.model, options.device)
    print("| set | objects | NoC@85 | NoC@90 | over 20 | IoU after 1 / 3 / 5 | ms |")
    print("|---|---|---|---|---|---|---|")
    record = {}
    for name, (images, masks, instances) in SETS.items():
        data: Path = options.data
        targets = find_targets(data / images, data / masks, instances=instances)
        figures = summarize(evaluate_clicks(segmenter, targets))
        print(row(name, figures), flush=True)
        record[name] = asdict(figures)
    if options.json:
        options.json.write_text(json.dumps(record, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
