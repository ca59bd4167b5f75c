import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from PIL import Image
from segmentation_models_pytorch.base import SegmentationModel
from tests.engine.colour_network import colour_facts, painted
from torch import Tensor, nn
from torch.nn import functional

from napari_edgeflow.engine.checkpoints.checkpoint import (
    SEMANTIC_TASK,
    STARTERS,
    find_checkpoint,
)
from napari_edgeflow.engine.checkpoints.semantic import load_semantic
from napari_edgeflow.engine.checkpoints.starters import packaged_imagenet, read_state
from napari_edgeflow.engine.data.pairs import VOID, LabelledImage, read_pair
from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.engine.raster.metrics import confusion_matrix, iou_of_classes
from napari_edgeflow.engine.segmentation.segmenter import (
    PredictSettings,
    SemanticSegmenter,
)
from napari_edgeflow.engine.training.reports import TrainReport
from napari_edgeflow.engine.training.semantic.samples import (
    SemanticSampleSettings,
    SemanticSource,
)
from napari_edgeflow.engine.training.semantic.task import (
    SemanticTask,
    SemanticTaskSettings,
    at_corners,
)
from napari_edgeflow.engine.training.semantic.training import (
    SemanticTraining,
    build_semantic,
)
from napari_edgeflow.engine.training.settings import LoopSettings
from napari_edgeflow.engine.training.train import train
from napari_edgeflow.engine.training.training import start

FACTS = colour_facts()
SMALL = SemanticTaskSettings(batch=2, sizes=((1.0, 64),), workers=0)
ONE_STEP = LoopSettings(steps=1, report_steps=1)


@pytest.fixture
def source(tmp_path: Path) -> SemanticSource:
    """Two images with three classes, each somewhat noisy."""
    rng = np.random.default_rng(0)
    pairs = []
    for number in range(2):
        labels = np.zeros((96, 96), np.uint8)
        labels[10:50, 8 + number * 9 : 44] = 1
        labels[30:80, 50 : 90 - number * 10] = 2
        labels[60:90, 5:40] = 3
        image = painted(labels) * 0.5 + rng.integers(40, 80, (96, 96, 3))
        pair = LabelledImage(tmp_path / f"{number}.png", tmp_path / f"{number}_l.png")
        Image.fromarray(image.astype(np.uint8)).save(pair.image)
        Image.fromarray(labels).save(pair.labels)
        pairs.append(pair)
    return SemanticSource(tuple(pairs), FACTS.class_ids)


class PixelNetwork(nn.Module):
    """Looks at each pixel by itself, so that no pixel can change another's logits."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, 4, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.encoder(images)


def pixel_task(source: SemanticSource) -> SemanticTask:
    torch.manual_seed(0)
    return SemanticTask(PixelNetwork(), source, FACTS, SMALL)  # type: ignore[arg-type]


def losses_of(
    task: SemanticTask, images: Tensor, targets: Tensor
) -> tuple[float, dict[str, float]]:
    """Return the loss of a batch that is given instead of drawn."""
    task._draw = lambda _: (images, targets)  # type: ignore[method-assign]
    loss, parts, count = task.step(0.0)
    assert count == len(images)
    return float(loss.detach()), parts


def test_void_pixels_do_not_count(source: SemanticSource) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, 32, 32, generator=generator)
    targets = torch.randint(4, (2, 32, 32), generator=generator)
    targets[:, 10:20] = VOID
    task = pixel_task(source)
    loss, parts = losses_of(task, images, targets)
    there, elsewhere = images.clone(), images.clone()
    there[:, :, 10:20] = 1 - there[:, :, 10:20]
    elsewhere[:, :, 5] = 1 - elsewhere[:, :, 5]
    assert losses_of(task, there, targets) == (loss, parts)
    assert losses_of(task, elsewhere, targets)[0] != loss


def test_the_loss_by_hand(source: SemanticSource) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, 8, 8, generator=generator)
    targets = torch.randint(4, (2, 8, 8), generator=generator)
    targets[0, :4] = VOID
    task = pixel_task(source)
    loss, parts = losses_of(task, images, targets)
    counted = targets != VOID
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (FACTS.mean, FACTS.std))
    logits = task.model((images - mean) / std).detach()
    chances = logits.softmax(1).permute(0, 2, 3, 1)[counted]
    truth = functional.one_hot(targets[counted], 4)
    entropy = -(chances.log() * truth).sum(1).mean()
    overlap = 2 * (chances * truth).sum(0) / (chances.sum(0) + truth.sum(0))
    dice = (1 - overlap).mean()
    assert parts["ce"] == pytest.approx(float(entropy), rel=1e-5)
    assert parts["dice"] == pytest.approx(float(dice), rel=1e-5)
    assert loss == pytest.approx(float(entropy + 0.5 * dice), rel=1e-5)
    found = functional.one_hot(chances.argmax(1), 4).bool()
    both, either = (found & truth.bool()).sum(0), (found | truth.bool()).sum(0)
    assert parts["iou"] == pytest.approx(float((both / either).mean()), rel=1e-5)


def test_a_batch_without_labels_teaches_nothing(source: SemanticSource) -> None:
    task = pixel_task(source)
    targets = torch.full((2, 32, 32), VOID)
    loss, parts = losses_of(task, torch.rand(2, 3, 32, 32), targets)
    assert loss == 0
    assert parts == {"ce": 0, "dice": 0, "iou": 0}


def test_targets_are_taken_where_logits_stay_when_stretched() -> None:
    target = torch.randint(4, (2, 17, 33))
    assert at_corners(target, target.shape[-2:]) is target
    small = at_corners(target, torch.Size((5, 9)))
    assert small.shape == (2, 5, 9)
    # smp stretches logits so; what is at these places came from one logit alone.
    coarse = functional.one_hot(small, 4).permute(0, 3, 1, 2).float()
    stretched = functional.interpolate(
        coarse, (17, 33), mode="bilinear", align_corners=True
    )
    assert torch.equal(stretched.argmax(1)[:, ::4, ::4], target[:, ::4, ::4])
    corners = at_corners(target, torch.Size((2, 2)))
    assert corners[0].tolist() == target[0][[0, -1]][:, [0, -1]].tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 0}, "batch 0"),
        ({"sizes": ((1.0, 100),)}, r"crops of \[100\] pixels: use multiples of 32"),
        ({"sizes": ((0.5, 64), (1.0, 0))}, r"crops of \[64, 0\] pixels"),
        ({"sizes": ()}, r"crops of \[\]"),
    ],
)
def test_settings_out_of_bounds_are_named(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SemanticTaskSettings(**changes)


def test_sizes_follow_progress() -> None:
    settings = SemanticTaskSettings()
    sides = [settings.size(progress) for progress in (0, 0.29, 0.3, 0.79, 0.8, 1.0)]
    assert sides == [192, 192, 256, 256, 320, 320]


def test_labels_without_any_class_are_told_before_training(
    tmp_path: Path, source: SemanticSource
) -> None:
    path = tmp_path / "void.png"
    Image.fromarray(np.full((96, 96), VOID, np.uint8)).save(path)
    pair = LabelledImage(source.pairs[0].image, path)
    with pytest.raises(ValueError, match="no training image has a labelled pixel"):
        pixel_task(replace(source, pairs=(pair,)))


@pytest.mark.parametrize("frozen", [False, True])
def test_training_mode_follows_the_settings(
    source: SemanticSource, tiny_semantic: SegmentationModel, frozen: bool
) -> None:
    model = copy.deepcopy(tiny_semantic)
    settings = replace(SMALL, frozen_statistics=frozen)
    task = SemanticTask(model, source, FACTS, settings)
    before = {name: b.clone() for name, b in model.encoder.named_buffers()}
    task.train_mode()
    assert model.training
    assert model.encoder.training is not frozen
    task.step(0.0)[0].backward()
    assert all(p.grad is not None for p in model.parameters())
    same = [torch.equal(b, before[name]) for name, b in model.encoder.named_buffers()]
    assert all(same) is frozen


@pytest.mark.parametrize("frozen", [False, True])
def test_the_loss_is_that_of_the_network_itself(
    source: SemanticSource, tiny_semantic: SegmentationModel, frozen: bool
) -> None:
    # Leaving out the enlargement and folding normalisations changes nothing.
    settings = replace(SMALL, frozen_statistics=frozen)
    task = SemanticTask(copy.deepcopy(tiny_semantic), source, FACTS, settings)
    task.train_mode()
    plain = SemanticTask(copy.deepcopy(tiny_semantic), source, FACTS, settings)
    images, targets = plain._draw(0.0)
    task.model.eval()
    task._running.eval()
    quick, _ = losses_of(task, images, targets)
    with torch.no_grad():
        features = tiny_semantic.encoder(plain._normalisation(images))
        logits = tiny_semantic.segmentation_head[0](tiny_semantic.decoder(features))
    assert logits.shape == (2, 4, 16, 16)
    places = torch.linspace(0, 63, 16).round().long()
    target = targets[:, places][:, :, places]
    expected = float(task._loss(logits, target)[0])
    assert quick == pytest.approx(expected, rel=1e-4)


def test_the_encoder_learns_more_slowly_and_nothing_is_left_out(
    source: SemanticSource, tiny_semantic: SegmentationModel
) -> None:
    model = copy.deepcopy(tiny_semantic)
    rest, encoder = SemanticTask(model, source, FACTS, SMALL).parameter_groups(1.0)
    assert (rest["lr"], encoder["lr"]) == (1.0, 0.25)
    every = [*rest["params"], *encoder["params"]]
    assert {id(p) for p in every} == {id(p) for p in model.parameters()}
    assert len(every) == len(list(model.parameters()))


def test_networks_of_other_libraries_are_not_published(
    source: SemanticSource, tmp_path: Path
) -> None:
    with pytest.raises(TypeError, match="PixelNetwork is not a network of smp"):
        pixel_task(source).publish(PixelNetwork(), tmp_path, {})


def overfit(source: SemanticSource, output: Path) -> list[TrainReport]:
    torch.manual_seed(0)
    model = smp.Unet(
        "tu-test_efficientnet",
        encoder_weights=None,
        decoder_channels=(16, 16, 8, 8, 8),
        classes=4,
    )
    settings = replace(SMALL, batch=4, encoder_rate=1.0, frozen_statistics=False)
    crops = SemanticSampleSettings(reach=(0.8, 1.1), paste=0.0)
    task = SemanticTask(model, source, FACTS, settings, crops)
    loop = LoopSettings(steps=80, rate=1e-2, warmup=5, report_steps=20, ema=0.9)
    return list(train(task, loop, output))


def test_two_images_are_learnt_and_the_result_segments_them(
    source: SemanticSource, tmp_path: Path
) -> None:
    output = tmp_path / "trained"
    *reports, _ = overfit(source, output)
    losses = [report.losses["loss"] for report in reports]
    assert losses[-1] < losses[0] / 2
    assert find_checkpoint(output, SEMANTIC_TASK).metadata["steps"] == "80"
    segmenter = SemanticSegmenter.from_pretrained(output, "cpu")
    assert segmenter.facts == FACTS
    ious = []
    for image, labels in map(read_pair, source.pairs):
        found = segmenter.predict(image, PredictSettings(overlap=16))
        confusion = confusion_matrix(found, labels, FACTS.class_ids)
        ious.append(iou_of_classes(confusion))
    assert np.mean(ious) > 0.9, ious


def training(source: SemanticSource, output: Path, **changes: Any) -> SemanticTraining:
    arguments = {"device": "cpu", "task": SMALL, "loop": ONE_STEP, "imagenet": False}
    return SemanticTraining(
        pairs=source.pairs,
        classes=FACTS.classes,
        output=output,
        **{"network": "tiny", **arguments, **changes},  # type: ignore[arg-type]
    )


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STARTERS, "tiny", "tu-test_efficientnet")


def test_a_new_network_is_trained_and_training_goes_on(
    source: SemanticSource, tmp_path: Path
) -> None:
    output = tmp_path / "model"
    first, _ = start(training(source, output))
    assert (first.step, first.samples) == (1, 2)
    with pytest.raises(ValueError, match="holds a training already"):
        list(start(training(source, output)))
    more = replace(ONE_STEP, steps=3)
    *reports, _ = start(training(source, output, loop=more), resume=True)
    assert [report.step for report in reports] == [2, 3]
    assert reports[-1].samples == 6
    segmenter = SemanticSegmenter.from_pretrained(output, "cpu")
    assert segmenter.classes == FACTS.classes
    assert segmenter.facts.class_ids == (0, 1, 2, 3)


def test_a_resumed_run_treats_the_statistics_as_it_began(
    source: SemanticSource, published: Path, tmp_path: Path
) -> None:
    output = tmp_path / "model"
    started = training(source, output, init=str(published))
    list(start(started))
    before = load_semantic(find_checkpoint(published, SEMANTIC_TASK)).encoder
    more = replace(started, loop=replace(ONE_STEP, steps=2))
    list(start(more, resume=True))
    after = load_semantic(find_checkpoint(output, SEMANTIC_TASK)).encoder
    for name, buffer in before.named_buffers():
        assert torch.allclose(after.get_buffer(name), buffer, rtol=1e-3), name
    assert not torch.equal(
        next(iter(before.parameters())), next(iter(after.parameters()))
    )


def test_training_from_a_model_takes_its_classes_over_if_none_are_given(
    source: SemanticSource, published: Path, tmp_path: Path
) -> None:
    from_model = training(source, tmp_path, init=str(published))
    model, facts = build_semantic(replace(from_model, classes=None))
    assert facts == FACTS
    start = load_semantic(find_checkpoint(published, SEMANTIC_TASK))
    assert type(model) is type(start)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, start.state_dict()[name])


def test_a_network_of_grey_images_can_be_trained(
    source: SemanticSource, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    smp.Unet(
        "tu-test_efficientnet",
        encoder_weights=None,
        decoder_channels=(8, 8, 4, 4, 4),
        in_channels=1,
        classes=4,
    ).save_pretrained(tmp_path / "grey")
    output = tmp_path / "trained"
    report, _ = start(training(source, output, init=str(tmp_path / "grey")))
    assert np.isfinite(report.losses["loss"])
    segmenter = SemanticSegmenter.from_pretrained(output, "cpu")
    assert segmenter.facts.channels == 1
    image, _ = read_pair(source.pairs[0])
    assert segmenter.predict(image).shape == (96, 96)


def test_a_network_with_one_output_gets_one_for_each_class(
    source: SemanticSource, tmp_path: Path
) -> None:
    binary = smp.Unet("tu-test_efficientnet", encoder_weights=None, classes=1)
    binary.save_pretrained(tmp_path / "binary")
    wanted = training(source, tmp_path, init=str(tmp_path / "binary"))
    model, facts = build_semantic(wanted)
    assert (model.config["classes"], facts.names) == (4, FACTS.names)
    kept, _ = build_semantic(replace(wanted, classes=None))
    assert kept.config["classes"] == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"init": "huge"}, "no model 'huge'"),
        ({"init": "edgeflow-lite"}, "model for clicks, not for automatic"),
        ({"network": "huge"}, "unknown network 'huge'"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
    ],
)
def test_unknown_names_are_refused(
    source: SemanticSource, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        list(start(training(source, tmp_path / "model", **changes)))
    assert not (tmp_path / "model").exists()


def test_a_class_list_without_classes_is_refused(
    source: SemanticSource, tmp_path: Path
) -> None:
    empty = replace(training(source, tmp_path), classes=ClassTable(()))
    with pytest.raises(ValueError, match=r"class ids \(0,\): .* two or more"):
        build_semantic(empty)


def test_a_new_encoder_starts_from_imagenet(
    source: SemanticSource, tmp_path: Path
) -> None:
    start = training(
        source, tmp_path, network="deeplabv3plus-lite0", imagenet=True, longest_side=320
    )
    model, facts = build_semantic(start)
    assert (facts.mean, facts.std) == ((0.5,) * 3, (0.5,) * 3)
    assert (facts.longest_side, facts.class_ids) == (320, (0, 1, 2, 3))
    assert model.config["classes"] == 4
    state = list(read_state(packaged_imagenet()).values())
    for mine, theirs in zip(model.encoder.state_dict().values(), state, strict=False):
        assert torch.equal(mine, theirs)
