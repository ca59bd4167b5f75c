"""Damage files of every kind that is read, and tell what is not answered in a sentence.

    python benchmarks/fuzz_files.py --mutations 20000 --seed 1

A mutation changes one small, real file: bytes are flipped, the end is cut off, a value
in JSON becomes another one, a name one that no file has. Reading it must give a result
or raise ValueError or OSError, within seconds, write nothing beside the folder, and
leave a person's own images as they are. Prints what did not, and exits with 1 then.
"""

import argparse
import hashlib
import json
import logging
import random
import shutil
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_edgeflow.cli.config_file import with_config
from napari_edgeflow.engine.checkpoints.checkpoint import (
    CLICK_TASK,
    MODEL_FILE,
    SEMANTIC_TASK,
    find_checkpoint,
    load_edgeflow,
)
from napari_edgeflow.engine.checkpoints.starters import unpickled
from napari_edgeflow.engine.data.pixels import (
    image_size,
    read_image,
    read_label_image,
    read_rgb,
)
from napari_edgeflow.engine.runtime.semantic import read_facts
from napari_edgeflow.engine.training.folder import STATE_FILE
from napari_edgeflow.formats.exchange.imports import guess_source, read_annotations
from napari_edgeflow.formats.files.class_files import read_classes
from napari_edgeflow.formats.training.plan import DataSource, TrainingPlan
from napari_edgeflow.project.folder import ProjectPlace, open_project

DATA = Path(__file__).parents[1] / "tests/old_files/data"

SECONDS = 2.0
"""CPU time that reading one file may take."""

ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**64, 10**400, -0.5, 1e308, float("nan"), float("inf"),
    "", "x", "\x00", "\ud800", "n" * 255, "../../outside.png", "/etc/passwd", "1e999",
    [], {}, [[]], [None], {"a": None}, [1e300] * 6, list(range(3000)),
)  # fmt: skip
"""What takes the place of a value in JSON."""

_LAYOUTS = {
    "coco": "coco/annotations.json",
    "coco rle": "coco-rle/annotations.json",
    "labelme": "labelme/a.json",
    "labelme names": "labelme/labels.txt",
    "geojson": "geojson/a.geojson",
    "yolo": "yolo/labels/train/a.txt",
    "yolo yaml": "yolo/data.yaml",
    "voc classes": "voc/SegmentationClass/a.png",
    "voc objects": "voc/SegmentationObject/a.png",
    "voc list": "voc/ImageSets/Segmentation/train.txt",
    "palette": "palette/a.png",
    "grey": "gray/classes.txt",
    "tiff": "tiff/a.tif",
    "tiff objects": "tiff-objects/a.tif",
}


@dataclass(frozen=True)
class Kind:
    """A file that is changed, and what reads it: given the folder and the file."""

    folder: Path
    file: str
    read: Callable[[Path, Path], object]
    often: int = 6


@dataclass(frozen=True)
class Fault:
    """A mutation that was not answered as it should be."""

    kind: str
    number: int
    what: str


def kinds(home: Path) -> dict[str, Kind]:
    """Return all kinds of files; what they need is made in ``home``."""
    exports = DATA / "exports"
    found = {}
    for name, file in _LAYOUTS.items():
        top, _, rest = file.partition("/")
        found[name] = Kind(exports / top, rest, _annotations)
    for file in ("coco.json", "json.json", "names.txt", "text.txt"):
        found[f"classes {file}"] = Kind(exports / "classes", file, _classes)
    for file in ("classes.png", "objects.labels.tif", "stack.labels.tif"):
        found[f"layer {file}"] = Kind(exports / "layers", file, _pixels)
    for file in ("a.labelme.json", "a.geojson", "coco.json"):
        found[f"layer {file}"] = Kind(exports / "layers", file, _one_file)
    project = DATA / "project"
    for file in (
        "project.json", "project.lock", "pages/a 10.png.json",
        "pages/classes.png.json", "pages/a 2.png.000006.journal",
        "pages/only journal.png.000001.journal", "labels/a 10.png.objects.tif",
        "labels/classes.png.classes.png",
    ):  # fmt: skip
        found[f"project {file}"] = Kind(project, f"napari-edgeflow/{file}", _project, 1)
    found["training.toml"] = Kind(DATA / "settings", "training.toml", _config)
    found["training.json"] = Kind(_plan(home), "training.json", _told)
    for name, task, read in (
        ("clicks", CLICK_TASK, _clicks), ("semantic", SEMANTIC_TASK, _facts),
    ):  # fmt: skip
        folder = home / name
        shutil.unpack_archive(DATA / f"models/{name}.tar.xz", folder, filter="data")
        model = min(folder.rglob(MODEL_FILE))
        for onnx in folder.rglob("*.onnx"):
            onnx.unlink()
        # Whole, it is read; what is imported for it is not timed later.
        read(model.parent, model)
        found[f"model {task}"] = Kind(model.parent, MODEL_FILE, read, 1)
        found[f"state {task}"] = Kind(folder / "run", STATE_FILE, _state, 1)
    return found


def _plan(home: Path) -> Path:
    """Write what a training was told, and return its folder."""
    folder = home / "plan"
    folder.mkdir(parents=True)
    source = DataSource(folder / "data", "pairs")
    plan = TrainingPlan(task="semantic", output=folder, sources=(source,), epochs=3)
    (folder / "training.json").write_text(plan.to_text(), encoding="utf-8")
    return folder


def _annotations(folder: Path, file: Path) -> None:
    _draw(folder)


def _one_file(folder: Path, file: Path) -> None:
    _draw(file)


def _draw(path: Path) -> None:
    for found in read_annotations(guess_source(path), path, report=[].append):
        found.class_labels()
        found.object_labels()
        for entry in found.objects:
            entry.polygons()


def _classes(folder: Path, file: Path) -> None:
    read_classes(file, [].append)


def _pixels(folder: Path, file: Path) -> None:
    for read in (read_rgb, read_label_image, image_size, read_image):
        try:
            read(file)
        except (ValueError, OSError):
            continue


def _config(folder: Path, file: Path) -> None:
    with_config(["train", "semantic", "--config", str(file)])


def _told(folder: Path, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    TrainingPlan.from_text(text, folder, "training.json")


def _facts(folder: Path, file: Path) -> None:
    read_facts(find_checkpoint(file, SEMANTIC_TASK))


def _clicks(folder: Path, file: Path) -> None:
    load_edgeflow(find_checkpoint(file))


def _state(folder: Path, file: Path) -> None:
    unpickled(file)


def _project(folder: Path, file: Path) -> None:
    with closing(open_project(ProjectPlace(folder))) as project:
        for name in project.names:
            project.open_page(name)


def changed(content: bytes, chance: random.Random) -> bytes:
    """Return the content of a file, damaged in some way."""
    how = chance.randrange(4)
    if how == 0:
        return content[: chance.randrange(len(content) + 1)]
    if how == 1 or not content:
        return content + chance.choice((b"\x00", b"\xff\xfe", b"[" * 10**5, content))
    if how == 2 or (record := _json_in(content)) is None:
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 1, 4, 32))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        return bytes(damaged)
    start, end, value = record
    text = json.dumps(_exchanged(value, chance)).encode()
    return content[:start] + text + content[end:]


def _json_in(content: bytes) -> tuple[int, int, Any] | None:
    """Return where JSON is in a file, which may begin otherwise, and what it says."""
    start = content.find(b"{")
    if start < 0:
        return None
    text = content[start:].decode("latin-1")
    try:
        value, length = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return None
    return start, start + length, value


def _exchanged(value: Any, chance: random.Random) -> Any:
    """Return a value in JSON with one of its parts exchanged, left out or doubled."""
    items: Any = ()
    if isinstance(value, dict):
        items = list(value)
    elif isinstance(value, list):
        items = range(len(value))
    if not len(items) or chance.random() < 0.15:
        return chance.choice(ODD_VALUES)
    key, result = chance.choice(items), value.copy()
    how = chance.random()
    if how < 0.1:
        del result[key]
    elif how < 0.2 and isinstance(value, dict):
        result[chance.choice(("", "../x", "n" * 255, "\ud800"))] = result.pop(key)
    else:
        result[key] = _exchanged(value[key], chance)
    return result


def fuzz(
    mutations: int, seed: int, only: str = ""
) -> Iterator[tuple[str, Fault | None]]:
    """Yield the kind of each mutation, and what was wrong with the answer, if anything.

    Parameters
    ----------
    mutations : int
        How many.
    seed : int
        Each mutation is a function of it and of its number.
    only : str
        Kinds to try begin with this.
    """
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        # Of decoders, about files that are odd.
        warnings.simplefilter("ignore")
        logging.getLogger("tifffile").setLevel(logging.CRITICAL)
        home = Path(place)
        known = {k: v for k, v in kinds(home / "made").items() if k.startswith(only)}
        names, often = list(known), [kind.often for kind in known.values()]
        for number in range(mutations):
            chance = random.Random(f"{seed} {number}")
            (name,) = chance.choices(names, often)
            what = _try(known[name], chance, home / "tried")
            yield name, Fault(name, number, what) if what else None


def _try(kind: Kind, chance: random.Random, sandbox: Path) -> str:
    """Damage a copy of a file and read it; return what was wrong with the answer."""
    folder = sandbox / "inside"
    shutil.copytree(kind.folder, folder)
    file = folder / kind.file
    file.write_bytes(changed(file.read_bytes(), chance))
    theirs = _theirs(folder)
    started = time.process_time()
    try:
        kind.read(folder, file)
    except (ValueError, OSError) as error:
        what = _bad_sentence(error)
    except Exception:
        what = traceback.format_exc(limit=-4)
    else:
        what = ""
    spent = time.process_time() - started
    if not what and spent > SECONDS:
        what = f"took {spent:.1f} s"
    if not what and (theirs != _theirs(folder) or len([*sandbox.iterdir()]) > 1):
        what = "changed files that are not ours"
    shutil.rmtree(sandbox)
    return what


def _theirs(folder: Path) -> dict[Path, bytes]:
    """Return the digests of all files but those that a project keeps."""
    return {
        path: hashlib.sha256(path.read_bytes()).digest()
        for path in folder.rglob("*")
        if path.is_file() and "napari-edgeflow" not in path.parts
    }


def _bad_sentence(error: Exception) -> str:
    """Return what is wrong with what a person is told, empty if it is a sentence."""
    text = str(error)
    if len(text) > 3000:
        return f"{type(error).__name__} of {len(text)} characters: {text[:200]}"
    return "" if text.strip() else f"{type(error).__name__} without a word"


def main() -> int:
    """Print how many mutations of each kind there were, and all faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=20_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="kinds that begin with this")
    options = parser.parse_args()
    counts, faults = Counter[str](), []
    for name, fault in fuzz(options.mutations, options.seed, options.only):
        counts[name] += 1
        if fault:
            faults.append(fault)
            print(f"{fault.kind}, mutation {fault.number}: {fault.what}", flush=True)
    for name, count in sorted(counts.items()):
        print(f"{count:6} {name}")
    print(f"{sum(counts.values())} mutations, {len(faults)} not as they should be")
    return bool(faults)


if __name__ == "__main__":
    raise SystemExit(main())
