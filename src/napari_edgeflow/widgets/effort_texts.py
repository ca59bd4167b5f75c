"""What the panel says about effort."""

from collections.abc import Sequence

from napari_edgeflow.engine.evaluation.effort import (
    BY_MODEL,
    ObjectEffort,
    Saving,
)
from napari_edgeflow.widgets.export_texts import counted

_MINUTE = 60.0


def saving_text(objects: Sequence[ObjectEffort], saved: Saving | None) -> str:
    """Return what the model saved, or how to find out."""
    if not objects:
        return ""
    if saved is None:
        if any(entry.source in BY_MODEL for entry in objects):
            return (
                "Label an object with the brush alone to see what the model saves you."
            )
        return ""
    hand, model = saved.by_hand, saved.by_model
    compared = (
        f"By hand {hand.seconds:.1f} s each ({counted(hand.objects, 'object')}), with "
        f"the model {model.seconds:.1f} s ({counted(model.objects, 'object')})"
    )
    if saved.seconds <= 0:
        return f"{compared}: drawing was no slower so far."
    return f"{compared}: {spoken(saved.seconds)} saved so far."


def spoken(seconds: float) -> str:
    """Return a time as a person says it: "40 s", "12 min", "2.5 h"."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    minutes = seconds / _MINUTE
    return f"{minutes:.0f} min" if minutes < 2 * _MINUTE else f"{minutes / 60:.1f} h"
