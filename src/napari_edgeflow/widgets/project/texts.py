"""The words on how saving goes, and on what images have that are not shown."""

from napari_edgeflow.engine.labels.classes import Kind
from napari_edgeflow.project.storage.project_file import ProjectRecord
from napari_edgeflow.project.storage.saver import SaveState
from napari_edgeflow.widgets.qt.words import counted

READ_ONLY = "Open to look only: nothing is saved."


def status_text(state: SaveState) -> str:
    """Return what the dock says of a state."""
    if not state.problem:
        return "saved" if state.saved else "saving …"
    if state.saved:
        return (
            f"Your work is saved, but label images are not: {state.problem}. They are "
            "tried again."
        )
    return (
        f"NOT SAVED: {state.problem}. Your work stays in memory and is saved as soon "
        "as that is possible."
    )


def elsewhere_text(record: ProjectRecord, class_id: int, shown: str, kind: Kind) -> str:
    """Return what labels of a class other images than the shown one have, in words."""
    objects, images = record.objects_elsewhere(class_id, shown)
    unknown = record.uncounted_elsewhere(shown, semantic=kind == "semantic")
    if objects:
        return f"{counted(objects, 'object')} in {counted(images, 'other image')}"
    if unknown:
        return f"labels, perhaps, in {counted(unknown, 'other image')}"
    return ""
