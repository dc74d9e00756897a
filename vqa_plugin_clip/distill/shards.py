"""Labelled clips on disk: shards of 24 clips, each a plain array file and a label file.

A shard's clips follow from the seed, the set's name and the shard's number alone. The label file is
moved into place last, so a shard either is whole or is made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vqa_harness.files import make_folder, replacing, write_text
from vqa_harness.processes import as_they_finish
from vqa_metrics.vmaf.options import RawFormat
from vqa_metrics.vmaf.pipe import VmafPipe
from vqa_plugin_clip.distill.coders import Recode
from vqa_plugin_clip.distill.contents import read_still
from vqa_plugin_clip.distill.damage import Damage, apply
from vqa_plugin_clip.distill.draw import draw_group, draw_ladder
from vqa_plugin_clip.distill.footage import footage_clip, is_footage
from vqa_plugin_clip.distill.moments import USUAL_KEPT, draw_moments, kept_frames
from vqa_plugin_clip.distill.motion import (
    FRAMES,
    SHORT_SIDE_MIN,
    SIZE,
    moving_clip,
    vary_picture,
)
from vqa_plugin_clip.distill.planes import Planes, pack
from vqa_plugin_clip.distill.varied import GROUP as VARIED_GROUP
from vqa_plugin_clip.distill.varied import Varied

CLIPS_PER_SHARD = 24
"""Clips of a shard: one ffmpeg process scores them, and an interruption loses no more."""

GROUP = 4
"""Damages of one moving clip."""

RUNGS = 6
"""Damages of one moving clip in a set of ladders."""

_FORMAT = 2
"""Version of the files; another one makes all shards again."""


@dataclass(frozen=True, slots=True)
class SetPlan:
    """A set of labelled clips.

    Attributes:
        name: Name of the set and of the folder of its shards.
        contents: Stills and videos that it is made from.
        coders: Keys of `coders.ALL_CODERS` that may be drawn.
        kinds: Kinds of damage that may be drawn.
        seed: Number that everything random follows from.
        rungs: If not 0, every moving clip is coded as a ladder of so many rungs.
        keep: How many of the ten frames of a clip are stored; VMAF is that of all but the first
            and last.
        varied: How damage is drawn in a varied set, whose pictures and stored frames vary as well;
            None for the usual way.
    """

    name: str
    contents: tuple[Path, ...]
    coders: tuple[str, ...]
    kinds: tuple[str, ...]
    seed: int
    rungs: int = 0
    keep: int = USUAL_KEPT
    varied: Varied | None = None

    @property
    def folder(self) -> str:
        """Name of the folder of its shards, in the folder of all sets."""
        parts = ["varied"] if self.varied else []
        parts += [f"{self.keep}-frames"] if self.keep != USUAL_KEPT else []
        return "-".join([self.name, *parts])

    @property
    def group(self) -> int:
        """How many clips show the same moving clip; divides `CLIPS_PER_SHARD`."""
        return self.rungs or (VARIED_GROUP if self.varied else GROUP)

    def draw(self, rng: np.random.Generator) -> list[Damage]:
        """Draw the damages of one moving clip."""
        if self.rungs:
            return draw_ladder(rng, self.rungs, self.coders)
        if self.varied is not None:
            return self.varied.draw(rng, self.coders, self.kinds)
        return draw_group(rng, GROUP, self.coders, self.kinds)

    def rng(self, shard: int) -> np.random.Generator:
        """Make the source of randomness of one shard."""
        key = hashlib.sha256(self.name.encode()).digest()[:4]
        return np.random.default_rng([self.seed, int.from_bytes(key, "big"), shard])

    def content(self, take: int) -> Path:
        """Return the content of the n-th moving clip: all in turn, shuffled again every round."""
        turn, place = divmod(take, len(self.contents))
        key = hashlib.sha256(f"{self.name} {turn}".encode()).digest()[:4]
        order = np.random.default_rng([self.seed, int.from_bytes(key, "big")])
        return self.contents[int(order.permutation(len(self.contents))[place])]

    def fingerprint(self) -> str:
        """Return a hash of everything that decides what the clips are."""
        parts = [str(_FORMAT), self.name, str(self.seed), str(self.rungs)]
        parts += [*self.coders, *self.kinds]
        parts += [path.name for path in self.contents]
        # What is usual is left out: sets in the caches of earlier versions stay what they are.
        parts += [f"keep {self.keep}"] if self.keep != USUAL_KEPT else []
        parts += [] if self.varied is None else self.varied.facts()
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """What is known of one clip.

    Attributes:
        content: File name of the still or video that it was made from.
        group: Number of the moving clip that it shows.
        damage: What was done to it.
        vmaf: Its VMAF against the moving clip, 0-100.
        moments: Which of its ten frames are stored.
    """

    content: str
    group: int
    damage: Damage
    vmaf: float
    moments: tuple[int, ...] = kept_frames(USUAL_KEPT)


def make_shards(
    plan: SetPlan, clips: int, cache: Path, recode: Recode, workers: int
) -> Iterator[int]:
    """Make the shards that are missing; yields how many clips each has as soon as it is there.

    Args:
        plan: What to make.
        clips: How many clips, rounded up to whole shards.
        cache: Folder of all sets.
        recode: Encodes and decodes; it must be a function of a module if ``workers`` is above 1.
        workers: Processes.

    Raises:
        VqaError: A still cannot be read, or VMAF cannot be computed.
    """
    folder = cache / plan.folder
    make_folder(folder)
    todo = []
    for shard in range(-(-clips // CLIPS_PER_SHARD)):
        if _is_whole(plan, folder, shard):
            yield CLIPS_PER_SHARD
        else:
            todo.append(shard)
    if workers <= 1:
        for shard in todo:
            make_shard(plan, shard, folder, recode)
            yield CLIPS_PER_SHARD
        return
    make = partial(make_shard, plan, folder=folder, recode=recode)
    for _ in as_they_finish(make, todo, workers):
        yield CLIPS_PER_SHARD


def make_shard(plan: SetPlan, shard: int, folder: Path, recode: Recode) -> None:
    """Make one shard: its clips, their VMAF from one ffmpeg process, and its two files."""
    rng = plan.rng(shard)
    stored_frames: list[np.ndarray] = []
    facts: list[dict[str, Any]] = []
    with VmafPipe(RawFormat(SIZE, SIZE)) as vmaf:
        takes = CLIPS_PER_SHARD // plan.group
        for number in range(shard * takes, (shard + 1) * takes):
            content = plan.content(number)
            clip = _pristine(content, rng, varied=plan.varied is not None)
            moments = draw_moments(rng, plan.keep) if plan.varied else kept_frames(plan.keep)
            for damage in plan.draw(rng):
                damaged = apply(damage, clip, recode, rng)
                for pristine, frame in zip(clip, damaged, strict=True):
                    vmaf.write(pristine, frame)
                stored_frames.append(np.stack([pack(damaged[index]) for index in moments]))
                facts.append(
                    {
                        "content": content.name,
                        "group": number,
                        "damage": damage.as_dict(),
                        "moments": moments,
                    }
                )
        scores = [frame["metrics"]["vmaf"] for frame in vmaf.close()["frames"]]
    for index, fact in enumerate(facts):
        # The first and last frame have a neighbour of another clip, so their motion is wrong.
        fact["vmaf"] = float(np.mean(scores[index * FRAMES + 1 : (index + 1) * FRAMES - 1]))
    _write(folder, shard, np.stack(stored_frames), {"plan": plan.fingerprint(), "clips": facts})


def _pristine(content: Path, rng: np.random.Generator, *, varied: bool) -> list[Planes]:
    if is_footage(content):
        return footage_clip(content, rng, FRAMES, SHORT_SIDE_MIN)
    picture = read_still(content, rng, SHORT_SIDE_MIN)
    return moving_clip(vary_picture(picture, rng) if varied else picture, rng, FRAMES)


def read_labels(plan: SetPlan, clips: int, cache: Path) -> list[LabelledClip]:
    """Read the labels of the first ``clips`` clips of a set, in order."""
    labels: list[LabelledClip] = []
    for shard in range(-(-clips // CLIPS_PER_SHARD)):
        text = _label_path(cache / plan.folder, shard).read_text("utf-8")
        labels += [_labelled(clip, plan.keep) for clip in json.loads(text)["clips"]]
    return labels


def _labelled(clip: dict[str, Any], keep: int) -> LabelledClip:
    # Label files of earlier versions do not say which frames are stored: the usual ones.
    moments = tuple(clip.get("moments", kept_frames(keep)))
    damage = Damage(**clip["damage"])
    return LabelledClip(clip["content"], clip["group"], damage, clip["vmaf"], moments)


def open_frames(plan: SetPlan, clips: int, cache: Path) -> list[np.ndarray]:
    """Map the frames of shards into memory: [24, kept, 384 * 384 * 3 / 2] uint8, packed 4:2:0."""
    shards = range(-(-clips // CLIPS_PER_SHARD))
    return [np.load(_array_path(cache / plan.folder, s), mmap_mode="r") for s in shards]


def _is_whole(plan: SetPlan, folder: Path, shard: int) -> bool:
    try:
        facts = json.loads(_label_path(folder, shard).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return facts.get("plan") == plan.fingerprint() and _array_path(folder, shard).is_file()


def _label_path(folder: Path, shard: int) -> Path:
    return folder / f"{shard:05d}.json"


def _array_path(folder: Path, shard: int) -> Path:
    return folder / f"{shard:05d}.npy"


def _write(folder: Path, shard: int, frames: np.ndarray, facts: dict[str, Any]) -> None:
    array, label = _array_path(folder, shard), _label_path(folder, shard)
    label.unlink(missing_ok=True)
    with replacing(array) as part, part.open("wb") as file:
        np.save(file, frames, allow_pickle=False)
    write_text(label, json.dumps(facts))
