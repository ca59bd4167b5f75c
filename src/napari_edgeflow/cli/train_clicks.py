"""The command that trains EdgeFlow by simulated clicks."""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_edgeflow.cli.coco_source import add_coco, read_coco_source, split_settings
from napari_edgeflow.cli.training import (
    add_training,
    as_long_as_asked,
    epochs_of,
    in_size_asked,
    microscopy_asked,
    run_training,
)

if TYPE_CHECKING:
    from napari_edgeflow.cli.console import Commands
    from napari_edgeflow.cli.training import Training
    from napari_edgeflow.engine.training.clicks.samples import ClickSource
    from napari_edgeflow.engine.training.clicks.training import ClickTraining


_SETTINGS = ("weight", "whole", "list", "images")
"""What a source may have after its folder."""


def add_train_clicks(commands: "Commands") -> None:
    """Add the command ``train clicks``."""
    parser = commands.add_parser(
        "clicks",
        help="train EdgeFlow by simulated clicks",
        description="A source is DIR[,weight=W][,whole=P][,list=NAME]: W is how often "
        "it is drawn, P the probability that all its labels are one object, NAME a "
        "list of a VOC folder or a file with one.",
    )
    for kind, holds in (
        ("voc", "VOC folder"),
        ("semantic", "folder with images/ and labels/ of classes"),
        ("instances", "folder with images/ and labels/ of objects"),
    ):
        parser.add_argument(
            f"--{kind}", action="append", default=[], metavar="SOURCE", help=holds
        )
    add_coco(parser, "FILE[,images=DIR]")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--init", metavar="MODEL", help="model to start from")
    start.add_argument(
        "--imagenet", action="store_true", help="start the backbone from ImageNet"
    )
    parser.add_argument(
        "--network",
        default="edgeflow-lite",
        metavar="NAME",
        help="a new network, if there is no --init: edgeflow-lite or edgeflow-hrnet18",
    )
    add_training(parser)
    parser.set_defaults(run=_run_train_clicks)


def parse_source(text: str, kind: str, output: Path) -> "ClickSource":
    """Return the source that an option of ``train clicks`` names.

    Parameters
    ----------
    text : str
        DIR[,weight=W][,whole=P][,list=NAME].
    kind : str
        "voc", "semantic", "instances" or "coco".
    output : Path
        Folder of the training, for labels that have to be written.

    Raises
    ------
    ValueError
        If a setting is unknown or the folder does not fit.
    """
    from napari_edgeflow.engine.data.pairs import folder_pairs, voc_pairs
    from napari_edgeflow.engine.training.clicks.samples import ClickSource

    root, settings = split_settings(text, _SETTINGS)
    if kind == "coco":
        pairs, _ = read_coco_source(root, settings.get("images"), output, "object")
    elif kind == "voc":
        pairs = voc_pairs(root, settings.get("list", "train"))
    else:
        pairs = folder_pairs(root / "images", root / "labels")
    return ClickSource(
        pairs,
        "semantic" if kind in ("voc", "semantic") else "object",
        float(settings.get("weight", 1)),
        float(settings.get("whole", 0)),
    )


def _run_train_clicks(options: argparse.Namespace) -> int:
    def prepare() -> "Training":
        from napari_edgeflow.engine.training.training import start

        return partial(start, training_of(options), resume=options.resume)

    return run_training(options, prepare)


def training_of(options: argparse.Namespace) -> "ClickTraining":
    """Return what the options of the command ask for."""
    from napari_edgeflow.engine.checkpoints.imagenet import packaged_imagenet
    from napari_edgeflow.engine.training.clicks.settings import usual_settings
    from napari_edgeflow.engine.training.clicks.training import ClickTraining

    sources = [
        parse_source(text, kind, options.output)
        for kind in ("voc", "semantic", "instances", "coco")
        for text in getattr(options, kind)
    ]
    if not sources:
        raise ValueError(
            "nothing to train on: give --voc, --semantic, --instances or --coco"
        )
    if options.unlabelled is not None:
        sources = [replace(source, unlabelled=True) for source in sources]
    images = sum(len(source.pairs) for source in sources)
    task, loop = usual_settings(images, adapting=options.init is not None)
    return ClickTraining(
        sources=sources,
        output=options.output,
        network=options.network,
        init=options.init,
        imagenet=packaged_imagenet() if options.imagenet else None,
        device=options.device,
        task=in_size_asked(replace(task, seed=options.seed), options),
        loop=as_long_as_asked(loop, options),
        epochs=epochs_of(options),
        validation=options.validation,
        microscopy=microscopy_asked(options),
        command=options.command,
    )
