"""The manifest, and what napari loads when it only looks for plugins."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from napari._app_model.constants import MenuId
from npe2 import PluginManifest
from npe2.manifest.utils import import_python_name

import napari_edgeflow

PACKAGE = Path(napari_edgeflow.__file__).parent
ROOT = PACKAGE.parents[1]
HEAVY = ("PyQt6", "magicgui", "napari", "onnxruntime", "qtpy", "torch")


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution("napari-edgeflow")


def loaded_after(code: str) -> list[str]:
    """Names of heavy packages that a fresh Python has loaded after `code`."""
    report = "import json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        capture_output=True,
        check=True,
        text=True,
    )
    return [name for name in json.loads(done.stdout) if name in HEAVY]


def test_manifest_names_the_package(manifest: PluginManifest) -> None:
    assert manifest.name == "napari-edgeflow"
    assert manifest.display_name == "EdgeFlow: click to label"
    assert manifest.package_version == napari_edgeflow.__version__


def test_every_command_resolves(manifest: PluginManifest) -> None:
    assert manifest.contributions.commands
    for command in manifest.contributions.commands:
        assert callable(import_python_name(command.python_name))


def test_menus_exist_and_hold_known_commands(manifest: PluginManifest) -> None:
    commands = {command.id for command in manifest.contributions.commands}
    menus = manifest.contributions.menus
    assert menus
    for menu, items in menus.items():
        assert menu in {known.value for known in MenuId}
        assert {item.command for item in items} <= commands


def test_every_sample_is_offered(manifest: PluginManifest) -> None:
    from napari_edgeflow.samples import SAMPLES

    offered = manifest.contributions.sample_data
    assert [sample.key for sample in offered] == list(SAMPLES)


def test_manifest_in_the_package_is_a_link_to_the_real_one() -> None:
    link = PACKAGE / "napari.yaml"
    assert link.is_symlink()
    assert link.readlink() == Path("../../napari.yaml")
    assert link.resolve() == ROOT / "napari.yaml"


def test_wheel_takes_in_the_manifest_and_the_samples() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    build = project["tool"]["hatch"]["build"]
    included = build["targets"]["wheel"]["force-include"]
    for source, target in included.items():
        assert (ROOT / source).exists()
        assert target == f"napari_edgeflow/{source}"
    assert set(included) == {"napari.yaml", "sample_data"}
    # Else the wheel would hold the link's target twice.
    assert build["exclude"] == ["/src/napari_edgeflow/napari.yaml"]


@pytest.mark.parametrize(
    "code",
    [
        "import napari_edgeflow; dir(napari_edgeflow)",
        "import napari_edgeflow.samples",
        "from npe2 import PluginManifest as P; P.from_distribution('napari-edgeflow')",
    ],
    ids=["import", "samples", "discovery"],
)
def test_finding_the_plugin_loads_nothing_heavy(code: str) -> None:
    assert loaded_after(code) == []


def test_public_names_load_when_used() -> None:
    assert set(napari_edgeflow.__all__) <= set(dir(napari_edgeflow))
    assert napari_edgeflow.ClickSegmenter.__name__ == "ClickSegmenter"
    with pytest.raises(AttributeError, match="no attribute 'Missing'"):
        napari_edgeflow.__getattr__("Missing")
