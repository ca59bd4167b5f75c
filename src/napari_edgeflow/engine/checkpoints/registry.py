"""The models that were trained on this computer, so that every list can offer them."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from napari_edgeflow.engine.checkpoints.checkpoint import MODEL_FILE, PURPOSES, task_of
from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.engine.system.json_text import parse_json

DATA_FOLDER = "NAPARI_EDGEFLOW_DATA"
"""Environment variable that puts the registry and new models somewhere else."""

_FILE = "models.json"


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model that was trained here.

    Parameters
    ----------
    folder : str
        Absolute path of the folder that holds ``model.safetensors``.
    task : str
        ``weights.CLICK_TASK`` or ``weights.SEMANTIC_TASK``.
    """

    folder: str
    task: str

    @property
    def name(self) -> str:
        """What to call it in a list."""
        return Path(self.folder).name


def data_folder() -> Path:
    """Return the folder of this user's models and of the registry; it may not exist."""
    chosen = os.environ.get(DATA_FOLDER)
    if chosen:
        return Path(chosen)
    return Path(platformdirs.user_data_dir("napari-edgeflow", appauthor=False))


def models_folder() -> Path:
    """Return where new models go unless a person chooses another place."""
    return data_folder() / "models"


def free_folder(parent: Path, stem: str) -> Path:
    """Return a folder in ``parent`` that is not there yet, named after ``stem``."""
    numbers = range(1, 10_000)
    names = (parent / f"{stem}-{number}" for number in numbers)
    return next((path for path in names if not path.exists()), parent / stem)


def trained_models(task: str | None = None) -> tuple[TrainedModel, ...]:
    """Return the registered models that are still there, of a task; the newest first.

    What was moved or deleted is left out, and is back once it is back. A registry
    that cannot be read counts as empty: it only saves a person from looking for
    folders.
    """
    return tuple(
        model
        for model in _read()
        if task in (None, model.task) and (Path(model.folder) / MODEL_FILE).is_file()
    )


def register_model(folder: Path) -> TrainedModel:
    """Note that a folder with ``model.safetensors`` holds a model trained here.

    Raises
    ------
    ValueError
        If there is no model in it.
    OSError
        If the registry cannot be written.
    """
    model = TrainedModel(str(folder.resolve()), task_of(folder))
    others = [known for known in _read() if known.folder != model.folder]
    records = [asdict(known) for known in (model, *others)]
    with replacing(data_folder() / _FILE) as partial:
        partial.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")
    return model


def _read() -> list[TrainedModel]:
    try:
        records = parse_json((data_folder() / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(records, list):
        return []
    return [
        TrainedModel(str(record["folder"]), str(record["task"]))
        for record in records
        if isinstance(record, dict)
        and "folder" in record
        and record.get("task") in PURPOSES
    ]
