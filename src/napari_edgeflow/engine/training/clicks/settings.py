"""How EdgeFlow learns from simulated clicks: what is usual for what there is."""

from dataclasses import dataclass

from napari_edgeflow.engine.training.settings import FEW_IMAGES, LoopSettings
from napari_edgeflow.engine.training.task import TaskSettings

_RATE, _KNOWING_RATE, _FEW_RATE = 1e-3, 2e-4, 3e-4
"""Of a new network, of one that knows objects and shall not forget them, and of such
a one and few images."""

_FEW_BLENDS = (0.5, 1.0)
"""How far a network that knows objects is moved by few images; see
:class:`run.StartBlend`.

Half-way for objects it knows, such as cells. All the way for what it does not: with
nuclei whose labels had a rim of 3 pixels around them, of ten images, NoC@85 on 66
others fell from 8.7 to 4.4 half-way, and to 3.4 all the way.
"""

_CHANCE = 0.01
"""Of the mean IoU of as many objects as few images have to hold back."""


@dataclass(frozen=True, slots=True)
class ClickTaskSettings(TaskSettings):
    """How EdgeFlow learns.

    Parameters
    ----------
    carry, carry_found : float
        Probability that a sample comes back in the next step with one more click: of
        an object that is not found yet, and of one that is. Those that take many
        clicks are learnt from with many clicks.
    found : float
        IoU from which an object is found.
    frozen_decoder : bool
        Whether the rest keeps its batch statistics too, if the encoder does: those of
        a few images are not those of the images to come.
    relit : bool
        Whether images of a microscope are lit in other ways too, as those of other
        microscopes are.
    """

    sizes: tuple[tuple[float, int], ...] = ((0.45, 160), (0.75, 192), (1.0, 256))
    encoder_rate: float = 0.3
    carry: float = 0.75
    carry_found: float = 0.35
    found: float = 0.93
    frozen_decoder: bool = False
    relit: bool = True

    def __post_init__(self) -> None:
        """Check the values once."""
        # Without arguments, super() knows another class: slots make a new one.
        super(ClickTaskSettings, self).__post_init__()
        for name in ("carry", "carry_found", "found"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} {value}: use a probability from 0 to 1")


def usual_settings(
    images: int, *, adapting: bool
) -> tuple[ClickTaskSettings, LoopSettings]:
    """Return settings for so many images.

    A few images shall not take a network that knows objects far from that: they are
    shown as large as they will be and in their own light, and the result may lie
    between old and new. First clicks are learnt from more often: on 723 nuclei of
    images that the start knew, more late clicks cost 0.005 of IoU after the first one.

    Returns
    -------
    tuple
        Of the task, and of the loop.
    """
    if not adapting:
        return ClickTaskSettings(), LoopSettings(rate=_RATE)
    if images > FEW_IMAGES:
        return ClickTaskSettings(), LoopSettings(rate=_KNOWING_RATE)
    task = ClickTaskSettings(
        sizes=((1.0, 256),),
        carry=0.6,
        carry_found=0.25,
        found=0.92,
        frozen_decoder=True,
        relit=False,
    )
    loop = LoopSettings(rate=_FEW_RATE, blends=_FEW_BLENDS, chance=_CHANCE)
    return task, loop
