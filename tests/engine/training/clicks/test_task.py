from pathlib import Path

import numpy as np
import pytest
import torch

from napari_edgeflow.engine.data.pairs import folder_pairs
from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.engine.interaction.guide import Guide
from napari_edgeflow.engine.interaction.zoom import ZoomSettings
from napari_edgeflow.engine.networks.edgeflow import EdgeFlow
from napari_edgeflow.engine.raster.image import Window
from napari_edgeflow.engine.training.clicks.episode import Episode
from napari_edgeflow.engine.training.clicks.samples import ClickSample, ClickSource
from napari_edgeflow.engine.training.clicks.settings import ClickTaskSettings
from napari_edgeflow.engine.training.clicks.task import ClickTask, stack_looks
from napari_edgeflow.engine.training.parallel import make_fabric
from napari_edgeflow.engine.training.settings import LoopSettings
from napari_edgeflow.engine.training.train import train


def click_task(folder: Path, model: EdgeFlow, **settings: float) -> ClickTask:
    source = ClickSource(folder_pairs(folder / "images", folder / "labels"))
    task = ClickTaskSettings(batch=4, sizes=((1.0, 64),), workers=0, **settings)  # type: ignore[arg-type]
    return ClickTask(model, [source], task)


def episode(view: Window | None = None) -> Episode:
    truth = np.zeros((64, 64), bool)
    truth[20:44, 20:44] = True
    image = np.where(truth[..., None], 200, 30).repeat(3, 2).astype(np.uint8)
    sample = ClickSample(image, truth, np.ones_like(truth), (Click(30, 30),), view)
    # No nearer than what the network gets: results are as large as the image.
    guide = Guide(ZoomSettings(min_side=64), lambda _: (64, 64))
    return Episode(sample, guide)


def test_batches_hold_what_is_looked_at() -> None:
    near = episode(Window(20, 20, 52, 52))
    image, interaction, truth, valid = stack_looks([episode(), near])
    assert image.shape == interaction.shape == (2, 3, 64, 64)
    assert truth.shape == valid.shape == (2, 1, 64, 64)
    assert float(image.max()) == pytest.approx(200 / 255)
    assert interaction[0, 0, 30, 30] == 1
    # Twice as near, and 20 pixels further down and to the right.
    assert interaction[1, 0, 20, 20] == 1
    assert not interaction[:, 1:].any()
    assert int(truth[0].sum()) == 24 * 24
    assert int(truth[1].sum()) == 48 * 48
    assert valid.all()


def found(task: ClickTask, mask: np.ndarray) -> Episode | None:
    """Return an episode both of whose first looks gave a mask, if it goes on."""
    one = episode()
    for _ in range(2):
        one.take(mask.astype(np.float32))
    return one if task._goes_on(one) else None


def test_an_object_is_looked_at_from_near_whatever_was_found(
    labelled_folder: Path, tiny_model: EdgeFlow
) -> None:
    task = click_task(labelled_folder, tiny_model, carry=0.0, carry_found=0.0)
    one = episode()
    one.take(one.sample.truth.astype(np.float32))
    assert one.iou == 1
    assert task._goes_on(one)
    assert one.prompts == one.sample.prompts
    one.take(one.sample.truth.astype(np.float32))
    assert not task._goes_on(one)


def test_samples_come_back_with_an_edge_and_a_click_in_the_error(
    labelled_folder: Path, tiny_model: EdgeFlow
) -> None:
    task = click_task(labelled_folder, tiny_model, carry=1.0)
    mask = np.zeros((64, 64), bool)
    mask[20:44, 20:60] = True
    one = found(task, mask)
    assert one is not None
    assert one.iou == pytest.approx(24 / 40)
    _, click = one.prompts
    assert isinstance(click, Click)
    assert not click.positive
    assert click.x >= 44
    assert one.look is not None
    assert one.look.maps()[2].any()
    assert found(task, one.sample.truth) is None


def test_objects_that_take_many_clicks_come_back_more_often(
    labelled_folder: Path, tiny_model: EdgeFlow
) -> None:
    task = click_task(labelled_folder, tiny_model, carry=1.0, carry_found=0.0)
    truth = episode().sample.truth
    missed, nearly = truth.copy(), truth.copy()
    missed[20:26] = False
    nearly[30, 30] = False
    assert found(task, missed) is not None
    assert found(task, nearly) is None


def test_clicks_come_to_an_end(labelled_folder: Path, tiny_model: EdgeFlow) -> None:
    task = click_task(labelled_folder, tiny_model, carry=1.0)
    one, wrong = episode(), np.zeros((64, 64), np.float32)
    wrong[2:10, 2:10] = 1
    looks = 0
    while one.look is not None:
        one.take(wrong)
        looks += 1
        task._goes_on(one)
    # The first click is looked at twice.
    assert looks == 21


def test_the_backbone_learns_more_slowly_and_nothing_is_left_out(
    labelled_folder: Path, tiny_model: EdgeFlow
) -> None:
    task = click_task(labelled_folder, tiny_model)
    rest, encoder = task.parameter_groups(1.0)
    assert (rest["lr"], encoder["lr"]) == (1.0, 0.3)
    count = len(list(rest["params"])) + len(list(encoder["params"]))  # type: ignore[call-overload]
    assert count == len(list(tiny_model.parameters()))
    task.train_mode()
    assert tiny_model.training
    assert not tiny_model.backbone.training


def test_a_new_backbone_gathers_its_statistics(
    labelled_folder: Path, tiny_model: EdgeFlow
) -> None:
    task = click_task(labelled_folder, tiny_model, frozen_statistics=False)
    task.train_mode()
    assert tiny_model.backbone.training


def test_few_images_leave_all_statistics_as_they_are(
    labelled_folder: Path, tiny_model: EdgeFlow, tmp_path: Path
) -> None:
    before = {name: value.clone() for name, value in tiny_model.named_buffers()}
    weights = tiny_model.coarse.weight.detach().clone()
    task = click_task(labelled_folder, tiny_model, frozen_decoder=True)
    list(train(task, LoopSettings(steps=2), tmp_path))
    for name, value in tiny_model.named_buffers():
        assert torch.equal(value, before[name]), name
    assert not torch.equal(tiny_model.coarse.weight, weights)
    # Normalisations are folded away all through the network.
    assert sum("FoldedConv" in type(m).__name__ for m in task._running.modules()) > 40


def test_a_resumed_run_treats_the_statistics_as_it_began(
    labelled_folder: Path, tiny_model: EdgeFlow, tmp_path: Path
) -> None:
    once = LoopSettings(steps=1, report_steps=1)
    began = click_task(labelled_folder, tiny_model, frozen_statistics=True)
    list(train(began, once, tmp_path))
    resumed = click_task(labelled_folder, tiny_model, frozen_statistics=False)
    list(train(resumed, once, tmp_path, resume=True))
    assert resumed.settings.frozen_statistics
    assert not tiny_model.backbone.training


def test_a_resumed_run_draws_other_samples(
    labelled_folder: Path, tiny_model: EdgeFlow, tmp_path: Path
) -> None:
    began = click_task(labelled_folder, tiny_model, carry=0.0)
    list(train(began, LoopSettings(steps=1), tmp_path))
    resumed = click_task(labelled_folder, tiny_model, carry=0.0)
    fresh = click_task(labelled_folder, tiny_model, carry=0.0)
    resumed.load_state(began.state())
    assert resumed.state()["drawn"] == 4
    for task in (fresh, resumed):
        task.train_mode(make_fabric("cpu"))
    ones, others = ([e.prompts for e in task._draw(0.0)] for task in (fresh, resumed))
    assert len(ones) == len(others) == 4
    assert ones != others
