"""Annotations to write and to read back, drawn by hypothesis and by hand."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from napari_edgeflow.engine.labels.classes import ClassTable, LabelClass
from napari_edgeflow.formats.annotation.annotation import ImageAnnotation
from napari_edgeflow.formats.annotation.objects import LabelledObject

CAT = LabelClass(1, "cat", (10, 20, 30))
DOG = LabelClass(7, "Hund 🐕 'n' \"Co\"", (200, 0, 50))
TABLE = ClassTable((DOG, CAT))
MANY = ClassTable(tuple(LabelClass(i, f"c{i}", (i % 256, 1, 2)) for i in range(1, 301)))

NAMES = ("a.jpg", "my photo.png", 'it\'s "ours" 🐈.jpg', "größe/猫.tif")

MASKS = array_shapes(min_dims=2, max_dims=2, max_side=9).flatmap(
    lambda shape: st.lists(
        arrays(np.bool_, shape).filter(lambda mask: bool(mask.any())), max_size=4
    ).map(lambda masks: (shape, masks))
)


@st.composite
def annotations(draw: st.DrawFn) -> ImageAnnotation:
    """Overlapping objects of any form: holes, parts, single pixels, at the border."""
    shape, masks = draw(MASKS)
    ids = draw(st.permutations(range(1, 9)))
    objects = tuple(
        LabelledObject.from_mask(ids[i], draw(st.sampled_from([1, 7])), mask)
        for i, mask in enumerate(masks)
    )
    return ImageAnnotation(draw(st.sampled_from(NAMES)), *shape, TABLE, objects)


def ring_and_parts(file_name: str = "a.jpg") -> ImageAnnotation:
    """A ring at the border, an object of two parts, one inside the ring, one pixel."""
    ring = np.zeros((40, 50), bool)
    ring[0:20, 0:20] = True
    ring[5:15, 5:15] = False
    inside = np.zeros_like(ring)
    inside[8:11, 8:12] = True
    parts = np.zeros_like(ring)
    ys, xs = np.ogrid[:40, :50]
    parts |= (ys - 28) ** 2 + (xs - 12) ** 2 < 60
    parts[25:40, 40:50] = True
    pixel = np.zeros_like(ring)
    pixel[39, 0] = True
    objects = (
        LabelledObject.from_mask(3, 1, ring),
        LabelledObject.from_mask(4, 7, inside),
        LabelledObject.from_mask(9, 7, parts),
        LabelledObject.from_mask(10, 1, pixel),
    )
    return ImageAnnotation(file_name, 40, 50, TABLE, objects)


def content(annotation: ImageAnnotation) -> object:
    """What must come back: everything but the table, pixel by pixel."""
    objects = [
        (
            entry.id,
            annotation.classes.get(entry.class_id).name,
            entry.is_crowd,
            entry.region.window,
            entry.region.mask.tolist(),
        )
        for entry in annotation.objects
    ]
    return annotation.file_name, annotation.shape, objects
