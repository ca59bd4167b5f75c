"""The words on how saving goes."""

from napari_edgeflow.project.saver import SaveState

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
