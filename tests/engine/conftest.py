"""Small stand-ins for networks and data."""

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from numpy.typing import NDArray
from PIL import Image
from segmentation_models_pytorch.base import SegmentationModel
from tests.engine.colour_network import colour_facts

from napari_edgeflow.engine.networks.edgeflow import EdgeFlow, EdgeFlowConfig
from napari_edgeflow.engine.runtime.semantic_torch import publish_semantic

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


@pytest.fixture(autouse=True)
def denormals() -> Iterator[None]:
    """Bring back the numbers next to 0, on which Hypothesis insists.

    Networks and training drop them, for speed and for the thread as a whole.
    """
    yield
    torch.set_flush_denormal(False)


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


@pytest.fixture(scope="session")
def tiny_semantic() -> SegmentationModel:
    """A network of four classes that no test changes."""
    torch.manual_seed(0)
    return settled(
        smp.DeepLabV3Plus(
            "tu-test_efficientnet",
            encoder_weights=None,
            decoder_channels=16,
            decoder_atrous_rates=(2, 4, 6),
            decoder_aspp_dropout=0.0,
            classes=4,
        )
    )


@pytest.fixture(scope="session")
def lite_semantic() -> SegmentationModel:
    """The encoder of the bundled model: padded as TensorFlow does; left unchanged."""
    torch.manual_seed(0)
    return settled(
        smp.DeepLabV3Plus(
            "tu-tf_efficientnet_lite0",
            encoder_weights=None,
            decoder_channels=16,
            classes=4,
        )
    )


@pytest.fixture(scope="session")
def published(
    tiny_semantic: SegmentationModel, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with the tiny network, made once; copy it before changing it."""
    folder = tmp_path_factory.mktemp("semantic") / "tiny"
    publish_semantic(tiny_semantic, colour_facts(), folder, {"steps": "7"})
    return folder


def settled(model: SegmentationModel) -> SegmentationModel:
    """Give a new network statistics and logits of some size, as training does."""
    generator = torch.Generator().manual_seed(0)
    channels = model.config.get("in_channels", 3)
    with torch.no_grad():
        model.train()
        for _ in range(20):
            model(torch.randn(2, channels, 64, 64, generator=generator))
        model.eval()
        spread = model(torch.randn(2, channels, 64, 64, generator=generator)).std()
        for parameter in model.segmentation_head.parameters():
            parameter /= spread
    return model
