"""Whatever people do in whichever order, their labels are what they made."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.widgets.labelling_machine import LabellingMachine


def test_labels_are_what_people_made(qapp: Any) -> None:
    run_state_machine_as_test(
        LabellingMachine,
        settings=settings(
            max_examples=8,
            stateful_step_count=25,
            derandomize=True,
            database=None,
            deadline=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
