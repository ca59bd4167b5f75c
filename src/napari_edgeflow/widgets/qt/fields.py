"""The look that the fields and buttons of all docks share."""

from qtpy.QtWidgets import QFormLayout, QPushButton, QSizePolicy, QWidget


def field_form(*rows: tuple[str, QWidget]) -> QFormLayout:
    """Return labelled fields below each other, as wide as the dock and no wider."""
    form = QFormLayout()
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for text, field in rows:
        form.addRow(text, field)
        fit_width(field)
    return form


def fit_width(field: QWidget) -> None:
    """Make a field as wide as there is room, however long its texts are."""
    field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)


def make_bold(button: QPushButton) -> None:
    """Show that this is the button to press in the end."""
    font = button.font()
    font.setBold(True)
    button.setFont(font)
