"""The open project as what a training learns from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image
from tests.widgets.dock_person import two_squares
from tests.widgets.project.test_dock import Labeller

from napari_edgeflow.project.folder import ProjectPlace
from napari_edgeflow.widgets.train.dock import TrainWidget
from napari_edgeflow.widgets.train.work import TrainRequest, prepare


class Trainer(Labeller):
    """A labeller with the dock for training beside that of the project."""

    def __init__(self, viewer: Any, qtbot: Any, folder: Path) -> None:
        super().__init__(viewer, qtbot, folder)
        self.train = TrainWidget(viewer)
        self.train.setParent(self._box)
        self.train.controls.save_into(folder / "models")

    @property
    def row(self) -> tuple[str, str]:
        """What the row of the project says, and what that comes to."""
        self.until(lambda: not self.train.controller.busy)
        controls = self.train.controls
        return controls.project.text.text(), controls.summary.text()

    def choose(self, states: str) -> None:
        self.train.controls.project.states.setCurrentText(states)


@pytest.fixture
def trainer(qtbot: Any, tmp_path: Path) -> Trainer:
    for name in ("a.png", "b.png", "c.png"):
        path = tmp_path / "images" / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.tile(two_squares((120, 160)), (2, 2, 1))).save(path)
    return Trainer(ViewerModel(), qtbot, tmp_path)


def test_the_project_is_learnt_from_whichever_page_is_shown(
    trainer: Trainer, tmp_path: Path
) -> None:
    row = trainer.train.controls.project
    assert row.isHidden()
    trainer.open(ProjectPlace(tmp_path / "images"))
    assert not row.isHidden()
    assert trainer.row[0] == "This project · nothing labelled yet"
    trainer.finish(1, 20)
    trainer.finish(2, 60)
    trainer.saved()
    assert trainer.row[0] == "This project · 1 labelled (0 done) · 2 objects"
    trainer.controls.done.click()
    trainer.press(trainer.controls.next)
    trainer.finish(1, 20)
    trainer.saved()
    both = "This project · 2 labelled (1 done) · 3 objects"
    trainer.until(lambda: trainer.row == (both, "2 labelled images, 1 class"))
    trainer.press(trainer.controls.next)
    assert trainer.row == (both, "2 labelled images, 1 class")
    trainer.choose("done only")
    assert trainer.row == (both, "1 labelled image, 1 class")
    trainer.choose("not used")
    assert trainer.row == (both, "")
    assert trainer.train.controls.choice().project is None


def test_what_is_written_is_what_is_on_the_pages(
    trainer: Trainer, tmp_path: Path
) -> None:
    trainer.open(ProjectPlace(tmp_path / "images"))
    trainer.finish(1, 20)
    trainer.press(trainer.controls.next)
    trainer.finish(1, 60)
    # The last edit is told of a moment later; a start does not wait for that.
    trainer.dock.save()
    request = TrainRequest.of(trainer.train.controls.choice())
    for _ in prepare(request):
        pass
    plan = request.plan
    (folder,) = (plan.output / "data").iterdir()
    pairs = sorted((folder / "labels").iterdir())
    assert len(pairs) == 2
    for path, row in zip(pairs, (20, 60), strict=True):
        with Image.open(path) as labels:
            filled = np.flatnonzero(np.asarray(labels).any(1))
        assert filled.tolist() == list(range(row, row + 4))


def test_a_project_comes_and_goes_with_its_dock(
    trainer: Trainer, tmp_path: Path
) -> None:
    trainer.open(ProjectPlace(tmp_path / "images"))
    trainer.finish(1, 20)
    trainer.saved()
    # The layers of its page are not learnt twice.
    beside = TrainWidget(trainer.viewer)
    beside.setParent(trainer._box)
    assert beside.controls.choice().pairs == ()
    assert beside.controls.choice().project is not None
    trainer.leave()
    assert trainer.train.controls.project.isHidden()
    assert trainer.train.controls.choice().project is None
