"""Commands about clicks: segmenting and measuring."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from napari_edgeflow.cli.console import (
    add_device,
    save_figures,
    two_columns,
    with_progress,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_edgeflow.cli.console import Commands
    from napari_edgeflow.engine.evaluation.clicks import ClickFigures, ObjectResult


class _AddClick(argparse.Action):
    """Collects clicks of both signs in the order they were given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: "str | Sequence[tuple[float, float]] | None",
        option_string: str | None = None,
    ) -> None:
        from napari_edgeflow.engine.interaction.clicks import Click

        positive = option_string == "--positive"
        points = values if isinstance(values, list) else []
        new = [Click(y, x, positive) for y, x in points]
        namespace.clicks = [*(namespace.clicks or ()), *new]


def _point(text: str) -> tuple[float, float]:
    try:
        y, x = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no point: write y,x in pixels, such as 120,200"
        ) from None
    return y, x


def _box(text: str) -> tuple[int, int, int, int]:
    try:
        top, left, bottom, right = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no box: write y0,x0,y1,x1 in whole pixels, such as "
            "40,60,200,220"
        ) from None
    return top, left, bottom, right


def add_click(commands: "Commands") -> None:
    """Add the command ``click``."""
    parser = commands.add_parser("click", help="segment one object by clicks or a box")
    parser.add_argument("image", type=Path, metavar="IMAGE")
    for sign, meaning in (("positive", "part of the object"), ("negative", "not")):
        parser.add_argument(
            f"--{sign}",
            dest="clicks",
            action=_AddClick,
            type=_point,
            nargs="+",
            metavar="y,x",
            help=f"points that are {meaning}; clicks count in the order given",
        )
    parser.add_argument(
        "--box",
        type=_box,
        metavar="y0,x0,y1,x1",
        help="a box around the object, its last two sides excluded; clicks correct it",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="OUT.png")
    parser.add_argument(
        "--class-id", type=int, default=1, metavar="N", help="value of the object"
    )
    _add_model(parser)
    parser.set_defaults(run=_run_click)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="edgeflow-lite", metavar="NAME_OR_PATH")
    add_device(parser)


def _run_click(options: argparse.Namespace) -> int:
    import numpy as np

    from napari_edgeflow.engine.data.pixels import read_one_plane
    from napari_edgeflow.engine.interaction.prompts import Box
    from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
    from napari_edgeflow.engine.labels.classes import voc_palette
    from napari_edgeflow.engine.raster.image import Window
    from napari_edgeflow.engine.system.files import check_file
    from napari_edgeflow.formats.kinds.voc.png import (
        check_palette_path,
        write_palette_png,
    )

    check_palette_path(options.output)
    check_file(options.output)
    if options.output.resolve() == options.image.resolve():
        raise ValueError(
            f"the mask would replace the image {options.image}: "
            "give --output another name"
        )
    if not 1 <= options.class_id <= 255:
        raise ValueError(f"class id {options.class_id}: use 1 to 255")
    clicks = options.clicks or []
    if options.box is None and not any(click.positive for click in clicks):
        raise ValueError(
            "no positive click and no box: give --positive y,x or --box y0,x0,y1,x1"
        )
    box = [] if options.box is None else [Box(Window(*options.box))]
    segmenter = ClickSegmenter.from_pretrained(options.model, options.device)
    segmenter.set_image(read_one_plane(options.image))
    segmenter.set_prompts([*box, *clicks])
    mask = segmenter.mask()
    labels = np.where(mask, options.class_id, 0).astype(np.uint8)
    write_palette_png(options.output, labels, voc_palette())
    count = f"{len(clicks)} click{'' if len(clicks) == 1 else 's'}"
    print(
        f"{'a box, ' if box else ''}{count} · {int(mask.sum())} pixels · "
        f"{segmenter.device} · {options.output}"
    )
    return 0


def add_evaluate_clicks(commands: "Commands") -> None:
    """Add the command ``evaluate clicks``."""
    parser = commands.add_parser("clicks", help="how many clicks an object takes")
    parser.add_argument("--images", type=Path, metavar="DIR")
    parser.add_argument("--masks", type=Path, metavar="DIR")
    parser.add_argument(
        "--clicks",
        type=Path,
        metavar="FILE",
        help="replay the clicks of persons, the clicks.json of an exported benchmark",
    )
    parser.add_argument(
        "--instances",
        action="store_true",
        help="each value of a mask is an object of its own",
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="figures as JSON")
    _add_model(parser)
    parser.set_defaults(run=_run_evaluate_clicks)


def _run_evaluate_clicks(options: argparse.Namespace) -> int:
    if options.clicks is not None:
        from napari_edgeflow.cli.replay import run_replay

        return run_replay(options)
    if options.images is None or options.masks is None:
        raise ValueError("nothing to measure: give --images and --masks, or --clicks")
    from napari_edgeflow.engine.system.files import check_file

    if options.json is not None:
        check_file(options.json)
    from napari_edgeflow.engine.evaluation.clicks import (
        evaluate_clicks,
        find_targets,
        summarize,
    )
    from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter

    segmenter = ClickSegmenter.from_pretrained(options.model, options.device)
    targets = list(
        find_targets(options.images, options.masks, instances=options.instances)
    )
    results: list[ObjectResult] = list(
        with_progress(evaluate_clicks(segmenter, targets), len(targets), "objects")
    )
    figures = summarize(results)
    print(figures_table(figures))
    save_figures(options.json, asdict(figures))
    return 0


def figures_table(figures: "ClickFigures") -> str:
    """Return figures as a table of two columns for a terminal."""
    shown = (1, 2, 3, 5, 10, 20)
    rows = [
        ("objects", f"{figures.objects}"),
        ("NoC@85", f"{figures.noc85:.2f}"),
        ("NoC@90", f"{figures.noc90:.2f}"),
        ("over 20 clicks @90", f"{figures.failures90}"),
        *(
            (f"mean IoU after {k}", f"{figures.iou_at_clicks[k - 1]:.3f}")
            for k in shown
            if k <= len(figures.iou_at_clicks)
        ),
        ("ms per click, median", f"{figures.ms_per_click_median:.0f}"),
    ]
    return two_columns(rows)
