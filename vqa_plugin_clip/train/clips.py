"""Files as clips for the network: which frames, decoded once and kept if wanted, then varied.

What is drawn for a clip follows from the seed, the epoch and the file alone, so it is the same in
whichever process, and after whichever interruption, the clip is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from vqa_harness.errors import InputError, VqaError
from vqa_harness.media.reader import VideoReader
from vqa_plugin_clip.inputs.preprocess import Picture, Preprocessing
from vqa_plugin_clip.inputs.sampling import frame_indices, random_indices
from vqa_plugin_clip.train.augment import Augmentation
from vqa_plugin_clip.train.figures import reduced
from vqa_plugin_clip.train.frame_store import FrameStore

Pictures = NDArray[np.uint8]
VALIDATION = -1
"""Stands in a `Key` for an epoch in which nothing is drawn."""

_ORDER, _CLIP = 1, 2


@dataclass(frozen=True, slots=True)
class Rated:
    """A file that can be used.

    Attributes:
        name: as in its table.
        path: where it is.
        score: mean opinion score on the table's scale.
        share: the same on 0 (worst) to 1.
        group: its content.
        frames: how many it has.
        stamp: changes when the file does.
    """

    name: str
    path: Path
    score: float
    share: float
    group: str
    frames: int
    stamp: str


class Key(NamedTuple):
    """Which clip: the epoch (or `VALIDATION`) and the file's place in its part."""

    epoch: int
    row: int


@dataclass(frozen=True, slots=True)
class View:
    """How clips are cut from files.

    Attributes:
        frames: T.
        preprocessing: of the network.
        augmentation: of training clips.
        candidates: see `recipe.Recipe`.
        seed: of everything drawn.
    """

    frames: int
    preprocessing: Preprocessing
    augmentation: Augmentation
    candidates: int
    seed: int


class Clips(Dataset["Pictures | VqaError"]):
    """Clips by `Key`, [T, size, size, 3] uint8; an error is returned, for the process that asks.

    Args:
        training: files that are trained on.
        validation: files that are measured on.
        view: how clips are cut.
        store: keeps what was decoded.
        threads: of the decoder.
    """

    def __init__(
        self,
        training: Sequence[Rated],
        validation: Sequence[Rated],
        view: View,
        store: FrameStore,
        threads: int = 1,
    ) -> None:
        self.training = training
        self.validation = validation
        self.view = view
        self.store = store
        self.threads = threads

    def __getitem__(self, key: Key) -> Pictures | VqaError:
        """The clip."""
        try:
            if key.epoch == VALIDATION:
                return self._still_view(self.validation[key.row])
            return self._varied(key, self.training[key.row])
        except VqaError as error:
            return error

    def _still_view(self, file: Rated) -> Pictures:
        view = self.view
        indices = frame_indices(file.frames, view.frames)
        name = f"{file.stamp} {view.frames} {view.preprocessing} validation"

        def make() -> Pictures:
            found = decoded(file, indices, self._picture, self.threads)
            return np.stack([found[index] for index in indices])

        return np.array(self.store.get(name, make))

    def _varied(self, key: Key, file: Rated) -> Pictures:
        view = self.view
        rng = np.random.default_rng([view.seed, _CLIP, key.epoch, key.row])
        indices = drawn_indices(file.frames, view.frames, view.candidates, rng)
        if self.store.folder is None:
            found = decoded(file, indices, self._reduce, self.threads)
            frames = np.stack([found[index] for index in indices])
        else:
            frames = self._stored(file, indices)
        return view.augmentation.pictures(frames, view.preprocessing, rng)

    def _stored(self, file: Rated, indices: NDArray[np.int64]) -> Pictures:
        view = self.view
        known = candidates(file.frames, view.frames, view.candidates)
        name = f"{file.stamp} {view.frames} {view.candidates} {view.preprocessing} training"

        def make() -> Pictures:
            found = decoded(file, known, self._reduce, self.threads)
            return np.stack([found[index] for index in known])

        kept = self.store.get(name, make)
        return np.array(kept[np.searchsorted(known, indices)])

    def _picture(self, rgb: Picture) -> Picture:
        return self.view.preprocessing.picture(np.array(rgb))

    def _reduce(self, rgb: Picture) -> Picture:
        return reduced(rgb, self.view.preprocessing)


def drawn_indices(
    frames: int, clip_frames: int, count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Frames of a training clip, one from each of ``clip_frames`` parts of the video.

    Args:
        frames: in the video.
        clip_frames: T.
        count: how many frames of each part can be drawn; 0 for all, as published.
        rng: draws.
    """
    offsets = _offsets(frames, clip_frames, count)
    if len(offsets) == 0:
        return random_indices(frames, clip_frames, np.random.RandomState(rng.integers(2**32)))
    part = (frames - 1) // clip_frames
    chosen = offsets[rng.integers(len(offsets), size=clip_frames)]
    return np.arange(clip_frames) * part + chosen


def candidates(frames: int, clip_frames: int, count: int) -> NDArray[np.int64]:
    """All frames that `drawn_indices` may draw, ascending."""
    offsets = _offsets(frames, clip_frames, count)
    part = (frames - 1) // clip_frames
    if len(offsets):
        return (np.arange(clip_frames)[:, None] * part + offsets).reshape(-1)
    last = clip_frames * part if part else frames
    return np.arange(max(1, last))


def _offsets(frames: int, clip_frames: int, count: int) -> NDArray[np.int64]:
    """Places in a part that can be drawn; none where all can."""
    part = (frames - 1) // clip_frames
    if not 0 < count < part:
        return np.zeros(0, np.int64)
    return ((np.arange(count) + 0.5) * part / count).astype(np.int64)


def decoded(
    file: Rated, indices: NDArray[np.int64], make: Callable[[Picture], Picture], threads: int
) -> dict[int, Picture]:
    """What ``make`` gives for the RGB of each of the frames ``indices``.

    Raises:
        InputError: the file cannot be decoded, or has fewer frames than it had.
    """
    wanted, found = {int(index) for index in indices}, dict[int, Picture]()
    with VideoReader(file.path, threads=threads) as reader:
        for frame in reader:
            if frame.index in wanted:
                found[frame.index] = make(frame.rgb)
            frame.release()
            if len(found) == len(wanted):
                return found
    raise InputError(
        f"{file.name}: {len(found)} of {len(wanted)} frames could be read; did it change?"
    )


class Plan(Sampler[list[Key]]):
    """The batches that a loader gives next; set ``batches`` before iterating."""

    def __init__(self) -> None:
        self.batches: Sequence[Sequence[Key]] = ()

    def __iter__(self) -> Iterator[list[Key]]:
        """Batches in order."""
        return iter([list(batch) for batch in self.batches])


def epoch_batches(
    rows: int, batch: int, epoch: int, seed: int, process: int, processes: int
) -> list[list[Key]]:
    """One process's batches of an epoch: random order, a rest that fills no batch is left out."""
    order = np.random.default_rng([seed, _ORDER, epoch]).permutation(rows)
    steps = rows // (batch * processes)
    parts = order[: steps * batch * processes].reshape(steps, processes, batch)
    return [[Key(epoch, int(row)) for row in part[process]] for part in parts]


def collate(clips: Sequence[Pictures | VqaError]) -> Tensor | VqaError:
    """[B, T, size, size, 3] uint8, or the first error."""
    pictures: list[Pictures] = []
    for clip in clips:
        if isinstance(clip, VqaError):
            return clip
        pictures.append(clip)
    return torch.from_numpy(np.stack(pictures))
