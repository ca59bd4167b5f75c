"""The buttons, the list and the status line of the dock "Project folder"."""

from pathlib import Path
from typing import cast

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.project.folder import Project, ProjectPlace, count_states
from napari_edgeflow.project.storage.project_file import PageState
from napari_edgeflow.widgets.fields.choices import KindCombo
from napari_edgeflow.widgets.keys.shortcuts import Shortcuts
from napari_edgeflow.widgets.project.list import STATE_TEXTS, PageList, PageModel
from napari_edgeflow.widgets.project.notice import Notice
from napari_edgeflow.widgets.project.recent import RecentProjects
from napari_edgeflow.widgets.project.thumbnails import Thumbnails
from napari_edgeflow.widgets.qt.later import Later

_TYPING_MS = 200
_NOTHING_OPEN = (
    "Open a folder of images, or drag one here. Everything you make on them is saved "
    "at once, in the folder “napari-edgeflow” beside them."
)


class ProjectControls(QWidget):
    """All that is in the dock; it knows nothing of what it causes."""

    open_asked = Signal(object)
    page_asked = Signal(str)
    changed = Signal()

    def __init__(self, recent: RecentProjects, shortcuts: Shortcuts) -> None:
        super().__init__()
        self._recent = recent
        self.thumbnails = Thumbnails()
        self.pages = PageModel(self.thumbnails, self)
        self.list = PageList(self.pages, self)
        self.open_button = self._make_open_button()
        self.where, self.notice = QLabel(_NOTHING_OPEN, self), Notice(self)
        self.where.setWordWrap(True)
        self.state, self.text = QComboBox(self), QLineEdit(self)
        self.previous = self._button("Previous", "Go to the image before")
        self.next = self._button("Next", "Go to the next image")
        self.done = self._button("Mark as done", "")
        self.done.setCheckable(True)
        self.skip_broken = QCheckBox("Skip images that cannot be read", self)
        self.kind = KindCombo(self)
        self.kind.choose("object")
        self.status = QLabel(self)
        self.status.setWordWrap(True)
        self._filter_later = Later(self, self._filter, _TYPING_MS)
        self._shortcuts = shortcuts
        self._label_keys()
        self._lay_out()
        self._connect()
        self._set_open(False)

    # ---- what the controller says

    def show_project(self, project: Project) -> None:
        """Show the images of a project that was opened."""
        self.thumbnails.open(project.image)
        self.pages.open(project.names, project.record.pages)
        self.where.setText(project.images.name or str(project.images))
        self.where.setToolTip(f"{project.images}\nLabels: {project.home}")
        self._set_open(True)
        self.show_counts(project)
        if not project.names:
            self.where.setText(
                f"There is no image in {project.images} that can be read: add some and "
                "open it again, or open another folder."
            )

    def show_counts(self, project: Project) -> None:
        """Say how many images are in each state."""
        counts = count_states(project)
        self.state.setItemText(0, f"All ({len(project.names)})")
        for row, (state, text) in enumerate(STATE_TEXTS.items(), 1):
            self.state.setItemText(row, f"{text.capitalize()} ({counts[state]})")

    def show_page(self, name: str, state: PageState) -> None:
        """Mark the image that is open."""
        self.list.mark(name)
        self.show_done(state)

    def show_done(self, state: PageState) -> None:
        """Show whether the image that is open is done."""
        self.done.setChecked(state == "done")

    def show_status(self, text: str, wrong: bool) -> None:
        """Say how saving goes."""
        self.status.setText(text)
        style = "color: #ff5d5d; font-weight: bold" if wrong else ""
        self.status.setStyleSheet(style)

    # ---- values

    @property
    def chosen_state(self) -> PageState | None:
        """The state that is listed; None for all."""
        return cast("PageState | None", self.state.currentData())

    def choose_state(self, state: str | None) -> None:
        """List images of a state, or of all."""
        self.state.setCurrentIndex(max(self.state.findData(state), 0))

    # ---- making

    def _make_open_button(self) -> QPushButton:
        button = self._button(
            "Open a folder …", "Open a folder of images, with all folders in it"
        )
        menu = QMenu(button)
        menu.aboutToShow.connect(self._fill_menu)
        button.setMenu(menu)
        return button

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        return button

    def _label_keys(self) -> None:
        for button, action in (
            (self.previous, "previous_image"),
            (self.next, "next_image"),
            (self.done, "mark_done"),
        ):
            self._shortcuts.label(button, action)

    def _lay_out(self) -> None:
        self.state.addItem("All", None)
        for state, text in STATE_TEXTS.items():
            self.state.addItem(text.capitalize(), state)
        self.text.setPlaceholderText("Filter by name")
        self.text.setClearButtonEnabled(True)
        find, turn = QHBoxLayout(), QHBoxLayout()
        find.addWidget(self.state)
        find.addWidget(self.text, 1)
        turn.addWidget(self.previous)
        turn.addWidget(self.next)
        form = QFormLayout()
        form.addRow("New images hold", self.kind)
        layout = QVBoxLayout(self)
        layout.setSpacing(6)
        layout.addWidget(self.open_button)
        layout.addWidget(self.where)
        layout.addWidget(self.notice)
        layout.addLayout(find)
        layout.addWidget(self.list, 1)
        layout.addLayout(turn)
        layout.addWidget(self.done)
        layout.addWidget(self.skip_broken)
        layout.addLayout(form)
        layout.addWidget(self.status)

    def _connect(self) -> None:
        self.list.chosen.connect(self.page_asked)
        self.state.currentIndexChanged.connect(self._filter)
        self.text.textChanged.connect(self._on_typed)
        self.kind.currentIndexChanged.connect(self.changed)
        # A click on the dock must not take the keys away from the canvas.
        for field in self.findChildren(QWidget):
            typed = isinstance(field, QLineEdit)
            if not typed and field.focusPolicy() & Qt.FocusPolicy.ClickFocus:
                field.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def _set_open(self, is_open: bool) -> None:
        for field in (self.state, self.text, self.list, self.previous, self.next):
            field.setEnabled(is_open)
        self.done.setEnabled(is_open)

    # ---- what a person does

    def _fill_menu(self) -> None:
        menu = self.open_button.menu()
        if menu is None:
            return
        menu.clear()
        menu.addAction("Choose a folder of images …", self._ask_folder)
        menu.addAction("… and keep its labels elsewhere …", self._ask_two_folders)
        menu.addSeparator()
        for place in self._recent.places():
            action = menu.addAction(str(place.folder))
            if action is not None:
                action.setData(place)
                action.triggered.connect(self._on_recent)

    def _on_recent(self) -> None:
        action = self.sender()
        place = getattr(action, "data", lambda: None)()
        if isinstance(place, ProjectPlace):
            self.open_asked.emit(place)

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "A folder of images")
        if folder:
            self.open_folder(Path(folder))

    def open_folder(self, folder: Path) -> None:
        """Ask for a folder, with its labels where they were last."""
        self.open_asked.emit(self._recent.place_of(folder))

    def _ask_two_folders(self) -> None:
        images = QFileDialog.getExistingDirectory(self, "A folder of images")
        if not images:
            return
        labels = QFileDialog.getExistingDirectory(self, "A folder for the labels")
        if labels:
            self.open_asked.emit(ProjectPlace(Path(images), Path(labels)))

    def _on_typed(self) -> None:
        self._filter_later.ask_anew()

    def _filter(self) -> None:
        self._filter_later.cancel()
        self.pages.filter(self.chosen_state, self.text.text())
        self.changed.emit()
