"""The dock "Export and import", as a person uses it."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import Labels
from PIL import Image
from qtpy.QtTest import QTest
from tests.formats.annotation_samples import TABLE, ring_and_parts

from napari_edgeflow.engine.labels.classes import METADATA, ClassTable
from napari_edgeflow.formats.annotation.planes import classes_of_objects
from napari_edgeflow.formats.exchange.targets import FORMATS
from napari_edgeflow.formats.kinds.coco.dataset import read_coco, update_coco
from napari_edgeflow.formats.kinds.label_images.folder import write_gray_png
from napari_edgeflow.formats.kinds.label_images.tiff import read_label_tiff
from napari_edgeflow.project.exchange import imports
from napari_edgeflow.project.folder import ProjectPlace
from napari_edgeflow.widgets.exchange.dock import ExportWidget
from napari_edgeflow.widgets.layers.annotation import LabelledLayers
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.project.dock import ProjectWidget
from napari_edgeflow.widgets.project.recent import RecentProjects
from napari_edgeflow.widgets.workspace.workspace import Workspace

SAMPLE = ring_and_parts("my photo.png")
IDS = SAMPLE.object_labels().astype(np.uint16)
CLASS_OF = {entry.id: entry.class_id for entry in SAMPLE.objects}
PIXELS = np.random.default_rng(0).integers(0, 255, (*IDS.shape, 3), np.uint8)


def objects(data: Any = IDS, **more: Any) -> Labels:
    entry = {"kind": "object", "classes": TABLE.to_records()}
    features = {"index": list(CLASS_OF), "class_id": list(CLASS_OF.values())}
    given = {"name": "photo objects", "features": features}
    return Labels(data, metadata={METADATA: entry}, **{**given, **more})


@dataclass
class ExportPerson:
    """Works with the dock."""

    viewer: Any
    dock: ExportWidget
    qtbot: Any

    def choose(self, name: str) -> None:
        options = self.dock.exports.options
        options.format.setCurrentIndex(options.format.findData(name))

    def export(self, name: str, folder: Path | None = None) -> str:
        self.choose(name)
        if folder is not None:
            self.dock.exports.options.folder.choose(folder)
        self.dock.exports.run.click()
        self.wait()
        return str(self.dock.exports.state.text())

    def load(self, path: Path, source: str | None = None) -> str:
        fields = self.dock.imports
        fields.path.setText(str(path))
        fields.format.setCurrentIndex(fields.format.findData(source))
        fields.run.click()
        self.wait()
        return str(fields.state.text())

    def wait(self) -> None:
        busy = self.dock.exporter, self.dock.importer
        self.qtbot.waitUntil(lambda: not any(b.busy for b in busy), timeout=20_000)

    @property
    def target(self) -> Any:
        return self.dock.imports.target.layer


MakeExporter = Callable[..., ExportPerson]


@pytest.fixture
def make_exporter(make_napari_viewer: Callable[..., Any], qtbot: Any) -> MakeExporter:
    def make(image: Any = PIXELS, *layers: Labels, **more: Any) -> ExportPerson:
        viewer = make_napari_viewer(show=False)
        if isinstance(image, Path):
            viewer.open(image, plugin="napari")
        else:
            viewer.add_image(image, name="my photo", **more)
        for layer in layers:
            viewer.add_layer(layer)
        dock = ExportWidget(viewer)
        viewer.window.add_dock_widget(dock, name="Export and import")
        return ExportPerson(viewer, dock, qtbot)

    return make


@pytest.mark.parametrize("name", ["gray", "palette", "labelme"])
def test_an_export_never_replaces_the_image(
    make_exporter: MakeExporter, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "my photo.png"
    Image.fromarray(PIXELS).save(path)
    before = path.read_bytes()
    person = make_exporter(path, objects())
    state = person.export(name, tmp_path)
    assert path.read_bytes() == before
    if name != "labelme":
        assert state.startswith("Nothing was written.")
        assert "is the image itself, and would be replaced" in state


def test_every_format_and_back(
    make_exporter: MakeExporter, tmp_path: Path, notices: list[str]
) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "my photo.png")
    person = make_exporter(tmp_path / "my photo.png", objects())
    assert person.dock.exports.options.folder.folder == tmp_path / "export"
    for name, chosen in FORMATS.items():
        output = tmp_path / name
        # Ids of objects are what a layer of objects offers first.
        said = person.export(name, output)
        assert said == f"Wrote 1 image, 4 objects to {output}."
        assert any(output.rglob("*"))
        assert person.dock.exports.reveal.isEnabled()
        if name not in ("coco", "voc", "gray", "palette", "tiff"):
            # What is in the files is looked at where the formats are tested.
            continue
        person.dock.imports.target.choose(None)
        said = person.load(output)
        count = 5 if name == "palette" else 4
        assert said.startswith(f"Imported {count} objects into"), (name, said)
        back = person.target
        assert np.array_equal(back.data > 0, IDS > 0), chosen.title
        scheme = read_scheme(back)
        assert scheme is not None
        class_of = classes_of_objects(back.features)
        names = {entry.id: entry.name for entry in scheme.classes}
        assert set(back.features["source"]) == {"import"}
        found = {(names[class_of[v]], v) for v in np.unique(back.data[back.data > 0])}
        # Grey images of objects do not say their classes.
        assert len({name for name, _ in found}) == (1 if name == "gray" else 2)
        if count == 4 and name != "gray":
            for entry in SAMPLE.objects:
                (value,) = np.unique(back.data[entry.id == IDS])
                assert names[class_of[value]] == TABLE.get(entry.class_id).name
        person.viewer.layers.remove(back)
    assert notices == []


def test_an_import_is_one_step_that_can_be_undone(
    make_exporter: MakeExporter, tmp_path: Path
) -> None:
    person = make_exporter()
    update_coco(tmp_path / "a.json", [SAMPLE])
    mine = np.zeros_like(IDS)
    mine[:20, :10] = 1
    features = {"index": [1], "class_id": [7], "class_name": ["mine"]}
    layer = person.viewer.add_layer(objects(mine, features=features, name="mine"))
    person.dock.imports.target.choose(layer)
    said = person.load(tmp_path / "a.json")
    assert said == "Imported 4 objects into 'mine'."
    assert np.array_equal(layer.data == 1, mine == 1)
    assert np.array_equal(layer.data > 0, (IDS > 0) | (mine > 0))
    assert list(layer.features["index"]) == [1, 2, 3, 4, 5]
    history = Workspace.of(person.viewer).history
    assert history.undo_text == "import"
    history.undo()
    assert np.array_equal(layer.data, mine)
    assert list(layer.features["index"]) == [1]
    history.redo()
    assert np.array_equal(layer.data > 0, (IDS > 0) | (mine > 0))
    person.dock.imports.keep_existing.setChecked(False)
    person.load(tmp_path / "a.json")
    assert not (layer.data == 1)[IDS > 0].any()


def test_classes_go_into_a_layer_of_classes(
    make_exporter: MakeExporter, tmp_path: Path
) -> None:
    person = make_exporter()
    update_coco(tmp_path / "a.json", [SAMPLE])
    person.dock.imports.kind.choose("semantic")
    said = person.load(tmp_path / "a.json")
    pixels = np.count_nonzero(IDS)
    assert said == f"Imported {pixels:,} pixels into 'my photo classes'."
    layer = person.target
    assert np.array_equal(layer.data, SAMPLE.class_labels())
    scheme = read_scheme(layer)
    assert scheme is not None
    assert (scheme.kind, set(scheme.classes)) == ("semantic", set(TABLE))
    assert "all of it has labels already" in person.load(tmp_path / "a.json")


def test_stacks_are_written_plane_by_plane_and_split(
    make_exporter: MakeExporter, tmp_path: Path
) -> None:
    stack = np.stack([IDS, IDS * 0, IDS[::-1], IDS])
    person = make_exporter(PIXELS[..., 0][None].repeat(4, 0), objects(stack))
    fields = person.dock.exports
    person.viewer.dims.set_point(0, 2)
    assert person.export("tiff", tmp_path) == f"Wrote 1 image, 4 objects to {tmp_path}."
    back = read_label_tiff(tmp_path / "my photo_0002.tif")
    assert np.array_equal(back.labels, stack[2])
    fields.planes.setCurrentIndex(1)
    fields.options.is_split.setChecked(True)
    fields.options.split.setText("0.5, 0.5")
    said = person.export("coco", tmp_path)
    assert said == f"Wrote 4 images, 12 objects to {tmp_path}."
    names = [
        annotation.file_name
        for split in ("train", "val")
        for annotation in read_coco(tmp_path / f"annotations_{split}.json")
    ]
    assert sorted(names) == [f"my photo_000{i}.png" for i in range(4)]
    person.dock.imports.planes.setCurrentIndex(1)
    person.export("yolo", tmp_path / "yolo")
    assert person.load(tmp_path / "yolo") == (
        "Imported 12 objects into 'my photo objects'."
    )
    assert np.array_equal(person.target.data > 0, stack > 0)


def test_labels_of_others_are_what_the_person_says(
    make_exporter: MakeExporter, tmp_path: Path
) -> None:
    person = make_exporter(PIXELS, Labels(IDS, name="cells"))
    fields = person.dock.exports
    assert not fields.kind.isHidden()
    person.export("coco", tmp_path)
    (back,) = read_coco(tmp_path / "annotations.json")
    assert [entry.name for entry in back.classes] == ["object"]
    assert np.array_equal(back.object_labels(), IDS)
    fields.kind.choose("semantic")
    person.export("coco", tmp_path)
    (back,) = read_coco(tmp_path / "annotations.json")
    assert np.array_equal(back.class_labels(), IDS)
    # And the same for label images that are read.
    write_gray_png(tmp_path / "my photo.png", IDS)
    said = person.load(tmp_path / "my photo.png")
    assert said == "Imported 4 objects into 'my photo objects'."


def test_what_cannot_be_is_one_sentence(
    make_exporter: MakeExporter, tmp_path: Path, notices: list[str]
) -> None:
    person = make_exporter()
    person.dock.exports.run.click()
    assert notices.pop() == "There is no Labels layer: open one first."
    person.viewer.add_labels(IDS, name="labels")
    person.dock.exports.labels.refill()
    person.dock.exports.run.click()
    assert notices.pop() == "Choose a folder to export to."
    person.viewer.layers.remove("labels")
    person.viewer.add_labels(np.zeros((3, 3), int), name="small")
    person.dock.exports.labels.refill()
    person.export("coco", tmp_path)
    assert "choose the image that was labelled" in notices.pop()
    person.dock.imports.run.click()
    assert notices.pop() == "Choose a file or a folder to import from."
    assert person.load(tmp_path / "none.json") == "Nothing was imported."
    assert "check the path" in notices.pop()
    (tmp_path / "bad.json").write_text("{")
    person.load(tmp_path / "bad.json")
    assert "is no JSON file" in notices.pop()
    update_coco(tmp_path / "a.json", [ring_and_parts(f"{i}.png") for i in range(5)])
    person.load(tmp_path / "a.json")
    assert notices.pop() == (
        "a.json has no image called 'my photo.png', but '0.png', '1.png', '2.png' …: "
        "rename the image layer to the one that it is."
    )
    person.viewer.layers["my photo"].name = "3"
    assert person.load(tmp_path / "a.json") == "Imported 4 objects into '3 objects'."
    person.viewer.layers["3"].data = np.zeros((9, 9, 3), np.uint8)
    person.load(tmp_path / "a.json")
    assert "are for an image of 50 x 40 pixels, this one has 9 x 9" in notices.pop()
    assert notices == []


def test_what_is_left_out_is_told_and_the_rest_is_there(
    make_exporter: MakeExporter, tmp_path: Path
) -> None:
    person = make_exporter(PIXELS, Labels(IDS * 1000, name="cells"))
    person.dock.exports.kind.choose("semantic")
    said = person.export("palette", tmp_path)
    assert said.startswith("Nothing was written. my photo.png is left out: labels go")
    update_coco(tmp_path / "a.json", [SAMPLE])
    record = json.loads((tmp_path / "a.json").read_text())
    for entry in record["annotations"][:2]:
        entry["segmentation"] = [[900, 900, 910, 900, 910, 910]]
        # Else it would count in place of the outline.
        del entry["bbox"]
    (tmp_path / "a.json").write_text(json.dumps(record))
    first, *problems = person.load(tmp_path / "a.json").splitlines()
    assert first == "Imported 2 objects into 'my photo objects'."
    assert len(problems) == 2
    assert "no area inside the image" in problems[0]


def test_cancelling_and_closing(
    make_exporter: MakeExporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    every_class = LabelledLayers.every_class

    def wait(self: LabelledLayers) -> ClassTable:
        assert gate.wait(20)
        return every_class(self)

    monkeypatch.setattr(LabelledLayers, "every_class", wait)
    stack = np.stack([IDS] * 3)
    person = make_exporter(PIXELS[..., 0][None].repeat(3, 0), objects(stack))
    person.dock.exports.planes.setCurrentIndex(1)
    person.choose("coco")
    person.dock.exports.options.folder.choose(tmp_path)
    person.dock.exports.run.click()
    person.dock.exports.cancel.click()
    gate.set()
    person.wait()
    assert person.dock.exports.state.text().startswith("Cancelled after")
    assert not (tmp_path / "annotations.json").exists()
    assert person.dock.exports.run.isEnabled()
    update_coco(tmp_path / "a.json", [SAMPLE])
    person.dock.imports.path.setText(str(tmp_path / "a.json"))
    person.dock.imports.run.click()
    person.viewer.layers.remove("my photo")
    person.wait()
    assert person.dock.imports.state.text() == "Stopped."
    person.dock.exports.run.click()
    person.viewer.window.remove_dock_widget(person.dock)


def test_a_project_is_exported_as_a_whole(
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    tmp_path: Path,
    notices: list[str],
) -> None:
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "sub/a b.png"):
        Image.fromarray(PIXELS).save(folder / name)
    viewer = make_napari_viewer(show=False)
    dock = ExportWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Export and import")
    person = ExportPerson(viewer, dock, qtbot)
    fields = dock.exports
    fields.what.setCurrentIndex(1)
    fields.run.click()
    assert notices.pop().startswith("No project is open: open one in the dock")
    project = ProjectWidget(viewer, RecentProjects(tmp_path / "recent.json"))
    viewer.window.add_dock_widget(project, name="Project folder")
    controller = project.controller
    controller.open(ProjectPlace(folder))
    qtbot.waitUntil(lambda: controller.current == "a.png", timeout=20_000)
    update_coco(tmp_path / "in.json", [ring_and_parts("sub/a b.png")])
    controller.turn_to("sub/a b.png")
    qtbot.waitUntil(lambda: controller.current == "sub/a b.png", timeout=20_000)
    QTest.qWait(10)
    dock.imports.target.choose(controller.page.labels)
    assert person.load(tmp_path / "in.json").startswith("Imported 4 objects into")
    QTest.qWait(300)
    assert person.export("coco").startswith("Wrote 1 image, 4 objects to")
    home = folder / "napari-edgeflow"
    (back,) = read_coco(home / "export" / "annotations.json")
    assert back.file_name == "sub/a b.png"
    assert np.array_equal(back.class_labels() > 0, IDS > 0)
    # One image of the project has the name of its file, too.
    fields.what.setCurrentIndex(0)
    dock.exports.labels.choose(controller.page.labels)
    person.export("coco", tmp_path / "one")
    (back,) = read_coco(tmp_path / "one" / "annotations.json")
    assert back.file_name == "a b.png"


def test_labels_are_imported_into_all_images_of_a_project(
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    tmp_path: Path,
    notices: list[str],
) -> None:
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    names = ("a.png", "b.png", "full.png", "sub/c.png", "other size.png")
    for name in names:
        Image.fromarray(PIXELS if "size" not in name else PIXELS[5:]).save(
            folder / name
        )
    update_coco(
        tmp_path / "in.json",
        [ring_and_parts(name) for name in (*names, "unknown.png")],
    )
    viewer = make_napari_viewer(show=False)
    dock = ExportWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Export and import")
    person = ExportPerson(viewer, dock, qtbot)
    dock.imports.what.setCurrentIndex(1)
    person.load(tmp_path / "in.json")
    assert notices.pop().startswith("No project is open: open one in the dock")
    project = ProjectWidget(viewer, RecentProjects(tmp_path / "recent.json"))
    viewer.window.add_dock_widget(project, name="Project folder")
    pages = project.controller

    def turn(name: str) -> Any:
        pages.turn_to(name)
        qtbot.waitUntil(lambda: pages.current == name, timeout=20_000)
        return pages.page.labels

    pages.open(ProjectPlace(folder))
    qtbot.waitUntil(lambda: pages.current == "a.png", timeout=20_000)
    turn("full.png").data_setitem((np.array([0]), np.array([0])), 1)
    shown = turn("a.png")

    def load() -> list[str]:
        person.load(tmp_path / "in.json")
        qtbot.waitUntil(lambda: not dock.folder_importer.busy, timeout=20_000)
        return str(dock.imports.state.text()).splitlines()

    said = load()
    assert said[0] == "Imported 12 objects into 3 images."
    assert said[1] == "Left as before, since it has labels: 1 image."
    assert said[2].startswith("other size.png is left out: the labels are for an image")
    assert said[3] == "'unknown.png' is no image of the folder."
    assert np.array_equal(shown.data > 0, IDS > 0)
    history = Workspace.of(viewer).history
    assert history.undo_text == "import"
    history.undo()
    assert not shown.data.any()
    for name in ("b.png", "sub/c.png"):
        labels = turn(name)
        assert pages.project.record.page(name).objects == 4
        assert np.array_equal(labels.data > 0, IDS > 0)
        of_ids = classes_of_objects(labels.features)
        classes = read_scheme(labels).classes
        assert {classes.get(c).name for c in of_ids.values()} == {
            TABLE.get(c).name for c in CLASS_OF.values()
        }
    assert turn("full.png").data.sum() == 1
    # Images that have labels can be given more; pixels that have a label keep it.
    dock.imports.labelled.setCurrentIndex(1)
    assert load()[0] == "Imported 8 objects into 4 images."
    assert pages.page.labels.data[0, 0] == 1
    assert len(read_scheme(pages.page.labels).classes) == len(
        pages.project.record.classes
    )
    # All of it is taken back at once, but where somebody went on working.
    free = tuple(np.argwhere(IDS == 0)[:1].T)
    turn("b.png").data_setitem(free, 1)
    full = turn("full.png")
    assert len(np.unique(full.data)) > 2
    dock.imports.undo.click()
    qtbot.waitUntil(lambda: not dock.folder_undo.busy, timeout=20_000)
    assert str(dock.imports.state.text()).splitlines() == [
        "Undone: 3 images as before the import.",
        "Left alone, since edited after the import: 1 image ('b.png').",
    ]
    assert dock.imports.undo.isHidden()
    assert full.data.sum() == 1
    assert pages.project.record.page("full.png").objects == 0
    assert history.undo_text == "undo of the import"
    history.undo()
    assert len(np.unique(full.data)) > 2
    assert (turn("b.png").data > 0).sum() > (IDS > 0).sum()
    assert pages.project.record.page("a.png").objects == 0
    assert not turn("a.png").data.any()
    assert np.array_equal(turn("sub/c.png").data > 0, IDS > 0)


def test_a_folder_import_goes_on_while_pages_are_turned_and_stops_on_cancel(
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    names = [f"{number}.png" for number in range(4)]
    for name in names:
        Image.fromarray(PIXELS).save(folder / name)
    update_coco(tmp_path / "in.json", [ring_and_parts(name) for name in names])
    gates = [threading.Event() for _ in names]

    def slow(*given: Any, **more: Any) -> Any:
        for gate, annotation in zip(
            gates, read_annotations(*given, **more), strict=True
        ):
            assert gate.wait(20)
            yield annotation

    read_annotations = imports.read_annotations
    monkeypatch.setattr(imports, "read_annotations", slow)
    viewer = make_napari_viewer(show=False)
    dock = ExportWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Export and import")
    project = ProjectWidget(viewer, RecentProjects(tmp_path / "recent.json"))
    viewer.window.add_dock_widget(project, name="Project folder")
    pages = project.controller
    pages.open(ProjectPlace(folder))
    qtbot.waitUntil(lambda: pages.current == "0.png", timeout=20_000)
    fields = dock.imports
    fields.what.setCurrentIndex(1)
    fields.path.setText(str(tmp_path / "in.json"))
    fields.run.click()
    assert not fields.run.isEnabled()
    # The image that is just being opened gets its labels once it is there.
    pages.turn_to("1.png")
    for gate in gates[:2]:
        gate.set()
    qtbot.waitUntil(lambda: pages.current == "1.png", timeout=20_000)
    qtbot.waitUntil(
        lambda: np.array_equal(pages.page.labels.data > 0, IDS > 0), timeout=20_000
    )
    fields.cancel.click()
    gates[2].set()
    gates[3].set()
    qtbot.waitUntil(lambda: not dock.folder_importer.busy, timeout=20_000)
    assert fields.state.text().startswith("Cancelled. Imported")
    assert pages.project.record.page("3.png").objects == 0
    # Another time all that is missing comes; 0.png is left while it is read.
    fields.run.click()
    pages.turn_to("2.png")
    qtbot.waitUntil(lambda: not dock.folder_importer.busy, timeout=20_000)
    qtbot.waitUntil(lambda: pages.current == "2.png", timeout=20_000)
    assert np.array_equal(pages.page.labels.data > 0, IDS > 0)
    QTest.qWait(30)
    assert [pages.project.record.page(name).objects for name in names] == [4] * 4
