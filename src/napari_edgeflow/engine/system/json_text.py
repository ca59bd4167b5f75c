"""JSON that others wrote."""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Return what a text in JSON says, whoever wrote it.

    Raises
    ------
    ValueError
        If it is no JSON in UTF-8, or nested deeper than anything a person means.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
