"""From what a training is told to one that the engine can start."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_edgeflow.engine.checkpoints.checkpoint import CLICK_TASK
from napari_edgeflow.engine.checkpoints.starters import packaged_imagenet
from napari_edgeflow.engine.data.pairs import LabelledImage
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.training.clicks.samples import ClickSource
from napari_edgeflow.engine.training.clicks.settings import usual_settings
from napari_edgeflow.engine.training.clicks.training import ClickTraining
from napari_edgeflow.engine.training.semantic.task import SemanticTaskSettings
from napari_edgeflow.engine.training.semantic.training import SemanticTraining
from napari_edgeflow.engine.training.settings import LoopSettings
from napari_edgeflow.engine.training.task import TaskSettings
from napari_edgeflow.engine.training.training import Training
from napari_edgeflow.formats.files.class_files import read_classes
from napari_edgeflow.formats.files.problems import Report
from napari_edgeflow.formats.training.plan import TrainingPlan
from napari_edgeflow.formats.training.sources import common_classes, read_source

_NAMED = 5
"""Of what is left out, so much is named."""

_EPOCHS = 30
"""How long a training is if nothing else is said."""

_SEMANTIC_LOOP = LoopSettings(rate=1e-3, weight_decay=1e-2, ema=0.998)


def training_of(plan: TrainingPlan, command: str = "") -> Training:
    """Return the training that a plan asks for; reads what the sources list.

    Raises
    ------
    ValueError
        If there is nothing to train on, or something does not fit.
    OSError
        If a file cannot be read or written.
    """
    make = _click_training if plan.task == CLICK_TASK else _semantic_training
    told: list[str] = []
    training = make(
        plan,
        told.append,
        output=plan.output,
        init=plan.init,
        device=plan.device,
        epochs=_epochs(plan),
        validation=plan.validation,
        microscopy=plan.microscopy,
        command=command,
        plan=plan.to_text(),
        **({} if plan.network is None else {"network": plan.network}),
    )
    return replace(training, notes=_shortened(told))


def _shortened(told: list[str]) -> tuple[str, ...]:
    """Return the first of many sentences, and how many there were."""
    if len(told) <= _NAMED:
        return tuple(told)
    return (*told[:_NAMED], f"and {len(told) - _NAMED} more are left out or noted")


def _epochs(plan: TrainingPlan) -> int | None:
    """Return the epochs asked for; there is some end to a training."""
    if plan.epochs is not None:
        return plan.epochs
    return _EPOCHS if plan.steps is None and plan.minutes is None else None


def _learning(
    plan: TrainingPlan, task: TaskSettings, loop: LoopSettings
) -> dict[str, Any]:
    """Return how to learn, with what was asked for in place of what is usual."""
    task = replace(task, seed=plan.seed)
    if plan.batch is not None:
        task = replace(task, batch=plan.batch)
    if plan.size is not None:
        task = replace(task, sizes=((1.0, plan.size),))
    loop = replace(
        loop,
        minutes=plan.minutes,
        patience=plan.patience or None,
        rate=loop.rate if plan.rate is None else plan.rate,
        steps=loop.steps if plan.steps is None else plan.steps,
    )
    return {"task": task, "loop": loop}


def _click_training(told: TrainingPlan, report: Report, **shared: Any) -> ClickTraining:
    sources = [
        ClickSource(
            read_source(source, told.output, report=report)[0],
            source.kind,
            source.weight,
            source.whole,
            told.unlabelled,
        )
        for source in told.sources
    ]
    if not sources:
        raise ValueError(
            "nothing to train on: give --voc, --semantic, --instances or --coco"
        )
    images = sum(len(source.pairs) for source in sources)
    usual = usual_settings(images, adapting=told.init is not None)
    return ClickTraining(
        sources=sources,
        imagenet=packaged_imagenet() if told.imagenet else None,
        **_learning(told, *usual),
        **shared,
    )


def _semantic_training(
    told: TrainingPlan, report: Report, **shared: Any
) -> SemanticTraining:
    given = None if told.classes is None else read_classes(told.classes)
    pairs, known = _with_classes(told, report)
    if not pairs:
        raise ValueError("no labelled images: give --voc DIR or --pairs DIR")
    task = replace(SemanticTaskSettings.suited(len(pairs)), loss=told.loss)
    return SemanticTraining(
        pairs=pairs,
        classes=common_classes(known) if given is None else given,
        imagenet=told.imagenet,
        longest_side=told.longest_side,
        unlabelled=told.unlabelled,
        predictions=told.predictions,
        **_learning(told, task, _SEMANTIC_LOOP),
        **shared,
    )


def _with_classes(
    plan: TrainingPlan, report: Report
) -> tuple[tuple[LabelledImage, ...], list[tuple[Path, ClassTable]]]:
    """Return all labelled images, and the classes of the sources that list some.

    A VOC folder without a list has VOC's classes if another folder has a list: its
    numbers are no classes of the other one.
    """
    read = [
        (source, *read_source(source, plan.output, report=report))
        for source in plan.sources
    ]
    folders = [table for source, _, table in read if source.layout != "coco"]
    listed = any(table is not None for table in folders)
    tables = [
        (source.path, ClassTable.voc() if unlisted and listed else table)
        for source, _, table in read
        if (unlisted := table is None and source.layout == "voc") or table is not None
    ]
    pairs = tuple(pair for _, found, _ in read for pair in found)
    return pairs, [(path, table) for path, table in tables if table is not None]
