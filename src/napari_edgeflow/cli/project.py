"""Commands about a project folder: what is in it, and its labels in other formats."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_edgeflow.cli.console import finished, save_figures, two_columns
from napari_edgeflow.cli.convert import (
    CONVERTED_TO,
    Told,
    add_export_choices,
    export_settings,
    target_format,
)

if TYPE_CHECKING:
    from napari_edgeflow.cli.console import Commands


def add_project(commands: "Commands") -> None:
    """Add the command ``project``."""
    project = commands.add_parser("project", help="see and export a project folder")
    verbs = project.add_subparsers(required=True, metavar="WHAT")
    _add_status(verbs)
    _add_export(verbs)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="the images, or the project itself"
    )


def _add_status(verbs: "Commands") -> None:
    parser = verbs.add_parser(
        "status",
        help="how far the images got, and how many objects of which class there are",
        description="Another program may have the project open meanwhile.",
    )
    _add_folder(parser)
    parser.add_argument("--json", type=Path, metavar="OUT", help="the same as JSON")
    parser.set_defaults(run=_run_status)


def _run_status(options: argparse.Namespace) -> int:
    from napari_edgeflow.project.folder import (
        count_objects_of_classes,
        count_states,
        look_at_project,
    )

    project = look_at_project(options.folder)
    states = count_states(project)
    objects = count_objects_of_classes(project)
    rows = [
        ("images", str(len(project.names))),
        *((state, str(number)) for state, number in states.items()),
        *((name, str(number)) for name, number in objects.items()),
    ]
    print(two_columns(rows))
    save_figures(
        options.json,
        {"images": len(project.names), "states": states, "objects": objects},
    )
    return 0


def _add_export(verbs: "Commands") -> None:
    parser = verbs.add_parser(
        "export",
        help="write the labels of all images",
        description="What cannot be written is named and left out, the rest is "
        "written; the exit status is 2 then.",
    )
    _add_folder(parser)
    parser.add_argument(
        "--to", dest="target", type=target_format, choices=CONVERTED_TO, required=True
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    add_export_choices(parser)
    parser.set_defaults(run=_run_export)


def _run_export(options: argparse.Namespace) -> int:
    from napari_edgeflow.project.exchange.exports import export_project
    from napari_edgeflow.project.folder import look_at_project

    project, report = look_at_project(options.folder), Told()
    summary = finished(export_project(project, export_settings(options), report))
    return report.ending(summary, f"put them back into {project.images}")
