import importlib.util
import subprocess
import sys

import pytest

from napari_edgeflow.widgets.qt import torch_beside_opengl
from napari_edgeflow.widgets.qt.torch_beside_opengl import keep_triton_apart

DRAW_THEN_LOAD = """
from qtpy.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
app = QGuiApplication([])
surface, context = QOffscreenSurface(), QOpenGLContext()
surface.create()
assert context.create() and context.makeCurrent(surface)
from napari_edgeflow.widgets.qt.torch_beside_opengl import keep_triton_apart
keep_triton_apart()
import triton
print("loaded")
"""


@pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is not installed"
)
def test_triton_loads_after_opengl() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DRAW_THEN_LOAD],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "loaded"


def test_nothing_is_loaded_where_there_is_no_danger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(torch_beside_opengl, "import_module", loaded.append)
    monkeypatch.setattr(torch_beside_opengl, "_llvm_is_loaded", lambda: False)
    keep_triton_apart()
    assert loaded == []


def test_the_flags_are_as_before_even_after_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(name: str) -> None:
        raise ImportError(name)

    monkeypatch.delitem(sys.modules, "triton", raising=False)
    monkeypatch.setattr(torch_beside_opengl, "import_module", fail)
    monkeypatch.setattr(torch_beside_opengl, "_llvm_is_loaded", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    flags = sys.getdlopenflags()
    with pytest.raises(ImportError, match="triton"):
        keep_triton_apart()
    assert sys.getdlopenflags() == flags
