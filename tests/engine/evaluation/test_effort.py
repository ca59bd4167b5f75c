from napari_edgeflow.engine.evaluation.effort import (
    ObjectEffort,
    by_class,
    by_source,
    saving,
    total,
)

OBJECTS = [
    ObjectEffort(1, "cat", "click", 2, 4.0),
    ObjectEffort(2, "cat", "click", 5, 10.0),
    ObjectEffort(3, "dog", "brush", 0, 31.0),
    ObjectEffort(4, "cat", "box", 2, 3.0),
    ObjectEffort(5, "dog", "import", 0, 0.0),
]


def test_figures_of_classes_leave_out_what_took_nobodys_time() -> None:
    cat, dog = by_class(OBJECTS)
    assert (cat.name, cat.objects, cat.clicks, cat.seconds) == ("cat", 3, 3.0, 4.0)
    assert cat.total_seconds == 17
    assert (dog.name, dog.objects, dog.clicks, dog.seconds) == ("dog", 1, 0.0, 31.0)
    assert [figures.name for figures in by_source(OBJECTS)] == ["click", "box", "brush"]
    every = total(OBJECTS)
    assert every is not None
    assert (every.objects, every.total_seconds) == (4, 48)


def test_what_the_model_saved() -> None:
    saved = saving(OBJECTS)
    assert saved is not None
    assert saved.by_model.objects == 3
    assert saved.factor == 31 / 4
    assert saved.seconds == 3 * 31 - 17


def test_nothing_to_compare_is_said() -> None:
    assert saving(OBJECTS[:2]) is None
    assert saving(OBJECTS[2:3]) is None
    assert saving([*OBJECTS[:2], ObjectEffort(9, "cat", "brush", 0, 0.0)]) is None
    assert total(OBJECTS[4:]) is None
    assert by_class([]) == ()
