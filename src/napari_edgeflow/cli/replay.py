"""What ``evaluate clicks --clicks FILE`` does: the clicks of persons, replayed."""

import argparse
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from napari_edgeflow.cli.console import save_figures, with_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_edgeflow.engine.evaluation.replay import Replay

_SHOWN_CLICKS = 8
"""IoU is printed after at most this many clicks, and after the last."""


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    ious: tuple[float, ...]
    clicks: float
    seconds: float

    def text(self, name_width: int, columns: int) -> str:
        shown = [f"{value:7.3f}" for value in self.ious[:columns]]
        shown += [" " * 7] * (columns - len(shown))
        last = f"{self.ious[-1]:8.3f}" if self.ious else " " * 8
        person = f"{self.clicks:8.1f}{self.seconds:9.1f}"
        return f"{self.name:<{name_width}}{''.join(shown)}{last}{person}"


def run_replay(options: argparse.Namespace) -> int:
    """Print the IoU after each click, beside what the person needed."""
    from napari_edgeflow.engine.evaluation.replay import replay_clicks
    from napari_edgeflow.engine.interaction.segmenter import ClickSegmenter
    from napari_edgeflow.formats.effort.click_benchmark import read_click_benchmark

    recorded = read_click_benchmark(options.clicks)
    if not recorded:
        raise ValueError(f"{options.clicks} holds no object that was clicked")
    segmenter = ClickSegmenter.from_pretrained(options.model, options.device)
    steps = with_progress(replay_clicks(segmenter, recorded), len(recorded), "objects")
    replays = list(steps)
    print(replay_table(replays))
    save_figures(options.json, {"objects": list(map(_record, replays))})
    return 0


def replay_table(replays: "Sequence[Replay]") -> str:
    """Return one line for each object, and the means, for a terminal.

    An object that had fewer clicks keeps its last IoU in the means.
    """
    lines = [
        _Line(
            f"{r.recorded.name} {r.recorded.class_name}",
            r.ious,
            len(r.recorded.clicks),
            r.recorded.seconds,
        )
        for r in replays
    ]
    most = max(len(line.ious) for line in lines)
    columns = min(most, _SHOWN_CLICKS)
    curves = [line.ious + line.ious[-1:] * (most - len(line.ious)) for line in lines]
    mean = _Line(
        "mean",
        tuple(fmean(curve[k] for curve in curves) for k in range(most)),
        fmean(line.clicks for line in lines),
        fmean(line.seconds for line in lines),
    )
    width = max(len(line.name) for line in (*lines, mean)) + 1
    heads = "".join(f"{f'IoU@{k}':>7}" for k in range(1, columns + 1))
    head = f"{'object':<{width}}{heads}{'at end':>8}{'clicks':>8}{'seconds':>9}"
    speed = median(ms for replay in replays for ms in replay.milliseconds)
    return "\n".join(
        (
            head,
            *(line.text(width, columns) for line in (*lines, mean)),
            f"{len(lines)} objects · clicks and seconds are the person's · "
            f"{speed:.0f} ms per click, median",
        )
    )


def _record(replay: "Replay") -> dict[str, object]:
    recorded = replay.recorded
    return {
        "object": recorded.name,
        "class": recorded.class_name,
        "ious": replay.ious,
        "milliseconds": replay.milliseconds,
        "clicks": len(recorded.clicks),
        "seconds": recorded.seconds,
    }
