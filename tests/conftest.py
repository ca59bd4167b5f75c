"""What every test runs under: few threads, no network, no models of the user."""

import os
import socket
from pathlib import Path

import pytest

# Read when torch and OpenMP are first loaded, hence before any other import. More
# threads than this only compete with each other on the small arrays of the tests.
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections that leave this computer."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: object) -> None:
        is_local = isinstance(address, tuple) and address[0] in ("127.0.0.1", "::1")
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_local:
            raise OSError(f"tests must not use the network, but one asked {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(autouse=True)
def own_models(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Keep the tests' models apart from those that were trained on this computer."""
    folder = tmp_path_factory.mktemp("models")
    monkeypatch.setenv("NAPARI_EDGEFLOW_DATA", str(folder))
    return folder
