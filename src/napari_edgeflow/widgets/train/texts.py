"""What the dock for training says."""

from collections.abc import Mapping
from typing import Any

from napari_edgeflow.formats.training.survey import DataSurvey
from napari_edgeflow.widgets.qt.style import counted
from napari_edgeflow.widgets.train.process import Ending


def duration(seconds: float) -> str:
    """Return a time span in words, such as "2 min" or "1 h 5 min"."""
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def step_text(report: Mapping[str, Any]) -> str:
    """Return what to say of a step: how fast, how long to go, how much memory."""
    parts = [
        f"{duration(float(report['seconds_left']))} left",
        f"{float(report['samples_per_second']):.1f} images/s",
    ]
    if report.get("memory"):
        parts.append(f"{float(report['memory']) / 1e9:.1f} GB")
    return " · ".join(parts)


def epoch_text(report: Mapping[str, Any], epochs: int | None) -> str:
    """Return what to say of an epoch."""
    of = f" of {epochs}" if epochs else ""
    best = ", the best so far" if report.get("best") else ""
    score = float(report["validation"]["score"])
    return f"Epoch {report['epoch']}{of}: mean IoU {score:.3f}{best}"


def data_text(survey: DataSurvey) -> str:
    """Return what to say of the data that a training could learn from."""
    images, classes = sum(survey.images), len(survey.merged.table)
    if not images:
        return ""
    return (
        f"{images} labelled image{'s'[: images > 1]}, "
        f"{classes} class{'es' if classes != 1 else ''}"
    )


def project_text(images: int, done: int, objects: int) -> str:
    """Return what is labelled in a project."""
    if not images:
        return "This project · nothing labelled yet"
    return (
        f"This project · {images} labelled ({done} done) · {counted(objects, 'object')}"
    )


def ending_text(ending: Ending, score: float | None, name: str) -> str:
    """Return what to say when a training has ended."""
    found = "" if score is None else f" Best mean IoU: {score:.3f}."
    listed = f" The model “{name}” is chosen in the other docks."
    if ending.reason == "finished":
        return f"Done.{found}{listed}"
    if ending.reason == "stale":
        return f"Stopped: it no longer became better.{found}{listed}"
    if ending.reason == "stopped":
        return f"Stopped.{found}{listed} Resume goes on from here."
    return ending.text


def kept_text(ending: Ending, name: str | None) -> str:
    """Return what is left after a training that went wrong."""
    if name is None:
        return f"{ending.text} No model had been written yet.".strip()
    return f"{ending.text} The last checkpoint, “{name}”, is kept: Resume goes on."
