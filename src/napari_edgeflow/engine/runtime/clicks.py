"""One call over ONNX Runtime (CPU) or torch (CUDA, MPS, or CPU without an export).

torch is imported only where it is needed: on a CPU with an exported network the
first click does not wait for it.
"""

import platform
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from napari_edgeflow.engine.checkpoints.checkpoint import find_checkpoint
from napari_edgeflow.engine.runtime.network import Network

DEVICES = ("auto", "cuda", "mps", "cpu")


class OnnxNetwork:
    """A network exported to ONNX, on the CPU.

    Raises
    ------
    ValueError
        If the file is not a network of ours.
    """

    device = "cpu"

    def __init__(self, path: Path) -> None:
        self._session = open_session(path, {"image", "interaction"}, 1)

    def __call__(
        self, image: NDArray[np.uint8], interaction: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return (h, w) float32 probabilities; see :class:`Network`."""
        scaled = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)
        scaled *= np.float32(1 / 255)
        inputs = {"image": scaled, "interaction": interaction[None]}
        (output,) = self._session.run(None, inputs)
        result: NDArray[np.float32] = output[0, 0]
        return result


def open_session(
    path: Path, inputs: set[str], channels: int
) -> onnxruntime.InferenceSession:
    """Open an ONNX file for the CPU and check that it does what it should.

    Parameters
    ----------
    path : Path
        The file.
    inputs : set of str
        Names of its inputs, each (N, 3, H, W) float32.
    channels : int
        Of its only output, (N, channels, h, w) float32.

    Raises
    ------
    ValueError
        If the file cannot be loaded, takes other inputs or gives something else.
    """
    options = onnxruntime.SessionOptions()
    # Denormal numbers, far below what is seen, make a CPU several times slower.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    # ONNX Runtime's exceptions share no base class but this.
    except Exception as error:
        raise ValueError(
            f"{path} cannot be loaded as an ONNX network: {error!s:.500}. "
            "Install the weights again"
        ) from error
    names = {node.name for node in session.get_inputs()}
    if names != inputs:
        raise ValueError(
            f"{path} takes {' and '.join(sorted(names))} instead of "
            f"{' and '.join(sorted(inputs))}: it is another network's export"
        )
    _try_out(session, path, channels)
    return session


def _try_out(session: onnxruntime.InferenceSession, path: Path, channels: int) -> None:
    """Let a network look at black once, which takes milliseconds."""
    black = np.zeros((1, 3, 64, 64), np.float32)
    try:
        found = session.run(None, {node.name: black for node in session.get_inputs()})
    # As above.
    except Exception as error:
        raise ValueError(
            f"{path} cannot be run on an image: {error!s:.500}. Delete it, and the "
            "weights beside it are used"
        ) from error
    shapes = [(*np.shape(values),) for values in found]
    if len(found) != 1 or len(shapes[0]) != 4 or shapes[0][:2] != (1, channels):
        raise ValueError(
            f"{path} gives {shapes!s:.200} for an image, in place of {channels} maps: "
            "it is another network's export"
        )
    if found[0].dtype != np.float32 or not np.isfinite(found[0]).all():
        raise ValueError(
            f"{path} gives no numbers for an image: delete it, and the weights beside "
            "it are used"
        )


def load_network(name_or_path: str | Path, device: str = "auto") -> Network:
    """Load an interactive network onto the best device, or the one asked for.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a bundled model, or path of a checkpoint.
    device : str
        "auto" takes CUDA, then MPS, then the CPU; or one of those by name.

    Returns
    -------
    Network
        Ready to be called.

    Raises
    ------
    ValueError
        If model or device are unknown, or the checkpoint is not ours.
    """
    checkpoint = find_checkpoint(name_or_path)
    chosen = choose_device(device)
    if chosen == "cpu" and checkpoint.onnx is not None:
        return OnnxNetwork(checkpoint.onnx)
    from napari_edgeflow.engine.runtime.clicks_torch import TorchNetwork

    return TorchNetwork.load(checkpoint, chosen)


def choose_device(device: str) -> str:
    """Return "cuda", "mps" or "cpu" for what was asked.

    Raises
    ------
    ValueError
        If the name is unknown or the device is not there.
    """
    if device not in DEVICES:
        raise ValueError(
            f"unknown device {device!r}: choose one of {', '.join(DEVICES)}"
        )
    if device == "cpu" or (device == "auto" and not _may_have_accelerator()):
        return "cpu"
    available = _torch_devices()
    if device == "auto":
        return available[0]
    if device not in available:
        raise ValueError(
            f"device {device!r} is not available here: "
            f"choose {' or '.join(available)}, or auto"
        )
    return device


def _may_have_accelerator() -> bool:
    """Return whether asking torch is worth its seconds of import."""
    if platform.system() == "Darwin":
        return platform.machine() == "arm64"
    drivers = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
    return shutil.which("nvidia-smi") is not None or any(
        Path(driver).exists() for driver in drivers
    )


def _torch_devices() -> list[str]:
    import torch

    devices = ["cuda"] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]
