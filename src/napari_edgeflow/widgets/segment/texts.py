"""What the dock for automatic segmentation says."""

from napari_edgeflow.widgets.fields.choices import device_name
from napari_edgeflow.widgets.segment.settings import SegmentSettings
from napari_edgeflow.widgets.segment.work import SegmentProgress, SegmentResult
from napari_edgeflow.widgets.workspace.label_writer import Written


def ready_text(result: SegmentResult) -> str:
    """Return what to say when the model is loaded."""
    return f"{device_name(result.device)} · ready"


def running_text(made: SegmentProgress) -> str:
    """Return what to say while the network runs."""
    percent = f"{100 * made.done // max(made.total, 1)} %"
    if made.planes == 1:
        return f"Segmenting: {percent}"
    return f"Segmenting slice {made.plane + 1} of {made.planes}: {percent}"


def written_text(
    settings: SegmentSettings, result: SegmentResult, written: Written | None
) -> str:
    """Return what to say of a result that was written."""
    took = f"{device_name(result.device)} · {result.seconds:.1f} s"
    if written is None or not any(share.class_id for share in result.summary):
        return f"{took} · no object of the classes chosen was found."
    if not written.changed:
        if settings.only_unlabelled:
            return (
                f"{took} · nothing new: all of it has labels already. Untick "
                "“Only where unlabelled” to write over them."
            )
        return f"{took} · nothing new: the labels were like this already."
    classes = sum(1 for share in result.summary if share.class_id)
    found = f"{classes} class" if classes == 1 else f"{classes} classes"
    if settings.kind == "object":
        found = f"{written.objects} objects, {found}"
    return f"{took} · {found}"
