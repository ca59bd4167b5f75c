"""The classes of objects in the rows of a layer's features."""

from typing import TYPE_CHECKING

from napari_edgeflow.engine.labels.classes import ClassTable

if TYPE_CHECKING:
    from napari.layers import Labels


def count_objects(layer: "Labels") -> dict[int, int]:
    """Return how many objects of each class a layer has rows of."""
    features = layer.features
    if "class_id" not in features:
        return {}
    counts = features["class_id"].dropna().value_counts()
    return {int(class_id): int(count) for class_id, count in counts.items()}


def rename_classes(layer: "Labels", classes: ClassTable) -> None:
    """Call the classes of objects as the table does."""
    features = layer.features
    if "class_id" not in features or "class_name" not in features:
        return
    names = {entry.id: entry.name for entry in classes}
    before = features["class_name"].tolist()
    ids = features["class_id"].tolist()
    after = [names.get(i, name) for i, name in zip(ids, before, strict=True)]
    if after != before:
        columns = {str(name): features[name].tolist() for name in features}
        layer.features = {**columns, "class_name": after}
