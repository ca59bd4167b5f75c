"""The commands that train: their options become a plan, which is carried out."""

import argparse
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from napari_edgeflow.cli.config_file import with_config
from napari_edgeflow.cli.console import add_device, finished
from napari_edgeflow.cli.reports import REPORT_FORMS, reporting
from napari_edgeflow.engine.checkpoints.checkpoint import CLICK_TASK, SEMANTIC_TASK
from napari_edgeflow.formats.training.plan import (
    TRAINING_SOURCES,
    DataSource,
    TrainingPlan,
    split_settings,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_edgeflow.cli.console import Commands
    from napari_edgeflow.project.exchange.learning import ProjectPages

_MICROSCOPY = {"auto": None, "photographs": False, "microscopy": True}
"""What ``--augment`` says of the images."""


def add_train(commands: "Commands") -> None:
    """Add the command ``train``."""
    train = commands.add_parser("train", help="train a model")
    kinds = train.add_subparsers(required=True, metavar="WHAT")
    _add_clicks(kinds)
    _add_semantic(kinds)
    _add_folder(kinds)


def _add_clicks(kinds: "Commands") -> None:
    parser = kinds.add_parser(
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
        _add_repeated(parser, kind, holds, metavar="SOURCE")
    _add_coco(parser)
    _add_project(parser)
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
    _add_learning(parser)
    parser.set_defaults(run=_run, plan=click_plan)


def _add_semantic(kinds: "Commands") -> None:
    parser = kinds.add_parser(
        "semantic",
        help="train a network that labels every pixel",
        description="Writes the model, metrics.csv and command.txt to the folder. "
        "On several GPUs: torchrun --nproc_per_node=N -m napari_edgeflow train "
        "semantic …; the batch is shared out to them.",
    )
    add_labelled_images(parser)
    _add_coco(parser)
    _add_project(parser)
    parser.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="class list with lines of the form: id name red green blue; default: "
        "labels.txt in the folder, else the classes of --init, else PASCAL VOC's",
    )
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
    _add_learning(parser)
    parser.set_defaults(run=_run, plan=semantic_plan)


def _add_folder(kinds: "Commands") -> None:
    parser = kinds.add_parser(
        "folder",
        help="train as training.json in a folder says",
        description="What a training was told is in training.json in its folder: it "
        "goes on with --resume and needs no other option.",
    )
    parser.add_argument("output", type=Path, metavar="DIR")
    _add_resume(parser)
    parser.set_defaults(run=_run, plan=lambda options: plan_in(options.output))


def add_labelled_images(parser: argparse.ArgumentParser) -> None:
    """Add the options that name images with a class for every pixel."""
    _add_repeated(parser, "voc", "VOC folder", type=Path, metavar="DIR")
    parser.add_argument("--split", metavar="NAME", help="a list of the VOC folder")
    add_pairs(parser)


def add_pairs(parser: argparse.ArgumentParser) -> None:
    """Add the option that names folders of images and of their labels."""
    holds = "folder with images/ and labels/ of the same stems"
    _add_repeated(parser, "pairs", holds, type=Path, metavar="DIR")


def _add_coco(parser: argparse.ArgumentParser) -> None:
    holds = "COCO JSON; its images are in DIR, in images beside it, or beside it"
    _add_repeated(parser, "coco", holds, metavar="FILE[,images=DIR]")


def _add_project(parser: argparse.ArgumentParser) -> None:
    holds = "project folder; with state=done only the images that are marked done"
    _add_repeated(parser, "project", holds, metavar="DIR[,state=done]")


def _add_repeated(
    parser: argparse.ArgumentParser, name: str, holds: str, **how: Any
) -> None:
    parser.add_argument(f"--{name}", action="append", default=[], help=holds, **how)


def _add_resume(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--resume", action="store_true", help="go on in the folder")
    parser.add_argument(
        "--report",
        choices=REPORT_FORMS,
        default="text",
        help="jsonl: one JSON object a line, for other programs",
    )


def _add_learning(parser: argparse.ArgumentParser) -> None:
    """Add the options that both tasks have."""
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE.toml",
        help="options by name, such as epochs = 10; those typed here win",
    )
    parser.add_argument(
        "--epochs",
        type=int,
        metavar="N",
        help="default: 30, unless --steps or --minutes are given",
    )
    parser.add_argument("--steps", type=int, help="at most")
    parser.add_argument("--minutes", type=float, help="stop after this time at most")
    parser.add_argument(
        "--validation",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="of the images, or of blocks of one or two, that is held back to keep "
        "the best model; 0 for none; default: %(default)s",
    )
    parser.add_argument(
        "--patience",
        type=int,
        default=10,
        metavar="N",
        help="epochs without a better validation after which to stop; 0 for never; "
        "default: %(default)s",
    )
    parser.add_argument(
        "--rate",
        type=float,
        help="peak learning rate; default: 1e-3, or for clicks with --init 2e-4, and "
        "3e-4 for few images",
    )
    parser.add_argument(
        "--batch",
        type=int,
        help="of all GPUs together; default: 16, fewer for few images",
    )
    parser.add_argument(
        "--size", type=int, help="side of crops in pixels; default: 256, or growing"
    )
    parser.add_argument(
        "--augment",
        choices=list(_MICROSCOPY),
        default="auto",
        help="how crops are varied; auto takes mostly grey images for microscopy; "
        "default: %(default)s",
    )
    parser.add_argument(
        "--unlabelled",
        type=int,
        choices=[0],
        help="pixels of 0 have no label yet; by default they are background, as they "
        "always are beside objects",
    )
    parser.add_argument("--seed", type=int, default=0)
    _add_resume(parser)
    add_device(parser)


_ALIKE = (
    "output", "init", "network", "epochs", "steps", "minutes", "validation",
    "patience", "rate", "batch", "size", "seed", "device",
)  # fmt: skip
"""Options that a plan has by the same name."""


def click_plan(options: argparse.Namespace) -> TrainingPlan:
    """Return what the options of ``train clicks`` ask for."""
    sources = [
        DataSource.parse(text, layout, kind)
        for name, (layout, kind) in TRAINING_SOURCES[CLICK_TASK].items()
        for text in getattr(options, name)
    ]
    return _plan(options, CLICK_TASK, sources, imagenet=options.imagenet)


def semantic_plan(options: argparse.Namespace) -> TrainingPlan:
    """Return what the options of ``train semantic`` ask for."""
    coco = [
        DataSource.parse(text, *TRAINING_SOURCES[SEMANTIC_TASK]["coco"], ("images",))
        for text in options.coco
    ]
    return _plan(
        options,
        SEMANTIC_TASK,
        [*labelled_images(options), *coco],
        classes=options.classes,
        imagenet=not options.from_scratch,
        longest_side=options.longest_side,
        loss=options.loss,
        predictions=options.predictions,
    )


def labelled_images(
    options: argparse.Namespace, names: str | None = None
) -> list[DataSource]:
    """Return what the options of :func:`add_labelled_images` name."""
    voc = [DataSource(p, "voc", names=options.split or names) for p in options.voc]
    return [*voc, *(DataSource(path, "pairs") for path in options.pairs)]


def _plan(
    options: argparse.Namespace, task: str, sources: list[DataSource], **more: object
) -> TrainingPlan:
    alike = {name: getattr(options, name) for name in _ALIKE}
    return TrainingPlan(
        task=task,  # type: ignore[arg-type]
        sources=tuple(sources),
        microscopy=_MICROSCOPY[options.augment],
        unlabelled=options.unlabelled is not None,
        **alike,
        **more,  # type: ignore[arg-type]
    )


def _run(options: argparse.Namespace) -> int:
    """Run a training to its end, or until it is asked to stop.

    Until the data is read, signals end the program as usual.
    """
    with reporting(options.report, options.output) as reporter:
        from napari_edgeflow.engine.training.stop import stopping_on_signals
        from napari_edgeflow.engine.training.training import start
        from napari_edgeflow.formats.training.trainings import training_of

        make: Callable[[argparse.Namespace], TrainingPlan] = options.plan
        plan = make(options)
        if getattr(options, "project", None):
            plan = _with_projects(plan, options)
        training = training_of(plan, options.command)
        with stopping_on_signals() as stop:
            for report in start(training, resume=options.resume, stop=stop):
                reporter.show(report)
    return 0


def _with_projects(plan: TrainingPlan, options: argparse.Namespace) -> TrainingPlan:
    """Return a plan with what projects hold, written into the training's folder.

    A training that goes on learns from what was written for it at its start.
    """
    from napari_edgeflow.engine.training.train import check_output
    from napari_edgeflow.formats.training.folder import write_data
    from napari_edgeflow.formats.training.survey import survey_data

    check_output(plan.output, resume=options.resume)
    if options.resume and plan.output.is_dir():
        told = plan_in(plan.output)
        return replace(plan, sources=told.sources, classes=told.classes)
    stacks = [stack for text in options.project for stack in _pages(text).stacks()]
    survey = survey_data(
        stacks,
        plan.sources,
        unlabelled=plan.unlabelled,
        by_object=plan.task == CLICK_TASK,
        size=plan.size,
    ).usable()
    return finished(write_data(plan, stacks, survey))


def _pages(text: str) -> "ProjectPages":
    """Return the images that ``DIR[,state=done]`` names.

    Raises
    ------
    ValueError, OSError
        If there is no project, or no such state.
    """
    from napari_edgeflow.project.exchange.learning import LABELLED, ProjectPages
    from napari_edgeflow.project.folder import look_at_project

    path, settings = split_settings(text, ("state",))
    state = settings.get("state", "")
    states = {"": LABELLED, "done": ("done",)}.get(state)
    if states is None:
        raise ValueError(f"--project {text}: state is {state!r}: it can be done only")
    return ProjectPages(look_at_project(path), states)


def plan_in(folder: Path) -> TrainingPlan:
    """Return what the training of a folder was told.

    Trainings of version 0.1 have no ``training.json``, but the command that started
    them in the last line of ``command.txt``.

    Raises
    ------
    ValueError
        If it cannot be understood.
    OSError
        If there is neither of the files.
    """
    from napari_edgeflow.engine.training.folder import COMMAND_FILE, PLAN_FILE

    path = folder / PLAN_FILE
    if path.is_file():
        return TrainingPlan.from_text(path.read_text("utf-8"), folder, str(path))
    lines = (folder / COMMAND_FILE).read_text(encoding="utf-8").splitlines()
    return _told_by_command(lines[-1] if lines else "", folder)


class _RefusingParser(argparse.ArgumentParser):
    """Tells what is wrong by an error, not by ending the program."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _told_by_command(command: str, folder: Path) -> TrainingPlan:
    """Return the plan of a command; what lay in its folder is in ``folder`` now."""
    parser = _RefusingParser()
    add_train(parser.add_subparsers())  # type: ignore[arg-type]
    try:
        words = with_config(shlex.split(command)[1:])
        before = parser.parse_args(words).output
        options = parser.parse_args([_moved(word, before, folder) for word in words])
        options.output = folder
        make: Callable[[argparse.Namespace], TrainingPlan] = options.plan
        if options.plan in (click_plan, semantic_plan):
            return make(options)
    except (ValueError, AttributeError) as error:
        raise ValueError(_STARTS_NONE.format(command)) from error
    raise ValueError(_STARTS_NONE.format(command))


_STARTS_NONE = "{!r} starts no training: choose the folder of a training"


def _moved(word: str, before: Path, after: Path) -> str:
    """Return a path within a folder as it is after the folder was moved."""
    path = Path(word)
    return str(after / path.relative_to(before)) if before in path.parents else word
