"""How long and how fast to train."""

import math
from dataclasses import dataclass, replace

FEW_IMAGES = 200
"""Up to so many images a training is a matter of minutes."""

_LONGEST_WARMUP = 0.1
"""Share of a training after which its rate has risen, however few steps it has."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How long and how fast to train.

    Parameters
    ----------
    steps : int
        Optimiser steps at most.
    minutes : float or None
        Wall-clock limit in minutes over all runs. The schedule follows whichever
        of the two is nearer its end, so that the rate has always come down.
    rate : float
        Peak learning rate.
    weight_decay : float
        Of AdamW.
    warmup : int
        Steps over which the rate rises, a tenth of the training at most.
    final_rate : float
        Share of the peak rate that is left at the end of the cosine.
    gradient_norm : float
        Gradients are clipped to this norm.
    ema : float
        Decay of the averaged weights per step.
    blends : tuple of float
        How much of what was learned is in the result, 0..1; the rest is as it was in
        the network that training starts from. See :class:`run.StartBlend`. Of
        several the validation chooses one; without one it is the first.
    save_minutes : float
        Minutes between two checkpoints.
    report_steps : int
        Steps between two reports.
    epoch_steps : int or None
        Steps between two validations; None for a training without.
    chance : float
        Difference of scores that may be chance: of mixtures that differ by less, the
        first is taken; and the last epoch is, if the best one is no more above it.
    validate_first : bool
        Whether the model that training starts from is validated too, so that
        training never ends with a worse one.
    patience : int or None
        Epochs without a better validation after which training stops; None for
        never.
    """

    steps: int = 20_000
    minutes: float | None = None
    rate: float = 1e-3
    weight_decay: float = 1e-4
    warmup: int = 100
    final_rate: float = 0.02
    gradient_norm: float = 5.0
    ema: float = 0.999
    blends: tuple[float, ...] = (1.0,)
    save_minutes: float = 3.0
    report_steps: int = 50
    epoch_steps: int | None = None
    chance: float = 0.0
    validate_first: bool = False
    patience: int | None = None

    def __post_init__(self) -> None:
        """Check the settings once."""
        if self.steps < 1 or self.rate <= 0:
            raise ValueError(
                f"steps {self.steps} and rate {self.rate}: both must be over 0"
            )
        if self.minutes is not None and self.minutes <= 0:
            raise ValueError(f"minutes {self.minutes}: give more than 0, or none")
        if not self.blends or not all(0 < share <= 1 for share in self.blends):
            raise ValueError(f"blends {self.blends}: use shares over 0, up to 1")
        for name in ("report_steps", "epoch_steps", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} {value}: use 1 or more")

    def progress(self, step: int, seconds: float) -> float:
        """Return how far training is, 0..1."""
        spent = seconds / (60 * self.minutes) if self.minutes else 0.0
        return min(max(step / self.steps, spent), 1.0)

    def in_epochs(
        self,
        epochs: int | None,
        epoch_steps: int,
        *,
        validated: bool,
        validate_first: bool = False,
    ) -> "LoopSettings":
        """Return the settings for a training in epochs of so many steps.

        Parameters
        ----------
        epochs : int or None
            How many there are; None leaves the steps as they are.
        epoch_steps : int
            Steps of one.
        validated, validate_first : bool
            Whether there is something to validate on after each, and before the first.
        """
        steps = self.steps if epochs is None else epochs * epoch_steps
        loop = replace(self, steps=steps)
        if not validated:
            return loop
        often = min(self.report_steps, max(epoch_steps // 4, 1))
        return replace(
            loop,
            epoch_steps=epoch_steps,
            report_steps=often,
            validate_first=validate_first,
        )

    def rate_factor(self, step: int, progress: float) -> float:
        """Return the share of the peak rate: linear warm-up, then a cosine."""
        cosine = 0.5 * (1 + math.cos(math.pi * progress))
        # Where little time is given, there may be few steps altogether.
        warm = max((step + 1) / max(self.warmup, 1), progress / _LONGEST_WARMUP)
        warm = min(warm, 1.0)
        return warm * (self.final_rate + (1 - self.final_rate) * cosine)
