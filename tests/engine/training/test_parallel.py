import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from lightning_fabric import Fabric
from PIL import Image
from tests.engine.colour_network import colour_facts, painted, patches
from tests.engine.conftest import settled
from torch import nn

from napari_edgeflow import cli
from napari_edgeflow.engine.checkpoints.semantic import write_semantic
from napari_edgeflow.engine.training.parallel import (
    make_fabric,
    share_of_batch,
    with_shared_statistics,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled images, their class list, and a network to start from.

    Without normalisations in its decoder, which on CPUs cannot be shared.
    """
    root = tmp_path_factory.mktemp("several")
    for name in ("images", "labels"):
        (root / name).mkdir()
    for number in range(4):
        labels = patches((64, 64), 16, number)
        Image.fromarray(painted(labels)).save(root / f"images/{number}.png")
        Image.fromarray(labels).save(root / f"labels/{number}.png")
    (root / "labels.txt").write_text("background\nred\ngreen\nblue\n")
    torch.manual_seed(0)
    network = smp.Unet(
        "tu-test_efficientnet",
        encoder_weights=None,
        decoder_channels=(8, 8, 8, 8, 8),
        decoder_use_norm=False,
        classes=4,
    )
    write_semantic(settled(network), colour_facts(window=32), root / "start", {})
    return root


def command(folder: Path, output: str) -> list[str]:
    return [
        "train", "semantic", "--pairs", str(folder), "--init", str(folder / "start"),
        "--output", str(folder / output), "--epochs", "2", "--batch", "4",
        "--size", "32", "--loss", "ce", "--device", "cpu", "--report", "jsonl",
    ]  # fmt: skip


def scores(folder: Path) -> list[list[float]]:
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = ["epoch", "step", "train loss", "score", "iou red"]
    return [[float(row[name]) for name in names] for row in rows]


def first_losses(printed: str) -> float:
    """Return the mean loss of the first steps."""
    events = (json.loads(line) for line in printed.splitlines() if line[:1] == "{")
    step = next(event for event in events if event["event"] == "step")
    loss: float = step["losses"]["loss"]
    return loss


def test_two_processes_learn_what_one_learns(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    torchrun = ["torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    arguments = [*torchrun, "-m", "napari_edgeflow", *command(folder, "two")]
    with subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as two:
        status = cli.main(command(folder, "one"))
        printed, _ = two.communicate(timeout=300)
    assert (status, two.returncode) == (0, 0), printed
    # Only one of them tells.
    assert printed.count('"event": "done"') == 1
    assert printed.count('"event": "epoch"') == 2
    # With the same crops the losses are the same, but for rounding, although corners
    # of tilted crops do not count. Adam makes that grow: it takes equally long steps
    # where a gradient is next to nothing.
    alone = first_losses(capsys.readouterr().out)
    assert first_losses(printed) == pytest.approx(alone, abs=2e-4)
    one, both = scores(folder / "one"), scores(folder / "two")
    assert [row[:2] for row in one] == [[1, 20], [2, 40]]
    np.testing.assert_allclose(both, one, rtol=0, atol=1e-2)
    assert one[1][2] < one[0][2]


def test_a_single_process_needs_no_launcher() -> None:
    fabric = make_fabric("cpu")
    assert (fabric.world_size, fabric.global_rank) == (1, 0)
    assert fabric.device == torch.device("cpu")
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    assert with_shared_statistics(module, fabric) is module


class Several:
    """Stands for two processes on GPUs, of which only this one is there."""

    world_size = 2
    device = torch.device("cuda")


def test_shared_statistics_are_those_of_the_network() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).eval()
    before = {
        name: id(tensor) for name, tensor in module.state_dict(keep_vars=True).items()
    }
    twin = with_shared_statistics(nn.Sequential(*module), Several())  # type: ignore[arg-type]
    assert isinstance(twin[1], nn.SyncBatchNorm)
    after = {
        name: id(tensor) for name, tensor in twin.state_dict(keep_vars=True).items()
    }
    assert after == before
    assert not isinstance(module[1], nn.SyncBatchNorm)


def test_the_batch_is_shared_out() -> None:
    assert share_of_batch(6, Several()) == 3  # type: ignore[arg-type]
    assert share_of_batch(5, Fabric(accelerator="cpu", devices=1)) == 5
    with pytest.raises(ValueError, match="batch 5 cannot be shared out to 2"):
        share_of_batch(5, Several())  # type: ignore[arg-type]
