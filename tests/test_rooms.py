"""The package is rooms, each with a sentence; no import goes up or in a circle."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import grimp
import pytest

import napari_edgeflow

PACKAGE = Path(napari_edgeflow.__file__).parent
ROOT = PACKAGE.parents[1]
MOST_FILES, MOST_ROOMS = 15, 12


def folders(top: Path) -> list[Path]:
    return sorted({path.parent for path in top.rglob("*.py")})


@pytest.mark.parametrize("top", [PACKAGE, ROOT / "tests"], ids=["src", "tests"])
def test_every_folder_can_be_looked_over(top: Path) -> None:
    files = {folder: len([*folder.glob("*.py")]) for folder in folders(top)}
    assert {f: n for f, n in files.items() if n > MOST_FILES} == {}
    rooms = {folder: sum(child.parent == folder for child in files) for folder in files}
    assert {f: n for f, n in rooms.items() if n > MOST_ROOMS} == {}


def test_every_room_says_what_it_is_for_and_what_it_imports() -> None:
    for folder in folders(PACKAGE):
        tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
        said = ast.get_docstring(tree) or ""
        if folder != PACKAGE and folder.name != "cli":
            assert "import" in said, folder
        assert said.split("\n")[0].endswith("."), folder


def test_no_circle() -> None:
    graph = grimp.build_graph("napari_edgeflow", cache_dir=None)
    left = {
        module: graph.find_modules_directly_imported_by(module) & graph.modules
        for module in graph.modules
    }
    # What imports nothing that is left is in no circle; away with it, again and again.
    while free := {module for module, imported in left.items() if not imported}:
        left = {m: imported - free for m, imported in left.items() if m not in free}
    assert left == {}


def test_no_public_name_is_there_twice() -> None:
    places = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for name in defined(node):
                if not name.startswith("_"):
                    places[name].append(str(path.relative_to(PACKAGE)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("engine/raster/image.py", "import napari_edgeflow.widgets", "demo > widgets"),
        (
            "engine/raster/image.py",
            "import napari_edgeflow.engine.labels.classes",
            "The rooms of the engine",
        ),
        ("project/folder.py", "import napari", "know nothing of napari or Qt"),
        (
            "engine/training/train.py",
            "import napari_edgeflow.engine.training.clicks",
            "Each task of training",
        ),
        ("widgets/newcomer.py", "", "The rooms of the widgets"),
    ],
)
def test_lint_finds_what_is_in_the_wrong_room(
    tmp_path: Path, file: str, line: str, complaint: str
) -> None:
    skipped = shutil.ignore_patterns("weights", "__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "src/napari_edgeflow", ignore=skipped)
    with (tmp_path / "src/napari_edgeflow" / file).open("a", encoding="utf-8") as out:
        out.write(f'"""New."""\n{line}\n')
    done = subprocess.run(
        [
            Path(sys.executable).with_name("lint-imports"),
            "--no-cache",
            ROOT / "pyproject.toml",
        ],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src"), "COLUMNS": "200"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert re.search(f"{complaint}.* BROKEN", done.stdout), done.stdout
