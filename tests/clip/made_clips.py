"""Stills, tables and labelled clips that are made up for tests of ``clipvqa distill``."""

import numpy as np
from PIL import Image

from vqa_plugin_clip.distill import batches, recipe, shards
from vqa_plugin_clip.distill.contents import is_held_out
from vqa_plugin_clip.distill.motion import SIZE
from vqa_plugin_clip.distill.shards import SetPlan


def still(seed=0, size=480):
    """A picture with texture and edges."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    base = 110 + 50 * np.sin(rows / (9 + seed)) * np.cos(columns / 13) + 40 * (rows > columns)
    rgb = base[..., None] + rng.normal(0, 9, (size, size, 1)) + rng.normal(0, 20, 3)
    return Image.fromarray(rgb.clip(0, 255).astype(np.uint8))


def few_stills(folder, trained=2):
    """Some stills to train on and one that is held out."""
    folder.mkdir()
    names = [f"still{index}.png" for index in range(100)]
    kept = [name for name in names if is_held_out(folder / name)][:1]
    others = [name for name in names if not is_held_out(folder / name)][:trained]
    for index, name in enumerate([*others, *kept]):
        still(index).save(folder / name)
    return folder


def opinion_table(folder, rows):
    """A table of one still with as many scores."""
    still(0, 400).save(folder / "a.png")
    lines = ["file,mos", *(f"a.png,{index}" for index in range(rows))]
    (folder / "mos.csv").write_text("\n".join(lines))
    return folder / "mos.csv"


def small_shards(monkeypatch, clips):
    """Let a shard hold so many clips."""
    for module in (shards, batches, recipe):
        monkeypatch.setattr(module, "CLIPS_PER_SHARD", clips)


def written_set(folder, clips=8, group=4, damage=None, keep=4):
    """Write clips as shards of four are, with made-up labels: the brighter the better."""
    plan = SetPlan("train", (folder / "a.png",), ("x265-ultrafast",), ("codec",), 1, keep=keep)
    damage = damage or {"kind": "codec", "coder": "x265-ultrafast", "crf": 30}
    (folder / plan.folder).mkdir()
    rng = np.random.default_rng(0)
    for shard in range(clips // 4):
        levels = rng.uniform(0, 100, 4)
        frames = rng.integers(16, 60, (4, keep, SIZE * SIZE * 3 // 2))
        frames[:, :, : SIZE * SIZE] += levels[:, None, None].astype(int)
        facts = [
            {
                "content": "a.png",
                "group": (4 * shard + index) // group,
                "damage": damage,
                "vmaf": float(level),
            }
            for index, level in enumerate(levels)
        ]
        document = {"plan": plan.fingerprint(), "clips": facts}
        shards._write(folder / plan.folder, shard, frames.astype(np.uint8), document)
    return plan
