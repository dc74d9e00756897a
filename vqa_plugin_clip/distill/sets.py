"""The labelled clips of a plan: made where they are missing, then opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vqa_plugin_clip.distill.batches import ClipSet
from vqa_plugin_clip.distill.recode import recode
from vqa_plugin_clip.distill.shards import SetPlan, make_shards

Progress = Callable[[str, int, int, str], None]
"""Called with the name of what is going on, what is done, what there is to do, and a note."""


def labelled_clips(
    plan: SetPlan, clips: int, cache: Path, workers: int, progress: Progress
) -> ClipSet:
    """The clips of a set.

    Args:
        plan: which set.
        clips: how many, whole shards.
        cache: folder of all sets.
        workers: processes that make clips.
        progress: told what is going on.

    Raises:
        InputError: a content cannot be used.
        MissingBackend: no ffmpeg with libvmaf.
    """
    done = 0
    for made in make_shards(plan, clips, cache, recode, workers):
        done += made
        progress(f"clips: {plan.name}", done, clips, "")
    return ClipSet([(plan, clips)], cache)
