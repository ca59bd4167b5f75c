"""What training prints: lines for a person, or JSON for another program.

With ``--report jsonl`` every line of the standard output is one JSON object. Its
``event`` says which:

``step``
    ``step``, ``samples``, ``seconds``, ``seconds_left``, ``progress`` (0..1),
    ``rate`` (learning rate), ``samples_per_second``, ``memory`` (bytes) and
    ``losses``, an object of means since the last step event, by name.
``epoch``
    The same over the epoch, and ``epoch``, ``best`` (true if no validation was
    better), and ``validation``: an object of ``score`` (mean IoU) and ``classes``
    (IoU by name, null for a class that neither occurs nor was found).
``message``
    ``text``, a sentence that a person should know.
``done``
    The last line if all went well: ``output``, the folder of the model, ``score``,
    the best validation or null, and ``reason``: "finished", "stale" (validation no
    longer became better) or "stopped", with a ``text`` that says so. The exit status
    is 0.
``error``
    The last line if not: ``text``. The exit status is 2, and the same sentence is on
    the standard error.

To stop a training, write an empty file ``stop`` into its output folder, or send
SIGINT or SIGTERM. It ends within a step, with its checkpoint written; a second signal
ends it at once. An old ``stop`` of a training that was killed does no harm.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from napari_edgeflow.cli.console import complain
from napari_edgeflow.engine.system.memory import telling_out_of_memory

if TYPE_CHECKING:
    from napari_edgeflow.engine.training.reports import (
        EpochReport,
        TrainEvent,
        TrainReport,
    )

REPORT_FORMS = ("text", "jsonl")

_LESS_MEMORY = (
    "use a smaller --batch or --size, or another --device, and resume from the last "
    "checkpoint"
)


class Reporter:
    """Prints what training reports; of several processes only the first does."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.is_first = os.environ.get("RANK", "0") == "0"
        self.score: float | None = None
        self.reason, self.text = "finished", ""
        self.has_model = True

    def show(self, report: "TrainEvent") -> None:
        """Print a report."""
        from napari_edgeflow.engine.training.reports import (
            EpochReport,
            TrainEnd,
            TrainMessage,
        )

        if isinstance(report, TrainEnd):
            self.reason, self.text = report.reason, report.text
            self.has_model = report.has_model
            return
        if isinstance(report, TrainMessage):
            event, line = "message", report.text
        elif isinstance(report, EpochReport):
            event, line = "epoch", epoch_line(report)
            self.score = report.validation.score if report.best else self.score
        else:
            event, line = "step", step_line(report)
        if self.form == "jsonl":
            self._json(event, asdict(report))
        else:
            self._line(line)

    def done(self, output: Path) -> None:
        """Print where the model is, and have it listed from now on."""
        if self.is_first and self.has_model:
            _list_model(output)
        if self.form == "jsonl":
            facts = {"score": self.score, "reason": self.reason, "text": self.text}
            self._json("done", {"output": str(output), **facts})
        elif self.has_model:
            self._line(f"{self.text or 'done'}: the model is in {output}")
        else:
            self._line(f"{self.text}: there is no model yet")

    def error(self, text: str) -> None:
        """Tell another program what went wrong; a person reads it elsewhere."""
        if self.form == "jsonl":
            self._json("error", {"text": text})

    def _json(self, event: str, record: dict[str, object]) -> None:
        self._line(json.dumps({"event": event, **record}))

    def _line(self, text: str) -> None:
        if self.is_first:
            print(text, flush=True)


def _list_model(output: Path) -> None:
    from napari_edgeflow.engine.checkpoints.registry import register_model

    try:
        register_model(output)
    except (ValueError, OSError) as error:
        # The training went well all the same.
        complain(f"the model is not listed: {error}")


@contextmanager
def reporting(form: str, output: Path) -> Iterator[Reporter]:
    """Give what prints reports, and print how it ended."""
    reporter = Reporter(form)
    try:
        with telling_out_of_memory(_LESS_MEMORY):
            yield reporter
    except (ValueError, OSError) as error:
        reporter.error(str(error))
        raise
    reporter.done(output)


def step_line(report: "TrainReport") -> str:
    """Return one line on where training is."""
    parts = " · ".join(f"{name} {v:.4f}" for name, v in report.losses.items())
    return (
        f"{report.progress:6.1%} · step {report.step} · {parts} · "
        f"{report.samples_per_second:.1f} samples/s · "
        f"{report.seconds_left / 60:.0f} min left · {report.memory / 1e9:.1f} GB"
    )


def epoch_line(report: "EpochReport") -> str:
    """Return one line on an epoch."""
    found = report.validation.classes.items()
    worst = sorted((v, name) for name, v in found if v is not None)[:3]
    listed = ", ".join(f"{name} {value:.2f}" for value, name in worst)
    best = " (best)" if report.best else ""
    return (
        f"epoch {report.epoch} · mean IoU {report.validation.score:.4f}{best} · "
        f"lowest: {listed}"
    )
