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
"""The epoch of a `Key` for validation, in which nothing is drawn."""

_ORDER, _CLIP = 1, 2
"""What a seed is for, so that the order of clips and their contents are drawn independently."""


@dataclass(frozen=True, slots=True)
class Rated:
    """A file that can be used.

    Attributes:
        name: Name as in its table.
        path: Where the file is.
        score: Mean opinion score on the table's scale.
        share: The same score on 0 (worst) to 1 (best).
        group: Name of its content.
        frames: How many frames it has.
        stamp: Text that changes when the file does.
    """

    name: str
    path: Path
    score: float
    share: float
    group: str
    frames: int
    stamp: str


class Key(NamedTuple):
    """Names a clip.

    Attributes:
        epoch: The epoch, or `VALIDATION`.
        row: The file's place among the training, or validation, files.
    """

    epoch: int
    row: int


@dataclass(frozen=True, slots=True)
class ClipView:
    """How clips are cut from files.

    Attributes:
        frames: Frames per clip (T).
        preprocessing: How frames become the network's input.
        augmentation: How training clips are changed.
        candidates: See `recipe.TrainRecipe`.
        seed: Number that everything drawn follows from.
    """

    frames: int
    preprocessing: Preprocessing
    augmentation: Augmentation
    candidates: int
    seed: int


class Clips(Dataset["Pictures | VqaError"]):
    """Clips by `Key`, each [T, size, size, 3] uint8.

    An error is returned instead of raised: a process that makes clips would otherwise hand over its
    traceback as text, and the message for the user would be lost in it.

    Args:
        training: Files that are trained on.
        validation: Files that are measured on.
        view: How clips are cut.
        store: Keeps what was decoded.
        threads: Threads of the decoder.
    """

    def __init__(
        self,
        training: Sequence[Rated],
        validation: Sequence[Rated],
        view: ClipView,
        store: FrameStore,
        threads: int = 1,
    ) -> None:
        self.training = training
        self.validation = validation
        self.view = view
        self.store = store
        self.threads = threads

    def __getitem__(self, key: Key) -> Pictures | VqaError:
        """Make a clip; an error is returned."""
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
            pictures = decoded(file, indices, self._picture, self.threads)
            return np.stack([pictures[index] for index in indices])

        return np.array(self.store.get(name, make))

    def _varied(self, key: Key, file: Rated) -> Pictures:
        view = self.view
        rng = np.random.default_rng([view.seed, _CLIP, key.epoch, key.row])
        indices = drawn_indices(file.frames, view.frames, view.candidates, rng)
        if self.store.folder is None:
            pictures = decoded(file, indices, self._reduce, self.threads)
            frames = np.stack([pictures[index] for index in indices])
        else:
            frames = self._stored(file, indices)
        return view.augmentation.pictures(frames, view.preprocessing, rng)

    def _stored(self, file: Rated, indices: NDArray[np.int64]) -> Pictures:
        view = self.view
        known = candidates(file.frames, view.frames, view.candidates)
        name = f"{file.stamp} {view.frames} {view.candidates} {view.preprocessing} training"

        def make() -> Pictures:
            pictures = decoded(file, known, self._reduce, self.threads)
            return np.stack([pictures[index] for index in known])

        stored = self.store.get(name, make)
        return np.array(stored[np.searchsorted(known, indices)])

    def _picture(self, rgb: Picture) -> Picture:
        return self.view.preprocessing.picture(np.array(rgb))

    def _reduce(self, rgb: Picture) -> Picture:
        return reduced(rgb, self.view.preprocessing)


def drawn_indices(
    frames: int, clip_frames: int, count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw the frames of a training clip, one from each of ``clip_frames`` parts of the video.

    Args:
        frames: Frames in the video.
        clip_frames: Frames per clip (T).
        count: How many frames of each part can be drawn; 0 for all, as published.
        rng: What is drawn from.

    Returns:
        [T] int64, ascending.
    """
    offsets = _offsets(frames, clip_frames, count)
    if len(offsets) == 0:
        return random_indices(frames, clip_frames, np.random.RandomState(rng.integers(2**32)))
    part = (frames - 1) // clip_frames
    chosen = offsets[rng.integers(len(offsets), size=clip_frames)]
    return np.arange(clip_frames) * part + chosen


def candidates(frames: int, clip_frames: int, count: int) -> NDArray[np.int64]:
    """List all frames that `drawn_indices` may draw, int64, ascending."""
    offsets = _offsets(frames, clip_frames, count)
    part = (frames - 1) // clip_frames
    if len(offsets):
        return (np.arange(clip_frames)[:, None] * part + offsets).reshape(-1)
    last = clip_frames * part if part else frames
    return np.arange(max(1, last))


def _offsets(frames: int, clip_frames: int, count: int) -> NDArray[np.int64]:
    """List the places in a part that can be drawn; none if all can."""
    part = (frames - 1) // clip_frames
    if not 0 < count < part:
        return np.zeros(0, np.int64)
    return ((np.arange(count) + 0.5) * part / count).astype(np.int64)


def decoded(
    file: Rated, indices: NDArray[np.int64], make: Callable[[Picture], Picture], threads: int
) -> dict[int, Picture]:
    """Decode some frames of a file.

    Args:
        file: The file.
        indices: Which frames, from 0.
        make: What to do with the RGB (H, W, 3) uint8 of each of them.
        threads: Threads of the decoder.

    Returns:
        What ``make`` gave, by frame index.

    Raises:
        InputError: The file cannot be decoded, or has fewer frames than it had.
    """
    needed, pictures = {int(index) for index in indices}, dict[int, Picture]()
    with VideoReader(file.path, threads=threads) as reader:
        for frame in reader:
            if frame.index in needed:
                pictures[frame.index] = make(frame.rgb)
            frame.release()
            if len(pictures) == len(needed):
                return pictures
    raise InputError(
        f"{file.name}: {len(pictures)} of {len(needed)} frames could be read; did it change?"
    )


class BatchPlan(Sampler[list[Key]]):
    """The batches that a loader makes next; set ``batches`` before iterating over the loader.

    Its processes stay from epoch to epoch, so they get new batches by this object.
    """

    def __init__(self) -> None:
        self.batches: Sequence[Sequence[Key]] = ()

    def __iter__(self) -> Iterator[list[Key]]:
        """Iterate over the batches in order."""
        return iter([list(batch) for batch in self.batches])


def epoch_batches(
    rows: int, batch: int, epoch: int, seed: int, process: int, processes: int
) -> list[list[Key]]:
    """List one process's batches of an epoch, in random order; an incomplete last one is left out.

    Args:
        rows: Training files.
        batch: Clips per batch.
        epoch: From 0.
        seed: Number that the order follows from.
        process: Which process, from 0.
        processes: How many there are; no two get the same file.
    """
    order = np.random.default_rng([seed, _ORDER, epoch]).permutation(rows)
    steps = rows // (batch * processes)
    parts = order[: steps * batch * processes].reshape(steps, processes, batch)
    return [[Key(epoch, int(row)) for row in part[process]] for part in parts]


def collate(clips: Sequence[Pictures | VqaError]) -> Tensor | VqaError:
    """Put clips into a batch [B, T, size, size, 3] uint8; or return the first error among them."""
    pictures: list[Pictures] = []
    for clip in clips:
        if isinstance(clip, VqaError):
            return clip
        pictures.append(clip)
    return torch.from_numpy(np.stack(pictures))
