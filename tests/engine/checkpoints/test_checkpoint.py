import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from napari_edgeflow.engine.checkpoints.checkpoint import (
    BUNDLED,
    MODEL_FILE,
    WEIGHTS_FOLDER,
    find_checkpoint,
    load_edgeflow,
    score_of,
)
from napari_edgeflow.engine.networks.edgeflow import EdgeFlow
from napari_edgeflow.engine.runtime.clicks import (
    OnnxNetwork,
    choose_device,
    load_network,
)
from napari_edgeflow.engine.runtime.clicks_torch import TorchNetwork, write_model


@pytest.fixture(scope="module")
def written(tiny_edgeflow: EdgeFlow, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint and its export, made once: exporting is slow."""
    folder = tmp_path_factory.mktemp("written")
    write_model(tiny_edgeflow, folder / "model.safetensors", {"steps": "7"})
    return folder


@pytest.fixture
def saved(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "saved")) / "model.safetensors"


def inputs(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (*shape, 3), np.uint8)
    return image, rng.choice([-1, 0, 1], (3, *shape)).astype(np.float32)


def test_a_checkpoint_is_found_by_file_and_folder(saved: Path) -> None:
    for name in (saved, str(saved), saved.parent):
        checkpoint = find_checkpoint(name)
        assert checkpoint.weights == saved
        assert checkpoint.onnx == saved.with_suffix(".onnx")
        assert checkpoint.metadata["steps"] == "7"
    assert sorted(os.listdir(saved.parent)) == ["model.onnx", "model.safetensors"]


def test_weights_come_back_to_half_precision(saved: Path, tiny_model: EdgeFlow) -> None:
    loaded = load_edgeflow(find_checkpoint(saved))
    assert loaded.config == tiny_model.config
    for name, tensor in tiny_model.state_dict().items():
        assert torch.allclose(loaded.state_dict()[name], tensor, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("shape", [(64, 64), (96, 32), (160, 224)])
def test_onnx_and_torch_agree(saved: Path, shape: tuple[int, int]) -> None:
    onnx = load_network(saved, "cpu")
    assert isinstance(onnx, OnnxNetwork)
    in_torch = TorchNetwork.load(find_checkpoint(saved), "cpu")
    image, interaction = inputs(shape)
    first = onnx(image, interaction)
    assert first.shape == shape
    assert first.dtype == np.float32
    assert np.std(first) > 1e-3
    assert np.abs(first - in_torch(image, interaction)).max() < 1e-3
    assert np.array_equal(first, onnx(image, interaction))


def test_without_an_export_torch_runs(saved: Path) -> None:
    saved.with_suffix(".onnx").unlink()
    network = load_network(saved, "cpu")
    assert isinstance(network, TorchNetwork)
    assert network(*inputs((32, 32))).shape == (32, 32)


def test_an_export_of_other_weights_is_refused(saved: Path) -> None:
    onnx = saved.with_suffix(".onnx")
    onnx.write_bytes(onnx.read_bytes() + b"\0")
    with pytest.raises(ValueError, match="not the export that belongs to"):
        find_checkpoint(saved)


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_models_load_and_agree(name: str) -> None:
    onnx = load_network(name, "cpu")
    assert isinstance(onnx, OnnxNetwork)
    in_torch = TorchNetwork.load(find_checkpoint(name), "cpu")
    image, interaction = inputs((256, 256))
    interaction[:2] = np.abs(interaction[:2])
    difference = np.abs(onnx(image, interaction) - in_torch(image, interaction))
    assert difference.max() < 1e-3


def test_bundled_weights_are_small() -> None:
    size = sum(path.stat().st_size for path in WEIGHTS_FOLDER.iterdir())
    assert size < 20e6


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"no model 'edgeflow-huge': use edgeflow-lite"
    ):
        find_checkpoint("edgeflow-huge")


class _Boom:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (os.environ["BOOM"],)


def test_a_pickle_with_code_is_refused_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    monkeypatch.setenv("BOOM", str(ran))
    for name in ("evil.safetensors", "evil.pt"):
        path = tmp_path / name
        path.write_bytes(pickle.dumps(_Boom()))
        with pytest.raises(ValueError, match="only safetensors"):
            find_checkpoint(path)
    torch.save({"model": _Boom()}, tmp_path / "evil.pth")
    with pytest.raises(ValueError, match="only safetensors"):
        load_network(tmp_path / "evil.pth")
    assert not ran.exists()


def test_a_truncated_checkpoint_is_refused(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-1000])
    with pytest.raises(ValueError, match="no safetensors file"):
        find_checkpoint(saved)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "not a checkpoint of napari-edgeflow"),
        ({"format": "napari-edgeflow", "config": "{"}, "does not hold an EdgeFlow"),
        ({"format": "napari-edgeflow", "config": '{"a": 1}'}, "does not hold"),
        ({"format": "napari-edgeflow", "config": "{}"}, "does not hold an EdgeFlow"),
        ({"format": "napari-edgeflow", "config": "[" * 10**5}, "nested too deeply"),
        ({"format": "napari-edgeflow", "config": "[]"}, "does not hold an EdgeFlow"),
        (
            {"format": "napari-edgeflow", "config": '{"channels": 1e999}'},
            "channels is inf",
        ),
        (
            {"format": "napari-edgeflow", "config": '{"backbone": "hf-hub:a/b"}'},
            "unknown backbone",
        ),
        ({"format": "napari-edgeflow", "config": "{}", "task": "x"}, "does not know"),
    ],
)
def test_foreign_safetensors_are_refused(
    tmp_path: Path, metadata: dict[str, str], message: str
) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(2)}, path, metadata)
    with pytest.raises(ValueError, match=message):
        load_edgeflow(find_checkpoint(path))


def test_a_network_larger_than_its_file_is_never_made(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    # 40 TB.
    config = '{"channels": 1000000}'
    facts = {"format": "napari-edgeflow", "config": config}
    save_file({"a": torch.zeros(2)}, path, facts)
    with pytest.raises(ValueError, match=r"large\.safetensors does not hold"):
        load_edgeflow(find_checkpoint(path))


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (lambda values: values * torch.nan, "numbers that are not finite"),
        (lambda values: values.to(torch.int8), "of the type torch.int8"),
        (lambda values: values[..., None], "has shape"),
    ],
)
def test_odd_weights_are_refused(
    saved: Path, odd: Callable[[torch.Tensor], torch.Tensor], message: str
) -> None:
    metadata, tensors = find_checkpoint(saved).metadata, load_file(saved)
    name = next(name for name, v in tensors.items() if v.dtype == torch.float16)
    save_file({**tensors, name: odd(tensors[name])}, saved, metadata)
    with pytest.raises(ValueError, match=f"{saved}.*{name} .*{message}"):
        load_edgeflow(find_checkpoint(saved))


@pytest.mark.parametrize("output", ["nothing", "flat", "nan", "two"])
def test_an_export_that_gives_something_else_is_refused(
    tmp_path: Path, output: str
) -> None:
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    name = "interaction"
    nodes = {
        "nothing": [helper.make_node("Identity", [name], ["out"])],
        "flat": [helper.make_node("Flatten", [name], ["out"])],
        "nan": [
            helper.make_node("ReduceMax", [name], ["most"], axes=[1]),
            helper.make_node("Log", ["most"], ["out"]),
        ],
        "two": [helper.make_node("Split", [name], ["out", "more"], axis=1)],
    }[output]
    names = ["out", "more"] if output == "two" else ["out"]
    graph = helper.make_graph(
        nodes,
        "odd",
        [helper.make_tensor_value_info(i, kind, ["n", 3, "h", "w"])
         for i in ("image", name)],
        [helper.make_tensor_value_info(i, kind, None) for i in names],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 12)]
    path = tmp_path / "odd.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    with pytest.raises(ValueError, match=r"odd\.onnx"):
        OnnxNetwork(path)


def test_a_score_that_is_none_does_not_count(tmp_path: Path) -> None:
    facts = {"format": "napari-edgeflow", "config": "{}"}
    for text, score in (("0.5", 0.5), ("inf", None), ("nan", None), ("x", None)):
        save_file(
            {"a": torch.zeros(2)}, tmp_path / MODEL_FILE, {**facts, "score": text}
        )
        assert score_of(tmp_path) == score


def test_devices_are_chosen_by_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = "napari_edgeflow.engine.runtime.clicks"
    assert choose_device("cpu") == "cpu"
    with pytest.raises(ValueError, match="unknown device 'tpu'"):
        choose_device("tpu")
    monkeypatch.setattr(f"{runtime}._may_have_accelerator", lambda: True)
    monkeypatch.setattr(f"{runtime}._torch_devices", lambda: ["cuda", "cpu"])
    assert choose_device("auto") == "cuda"
    with pytest.raises(ValueError, match="'mps' is not available here: choose cuda"):
        choose_device("mps")
    monkeypatch.setattr(f"{runtime}._torch_devices", lambda: ["cpu"])
    assert choose_device("auto") == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_the_cpu(saved: Path) -> None:
    on_gpu = load_network(saved, "auto")
    assert on_gpu.device == "cuda"
    image, interaction = inputs((64, 64))
    difference = on_gpu(image, interaction) - load_network(saved, "cpu")(
        image, interaction
    )
    assert np.abs(difference).max() < 2e-2
