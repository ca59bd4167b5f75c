"""Prompts as JSON values, and back."""

import base64
import binascii
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.prompts import Box, Brush, Prompt, Stroke
from napari_edgeflow.engine.raster.image import Window

Record = dict[str, Any]


def prompt_records(prompts: Iterable[Prompt]) -> list[Record]:
    """Return one JSON value for each prompt."""
    return [_as_record(prompt) for prompt in prompts]


def prompts_of_records(records: Sequence[Mapping[str, Any]]) -> tuple[Prompt, ...]:
    """Return the prompts of :func:`prompt_records`.

    Raises
    ------
    ValueError
        If a record is none of ours.
    """
    return tuple(_as_prompt(record) for record in records)


def mask_record(mask: NDArray[np.bool_]) -> str:
    """Return the pixels of a mask (h, w) as a short text."""
    return base64.b85encode(zlib.compress(np.packbits(mask).tobytes())).decode("ascii")


def mask_of_record(text: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask (h, w) of :func:`mask_record`.

    Raises
    ------
    ValueError
        If the text does not hold a mask of this shape.
    """
    count = shape[0] * shape[1]
    try:
        packed = zlib.decompress(base64.b85decode(text))
    except (zlib.error, binascii.Error, ValueError) as error:
        raise ValueError(f"the pixels of a brush stroke are damaged: {error}") from None
    if len(packed) != -(-count // 8):
        raise ValueError(
            f"a brush stroke of {shape[0]} x {shape[1]} pixels has {len(packed)} bytes"
        )
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=count)
    return bits.reshape(shape).astype(np.bool_)


def window_record(window: Window) -> list[int]:
    """Return top, left, bottom, right."""
    return [window.top, window.left, window.bottom, window.right]


def _click_record(click: Click) -> Record:
    return {"y": click.y, "x": click.x, "positive": click.positive}


def _as_record(prompt: Prompt) -> Record:
    if isinstance(prompt, Click):
        return _click_record(prompt)
    if isinstance(prompt, Stroke):
        return {"stroke": [_click_record(click) for click in prompt.clicks]}
    if isinstance(prompt, Box):
        return {"box": window_record(prompt.window)}
    return {
        "brush": window_record(prompt.window),
        "inside": mask_record(prompt.inside),
        "outside": mask_record(prompt.outside),
    }


def _as_click(record: Mapping[str, Any]) -> Click:
    return Click(float(record["y"]), float(record["x"]), bool(record["positive"]))


def _as_prompt(record: Mapping[str, Any]) -> Prompt:
    try:
        if "box" in record:
            return Box(Window(*record["box"]))
        if "stroke" in record:
            return Stroke(tuple(_as_click(click) for click in record["stroke"]))
        if "brush" in record:
            window = Window(*record["brush"])
            shape = (window.height, window.width)
            inside, outside = (
                mask_of_record(record[name], shape) for name in ("inside", "outside")
            )
            return Brush(window, inside, outside)
        return _as_click(record)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"a click, box or stroke is incomplete ({error}): {dict(record)!r:.80}"
        ) from None
