"""The command that trains networks which label every pixel."""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_edgeflow.cli.coco_source import add_coco, read_coco_source, split_settings
from napari_edgeflow.cli.semantic import add_labelled_images, labelled_images
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
    from napari_edgeflow.engine.data.pairs import LabelledImage
    from napari_edgeflow.engine.labels.classes import ClassTable
    from napari_edgeflow.engine.training.semantic.task import SemanticTaskSettings
    from napari_edgeflow.engine.training.semantic.training import SemanticTraining
    from napari_edgeflow.engine.training.settings import LoopSettings


RATE = 1e-3


def add_train_semantic(commands: "Commands") -> None:
    """Add the command ``train semantic``."""
    parser = commands.add_parser(
        "semantic",
        help="train a network that labels every pixel",
        description="Writes the model, metrics.csv and command.txt to the folder. "
        "On several GPUs: torchrun --nproc_per_node=N -m napari_edgeflow train "
        "semantic …; the batch is shared out to them.",
    )
    add_labelled_images(parser)
    add_coco(parser, "FILE[,images=DIR]")
    _add_classes(parser)
    _add_start(parser)
    _add_learning(parser)
    add_training(parser)
    parser.set_defaults(run=_run_train_semantic)


def _add_classes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="class list with lines of the form: id name red green blue; default: "
        "labels.txt in the folder, else the classes of --init, else PASCAL VOC's",
    )


def _add_start(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--init",
        metavar="MODEL",
        help="model to fine-tune; what it knows of classes of the same name is kept",
    )
    parser.add_argument(
        "--network",
        default="deeplabv3plus-lite0",
        metavar="NAME",
        help="a new network, if there is no --init; see the command models",
    )
    parser.add_argument(
        "--from-scratch",
        action="store_true",
        help="do not start the new network's encoder from ImageNet",
    )
    parser.add_argument(
        "--longest-side",
        type=int,
        metavar="N",
        help="pixels to which images are resized before they are segmented; "
        "default: their own",
    )


def _add_learning(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--loss",
        default="ce+0.5*dice",
        metavar="SPEC",
        help="a sum of ce, focal, dice, jaccard and lovasz with weights; default: "
        "%(default)s",
    )
    parser.add_argument(
        "--predictions",
        action="store_true",
        help="after each epoch, write the labels of some images that are held back",
    )


def _run_train_semantic(options: argparse.Namespace) -> int:
    def prepare() -> "Training":
        from napari_edgeflow.engine.training.training import start

        return partial(start, training_of(options), resume=options.resume)

    return run_training(options, prepare)


def training_of(options: argparse.Namespace) -> "SemanticTraining":
    """Return what the options of the command ask for."""
    from napari_edgeflow.engine.training.semantic.training import SemanticTraining

    pairs, classes = _data(options)
    return SemanticTraining(
        pairs=pairs,
        classes=classes,
        output=options.output,
        network=options.network,
        init=options.init,
        imagenet=not options.from_scratch,
        longest_side=options.longest_side,
        device=options.device,
        task=_task(options, len(pairs)),
        loop=_loop(options),
        epochs=epochs_of(options),
        validation=options.validation,
        unlabelled=options.unlabelled is not None,
        microscopy=microscopy_asked(options),
        command=options.command,
        predictions=options.predictions,
    )


def _data(
    options: argparse.Namespace,
) -> "tuple[tuple[LabelledImage, ...], ClassTable | None]":
    """Return all labelled images, and their classes if they are known."""
    from napari_edgeflow.formats.files.class_files import read_classes
    from napari_edgeflow.formats.training.sources import known_classes

    given = None if options.classes is None else read_classes(options.classes)
    pairs, tables = labelled_images(options, "train"), _listed(options)
    for text in options.coco:
        path, settings = split_settings(text, ("images",))
        images = settings.get("images")
        more, found = read_coco_source(path, images, options.output, "semantic")
        pairs, tables = (*pairs, *more), [*tables, (path, found)]
    return pairs, known_classes(tables) if given is None else given


def _listed(options: argparse.Namespace) -> "list[tuple[Path, ClassTable]]":
    """Return the folders whose classes are known, and these.

    A VOC folder without a list has VOC's classes if another folder has a list: its
    numbers are no classes of the other one.
    """
    from napari_edgeflow.engine.labels.classes import ClassTable
    from napari_edgeflow.formats.files.class_lists import find_class_list

    lists = {root: find_class_list(root) for root in (*options.voc, *options.pairs)}
    if any(lists.values()):
        unlisted = (root for root in options.voc if lists[root] is None)
        lists.update(dict.fromkeys(unlisted, ClassTable.voc()))
    return [(root, classes) for root, classes in lists.items() if classes is not None]


def _task(options: argparse.Namespace, images: int) -> "SemanticTaskSettings":
    from napari_edgeflow.engine.training.semantic.task import SemanticTaskSettings

    task = replace(
        SemanticTaskSettings.suited(images), loss=options.loss, seed=options.seed
    )
    return in_size_asked(task, options)


def _loop(options: argparse.Namespace) -> "LoopSettings":
    from napari_edgeflow.engine.training.settings import LoopSettings

    loop = LoopSettings(rate=RATE, weight_decay=1e-2, ema=0.998)
    return as_long_as_asked(loop, options)
