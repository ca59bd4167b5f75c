"""The command line: the same engine as the docks, without a window."""

import argparse
import importlib
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_edgeflow import __version__
from napari_edgeflow.cli.clicks import add_click, add_evaluate_clicks
from napari_edgeflow.cli.config_file import config_of, with_config
from napari_edgeflow.cli.console import BAD_INPUT, complain
from napari_edgeflow.cli.convert import add_convert
from napari_edgeflow.cli.project import add_project
from napari_edgeflow.cli.semantic import (
    add_evaluate_objects,
    add_evaluate_semantic,
    add_segment,
)
from napari_edgeflow.cli.training import add_train
from napari_edgeflow.engine.system.memory import telling_out_of_memory

if TYPE_CHECKING:
    from napari_edgeflow.cli.console import Commands

INTERRUPTED = 130
"""Exit status after Ctrl+C, as shells have it."""

_LESS_MEMORY = (
    "use smaller images, a smaller --tile-size where there is one, or another --device"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors in the input end as one sentence and status 2.

    Returns
    -------
    int
        Exit status.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        options = _parsed(given)
        options.command = shlex.join(["napari-edgeflow", *given])
        run: Callable[[argparse.Namespace], int] = options.run
        with telling_out_of_memory(_LESS_MEMORY):
            return run(options)
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except (ValueError, OSError) as error:
        complain(_sentence(error))
        return BAD_INPUT


def _parsed(given: Sequence[str]) -> argparse.Namespace:
    try:
        return build_parser().parse_args(with_config(given))
    except SystemExit as end:
        # The parser does not know which options were typed.
        config = config_of(given) if end.code == BAD_INPUT else None
        if config is not None:
            complain(f"look for it in {config}, too")
        raise


def _sentence(error: Exception) -> str:
    """Return what is wrong; what the system says names no remedy."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return (
            f"{error.strerror}: {error.filename}: check the path, and that you may "
            "read and write there"
        )
    return str(error)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="napari-edgeflow", description="Clicks to masks, in napari and without."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_demo(commands)
    add_click(commands)
    add_segment(commands)
    evaluate = commands.add_parser("evaluate", help="measure a model")
    measures = evaluate.add_subparsers(required=True, metavar="WHAT")
    add_evaluate_clicks(measures)
    add_evaluate_semantic(measures)
    add_evaluate_objects(measures)
    add_train(commands)
    add_convert(commands)
    add_project(commands)
    models = commands.add_parser("models", help="list the models there are")
    models.set_defaults(run=_run_models)
    return parser


def _add_demo(commands: "Commands") -> None:
    parser = commands.add_parser("demo", help="open a sample image with the click dock")
    parser.add_argument(
        "--headless",
        type=Path,
        metavar="DIR",
        help="click by script instead, and write a screenshot and the mask to DIR",
    )
    parser.set_defaults(run=_run_demo)


def _run_demo(options: argparse.Namespace) -> int:
    _check_display()
    # By name, so that the commands without a window load no Qt.
    demo = importlib.import_module("napari_edgeflow.demo")
    return int(demo.run_demo(options.headless))


def _check_display() -> None:
    """Raise ValueError where Qt would find no screen, and end the process itself."""
    needs = os.environ.get("QT_QPA_PLATFORM", "") in ("", "wayland", "xcb")
    has = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and needs and not has:
        raise ValueError(
            "there is no display for the demo: draw on a screen in memory with "
            "xvfb-run -a napari-edgeflow demo --headless DIR"
        )


def _run_models(options: argparse.Namespace) -> int:
    from napari_edgeflow.engine.checkpoints.checkpoint import (
        BUNDLED,
        CLICK_TASK,
        PURPOSES,
        SEMANTIC,
        SEMANTIC_TASK,
        STARTERS,
        find_checkpoint,
    )
    from napari_edgeflow.engine.checkpoints.registry import trained_models

    for models, task in ((BUNDLED, CLICK_TASK), (SEMANTIC, SEMANTIC_TASK)):
        for name, purpose in models.items():
            facts = find_checkpoint(name, task).metadata
            print(f"{name}  {purpose}; {facts.get('samples', '?')} training samples")
    for model in trained_models():
        print(f"{model.folder}  trained here, for {PURPOSES[model.task]}")
    print(f"networks to train from: {', '.join(STARTERS)}")
    return 0
