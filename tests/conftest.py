"""What every test runs under: few threads, no network, no models of the user."""

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from npe2 import PluginManifest

# Read when torch and OpenMP are first loaded, hence before any other import. More
# threads than this only compete with each other on the small arrays of the tests.
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

# The first example of a test may wait for an import, and any for a busy machine.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _plugins_found_once() -> Iterator[None]:
    """Read the manifests of plugins once: each viewer looks for new plugins."""
    found = tuple(PluginManifest.discover())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PluginManifest, "discover", lambda paths=(): iter(found))
        yield


@pytest.fixture(scope="module", autouse=True)
def _imports_are_no_garbage() -> None:
    """Exempt what was imported from the collections that follow each viewer."""
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


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
