"""A person who trains, with a child process that only pretends to."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qtpy.QtTest import QTest
from tests.widgets.train import train_child

from napari_edgeflow.widgets.train.dock import TrainWidget


@dataclass
class TrainPerson:
    """Works with the dock for training."""

    viewer: Any
    dock: TrainWidget
    qtbot: Any
    questions: list[str] = field(default_factory=list)
    answer: bool = True

    def wait(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=60_000)

    def settle(self) -> None:
        """Wait until nothing is counted any more."""
        QTest.qWait(1)
        controller, preview = self.dock.controller, self.dock.preview
        self.wait(lambda: not controller.busy and not preview.busy)
        QTest.qWait(1)

    def until_epoch(self) -> None:
        self.wait(lambda: len(self.dock.progress.score.plot.curves) > 0)

    @property
    def warning(self) -> str:
        return str(self.dock.controls.warning.text())

    @property
    def state(self) -> str:
        return str(self.dock.state.text())

    def ask(self, parent: Any, question: str) -> bool:
        self.questions.append(question)
        return self.answer


def command(manner: str, model: Path) -> tuple[str, ...]:
    return (sys.executable, train_child.__file__, manner, str(model))


MakeTrainPerson = Callable[..., TrainPerson]
