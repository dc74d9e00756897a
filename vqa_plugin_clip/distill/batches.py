"""Stored clips as batches: pairs of the same moving clip, random fragments, random mirror."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vqa_plugin_clip.distill.damage import caption_of
from vqa_plugin_clip.distill.motion import SIZE
from vqa_plugin_clip.distill.planes import recode
from vqa_plugin_clip.distill.sampling import cut, offsets
from vqa_plugin_clip.distill.shards import (
    CLIPS_PER_SHARD,
    KEPT_FRAMES,
    LabelledClip,
    SetPlan,
    make_shards,
    open_frames,
    read_labels,
)
from vqa_plugin_clip.distill.vary import vary_colour, vary_places

Progress = Callable[[str, int, int, str], None]
"""A function that is called as work goes on.

Its arguments are the name of the work, how much is done, how much there is to do, and a note.
"""


class Batch(NamedTuple):
    """Clips of a batch.

    Attributes:
        fragments: [B, T, 3, 224, 224] uint8 YUV.
        vmaf: [B] float32, 0-100.
        group: [B] int64; equal for clips that show the same pristine moving clip.
        caption: [B] int64, place of the fitting caption in `CAPTIONS`; -1 for none.
    """

    fragments: Tensor
    vmaf: Tensor
    group: Tensor
    caption: Tensor


class ClipSet:
    """The labelled clips of one set or of several, read from the cache.

    Args:
        parts: The sets, and how many clips of each (whole shards).
        cache: Folder of all sets.
        without: Kinds of damage whose clips are left out.

    Attributes:
        labels: What is known of each clip.
        vmaf: [clips] float32, 0-100.
        groups: [clips] int64; equal for clips that show the same pristine moving clip.
    """

    def __init__(
        self, parts: Sequence[tuple[SetPlan, int]], cache: Path, without: Sequence[str] = ()
    ) -> None:
        self.labels: list[LabelledClip] = []
        self._frames: list[NDArray[np.uint8]] = []
        groups: list[tuple[int, int]] = []
        for number, (plan, clips) in enumerate(parts):
            shards = open_frames(plan, clips, cache)
            for index, label in enumerate(read_labels(plan, clips, cache)):
                if label.damage.kind not in without:
                    self.labels.append(label)
                    shard, place = divmod(index, CLIPS_PER_SHARD)
                    self._frames.append(shards[shard][place])
                    groups.append((number, label.group))
        self.vmaf = np.array([label.vmaf for label in self.labels], np.float32)
        self._captions = np.array(
            [caption_of(label.damage, label.vmaf) for label in self.labels], np.int64
        )
        self.groups = np.unique(groups, axis=0, return_inverse=True)[1].reshape(-1)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(
        self,
        indices: Sequence[int] | NDArray[np.int64],
        frames: int,
        rng: np.random.Generator | None = None,
    ) -> Batch:
        """Make a batch of some clips.

        Args:
            indices: Which clips.
            frames: Frames per clip (T); they are drawn from the stored ones, in order.
            rng: Draws frames, places and mirroring; None for evenly spread frames and the middle of
                each cell.
        """
        clips = [self._clip(int(index), frames, rng) for index in indices]
        chosen = np.asarray(indices)
        return Batch(
            torch.from_numpy(np.stack(clips)),
            torch.from_numpy(self.vmaf[chosen]),
            torch.from_numpy(self.groups[chosen]),
            torch.from_numpy(self._captions[chosen]),
        )

    def lumas(self, index: int) -> NDArray[np.uint8]:
        """Return the stored frames of a clip as limited-range luma [4, 384, 384] uint8."""
        return self._frames[index][:, : SIZE * SIZE].reshape(-1, SIZE, SIZE)

    def epoch(
        self, size: int, frames: int, rng: np.random.Generator, *, vary: bool = False
    ) -> Iterator[Batch]:
        """Yield all clips once in random order, two of a group side by side.

        The ranking loss compares clips of a group, so each batch has to hold pairs. An incomplete
        last batch is left out.

        Args:
            size: Clips per batch.
            frames: Frames per clip (T).
            rng: Draws order, frames, places and mirroring.
            vary: Whether to change what VMAF does not see as well, see `distill.vary`.
        """
        for indices in self._pairs(rng).reshape(-1)[: len(self) // size * size].reshape(-1, size):
            batch = self.batch(indices, frames, rng)
            if vary:
                clips = [vary_places(clip, rng) for clip in batch.fragments.numpy()]
                varied = vary_colour(torch.from_numpy(np.stack(clips)), rng)
                batch = batch._replace(fragments=varied)
            yield batch

    def _pairs(self, rng: np.random.Generator) -> np.ndarray:
        members: defaultdict[int, list[int]] = defaultdict(list)
        for index in rng.permutation(len(self)):
            members[int(self.groups[index])].append(int(index))
        pairs = [clips[i : i + 2] for clips in members.values() for i in range(0, len(clips), 2)]
        return np.array(pairs)[rng.permutation(len(pairs))]

    def _clip(self, index: int, frames: int, rng: np.random.Generator | None) -> np.ndarray:
        stored = self._frames[index]
        count = len(KEPT_FRAMES)
        if rng is None:
            chosen = ((np.arange(frames) + 0.5) * count / frames).astype(int)
        else:
            chosen = np.sort(rng.choice(count, frames, replace=False))
        out = cut(stored[chosen], offsets(rng))
        if rng is not None and rng.uniform() < 0.5:
            out = np.ascontiguousarray(out[..., ::-1])
        return out


def labelled_clips(
    plan: SetPlan, clips: int, cache: Path, workers: int, progress: Progress
) -> ClipSet:
    """Make the clips of a set that are missing, and open the set.

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
    return ClipSet([(plan, clips)], cache)
