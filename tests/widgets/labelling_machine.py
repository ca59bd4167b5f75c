"""People who label at random: every seed is another one, and what must hold for all.

The docks are the real ones without a window; the networks need no weights. Images are
small and are written in tiny parts, so that every act can be met halfway.
"""

import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
import tifffile
from napari.components import ViewerModel
from numpy.typing import NDArray
from PIL import Image
from qtpy.QtCore import QEventLoop
from qtpy.QtWidgets import QApplication, QWidget
from tests.widgets.dock_person import FakeModels
from tests.widgets.segment_person import FakeSemanticModels

from napari_edgeflow.project.folder import ProjectPlace, open_project
from napari_edgeflow.widgets.clicks.dock import ClickWidget
from napari_edgeflow.widgets.exchange.importer import ImportController, import_request
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.objects.dock import ObjectsWidget
from napari_edgeflow.widgets.objects.table.edits import change_class, delete
from napari_edgeflow.widgets.project.dock import ProjectWidget
from napari_edgeflow.widgets.project.page.rows import FeatureRows
from napari_edgeflow.widgets.project.recent import RecentProjects
from napari_edgeflow.widgets.qt import turns
from napari_edgeflow.widgets.segment.dock import SegmentWidget
from napari_edgeflow.widgets.workspace import label_writer
from napari_edgeflow.widgets.workspace.label_writer import LabelTarget

NAMES = ["a.png", "b.png", "sub/c.png"]
SIDE = 48
PATCH = 12
"""The image is a board of patches; clicks find all of one colour."""

_PATIENCE_S = 30.0

Dock = TypeVar("Dock", bound=Any)
Draw = Callable[[random.Random], Any]
Act = Callable[..., None]


def one_of(*values: Any) -> Draw:
    return lambda chance: chance.choice(values)


def upto(highest: int) -> Draw:
    return lambda chance: chance.randint(0, highest)


def place(chance: random.Random) -> tuple[int, int]:
    return chance.randrange(SIDE), chance.randrange(SIDE)


either = one_of(False, True)
names = one_of(*NAMES)
turns_of_window = upto(6)

ACTS: list[tuple[str, dict[str, Draw]]] = []


def act(often: int = 1, **draws: Draw) -> Callable[[Act], Act]:
    """Make a method something that people do, with arguments that chance draws."""

    def known(method: Act) -> Act:
        ACTS.extend([(method.__name__, draws)] * often)
        return method

    return known


def board(number: int) -> NDArray[np.uint8]:
    rows, columns = np.indices((SIDE, SIDE)) // PATCH
    which = (rows * 5 + columns * 3 + number) % 7
    bits = which[..., None] >> np.arange(3) & 1
    return (20 + 200 * bits).astype(np.uint8)


class LabellingMachine:
    """Labels a folder of three images with all docks, leaving and coming back."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.kind: Any = self.chance.choice(["object", "object", "semantic"])
        self.folder = Path(tempfile.mkdtemp(prefix="labelling-"))
        for number, name in enumerate(NAMES):
            path = self.folder / "images" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(board(number)).save(path)
        self.patches = [
            patch.object(label_writer, "_PART", 4 * SIDE),
            patch.object(turns, "_TURN_S", 0.0),
        ]
        for one in self.patches:
            one.start()
        self.viewer: Any = ViewerModel()
        self.boxes: list[QWidget] = []
        self.models = FakeModels()

    # ---- the person's tools

    def open_docks(self) -> None:
        viewer = self.viewer
        recent = RecentProjects(self.folder / "recent.json")
        self.project = self.docked(ProjectWidget(viewer, recent))
        self.click = self.docked(ClickWidget(viewer, self.models))
        self.objects = self.docked(ObjectsWidget(viewer))
        self.segment = self.docked(SegmentWidget(viewer, FakeSemanticModels()))
        self.imports = ImportController(viewer)

    def docked(self, dock: Dock) -> Dock:
        box = QWidget()
        dock.setParent(box)
        self.boxes.append(box)
        return dock

    def close_docks(self) -> None:
        self.imports.close()
        for dock in (self.segment, self.objects, self.click, self.project):
            dock.setParent(None)
        self.boxes.clear()

    def open_project(self) -> None:
        self.project.controller.kind = self.kind
        self.project.controller.open(ProjectPlace(self.folder / "images"))
        self.until(lambda: bool(self.project.controller.current))
        self.settle()

    def turn(self, count: int) -> None:
        """Let the window have some turns."""
        for _ in range(count):
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 1)

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE_S
        while not condition():
            assert time.monotonic() < end, "it never ended"
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
            time.sleep(0.001)

    @property
    def busy(self) -> bool:
        workers = (
            self.click.controller,
            self.click.controls.class_layer,
            self.objects.controller,
            self.segment.controller,
            self.imports,
            self.project.controller,
        )
        return any(one.busy for one in workers)

    def settle(self) -> None:
        """Wait until nothing goes on any more."""
        self.turn(2)
        self.until(lambda: not self.busy)

    @property
    def labels(self) -> Any:
        return self.project.controller.page.labels

    @property
    def image(self) -> Any:
        return self.project.controller.page.image

    def shown(self) -> Any:
        """Return what the layers of the page hold."""
        found = {}
        for key, layer in self.project.controller.page.all_labels.items():
            scheme = read_scheme(layer)
            rows = FeatureRows(layer.features)
            found[key] = (
                layer.data.astype(int).tolist(),
                {i: dict(rows[i]) for i in sorted(rows)},
                () if scheme is None else scheme.classes.classes,
            )
        return found

    def pixels(self) -> NDArray[np.int64]:
        return np.array(self.labels.data, np.int64)

    # ---- what they do

    def labels_at_random(self, steps: int) -> list[str]:
        """Do so many things; return what was done, also in the note of an error."""
        done: list[str] = [f"kind {self.kind}"]
        try:
            self.open_docks()
            self.open_project()
            for _ in range(steps):
                name, draws = self.chance.choice(ACTS)
                values = {key: draw(self.chance) for key, draw in draws.items()}
                done.append(f"{name}({values})")
                getattr(self, name)(**values)
                self.ids_of_rows_are_there_once()
            done.append("comes back at last")
            self.looks_what_is_on_disk()
        except BaseException as error:
            error.add_note("\n".join(done))
            raise
        finally:
            self.leave()
        return done

    @act(often=3, place=place, positive=either, wait=either)
    def clicks(self, place: tuple[int, int], positive: bool, wait: bool) -> None:
        points = self.click.controller.layers.points
        if points is not None and self.image is not None:
            self.click.controls.positive.setChecked(positive)
            points.add(np.array([place], float))
            if wait:
                self.settle()

    @act(often=3, wait=turns_of_window)
    def finishes(self, wait: int) -> None:
        if self.labels is None:
            return
        layer, is_alone = self.labels, not self.busy
        self.click.controls.keep_existing.setChecked(True)
        before = self.pixels()
        mask = self.click.controller.layers.preview
        inside = None if mask is None else np.array(mask.data) > 0
        self.click.controller.finish()
        self.turn(wait)
        if is_alone and self.labels is layer:
            self.settle()
            changed = self.pixels() != before
            assert inside is not None or not changed.any()
            assert inside is None or not (changed & ~inside & (before == 0)).any()
            assert len(np.unique(self.pixels()[changed])) <= 1

    @act(often=3, back=either, wait=either)
    def undoes_or_redoes(self, back: bool, wait: bool) -> None:
        controller = self.click.controller
        (controller.undo if back else controller.redo)()
        if wait:
            self.settle()

    @act()
    def undoes_all_and_redoes_all(self) -> None:
        self.settle()
        history = self.objects.controller.history
        self.click.controller.forget()
        before, count = self.shown(), 0
        while history.undo() is not None:
            count += 1
        for _ in range(count):
            assert history.redo() is not None
        self.settle()
        for key, (pixels, rows, classes) in self.shown().items():
            np.testing.assert_array_equal(pixels, before[key][0])
            assert rows == before[key][1], (before[key][1], rows)
            assert classes == before[key][2], (before[key][2], classes)

    @act(often=2, place=place, value=upto(40), new=either)
    def paints(self, place: tuple[int, int], value: int, new: bool) -> None:
        layer = self.labels
        if layer is None:
            return
        before = self.pixels()
        layer.selected_label = int(before.max()) + 1 if new else value
        layer.brush_size = 6
        layer.paint(place, layer.selected_label)
        far = np.hypot(*(np.indices(before.shape) - np.reshape(place, (2, 1, 1)))) > 6
        np.testing.assert_array_equal(self.pixels()[far], before[far])

    @act(back=either)
    def uses_naparis_undo(self, back: bool) -> None:
        if self.labels is not None:
            (self.labels.undo if back else self.labels.redo)()

    @act(which=upto(30), heir=upto(30), wait=turns_of_window)
    def removes_a_class(self, which: int, heir: int, wait: int) -> None:
        classes = self.click.controls.classes.classes.classes
        gone, kept = classes[which % len(classes)], classes[heir % len(classes)]
        heir_id = None if gone is kept or heir % 3 == 0 else kept.id
        if self.labels is not None:
            self.click.controls.class_layer._take_away(gone.id, heir_id)
            self.turn(wait)

    @act(which=upto(30), name=one_of("owl", "ö", "x y"))
    def renames_a_class(self, which: int, name: str) -> None:
        view = self.click.controls.classes
        entry = view.classes.classes[which % len(view.classes)]
        row = list(view.classes).index(entry)
        view._table.item(row, 2).setText(f"{name} {entry.id}")

    @act()
    def adds_a_class(self) -> None:
        if len(self.click.controls.classes.classes) < 24:
            self.click.controls.classes.add_class()
            self.click.controls.classes._table.end_edit()

    @act(which=upto(9), many=either, wait=turns_of_window)
    def deletes_objects(self, which: int, many: bool, wait: int) -> None:
        self.edits_objects(which, many, wait, lambda s: delete(s.layer, s.entries))

    @act(which=upto(9), many=either, wait=turns_of_window)
    def gives_objects_a_class(self, which: int, many: bool, wait: int) -> None:
        view = self.click.controls.classes
        entry = view.classes.get(view.current_id)
        self.edits_objects(
            which, many, wait, lambda s: change_class(s.entries, entry), pixels=False
        )

    def edits_objects(
        self,
        which: int,
        many: bool,
        wait: int,
        change: Callable[[Any], Any],
        *,
        pixels: bool = True,
    ) -> None:
        if self.kind != "object" or self.labels is None:
            return
        self.objects.controls.layer.choose(self.labels)
        self.settle()
        ids = list(self.objects.controller._entries)
        if self.objects.controller.layer is not self.labels or not ids:
            return
        chosen = ids if many else [ids[which % len(ids)]]
        self.objects.controller.select(chosen)
        before = self.pixels()
        self.objects.controller.write(change)
        self.turn(wait)
        if self.labels is None:
            return
        changed = self.pixels() != before
        assert pixels or not changed.any()
        assert set(before[changed]) <= set(chosen)

    @act(often=2, wait=turns_of_window)
    def segments(self, wait: int) -> None:
        if self.image is None or self.labels is None:
            return
        controls = self.segment.controls
        controls.image.choose(self.image)
        controls.target.choose(self.labels)
        self.segment.controller.run()
        # The network has its turns, too; then the result is met halfway.
        self.until(
            lambda: (
                self.segment.controller._turns.busy or not self.segment.controller.busy
            )
        )
        self.turn(wait)

    @act(often=2, seed=upto(5), wait=turns_of_window)
    def imports_labels(self, seed: int, wait: int) -> None:
        if self.image is None or self.labels is None or self.imports.busy:
            return
        path = self.folder / "import" / f"{self.image.name}.tif"
        path.parent.mkdir(exist_ok=True)
        found = np.random.default_rng(seed).integers(0, 4, (SIDE // 8, SIDE // 8))
        tifffile.imwrite(path, np.kron(found, np.ones((8, 8))).astype(np.uint8))
        request = import_request(self.viewer, self.image, path, values=self.kind)
        to = LabelTarget(self.image, self.labels, self.kind, keep_existing=True)
        self.imports.run(request, to)
        self.until(lambda: self.imports._turns.busy or not self.imports.busy)
        self.turn(wait)

    @act()
    def waits(self) -> None:
        self.settle()

    @act(name=names)
    def turns_a_page(self, name: str) -> None:
        self.project._on_chosen(name)
        self.until(lambda: self.project.controller.current == name)

    @act(name=names)
    def turns_a_page_and_goes_on(self, name: str) -> None:
        self.project._on_chosen(name)

    @act(of_image=either)
    def closes_a_layer(self, of_image: bool) -> None:
        layer = self.image if of_image else self.labels
        if layer is not None and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)

    @act()
    def comes_back(self) -> None:
        """Close all docks, whatever they are doing, and open them and the project."""
        self.close_docks()
        self.turn(3)
        self.viewer.layers.clear()
        self.open_docks()
        self.open_project()

    # ---- what must hold

    def ids_of_rows_are_there_once(self) -> None:
        for layer in self.viewer.layers:
            if "index" in getattr(layer, "features", ()):
                ids = layer.features["index"].tolist()
                assert len(ids) == len(set(ids))

    @act()
    def looks_what_is_on_disk(self) -> None:
        """Whoever opens the project reads what the viewer shows."""
        self.settle()
        page = self.project.controller.page
        self.turn(2)
        time.sleep(0.32)
        self.turn(2)
        page.flush()
        self.project.controller._save_page()
        project = self.project.controller.project
        assert project is not None
        assert project.saver is not None
        assert project.saver.wait(timeout=_PATIENCE_S), project.saver.state.problem
        if page.image is None or page.image not in self.viewer.layers:
            return
        shown = self.shown()
        other = open_project(ProjectPlace(self.folder / "images", read_only=True))
        content = other.open_page(page.name).content
        for key, (pixels, rows, classes) in shown.items():
            stored = content.layers.get(key)
            if stored is None:
                assert not np.any(pixels)
                assert not rows
                continue
            np.testing.assert_array_equal(stored.labels, pixels)
            assert {i: dict(stored.rows[i]) for i in sorted(stored.rows)} == rows
            assert stored.classes.classes == classes
            if key == "objects" and self.labels is page.labels:
                assert other.record.classes.classes == classes

    @act()
    def looks_at_the_table(self) -> None:
        """The table lists the objects that have pixels, and no others."""
        if self.kind != "object" or self.labels is None:
            return
        self.objects.controls.layer.choose(self.labels)
        self.settle()
        if self.objects.controller.layer is self.labels:
            ids = set(np.unique(self.labels.data).tolist()) - {0}
            assert set(self.objects.controller._entries) == ids

    def leave(self) -> None:
        self.close_docks()
        self.turn(3)
        self.viewer.layers.clear()
        for one in self.patches:
            one.stop()
        shutil.rmtree(self.folder)
