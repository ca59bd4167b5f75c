"""Small stand-ins for networks and data."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from napari_edgeflow.engine.models.edgeflow import EdgeFlow, EdgeFlowConfig

TINY = EdgeFlowConfig(
    "mobilenetv3_small_050",
    channels=8,
    edge_channels=4,
    ocr_channels=4,
    fine_channels=4,
)


class BrightNetwork:
    """Finds the bright pixels, less those near a negative click; counts its calls."""

    device = "cpu"

    def __init__(self) -> None:
        self.calls: list[tuple[NDArray[np.uint8], NDArray[np.float32]]] = []

    def __call__(
        self, image: NDArray[np.uint8], interaction: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        self.calls.append((image, interaction))
        bright = image.mean(2) / 255
        return np.where(interaction[1] > 0, 0, bright).astype(np.float32)


@pytest.fixture
def bright() -> BrightNetwork:
    return BrightNetwork()


@pytest.fixture(scope="session")
def tiny_edgeflow() -> EdgeFlow:
    """A network that no test changes; see ``tiny_model`` for one to play with."""
    torch.manual_seed(0)
    model = EdgeFlow(TINY).eval()
    # Branches that start at zero would hide mistakes in what feeds them.
    for name, parameter in model.named_parameters():
        if "flow" in name or "interaction" in name or "correction" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


@pytest.fixture
def tiny_model(tiny_edgeflow: EdgeFlow) -> EdgeFlow:
    return copy.deepcopy(tiny_edgeflow)


@pytest.fixture
def labelled_folder(tmp_path: Path) -> Path:
    """A folder with images/ and labels/ of two pictures with two objects each."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    for number in range(2):
        labels = np.zeros((80, 100), np.uint8)
        labels[10:40, 10:50] = 1
        labels[45:75, 55 + number : 95] = 2
        image = rng.integers(0, 60, (80, 100, 3)) + labels[..., None] * 90
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / f"images/{number}.png")
        Image.fromarray(labels).save(tmp_path / f"labels/{number}.png")
    return tmp_path
