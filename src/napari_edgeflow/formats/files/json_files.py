"""JSON files, read and written with errors that a person understands."""

import json
from pathlib import Path
from typing import Any

from napari_edgeflow.engine.system.files import replacing
from napari_edgeflow.engine.system.json_text import parse_json


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    ValueError
        If it is no JSON in UTF-8.
    OSError
        If it cannot be read.
    """
    try:
        return parse_json(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise OSError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(
            f"{path} is no JSON file ({error}): is it complete, and saved as UTF-8?"
        ) from error


def read_record(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file that holds an object ``{…}``.

    Raises
    ------
    ValueError
        If it holds something else.
    OSError
        If it cannot be read.
    """
    record = read_json(path)
    if not isinstance(record, dict):
        raise ValueError(
            f"{path} holds a {type(record).__name__} where an object {{…}} is "
            "expected: is it a file of another format?"
        )
    return record


def write_json(path: Path, record: object, indent: int | None = None) -> None:
    """Write a record, all or nothing.

    Only ASCII is written, which programs that open it in another encoding than
    UTF-8 understand too.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    with replacing(path) as partial:
        text = json.dumps(record, indent=indent, allow_nan=False)
        partial.write_text(text + "\n", encoding="ascii", newline="\n")
