"""What labelling took a person: clicks and seconds, by object, class and tool."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

BY_HAND = ("brush", "polygon")
"""Sources of objects that a person drew."""

BY_MODEL = ("click", "box", "auto", "propagated")
"""Sources of objects that a model drew, with or without clicks."""


@dataclass(frozen=True, slots=True)
class ObjectEffort:
    """What one object took.

    Parameters
    ----------
    object_id : int
        Its value in its layer.
    class_name : str
        Its class; "" for none.
    source : str
        What it was made with, such as "click" or "brush".
    clicks : int
        How many clicks.
    seconds : float
        How long it took.
    where : str
        The image or slice it is in.
    """

    object_id: int
    class_name: str
    source: str
    clicks: int
    seconds: float
    where: str = ""

    @property
    def is_labelled(self) -> bool:
        """Whether a person made it here; imported objects took nobody's time."""
        return self.source != "import"


@dataclass(frozen=True, slots=True)
class EffortFigures:
    """What the objects of one kind took.

    Parameters
    ----------
    name : str
        What they have in common.
    objects : int
        How many there are.
    clicks : float
        Mean clicks of an object.
    seconds : float
        Median seconds of an object.
    total_seconds : float
        Of all of them.
    """

    name: str
    objects: int
    clicks: float
    seconds: float
    total_seconds: float


@dataclass(frozen=True, slots=True)
class Saving:
    """What the model saved, compared with objects drawn by hand.

    Parameters
    ----------
    by_hand, by_model : EffortFigures
        Of objects drawn by hand, and of those that a model drew.
    """

    by_hand: EffortFigures
    by_model: EffortFigures

    @property
    def factor(self) -> float:
        """How many times faster an object is with the model."""
        seconds = self.by_model.seconds
        return self.by_hand.seconds / seconds if seconds else float("inf")

    @property
    def seconds(self) -> float:
        """How much longer the objects of the model would have taken by hand."""
        model = self.by_model
        return self.by_hand.seconds * model.objects - model.total_seconds


def by_class(objects: Iterable[ObjectEffort]) -> tuple[EffortFigures, ...]:
    """Return the figures of each class, the one with most objects first."""
    return _grouped(objects, lambda entry: entry.class_name)


def by_source(objects: Iterable[ObjectEffort]) -> tuple[EffortFigures, ...]:
    """Return the figures of each source, the one with most objects first."""
    return _grouped(objects, lambda entry: entry.source)


def total(objects: Iterable[ObjectEffort]) -> EffortFigures | None:
    """Return the figures of all objects together; None if nobody labelled any."""
    labelled = [entry for entry in objects if entry.is_labelled]
    return _figures("all", labelled) if labelled else None


def saving(objects: Iterable[ObjectEffort]) -> Saving | None:
    """Return what the model saved; None if there is nothing to compare.

    Objects that took no time, such as those of another session's file, do not count
    as drawn by hand.
    """
    known = list(objects)
    hand = [o for o in known if o.source in BY_HAND and o.seconds > 0]
    model = [o for o in known if o.source in BY_MODEL]
    if not hand or not model:
        return None
    return Saving(_figures("by hand", hand), _figures("with the model", model))


def _grouped(
    objects: Iterable[ObjectEffort], key: Callable[[ObjectEffort], str]
) -> tuple[EffortFigures, ...]:
    groups: dict[str, list[ObjectEffort]] = {}
    for entry in objects:
        if entry.is_labelled:
            groups.setdefault(key(entry), []).append(entry)
    figures = [_figures(name, members) for name, members in groups.items()]
    return tuple(sorted(figures, key=lambda f: (-f.objects, f.name)))


def _figures(name: str, objects: Sequence[ObjectEffort]) -> EffortFigures:
    seconds = [entry.seconds for entry in objects]
    return EffortFigures(
        name,
        len(objects),
        fmean(entry.clicks for entry in objects),
        median(seconds),
        sum(seconds),
    )
