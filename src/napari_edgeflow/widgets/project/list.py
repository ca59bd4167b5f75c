"""The list of the images of a project, with their pictures and states."""

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor, QFontMetrics, QPainter, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from napari_edgeflow.project.storage.project_file import PageState, PageSummary
from napari_edgeflow.widgets.project.thumbnails import SIDE, Thumbnails

STATE_TEXTS: dict[PageState, str] = {"new": "new", "work": "in work", "done": "done"}

_COLOURS: dict[PageState, str] = {
    "new": "#8a8d93",
    "work": "#f0a500",
    "done": "#2ecc40",
}
_PROBLEM = "#ff5d5d"
_NAME = Qt.ItemDataRole.DisplayRole
_Index = QModelIndex | QPersistentModelIndex


class PageModel(QAbstractListModel):
    """The images that the filter lets through; quick with tens of thousands."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._names: list[str] = []
        self._pages: Mapping[str, PageSummary] = {}
        self._state: PageState | None = None
        self._text = ""
        self.problems: dict[str, str] = {}
        """Why images could not be opened, by name."""
        self.shown: list[str] = []
        """The images in the list, in order."""
        self._rows: dict[str, int] = {}
        thumbnails.ready.connect(self._on_ready)

    def open(self, names: list[str], pages: Mapping[str, PageSummary]) -> None:
        """List other images."""
        self._names, self._pages, self.problems = names, pages, {}
        self._refill()

    def set_pages(self, pages: Mapping[str, PageSummary], name: str) -> None:
        """Say what is known now of one image; it stays in the list for the moment."""
        self._pages = pages
        self._on_ready(name)

    def set_problem(self, name: str, problem: str) -> None:
        """Say why an image cannot be opened; "" if it can."""
        self.problems.pop(name, None)
        if problem:
            self.problems[name] = problem
        self._on_ready(name)

    def filter(self, state: PageState | None, text: str) -> None:
        """List only images of a state, or of all, whose names have all words."""
        self._state, self._text = state, text
        self._refill()

    def row(self, name: str) -> int | None:
        """Return where an image is in the list; None if the filter hides it."""
        return self._rows.get(name)

    def neighbour(self, name: str, step: int, *, skip_broken: bool = False) -> str:
        """Return the next or previous image in the list; "" at its end.

        From an image that the filter hides it goes on from the place it had.
        """
        row = self._rows.get(name)
        if row is None and name in self._names:
            at = self._names.index(name)
            later = [n for n in self._names[at:] if n in self._rows]
            row = self._rows[later[0]] if later else len(self.shown)
            row = row - 1 if step > 0 else row
        row = (-1 if step > 0 else len(self.shown)) if row is None else row
        row += step
        while 0 <= row < len(self.shown):
            if not skip_broken or not self.problem(self.shown[row]):
                return self.shown[row]
            row += step
        return ""

    def problem(self, name: str) -> str:
        """Return why an image cannot be read; "" as far as is known that it can."""
        return self.problems.get(name) or self._thumbnails.problems.get(name, "")

    def _refill(self) -> None:
        words = self._text.casefold().split()
        state = self._state
        self.beginResetModel()
        self.shown = [
            name
            for name in self._names
            if (state is None or self._page(name).state == state)
            and all(word in name.casefold() for word in words)
        ]
        self._rows = {name: row for row, name in enumerate(self.shown)}
        self.endResetModel()

    def _page(self, name: str) -> PageSummary:
        return self._pages.get(name, PageSummary())

    def _on_ready(self, name: str) -> None:
        row = self._rows.get(name)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row))

    # ---- what the view asks

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        """Return the number of images."""
        return 0 if parent.isValid() else len(self.shown)

    def data(self, index: _Index, role: int = _NAME) -> Any:
        """Return what is to be seen of an image."""
        if not index.isValid():
            return None
        name = self.shown[index.row()]
        if role == _NAME:
            return name
        if role == Qt.ItemDataRole.DecorationRole:
            return self._thumbnails.get(name)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.problem(name) or name
        return None

    def state_of(self, name: str) -> tuple[str, str]:
        """Return the words on an image's state, and their colour."""
        if self.problem(name):
            return "cannot be read", _PROBLEM
        page = self._page(name)
        text = STATE_TEXTS[page.state]
        if page.objects:
            text += f" · {page.objects} object{'s' if page.objects > 1 else ''}"
        return text, _COLOURS[page.state]


class _PageDelegate(QStyledItemDelegate):
    """Draws the picture of an image, its name, and its state below."""

    def __init__(self, model: PageModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Return the size of a row."""
        return QSize(160, SIDE + 6)

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: _Index
    ) -> None:
        """Draw a row."""
        if painter is None:
            return
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, option.palette.highlight())
        box = option.rect.adjusted(4, 3, -4, -3)
        picture = QRect(box.left(), box.top(), SIDE, SIDE)
        _draw_picture(painter, picture, index.data(Qt.ItemDataRole.DecorationRole))
        text = box.adjusted(SIDE + 8, 6, 0, -6)
        name = str(index.data(_NAME))
        self._draw_texts(painter, text, name, option)
        painter.restore()

    def _draw_texts(
        self, painter: QPainter, box: QRect, name: str, option: QStyleOptionViewItem
    ) -> None:
        metrics = QFontMetrics(painter.font())
        shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, box.width())
        painter.setPen(option.palette.text().color())
        painter.drawText(box, Qt.AlignmentFlag.AlignTop, shown)
        state, colour = self._model.state_of(name)
        dot = QRect(box.left(), box.bottom() - metrics.height() // 2 - 3, 7, 7)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(colour))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(dot)
        painter.setPen(option.palette.text().color())
        painter.setOpacity(0.75)
        painter.drawText(box.adjusted(13, 0, 0, 0), Qt.AlignmentFlag.AlignBottom, state)


def _draw_picture(painter: QPainter, box: QRect, picture: QPixmap | None) -> None:
    if picture is None:
        painter.fillRect(box, QColor(128, 128, 128, 40))
        return
    place = QRect(picture.rect())
    place.moveCenter(box.center())
    painter.drawPixmap(place, picture)


class PageList(QListView):
    """Shows the images; a click or Enter opens one."""

    chosen = Signal(str)

    def __init__(self, model: PageModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.setModel(model)
        self.setItemDelegate(_PageDelegate(model, self))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(3 * SIDE)
        self.clicked.connect(self._on_chosen)
        self.activated.connect(self._on_chosen)

    def mark(self, name: str) -> None:
        """Select the image that is open and bring it into sight."""
        row = self._model.row(name)
        if row is None:
            self.clearSelection()
            return
        index = self._model.index(row)
        self.setCurrentIndex(index)
        self.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)

    def _on_chosen(self, index: QModelIndex) -> None:
        self.chosen.emit(self._model.shown[index.row()])
