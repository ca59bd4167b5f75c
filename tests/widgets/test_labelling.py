"""Whatever people do in whichever order, their labels are what they made."""

from typing import Any

import pytest
from tests.widgets.labelling_machine import LabellingMachine


@pytest.mark.parametrize("seed", range(6))
def test_labels_are_what_people_made(qapp: Any, seed: int) -> None:
    LabellingMachine(seed).labels_at_random(30)
