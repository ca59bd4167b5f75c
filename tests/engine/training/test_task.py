from napari_edgeflow.engine.training.task import TaskSettings


def steps(settings: TaskSettings, processes: int = 1) -> list[str]:
    """What is gone down to, until there is nothing smaller."""
    found: list[str] = []
    while (smaller := settings.smaller(processes)) is not None:
        settings = smaller
        found.append(f"{settings.batch} of {[side for _, side in settings.sizes]}")
    return found


def test_there_are_fewer_crops_and_then_smaller_ones() -> None:
    settings = TaskSettings(batch=16, sizes=((0.3, 192), (0.8, 256), (1.0, 320)))
    assert steps(settings) == [
        "8 of [192, 256, 320]",
        "4 of [192, 256, 320]",
        "4 of [160, 160, 160]",
        "2 of [160, 160, 160]",
        "2 of [64, 64, 64]",
    ]


def test_each_process_keeps_as_many_crops_as_the_others() -> None:
    settings = TaskSettings(batch=30, sizes=((1.0, 96),))
    assert steps(settings, 3) == ["15 of [96]", "6 of [96]"]


def test_it_is_described() -> None:
    settings = TaskSettings(batch=8, sizes=((0.5, 320), (1.0, 96)))
    assert settings.describe() == "8 crops of up to 320 pixels"
