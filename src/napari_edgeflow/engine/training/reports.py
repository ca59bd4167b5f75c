"""What training tells while it runs: steps, epochs and messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Position:
    """Where training is.

    Parameters
    ----------
    step, samples : int
        Done so far.
    seconds : float
        Spent so far, all runs together.
    progress : float
        0..1.
    rate : float
        Learning rate now.
    samples_per_second : float
        Since the last report of this kind, validations left out.
    losses : mapping
        Means since then, by name.
    seconds_left : float
        Until the end if it goes on as so far.
    memory : int
        Bytes: of the process on the CPU, of the device's peak on CUDA.
    """

    step: int
    samples: int
    seconds: float
    progress: float
    rate: float
    samples_per_second: float
    losses: Mapping[str, float]
    seconds_left: float = 0.0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Validation:
    """How good the averaged weights are on what was held back.

    Parameters
    ----------
    score : float
        0..1; the weights with the highest are kept. For a semantic network it is
        the mean IoU of the classes that occur.
    classes : mapping
        IoU by name of class, None where a class neither occurs nor was found.
    loss : float or None
        Mean cross-entropy of the pixels that count, where it is measured.
    """

    score: float
    classes: Mapping[str, float | None]
    loss: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport(_Position):
    """Where training is after some steps; fields as :class:`_Position` has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochReport(_Position):
    """The end of an epoch; fields beside those of :class:`_Position`.

    Parameters
    ----------
    epoch : int
        How many are done; 0 is before the first step.
    validation : Validation
        Of the averaged weights, mixed with those of the start where that is asked for.
    best : bool
        Whether it is the best so far; the next checkpoint holds these weights.
    """

    epoch: int
    validation: Validation
    best: bool


@dataclass(frozen=True, slots=True)
class TrainMessage:
    """Something that a person should know, in a sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class TrainEnd:
    """The last report: training is over and its checkpoint written.

    Parameters
    ----------
    reason : {"finished", "stale", "stopped"}
        It went on to the end, no longer became better, or was asked to stop.
    text : str
        The same in a sentence; empty if it went on to the end.
    has_model : bool
        False if it was stopped before there was anything to write.
    """

    reason: Literal["finished", "stale", "stopped"] = "finished"
    text: str = ""
    has_model: bool = True


TrainEvent = TrainReport | EpochReport | TrainMessage | TrainEnd


@dataclass(slots=True)
class Meter:
    """Sums of what happened since a report."""

    steps: int = 0
    samples: int = 0
    seconds: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)

    def add(self, losses: dict[str, float], samples: int, seconds: float) -> None:
        """Count one step."""
        self.steps += 1
        self.samples += samples
        self.seconds += seconds
        for name, value in losses.items():
            self.losses[name] = self.losses.get(name, 0.0) + value

    def take(self) -> tuple[float, dict[str, float]]:
        """Return samples per second and mean losses, and start anew."""
        rate = self.samples / max(self.seconds, 1e-9)
        means = {name: v / max(self.steps, 1) for name, v in self.losses.items()}
        self.__init__()  # type: ignore[misc]
        return rate, means
