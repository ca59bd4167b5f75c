"""Loading torch into a process that already draws with OpenGL."""

import importlib.util
import os
import sys
from importlib import import_module
from pathlib import Path


def keep_triton_apart() -> None:
    """Load triton such that it uses its own LLVM; call this before loading torch.

    Mesa draws with an LLVM library of the system, which napari's canvas has loaded by
    now. triton, which torch loads, has another LLVM built in, and would find Mesa's
    functions in place of its own: the process crashes (seen with triton 3.8 and Mesa
    22.3). Binding triton's library to itself first prevents that.
    """
    if "triton" in sys.modules or not _llvm_is_loaded():
        return
    if importlib.util.find_spec("triton") is None:
        return
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
    try:
        import_module("triton")
    finally:
        sys.setdlopenflags(flags)


def _llvm_is_loaded() -> bool:
    """Return whether a shared LLVM library is part of this process (Linux only)."""
    maps = Path("/proc/self/maps")
    return maps.is_file() and "libLLVM" in maps.read_text(errors="replace")
