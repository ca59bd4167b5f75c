"""What labelling took, and what the model saved: a tab of the objects' dock."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.utils.notifications import show_info, show_warning
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.engine.evaluation.effort import (
    BY_MODEL,
    EffortFigures,
    ObjectEffort,
    Saving,
    by_class,
    saving,
    total,
)
from napari_edgeflow.engine.labels.classes import Colour
from napari_edgeflow.formats.effort.click_benchmark import (
    CLICKS,
    ClickedObject,
    write_click_benchmark,
)
from napari_edgeflow.formats.effort.csv import write_effort_csv
from napari_edgeflow.widgets.layers.annotation import LabelledLayers, labelled_layers
from napari_edgeflow.widgets.layers.labels import read_scheme
from napari_edgeflow.widgets.layers.matching import image_of
from napari_edgeflow.widgets.layers.object_records import ObjectRecord, read_records
from napari_edgeflow.widgets.layers.planes import plane_count
from napari_edgeflow.widgets.objects.effort.plot import EffortPlot, Measure
from napari_edgeflow.widgets.qt.style import counted, make_compact, swatch
from napari_edgeflow.widgets.qt.workers import StreamCall, show_problem

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer
    from qtpy.QtGui import QShowEvent

    from napari_edgeflow.widgets.objects.table.controller import ObjectsController
    from napari_edgeflow.widgets.objects.table.entries import ObjectEntry

_HEADERS = ("Class", "Objects", "Clicks", "Seconds")
_TIPS = ("", "", "Mean of an object", "Median of an object")
_GREY: Colour = (128, 128, 128)
_JPEG = (".jpg", ".jpeg")
_MINUTE = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class _BenchmarkRequest:
    """Whose clicks to write, and where."""

    source: LabelledLayers
    records: tuple[ObjectRecord, ...]
    folder: Path


class EffortPanel(QWidget):
    """Clicks and seconds of each object and class, with a plot, CSV and benchmark.

    It shows the objects that a dock lists, whenever they are others.
    """

    def __init__(self, controller: "ObjectsController") -> None:
        super().__init__()
        self._controller = controller
        self._layer: Labels | None = None
        self._entries: Sequence[ObjectEntry] | None = None
        self._objects: list[ObjectEffort] = []
        self._calls: StreamCall[_BenchmarkRequest, int, int] = StreamCall(
            _write_benchmark,
            report=lambda request, written: None,
            deliver=self._on_written,
            stopped=lambda request: None,
            fail=lambda request, error: show_problem(error),
        )
        # Nobody tells the panel that its dock goes.
        self.destroyed.connect(self._calls.close)
        # Qt undoes the connection to a method when the panel goes.
        controller.entries_changed.connect(self._on_entries)
        self._make_views()
        self._lay_out()
        self.show_layer(None)

    @property
    def busy(self) -> bool:
        """Whether a benchmark is being written."""
        return self._calls.busy

    def show_layer(
        self, layer: "Labels | None", records: Iterable[ObjectRecord] = ()
    ) -> None:
        """Show objects of a layer, whose records were read; None for none."""
        self._layer = layer
        known = [] if layer is None else _efforts_of(layer, records)
        self._objects = [entry for entry in known if entry.is_labelled]
        scheme = read_scheme(layer)
        classes = () if scheme is None else scheme.classes
        self._colours = {entry.name: entry.colour for entry in classes}
        self._fill_table()
        self._show_plot()
        self.told.setText(saving_text(self._objects, saving(self._objects)))
        for button in (self.csv, self.benchmark):
            button.setEnabled(bool(self._objects))

    def save_csv(self, path: Path) -> None:
        """Write a line for each object."""
        try:
            write_effort_csv(path, self._objects)
        except OSError as error:
            show_problem(error)
        else:
            show_info(f"Wrote {counted(len(self._objects), 'object')} to {path}.")

    def save_benchmark(self, folder: Path) -> None:
        """Write images, masks and clicks, which ``evaluate clicks`` replays."""
        if self._layer is None:
            return
        try:
            request = _benchmark_request(self._controller.viewer, self._layer, folder)
        except ValueError as error:
            show_warning(str(error))
        else:
            self._calls(request)

    def showEvent(self, event: "QShowEvent | None") -> None:
        """Catch up with what happened while nobody saw the panel."""
        super().showEvent(event)
        self._show_entries()

    def _on_entries(self, entries: "Sequence[ObjectEntry]") -> None:
        self._entries = entries
        if self.isVisible():
            self._show_entries()

    def _show_entries(self) -> None:
        controller, entries = self._controller, self._entries
        if entries is not None:
            self._entries = None
            records = [entry.record for entry in entries if entry.record is not None]
            self.show_layer(
                controller.layer if controller.has_objects else None, records
            )

    # ---- making

    def _make_views(self) -> None:
        self.measure = QComboBox(self)
        self.measure.addItem("Seconds of each object", "seconds")
        self.measure.addItem("Clicks on each object", "clicks")
        self.measure.currentIndexChanged.connect(self._show_plot)
        self.plot = EffortPlot(self)
        self.table = QTableWidget(0, len(_HEADERS), self)
        self.table.setHorizontalHeaderLabels(list(_HEADERS))
        for column, tip in enumerate(_TIPS):
            header = self.table.horizontalHeaderItem(column)
            if header is not None:
                header.setToolTip(tip)
        make_compact(self.table, stretched=0, row_height=22, least_height=90)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.told = QLabel(self)
        self.told.setWordWrap(True)
        self.csv = QPushButton("Save CSV …", self)
        self.csv.setToolTip("A table with one line for each object")
        self.csv.clicked.connect(self._ask_csv)
        self.benchmark = QPushButton("Save clicks …", self)
        self.benchmark.setToolTip(
            "Images, masks and your clicks, to measure models with: "
            f"napari-edgeflow evaluate clicks --clicks {CLICKS}"
        )
        self.benchmark.clicked.connect(self._ask_benchmark)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.csv)
        buttons.addWidget(self.benchmark)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (self.measure, self.plot, self.table, self.told):
            layout.addWidget(part)
        layout.addLayout(buttons)

    def _fill_table(self) -> None:
        figures = list(by_class(self._objects))
        every = total(self._objects)
        if every is not None and len(figures) > 1:
            figures.append(every)
        self.table.setRowCount(len(figures))
        for row, entry in enumerate(figures):
            self._fill_row(row, entry, is_total=entry is every)

    def _fill_row(self, row: int, figures: EffortFigures, *, is_total: bool) -> None:
        name = QTableWidgetItem(figures.name or "no class")
        if not is_total:
            name.setIcon(swatch(self._colours.get(figures.name, _GREY)))
        self.table.setItem(row, 0, name)
        texts = (
            f"{figures.objects:,}", f"{figures.clicks:.1f}", f"{figures.seconds:.1f}",
        )  # fmt: skip
        for column, text in enumerate(texts, start=1):
            item = QTableWidgetItem(text)
            item.setTextAlignment(
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
            self.table.setItem(row, column, item)

    def _show_plot(self, *_: object) -> None:
        measure: Measure = (
            "clicks" if self.measure.currentData() == "clicks" else "seconds"
        )
        self.plot.show_objects(self._objects, self._colours, measure)

    def _ask_csv(self) -> None:
        found, _ = QFileDialog.getSaveFileName(
            self, "Save clicks and seconds", "effort.csv", "CSV (*.csv)"
        )
        if found:
            self.save_csv(Path(found).with_suffix(".csv"))

    def _ask_benchmark(self) -> None:
        found = QFileDialog.getExistingDirectory(self, "Save clicks as a benchmark")
        if found:
            self.save_benchmark(Path(found))

    def _on_written(self, request: _BenchmarkRequest, objects: int) -> None:
        show_info(
            f"Wrote the clicks of {counted(objects, 'object')} to "
            f"{request.folder / CLICKS}."
        )


def _efforts_of(layer: "Labels", records: Iterable[ObjectRecord]) -> list[ObjectEffort]:
    """Return what each object of a layer took."""
    is_stack = plane_count(layer) > 1
    return [
        ObjectEffort(
            record.object_id,
            record.class_name,
            record.source,
            len(record.clicks),
            record.seconds,
            record.plane.name if is_stack else "",
        )
        for record in records
    ]


def saving_text(objects: Sequence[ObjectEffort], saved: Saving | None) -> str:
    """Return what the model saved, or how to find out."""
    if not objects:
        return ""
    if saved is None:
        if any(entry.source in BY_MODEL for entry in objects):
            return (
                "Label an object with the brush alone to see what the model saves you."
            )
        return ""
    hand, model = saved.by_hand, saved.by_model
    compared = (
        f"By hand {hand.seconds:.1f} s each ({counted(hand.objects, 'object')}), with "
        f"the model {model.seconds:.1f} s ({counted(model.objects, 'object')})"
    )
    if saved.seconds <= 0:
        return f"{compared}: drawing was no slower so far."
    return f"{compared}: {spoken(saved.seconds)} saved so far."


def spoken(seconds: float) -> str:
    """Return a time as a person says it: "40 s", "12 min", "2.5 h"."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    minutes = seconds / _MINUTE
    return f"{minutes:.0f} min" if minutes < 2 * _MINUTE else f"{minutes / 60:.1f} h"


def _benchmark_request(
    viewer: "Viewer", labels: "Labels", folder: Path
) -> _BenchmarkRequest:
    """Return what to write in the background.

    Raises
    ------
    ValueError
        If no object was clicked, or its image is gone.
    """
    records = tuple(r for r in read_records(labels).values() if _is_clicked(r))
    if not records:
        raise ValueError(f"No object in {labels.name!r} was made by clicks.")
    source = labelled_layers(
        viewer, image_of(viewer.layers, labels), labels, every=True
    )
    return _BenchmarkRequest(source, records, folder)


def _write_benchmark(request: _BenchmarkRequest) -> Generator[int, None, int]:
    """Write images, masks and clicks; yield after each image, return the objects."""
    source, written = request.source, 0
    for place, (plane, name) in enumerate(
        zip(source.planes, source.names, strict=True)
    ):
        here = [r for r in request.records if r.plane == plane.plane]
        if not here:
            continue
        labels = source.labels(place)
        present = set(np.unique(labels).tolist())
        clicked = [
            ClickedObject(r.object_id, r.class_name, r.clicks, r.view, r.seconds)
            for r in here
            if r.object_id in present
        ]
        image = _as_seen(source, place)
        write_click_benchmark(request.folder, name, image, labels, clicked)
        written += len(clicked)
        yield written
    return written


def _is_clicked(record: ObjectRecord) -> bool:
    return record.source == "click" and any(c.positive for c in record.clicks)


def _as_seen(source: LabelledLayers, place: int) -> Path | NDArray[np.uint8]:
    """Return a JPEG as it is, and the pixels shown of anything else."""
    path = source.path
    if path is not None and path.suffix.lower() in _JPEG:
        return path
    return source.pixels(place)
