from typing import Any

import pytest

from napari_edgeflow.widgets.fields.choices import DeviceCombo


@pytest.fixture
def devices(qtbot: Any) -> DeviceCombo:
    combo = DeviceCombo()
    qtbot.addWidget(combo)
    return combo


def test_only_devices_that_are_there_can_be_chosen(
    devices: DeviceCombo, qtbot: Any
) -> None:
    assert devices.chosen == "auto"
    assert devices.count() == 4
    devices.setCurrentIndex(devices.findData("cpu"))
    with qtbot.assertNotEmitted(devices.currentIndexChanged):
        devices.set_devices(("auto", "cpu"))
    assert devices.chosen == "cpu"
    assert devices.count() == 2


def test_a_choice_that_is_gone_is_told(devices: DeviceCombo, qtbot: Any) -> None:
    devices.setCurrentIndex(devices.findData("cuda"))
    with qtbot.waitSignal(devices.currentIndexChanged):
        devices.set_devices(("auto", "cpu"))
    assert devices.chosen == "auto"
    with qtbot.assertNotEmitted(devices.currentIndexChanged):
        devices.set_devices(("auto", "cpu"))


def test_a_refused_device_goes(devices: DeviceCombo) -> None:
    devices.setCurrentIndex(devices.findData("mps"))
    devices.refuse("mps")
    assert devices.findData("mps") < 0
    assert devices.chosen != "mps"
    devices.refuse("mps")
