"""A plain training loop around segmentation_models.pytorch, to compare with.

What a person writes who knows smp and torch well and wants to be done today: a
dataset with torchvision's crops, flips and colours, a DataLoader, AdamW with a
cosine, Dice and cross-entropy, the best kept where there is something to validate on.
"""

import copy
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import segmentation_models_pytorch as smp
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, RandomSampler
from torchvision import tv_tensors
from torchvision.transforms import v2

from napari_edgeflow.engine.checkpoints.semantic_facts import SemanticFacts
from napari_edgeflow.engine.data.pairs import VOID, LabelledImage, read_pair
from napari_edgeflow.engine.training.semantic.holdout import HeldBack
from napari_edgeflow.engine.training.semantic.validation import validate_semantic

SIDE = 256
BATCH = 8
VALIDATE_STEPS = 40


class Crops(Dataset[tuple[Tensor, Tensor]]):
    """Images in memory, a random crop of one at a time.

    Parameters
    ----------
    pairs : sequence of LabelledImage
        The images.
    facts : SemanticFacts
        Classes, mean and deviation.
    """

    def __init__(self, pairs: Sequence[LabelledImage], facts: SemanticFacts) -> None:
        table = np.full(256, VOID, np.uint8)
        table[list(facts.class_ids)] = np.arange(len(facts.class_ids))
        self.images, self.masks = [], []
        for image, labels in map(read_pair, pairs):
            self.images.append(tv_tensors.Image(image.transpose(2, 0, 1).copy()))
            self.masks.append(tv_tensors.Mask(table[labels]))
        self.transform = v2.Compose(
            [
                v2.RandomResizedCrop(SIDE, scale=(0.25, 1.0), antialias=True),
                v2.RandomHorizontalFlip(),
                v2.RandomVerticalFlip(),
                v2.ColorJitter(0.2, 0.2, 0.2),
                v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, True),
                v2.Normalize(list(facts.mean), list(facts.std)),
            ]
        )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return a crop (3, H, W) float32 and its classes (H, W)."""
        image, mask = self.transform(self.images[index], self.masks[index])
        return image, mask.long()


class PlainLoss(nn.Module):
    """Cross-entropy and Dice."""

    def __init__(self) -> None:
        super().__init__()
        self.cross_entropy = nn.CrossEntropyLoss(ignore_index=VOID)
        self.dice = smp.losses.DiceLoss("multiclass", ignore_index=VOID)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the sum."""
        total: Tensor = self.cross_entropy(logits, target) + self.dice(logits, target)
        return total


@dataclass
class PlainRun:
    """One training by the plain loop.

    Parameters
    ----------
    model : nn.Module
        The network; after training its weights are those of the best validation.
    facts : SemanticFacts
        Its classes and input.
    pairs : sequence of LabelledImage
        What to train on.
    validation : sequence of HeldBack
        What to keep the best by; empty to keep the last.
    minutes : float
        How long.
    rate : float
        Peak of AdamW's rate, warm-up and then a cosine.
    """

    model: smp.base.SegmentationModel
    facts: SemanticFacts
    pairs: Sequence[LabelledImage]
    validation: Sequence[HeldBack]
    minutes: float
    rate: float = 1e-3
    seconds: float = 0.0
    training_seconds: float = 0.0
    samples: int = 0

    @property
    def samples_per_second(self) -> float:
        """Of the steps, the validations left out."""
        return self.samples / max(self.training_seconds, 1e-9)

    @property
    def megapixels_per_second(self) -> float:
        """Of the crops of those steps."""
        return 1e-6 * SIDE**2 * self.samples_per_second

    def run(self) -> Iterator[float]:
        """Train; yield the seconds spent so far after each step."""
        crops = Crops(self.pairs, self.facts)
        endless = RandomSampler(crops, replacement=True, num_samples=10**7)
        loader = DataLoader(crops, BATCH, sampler=endless, num_workers=1)
        loss, device = PlainLoss(), next(self.model.parameters()).device
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=self.rate)
        best, kept, steps = -1.0, self.model.state_dict(), 0
        batches = iter(loader)
        while self.seconds < 60 * self.minutes:
            started = time.perf_counter()
            self.model.train()
            images, target = next(batches)
            progress = self.seconds / (60 * self.minutes)
            warm = min((steps + 1) / 10, 1.0)
            for group in optimizer.param_groups:
                group["lr"] = self.rate * warm * (1 + math.cos(math.pi * progress)) / 2
            logits = self.model(images.to(device, memory_format=torch.channels_last))
            value = loss(logits, target.to(device))
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            steps += 1
            self.samples += len(images)
            spent = time.perf_counter() - started
            self.training_seconds += spent
            self.seconds += spent
            over = self.seconds >= 60 * self.minutes
            if self.validation and (over or steps % VALIDATE_STEPS == 0):
                started = time.perf_counter()
                score = self._validate()
                if score > best:
                    best, kept = score, copy.deepcopy(self.model.state_dict())
                self.seconds += time.perf_counter() - started
            yield self.seconds
        if self.validation:
            self.model.load_state_dict(kept)

    def _validate(self) -> float:
        self.model.eval()
        fabric = Fabric(accelerator="cpu", devices=1)
        return validate_semantic(self.model, self.facts, self.validation, fabric).score
