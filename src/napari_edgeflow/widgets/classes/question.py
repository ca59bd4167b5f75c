"""Asks what becomes of the labels of a class that is to go."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QCompleter,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from napari_edgeflow.engine.labels.classes import ClassTable
from napari_edgeflow.widgets.qt.style import swatch


class ClassQuestion(QDialog):
    """Asks whether labels are deleted or get another class.

    Parameters
    ----------
    parent : QWidget
        Where it appears.
    classes : ClassTable
        The classes, with the one that is to go.
    class_id : int
        The class that is to go.
    count : str
        How many labels it has, as in "12 objects"; empty for none.
    may_delete : bool
        Whether the labels may also be deleted.
    """

    def __init__(
        self,
        parent: QWidget,
        classes: ClassTable,
        class_id: int,
        count: str,
        may_delete: bool,
    ) -> None:
        super().__init__(parent)
        name = classes.get(class_id).name
        what = "Delete" if may_delete else "Merge"
        self.setWindowTitle(f"{what} class “{name}”")
        held = f"“{name}” has {count}." if count else f"“{name}” has no labels."
        asked = (
            "What becomes of them?" if may_delete else "Which class takes its place?"
        )
        self.delete = QRadioButton(f"Delete its {count}", self)
        self.give = QRadioButton("Give them the class", self)
        self.heir = self._make_heir(classes, class_id)
        self._lay_out(f"{held} {asked}", what, may_delete)
        self.delete.setChecked(may_delete)
        self.give.setChecked(not may_delete)
        self.heir.activated.connect(self._on_heir)
        self.heir.editTextChanged.connect(self._on_heir)
        self.heir.editTextChanged.connect(self._on_changed)
        self.delete.toggled.connect(self._on_changed)
        self._on_changed()

    @property
    def answer(self) -> int:
        """The class that the labels get; 0 if they are deleted."""
        return 0 if self.delete.isChecked() else self._heir_id()

    def _make_heir(self, classes: ClassTable, class_id: int) -> QComboBox:
        heir = QComboBox(self)
        # With hundreds of classes a name is typed sooner than found.
        heir.setEditable(True)
        heir.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        completer = heir.completer()
        if completer is not None:
            completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
        for entry in classes:
            if entry.id != class_id:
                text = f"{entry.name}  ({entry.id})"
                heir.addItem(swatch(entry.colour), text, entry.id)
        return heir

    def _lay_out(self, text: str, what: str, may_delete: bool) -> None:
        buttons = QDialogButtonBox(self)
        self.do = QPushButton(f"{what} class", self)
        buttons.addButton(self.do, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        label = QLabel(text, self)
        label.setWordWrap(True)
        choices = QFormLayout()
        if may_delete:
            choices.addRow(self.delete)
        choices.addRow(self.give, self.heir)
        layout = QVBoxLayout(self)
        layout.addWidget(label)
        layout.addLayout(choices)
        layout.addWidget(QLabel("Undo in the dock “Objects” takes it back.", self))
        layout.addWidget(buttons)
        self.delete.setVisible(may_delete)

    def _heir_id(self) -> int:
        """Return the class whose name is in the field; 0 if that is none."""
        place = self.heir.findText(
            self.heir.currentText(), Qt.MatchFlag.MatchFixedString
        )
        return 0 if place < 0 else int(self.heir.itemData(place))

    def _on_heir(self) -> None:
        self.give.setChecked(True)

    def _on_changed(self) -> None:
        is_clear = self.delete.isChecked() or self._heir_id() > 0
        self.do.setEnabled(is_clear)


def ask_heir(
    parent: QWidget,
    classes: ClassTable,
    class_id: int,
    count: str,
    *,
    may_delete: bool = True,
) -> int | None:
    """Ask what becomes of a class's labels.

    Returns
    -------
    int or None
        The class that they get; 0 if they are deleted, None if the person would rather
        keep the class.
    """
    question = ClassQuestion(parent, classes, class_id, count, may_delete)
    accepted = question.exec() == QDialog.DialogCode.Accepted
    question.deleteLater()
    return question.answer if accepted else None
