import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from napari_edgeflow import cli
from napari_edgeflow.engine.interaction.clicks import Click
from napari_edgeflow.formats.effort.click_benchmark import (
    CLICKS,
    ClickedObject,
    write_click_benchmark,
)
from napari_edgeflow.formats.training.plan import DataSource, split_settings
from napari_edgeflow.formats.training.sources import read_source
from napari_edgeflow.samples import load_sample, sample_paths


def run(*arguments: object) -> int:
    return cli.main([str(a) for a in arguments])


@pytest.fixture(scope="module")
def cat(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A real photograph on disk, and where the cat is."""
    image, labels = load_sample("cat")
    path = tmp_path_factory.mktemp("cat") / "cat.png"
    Image.fromarray(image).save(path)
    return path, labels == 1


def test_click_writes_a_palette_mask(
    cat: tuple[Path, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, truth = cat
    y, x = (int(v) for v in np.argwhere(truth).mean(0))
    output = tmp_path / "new" / "mask.png"
    status = run(
        "click", path, "--positive", f"{y},{x}", "--negative", "5,5", "6,6",
        "--class-id", 8, "--output", output,
    )  # fmt: skip
    assert status == 0
    with Image.open(output) as image:
        mask = np.asarray(image)
        assert image.mode == "P"
    assert set(np.unique(mask)) == {0, 8}
    assert mask[y, x] == 8
    assert mask[5, 5] == 0
    assert "3 clicks" in capsys.readouterr().out
    assert run("click", path, "--positive", f"{y},{x}", "--output", output) == 0
    assert "1 click ·" in capsys.readouterr().out


def test_a_box_needs_no_click(
    cat: tuple[Path, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, truth = cat
    (top, left), (bottom, right) = np.argwhere(truth).min(0), np.argwhere(truth).max(0)
    output = tmp_path / "mask.png"
    box = f"{top},{left},{bottom + 1},{right + 1}"
    assert run("click", path, "--box", box, "--output", output) == 0
    with Image.open(output) as image:
        mask = np.asarray(image) > 0
    assert (mask & truth).sum() > 0.8 * (mask | truth).sum()
    assert "a box, 0 clicks" in capsys.readouterr().out
    assert run("click", path, "--box", "0,0,9,99999", "--output", output) == 2
    assert "reaches beyond the image of" in (told := capsys.readouterr().err)
    assert "pixels: give one inside it" in told
    with pytest.raises(SystemExit):
        run("click", path, "--box", "1,2,3", "--output", output)
    assert "is no box" in capsys.readouterr().err


def test_clicks_keep_their_order() -> None:
    options = cli.build_parser().parse_args(
        ["click", "a.png", "--negative", "1,2", "--positive", "3,4", "5,6.5",
         "--negative", "7,8", "--output", "b.png"]
    )  # fmt: skip
    assert [(c.y, c.x, c.positive) for c in options.clicks] == [
        (1, 2, False),
        (3, 4, True),
        (5, 6.5, True),
        (7, 8, False),
    ]


def test_a_mask_never_replaces_its_image(
    cat: tuple[Path, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    path, before = cat[0], cat[0].read_bytes()
    output = path.parent / "." / path.name
    assert run("click", path, "--positive", "9,9", "--output", output) == 2
    assert "the mask would replace the image" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_where_figures_cannot_be_written_nothing_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = ("--images", tmp_path, "--masks", tmp_path)
    assert run("evaluate", "clicks", *images, "--json", tmp_path) == 2
    assert f"{tmp_path} is a folder: give the name of a file" in capsys.readouterr().err


def test_what_the_system_says_comes_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    cat: tuple[Path, np.ndarray],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    output = tmp_path / "new" / "mask.png"
    assert run("click", cat[0], "--positive", "9,9", "--output", output) == 2
    assert capsys.readouterr().err == (
        f"napari-edgeflow: Permission denied: {tmp_path / 'new'}: check the path, and "
        "that you may read and write there\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.png", "--positive", "1,1"], "no image missing.png"),
        (["IMAGE", "--positive", "-5,1"], "y=-5, x=1) lies outside the image"),
        (["IMAGE", "--negative", "1,1"], "no positive click"),
        (["IMAGE", "--positive", "1,1", "--model", "huge"], "no model 'huge'"),
        (["IMAGE", "--positive", "1,1", "--class-id", "300"], "class id 300"),
        (["IMAGE", "--positive", "1,1", "--device", "tpu"], "unknown device 'tpu'"),
        (["TEXT", "--positive", "1,1"], "cannot read"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    arguments: list[str],
    message: str,
    cat: tuple[Path, np.ndarray],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    places = {"IMAGE": str(cat[0]), "TEXT": str(text)}
    image, *rest = arguments
    output = tmp_path / "mask.png"
    # "-5,1" would read as an option if it were not bound by "=".
    rest = [f"{rest[0]}={rest[1]}", *rest[2:]]
    assert run("click", places.get(image, image), *rest, "--output", output) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not output.exists()


@pytest.mark.parametrize("point", ["5", "a,b", "1,2,3", "1;2"])
def test_points_are_checked(point: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run("click", "a.png", "--positive", point, "--output", "b.png")
    assert stop.value.code == 2
    assert "write y,x in pixels" in capsys.readouterr().err


def test_only_png_is_written(cat: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    output = tmp_path / "mask.jpg"
    assert run("click", cat[0], "--positive", "9,9", "--output", output) == 2
    assert not output.exists()


def test_evaluate_clicks_prints_and_writes_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, labels = sample_paths()["cat"]
    for folder, source in (("images", image), ("masks", labels)):
        (tmp_path / folder).mkdir()
        target = tmp_path / folder / f"cat{source.suffix}"
        target.write_bytes(source.read_bytes())
    output = tmp_path / "out.json"
    status = run(
        "evaluate", "clicks", "--images", tmp_path / "images",
        "--masks", tmp_path / "masks", "--json", output,
    )  # fmt: skip
    assert status == 0
    table = capsys.readouterr().out
    assert "NoC@90" in table
    figures = json.loads(output.read_text())
    assert set(figures) == {
        "objects",
        "noc85",
        "noc90",
        "failures90",
        "iou_at_clicks",
        "ms_per_click_median",
    }
    assert figures["objects"] == 1
    assert len(figures["iou_at_clicks"]) == 20


def test_clicks_of_persons_are_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, labels = sample_paths()["cat"]
    with Image.open(labels) as file:
        objects = np.array(file)
    y, x = (int(v) for v in np.argwhere(objects == 1).mean(0))
    cat = ClickedObject(1, "cat", (Click(y, x), Click(0, 0, False)), None, 4.2)
    write_click_benchmark(tmp_path, image.name, image, objects, [cat])
    arguments = "evaluate", "clicks", "--clicks", tmp_path / CLICKS
    assert run(*arguments, "--json", tmp_path / "out.json") == 0
    head, line, mean, summary = capsys.readouterr().out.splitlines()
    assert head.split() == [
        "object",
        "IoU@1",
        "IoU@2",
        "at",
        "end",
        "clicks",
        "seconds",
    ]
    assert line.startswith(f"{image.name}:1 cat")
    assert line.split()[-2:] == mean.split()[-2:] == ["2.0", "4.2"]
    assert summary.startswith("1 objects")
    (record,) = json.loads((tmp_path / "out.json").read_text())["objects"]
    assert line.split()[2] == f"{record['ious'][0]:.3f}"
    assert run("evaluate", "clicks") == 2
    assert "give --images and --masks, or --clicks" in capsys.readouterr().err
    write_click_benchmark(tmp_path, image.name, image, objects, [])
    assert run(*arguments) == 2
    assert "holds no object that was clicked" in capsys.readouterr().err


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models") == 0
    assert capsys.readouterr().out.startswith("edgeflow-lite")


def test_sources_are_parsed(tmp_path: Path) -> None:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
        Image.new("L", (4, 4)).save(tmp_path / name / "a.png")
    text = f"{tmp_path},weight=2.5,whole=0.5"
    source = DataSource.parse(text, "pairs", "semantic")
    assert (source.kind, source.weight, source.whole) == ("semantic", 2.5, 0.5)
    assert len(read_source(source, tmp_path)[0]) == 1
    with pytest.raises(ValueError, match="unknown 'colour'"):
        DataSource.parse(f"{tmp_path},colour=red", "pairs", "semantic")
    with pytest.raises(ValueError, match=r"no list .*train\.txt"):
        read_source(DataSource.parse(str(tmp_path), "voc", "semantic"), tmp_path)


@pytest.mark.parametrize("name", ["cats", "cats, dogs", "a,b,c", "1,2=3"])
def test_the_path_of_a_source_may_have_commas(name: str) -> None:
    split = split_settings(f"{name},weight=3,whole=1", ("weight", "whole"))
    assert split == (Path(name), {"weight": "3", "whole": "1"})
    assert split_settings(name, ()) == (Path(name), {})


def test_train_clicks_trains_and_resumes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, colour in (("images", 200), ("labels", 1)):
        (tmp_path / name).mkdir()
        picture = np.zeros((48, 48), np.uint8)
        picture[10:30, 10:30] = colour
        Image.fromarray(picture).save(tmp_path / name / "a.png")
    command = [
        "train", "clicks", "--instances", tmp_path, "--output", tmp_path / "model",
        "--steps", 1, "--batch", 2, "--size", 32, "--device", "cpu",
        "--validation", 0,
    ]  # fmt: skip
    assert run(*command) == 0
    assert "step 1" in capsys.readouterr().out
    assert (tmp_path / "model" / "model.onnx").is_file()
    assert run(*command) == 2
    assert "holds a training already" in capsys.readouterr().err
    assert run(*command, "--resume", "--report", "jsonl") == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["event"] for record in printed] == ["message", "done"]
    assert run("train", "clicks", "--output", tmp_path / "other") == 2
    assert "nothing to train on" in capsys.readouterr().err


def test_demo_is_started_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Path | None] = []
    fake = SimpleNamespace(run_demo=lambda folder: asked.append(folder) or 1)
    monkeypatch.setitem(sys.modules, "napari_edgeflow.demo", fake)  # type: ignore[arg-type]
    assert run("demo", "--headless", tmp_path) == 1
    assert run("demo") == 1
    assert asked == [tmp_path, None]


def test_the_command_line_loads_no_window_and_on_a_cpu_no_torch(
    cat: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    code = (
        "import sys; from napari_edgeflow.cli import main;"
        f"status = main(['click', {str(cat[0])!r}, '--positive', '60,200', '--device',"
        f"'cpu', '--output', {str(tmp_path / 'mask.png')!r}]);"
        "print(status, [m for m in ('torch', 'qtpy', 'napari') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays of X11")
def test_the_demo_says_that_there_is_no_display(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    assert run("demo", "--headless", "nowhere") == 2
    assert "xvfb-run -a napari-edgeflow demo" in capsys.readouterr().err
    assert not Path("nowhere").exists()
