"""Stored clips as batches: whole groups of one moving clip, random fragments, random mirror."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa_plugin_clip.distill.damage import caption_of
from vqa_plugin_clip.distill.moments import is_shown
from vqa_plugin_clip.distill.motion import SIZE
from vqa_plugin_clip.distill.places import GRID, cut, drawn, middle, mirrored, packed_index, spread
from vqa_plugin_clip.distill.planes import Bytes, recode
from vqa_plugin_clip.distill.progress import Progress
from vqa_plugin_clip.distill.shards import (
    CLIPS_PER_SHARD,
    LabelledClip,
    SetPlan,
    make_shards,
    open_frames,
    read_labels,
)
from vqa_plugin_clip.distill.stored import MappedFrames, ResidentFrames, StoredFrames, fits
from vqa_plugin_clip.distill.vary import vary_colour, vary_places
from vqa_plugin_clip.network.labels import LEVELS, Labels, level_label

VMAF_PER_LEVEL = 20.0
"""VMAF points from one quality level to the next: levels 0 to 5 are VMAF 0 to 100."""


class Batch(NamedTuple):
    """Clips of a batch, on the device of their set.

    Attributes:
        fragments: [B, T, 3, h, 224] uint8 YUV.
        level: [B] float32, the level that VMAF stands for, 0-5.
        label: [B, 6] float32, the label vector of that level.
        group: [B] int64; equal for clips that show the same pristine moving clip.
        caption: [B] int64, place of the fitting caption in `CAPTIONS`; -1 for none.
    """

    fragments: Tensor
    level: Tensor
    label: Tensor
    group: Tensor
    caption: Tensor


class View(NamedTuple):
    """How training looks at clips.

    Attributes:
        rng: Draws which frames.
        draws: Draws places and changes, on the device of the clips.
        vary: Whether to change what VMAF does not see as well, see `distill.vary`.
        first: First row of patches that is looked at, 0 to 6.
        rows: How many rows of patches are looked at.
    """

    rng: np.random.Generator
    draws: torch.Generator
    vary: bool = False
    first: int = 0
    rows: int = GRID


class ClipSet:
    """The labelled clips of one set or of several, read from the cache.

    Clips whose stored frames do not show their damage are left out: see `moments.is_shown`.

    Args:
        parts: The sets, and how many clips of each (whole shards).
        cache: Folder of all sets.
        without: Kinds of damage whose clips are left out.
        device: Where batches are made.
        resident: Whether frames stay in the device's memory; None for: on a GPU, if they fit.
        labels: Makes label vectors.

    Attributes:
        labels: What is known of each clip.
        vmaf: [clips] float32, 0-100.
        groups: [clips] int64; equal for clips that show the same pristine moving clip.
        hidden: How many clips are left out because no stored frame shows the damage, by kind.
        ladders: Whether every group is a rate ladder.
        resident: Whether frames stay in the device's memory.
    """

    def __init__(
        self,
        parts: Sequence[tuple[SetPlan, int]],
        cache: Path,
        without: Sequence[str] = (),
        device: str | torch.device = "cpu",
        *,
        resident: bool | None = None,
        labels: Labels = level_label,
    ) -> None:
        self.labels: list[LabelledClip] = []
        self.hidden: Counter[str] = Counter()
        self.ladders = all(plan.rungs for plan, _ in parts)
        self.device = torch.device(device)
        self._stored: list[Bytes] = []
        groups: list[tuple[int, int]] = []
        for number, (plan, clips) in enumerate(parts):
            shards = open_frames(plan, clips, cache)
            for index, label in enumerate(read_labels(plan, clips, cache)):
                shard, place = divmod(index, CLIPS_PER_SHARD)
                frames = shards[shard][place]
                if label.damage.kind in without:
                    continue
                if not is_shown(label.damage, label.moments, frames):
                    self.hidden[label.damage.kind] += 1
                    continue
                self.labels.append(label)
                self._stored.append(frames)
                groups.append((number, label.group))
        self.vmaf = np.array([label.vmaf for label in self.labels], np.float32)
        self.groups = np.unique(
            np.array(groups, np.int64).reshape(-1, 2), axis=0, return_inverse=True
        )[1].reshape(-1)
        self._facts = self._on_device(labels)
        if resident is None:
            resident = fits(self._stored, self.device)
        self.resident = resident and bool(self._stored)
        kind = ResidentFrames if self.resident else MappedFrames
        self._frames: StoredFrames = kind(self._stored, self.device)

    def __len__(self) -> int:
        return len(self.labels)

    def _on_device(self, labels: Labels) -> dict[str, Tensor]:
        level = self.vmaf.astype(np.float64) / VMAF_PER_LEVEL
        captions = [caption_of(label.damage, label.vmaf) for label in self.labels]
        facts = {
            "level": level.astype(np.float32),
            "label": labels(level, LEVELS).astype(np.float32),
            "group": self.groups,
            "caption": np.array(captions, np.int64),
        }
        return {name: torch.from_numpy(values).to(self.device) for name, values in facts.items()}

    def batch(
        self, indices: Sequence[int] | NDArray[np.int64], frames: int, view: View | None = None
    ) -> Batch:
        """Make a batch of some clips.

        Args:
            indices: Which clips.
            frames: Frames per clip (T); they are drawn from the stored ones, in order.
            view: How to look at them; None for evenly spread frames, the middle of each cell and no
                change.
        """
        chosen = np.asarray(indices, np.int64)
        taken = self._frames.take(chosen, self._moments(len(chosen), frames, view))
        if view is None:
            fragments = cut(taken, packed_index(spread(middle(len(chosen), self.device))))
        else:
            corners = drawn(len(chosen), view.draws)
            if view.vary:
                places = vary_places(corners, view.draws)
            else:
                places = mirrored(spread(corners), view.draws)
            fragments = cut(taken, packed_index(places.band(view.first, view.rows)))
            if view.vary:
                fragments = vary_colour(fragments, view.draws)
        rows = torch.from_numpy(chosen).to(self.device)
        return Batch(fragments, **{name: values[rows] for name, values in self._facts.items()})

    def lumas(self, index: int) -> NDArray[np.uint8]:
        """Return the stored frames of a clip as limited-range luma [kept, 384, 384] uint8."""
        return self._stored[index][:, : SIZE * SIZE].reshape(-1, SIZE, SIZE)

    def epoch(self, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        """Yield all clips once as places of batches: groups in random order, each side by side.

        The ranking loss compares clips of a group. An incomplete last batch is left out.

        Args:
            size: Clips per batch.
            rng: Draws the order.
        """
        shuffled = rng.permutation(len(self))
        order = rng.permutation(int(self.groups.max(initial=-1)) + 1)[self.groups[shuffled]]
        places = shuffled[np.argsort(order, kind="stable")]
        yield from places[: len(self) // size * size].reshape(-1, size)

    def _moments(self, count: int, frames: int, view: View | None) -> NDArray[np.int64]:
        kept = self._stored[0].shape[0]
        if view is None:
            even = ((np.arange(frames) + 0.5) * kept / frames).astype(np.int64)
            return np.broadcast_to(even, (count, frames)).copy()
        order = view.rng.random((count, kept)).argsort(axis=1)
        return np.sort(order[:, :frames], axis=1)


def labelled_clips(
    plan: SetPlan, clips: int, cache: Path, workers: int, progress: Progress
) -> None:
    """Make the clips of a set that are missing.

    Args:
        plan: Which set.
        clips: How many clips, in whole shards.
        cache: Folder of all sets.
        workers: Processes that make clips.
        progress: Called as clips are made.

    Raises:
        InputError: A content cannot be used.
        MissingBackend: There is no ffmpeg with libvmaf.
    """
    done = 0
    for made in make_shards(plan, clips, cache, recode, workers):
        done += made
        progress(f"clips: {plan.name}", done, clips, "")
