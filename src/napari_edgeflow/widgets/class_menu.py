"""What can be done to classes, apart from adding and deleting them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info, show_warning
from qtpy.QtWidgets import QFileDialog, QMenu

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.formats.files.class_files import (
    FORMATS,
    SUFFIXES,
    ClassFormat,
    read_classes,
    write_classes,
)
from napari_edgeflow.widgets.workers import show_problem

if TYPE_CHECKING:
    from napari_edgeflow.widgets.class_list import ClassList

_MOST_TOLD = 5
"""How many problems of a file are told one by one."""


class ClassMenu(QMenu):
    """The menu of a list of classes.

    Parameters
    ----------
    view : ClassList
        The list.
    """

    def __init__(self, view: "ClassList") -> None:
        super().__init__(view)
        self._view = view
        for entry in (
            ("Rename", view.rename_class),
            ("Colour …", view.ask_colour),
            ("Move up", lambda: view.move_class(-1)),
            ("Move down", lambda: view.move_class(1)),
            None,
            ("Merge into another class …", self._merge),
            ("Delete …", view.remove_class),
            None,
            ("Show this class only", self._show_only),
            ("Show all classes", lambda: view.hide_classes(frozenset())),
            None,
            ("Open classes …", self._open),
        ):
            if entry is None:
                self.addSeparator()
            else:
                self._add_entry(self, *entry)
        self._add_exports()

    def _add_exports(self) -> None:
        exports = QMenu("Save classes as", self)
        self.addMenu(exports)
        for form, title in FORMATS.items():
            self._add_entry(exports, f"{title} …", partial(self._save, form))

    def _add_entry(self, menu: QMenu, text: str, action: Callable[[], None]) -> None:
        entry = menu.addAction(text)
        if entry is not None:
            entry.triggered.connect(lambda _checked=False: action())

    def _merge(self) -> None:
        self._view.merge_asked.emit(self._view.current_id)

    def _show_only(self) -> None:
        view = self._view
        others = {entry.id for entry in view.classes} - {view.current_id}
        view.hide_classes(frozenset(others))

    # ---- files

    def _open(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self._view, "Open classes", "", "Classes (*.txt *.json);;All files (*)"
        )
        if name:
            self.open_classes(Path(name))

    def open_classes(self, path: Path) -> None:
        """Take over the classes of a file, whatever can be used of it.

        Present classes that have labels stay, so that no label loses its class, unless
        the file has their id.
        """
        problems: list[str] = []
        try:
            found = read_classes(path, problems.append)
        except (ValueError, OSError) as error:
            show_problem(error)
            return
        view, ids = self._view, {entry.id for entry in found}
        used = (c for c in view.classes if c.id not in ids and view.count_text(c.id))
        view.replace(ClassTable((*found, *used)), view.current_id)
        _tell(problems)

    def _save(self, form: ClassFormat) -> None:
        suffix = SUFFIXES[form]
        name, _ = QFileDialog.getSaveFileName(
            self._view, "Save classes", f"classes{suffix}", f"Classes (*{suffix})"
        )
        if name:
            path = Path(name)
            self.save_classes(path if path.suffix else path.with_suffix(suffix), form)

    def save_classes(self, path: Path, form: ClassFormat) -> None:
        """Write the classes into a file."""
        try:
            write_classes(path, self._view.classes, form)
        except (ValueError, OSError) as error:
            show_problem(error)
        else:
            show_info(f"{len(self._view.classes)} classes are in {path}.")


def _tell(problems: list[str]) -> None:
    if problems:
        told = "\n".join(problems[:_MOST_TOLD])
        more = len(problems) - _MOST_TOLD
        rest = f"\n… and {more} more" if more > 0 else ""
        show_warning(f"{told}{rest}")
