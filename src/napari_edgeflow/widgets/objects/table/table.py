"""The table of the objects of a layer: thousands of rows without a widget for each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    Qt,
    Signal,
)
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QAbstractItemView, QTableView, QWidget

from napari_edgeflow.engine.labels.classes import Colour
from napari_edgeflow.widgets.objects.table.entries import ObjectEntry
from napari_edgeflow.widgets.qt.style import make_compact, swatch

_NO_INDEX = QModelIndex()

_ID, _CLASS, _AREA, _CLICKS, _SECONDS, _SOURCE = range(6)
_HEADERS = ("Id", "Class", "Area", "Clicks", "Sec.", "Made by")
_TIPS = (
    "The value in the layer",
    "",
    "Pixels",
    "Clicks that made it",
    "Seconds from the first click to the end",
    "What made it",
)
_WIDTHS = (36, 90, 52, 46, 40, 64)
_CELL_MARGIN = 12
"""Of a number in its column, in pixels: left and right together."""
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _clicks(entry: ObjectEntry) -> int:
    return 0 if entry.record is None else len(entry.record.clicks)


def _seconds(entry: ObjectEntry) -> float:
    return 0.0 if entry.record is None else entry.record.seconds


def _source(entry: ObjectEntry) -> str:
    return "" if entry.record is None else entry.record.source


_SORT_BY: dict[int, Callable[[ObjectEntry], Any]] = {
    _ID: lambda entry: entry.id,
    _CLASS: lambda entry: (entry.class_name.casefold(), entry.class_id),
    _AREA: lambda entry: entry.measure.pixels,
    _CLICKS: _clicks,
    _SECONDS: _seconds,
    _SOURCE: _source,
}

_TEXTS: dict[int, Callable[[ObjectEntry], str]] = {
    _ID: lambda entry: str(entry.id),
    _CLASS: lambda entry: entry.class_name or "no class",
    _AREA: lambda entry: f"{entry.measure.pixels:,}",
    _CLICKS: lambda entry: str(_clicks(entry) or ""),
    _SECONDS: lambda entry: f"{_seconds(entry):.1f}" if _seconds(entry) else "",
    _SOURCE: _source,
}


class ObjectModel(QAbstractTableModel):
    """The rows of the table, in the order the person asked for."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[ObjectEntry] = []
        self._column, self._descending = _ID, False
        self._icons: dict[Colour, QIcon] = {}

    @property
    def entries(self) -> Sequence[ObjectEntry]:
        """The objects in their order."""
        return self._entries

    def set_entries(self, entries: Iterable[ObjectEntry]) -> None:
        """List other objects; rows that only come or only go leave the others alone."""
        ordered = self._ordered(entries)
        before, after = ([e.id for e in known] for known in (self._entries, ordered))
        start = _common(before, after)
        end = _common(before[start:][::-1], after[start:][::-1])
        gone, new = len(before) - start - end, len(after) - start - end
        if gone and new:
            self.beginResetModel()
            self._entries = ordered
            self.endResetModel()
            return
        if gone:
            self.beginRemoveRows(_NO_INDEX, start, start + gone - 1)
            self._entries = ordered
            self.endRemoveRows()
        elif new:
            self.beginInsertRows(_NO_INDEX, start, start + new - 1)
            self._entries = ordered
            self.endInsertRows()
        self._entries = ordered
        if ordered:
            last = self.index(len(ordered) - 1, len(_HEADERS) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def _ordered(self, entries: Iterable[ObjectEntry]) -> list[ObjectEntry]:
        by_id = sorted(entries, key=_SORT_BY[_ID])
        return sorted(by_id, key=_SORT_BY[self._column], reverse=self._descending)

    def sort(
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        """Order the rows by a column."""
        self._column = max(column, 0)
        self._descending = order == Qt.SortOrder.DescendingOrder
        self.beginResetModel()
        self._entries = self._ordered(self._entries)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = _NO_INDEX) -> int:
        """Return how many objects there are."""
        return 0 if parent.isValid() else len(self._entries)

    def columnCount(self, parent: QModelIndex = _NO_INDEX) -> int:
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(_HEADERS)

    def data(
        self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Return what a cell shows."""
        entry, column = self._entries[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return _TEXTS[column](entry)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return None if column in (_CLASS, _SOURCE) else _RIGHT
        if role == Qt.ItemDataRole.DecorationRole and column == _CLASS:
            return self._icon(entry.colour)
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> object:
        """Return the title of a column."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return _HEADERS[section]
            if role == Qt.ItemDataRole.ToolTipRole:
                return _TIPS[section]
        return None

    def _icon(self, colour: Colour | None) -> QIcon | None:
        if colour is None:
            return None
        if colour not in self._icons:
            self._icons[colour] = swatch(colour)
        return self._icons[colour]


class ObjectTable(QTableView):
    """Shows the objects; what is selected stays selected when they change."""

    selected = Signal(object, object)
    """Ids of the selected objects, and the one to look at or None."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.objects = ObjectModel(self)
        self.setModel(self.objects)
        make_compact(self, stretched=_CLASS, row_height=22, least_height=160)
        header = self.horizontalHeader()
        if header is not None:
            for column, width in enumerate(_WIDTHS):
                if column != _CLASS:
                    # Their content is not measured: that takes long for many rows.
                    header.setSectionResizeMode(column, header.ResizeMode.Interactive)
                header.resizeSection(column, width)
            header.setSortIndicator(_ID, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self._quiet = False
        self._ids: tuple[int, ...] = ()
        self.objects.modelReset.connect(self._on_reset)
        model = self.selectionModel()
        if model is not None:
            model.selectionChanged.connect(self._on_selected)

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of the objects that are selected."""
        return self._ids

    def set_entries(self, entries: Iterable[ObjectEntry]) -> None:
        """List other objects."""
        with self._quietly():
            self.objects.set_entries(entries)
        if self._ids:
            present = {entry.id for entry in self.objects.entries}
            self._ids = tuple(i for i in self._ids if i in present)
        self._fit_areas()

    def _fit_areas(self) -> None:
        """Make room for the largest area: numbers that are cut off look smaller."""
        header, entries = self.horizontalHeader(), self.objects.entries
        if header is None or not entries:
            return
        largest = max(entries, key=_SORT_BY[_AREA])
        text = _TEXTS[_AREA](largest)
        needed = self.fontMetrics().horizontalAdvance(text) + _CELL_MARGIN
        if header.sectionSize(_AREA) < needed:
            header.resizeSection(_AREA, needed)

    def select(self, ids: Iterable[int]) -> None:
        """Select the rows of ids, without telling anyone; the first is scrolled to."""
        wanted = set(ids)
        rows = [i for i, e in enumerate(self.objects.entries) if e.id in wanted]
        self._ids = tuple(self.objects.entries[row].id for row in rows)
        selection = QItemSelection()
        for first, last in _runs(rows):
            selection.select(
                self.objects.index(first, 0), self.objects.index(last, _SOURCE)
            )
        model = self.selectionModel()
        if model is None:
            return
        with self._quietly():
            model.select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if rows:
            self.scrollTo(self.objects.index(rows[0], 0))

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Tell nobody of what is selected meanwhile: it was not the person."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _on_reset(self) -> None:
        """Select the same objects in their new rows."""
        self.select(self._ids)

    def _on_selected(self) -> None:
        model = self.selectionModel()
        if self._quiet or model is None:
            return
        entries = self.objects.entries
        rows = sorted(index.row() for index in model.selectedRows())
        self._ids = tuple(entries[row].id for row in rows)
        current = model.currentIndex().row()
        looked_at = entries[current].id if current in rows else None
        self.selected.emit(self._ids, looked_at)


def _common(some: Sequence[int], others: Sequence[int]) -> int:
    """Return how many numbers two sequences have in common at their beginning."""
    pairs = enumerate(zip(some, others, strict=False))
    differing = (at for at, (one, other) in pairs if one != other)
    return next(differing, min(len(some), len(others)))


def _runs(rows: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Yield first and last of numbers that follow each other."""
    start = 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or rows[at] != rows[at - 1] + 1:
            yield rows[start], rows[at - 1]
            start = at
