"""Recipes of ``clipvqa distill``: their checks, plans of sets, stages, contents that are bad."""

import inspect
import shutil
from dataclasses import fields, replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed; it comes with the extra clip")

from tests.clip.made_clips import few_stills, still
from vqa_harness.errors import UsageError
from vqa_plugin_clip.distill.coders import CODERS
from vqa_plugin_clip.distill.command import _command, distill_command
from vqa_plugin_clip.distill.contents import list_contents, validation_part, with_motion
from vqa_plugin_clip.distill.draw import KINDS
from vqa_plugin_clip.distill.recipe import HELD_OUT, DistillRecipe
from vqa_plugin_clip.distill.run import _Run
from vqa_plugin_clip.distill.shards import SetPlan
from vqa_plugin_clip.distill.survey import left_out, summary
from vqa_plugin_clip.distill.varied import Varied


def test_plans_never_share_contents(tmp_path):
    plans = DistillRecipe(few_stills(tmp_path / "stills", trained=3)).plans()
    evaluation = {"heldout", "ladder", "av1-svt", "freeze"}
    assert set(plans) == {"train", "validation", "validation-ladder", *evaluation}
    assert len(plans["train"].contents) == 2
    assert plans["validation"].contents == plans["validation-ladder"].contents
    parts = [set(plans[name].contents) for name in ("train", "validation", "heldout")]
    assert len(set.union(*parts)) == sum(len(part) for part in parts) == 4
    assert len({plans[name].contents for name in evaluation}) == 1
    for name in ("train", "heldout", "validation"):
        assert "av1-svt" not in plans[name].coders
        assert "freeze" not in plans[name].kinds
    assert "av1-svt" in plans["ladder"].coders
    assert (plans["validation-ladder"].rungs, plans["validation"].rungs) == (6, 0)
    everything = DistillRecipe(tmp_path / "stills", held_out=(), validation=0).plans()
    assert set(everything) == {"train", "heldout", "ladder"}
    assert "av1-svt" in everything["train"].coders
    assert "freeze" in everything["train"].kinds
    assert set(DistillRecipe(tmp_path / "stills").evaluation_plans()) == evaluation
    (lonely := tmp_path / "lonely").mkdir()
    still(0).save(lonely / plans["train"].contents[0].name)
    with pytest.raises(UsageError, match="0 of 1 contents are for evaluation"):
        DistillRecipe(lonely).plans()
    (kept := tmp_path / "kept").mkdir()
    still(0).save(kept / plans["heldout"].contents[0].name)
    with pytest.raises(UsageError, match="0 of 1 contents are for training"):
        DistillRecipe(kept).plans()


def test_evaluation_sets_of_earlier_versions_stay_what_they_are():
    """Their clips did not change, so those in caches that exist are used on."""
    contents = tuple(Path(f"still{index}.png") for index in range(3))
    coders = tuple(name for name in CODERS if name not in HELD_OUT)
    kinds = tuple(kind for kind in KINDS if kind not in HELD_OUT)
    plans = [
        SetPlan("heldout", contents, coders, kinds, 1),
        SetPlan("ladder", contents, (*coders, "av1-svt"), ("codec",), 1, rungs=6),
        SetPlan("av1-svt", contents, ("av1-svt",), ("codec",), 1),
        SetPlan("freeze", contents, coders, ("freeze",), 1),
    ]
    assert [plan.fingerprint()[:12] for plan in plans] == [
        "e8a106ad643a",
        "5a0362840f3f",
        "ba4529e6dde4",
        "0eb98e015b1b",
    ]
    assert [plan.folder for plan in plans] == ["heldout", "ladder", "av1-svt", "freeze"]


def test_what_decides_the_clips_is_in_the_fingerprint():
    plan = SetPlan("train", (Path("a.png"),), ("x264-fast",), KINDS, 1)
    others = [
        replace(plan, keep=8),
        replace(plan, varied=Varied()),
        replace(plan, varied=Varied(clean=0.1)),
        replace(plan, varied=Varied(), keep=8),
        replace(plan, contents=(*plan.contents, Path("b.png"))),
    ]
    every = [plan, *others]
    assert len({one.fingerprint() for one in every}) == len(every)
    assert len({one.folder for one in every}) == 4
    assert (plan.group, others[1].group) == (4, 6)


def test_sets_follow_the_network_and_the_recipe(tmp_path):
    folder = few_stills(tmp_path / "stills", trained=3)
    recipe = DistillRecipe(folder, frames=8, varied=Varied(), held_out=("vp8",))
    plans = recipe.plans()
    assert {plan.keep for plan in plans.values()} == {8}
    assert [name for name, plan in plans.items() if plan.varied] == ["train"]
    assert plans["vp8"].coders == ("vp8",)
    assert plans["ladder"].coders == (*CODERS, "vp8")
    assert "vp8" not in plans["train"].coders


def test_a_part_of_the_training_contents_is_for_validation():
    contents = [Path(f"{index}.png") for index in range(100)] + [Path("x.jpg")]
    chosen = validation_part(contents, 0.08)
    assert len(chosen) == 8
    assert Path("x.jpg") not in validation_part(contents, 0.5)
    more = validation_part([*contents, Path("new.png")], 0.08)
    assert len(set(chosen) & set(more)) >= 7
    assert validation_part(contents, 0) == []
    assert validation_part(contents[:1], 0.5) == []
    assert len(validation_part(contents[:2], 0.01)) == 1


def test_videos_are_repeated_for_their_share():
    stills = [Path(f"{index}.png") for index in range(90)]
    videos = [Path("a.mp4"), Path("b.mkv")]
    weighed = with_motion([*stills, *videos], 0.25)
    assert weighed.count(videos[0]) == weighed.count(videos[1]) == 15
    assert len(weighed) == 120
    assert with_motion([*stills, *videos], 0) == [*stills, *videos]
    assert with_motion(stills, 0.5) == stills


def test_recipes_are_checked(tmp_path):
    for values, message in (
        ({"clips": 3}, "--clips 3: needs at least 24"),
        ({"batch": 96, "clips": 48}, "--clips 48: needs at least 96"),
        ({"epochs": -1}, "--epochs -1: needs at least 0"),
        ({"epochs": 0, "clip_epochs": 0}, "--epochs 0: needs --clip-epochs or --minutes"),
        ({"frames": 11}, "--frames 11: may be at most 10"),
        ({"width": 200}, "--width 200: needs a multiple of 64"),
        ({"frozen_blocks": 12}, "--frozen-blocks 12: may be at most 11"),
        ({"minutes": float("nan")}, "--minutes nan: needs at least 0"),
        ({"rate": 0}, "--rate 0: needs more than 0"),
        ({"validation": 0.9}, "--validation 0.9: may be at most 0.5"),
        ({"varied": Varied(1.5)}, "--clean 1.5: needs a share from 0 to 1"),
        ({"held_out": ("h266",)}, "--hold-out h266: not one of x264-fast, "),
        ({"held_out": tuple(CODERS)}, "at least one coder"),
    ):
        with pytest.raises(UsageError, match=message):
            DistillRecipe(tmp_path, **values)


def test_the_stages_are_what_is_asked_for(tmp_path):
    frames, clips = DistillRecipe(tmp_path).stages()
    assert (frames.name, frames.frames, frames.without) == ("frames", 1, ("freeze",))
    assert (clips.name, clips.frames, clips.settings.epochs) == ("clips", 4, 1)
    assert clips.settings.rate == pytest.approx(0.2 * frames.settings.rate)
    recipe = DistillRecipe(tmp_path, epochs=0, minutes=30, rate=1e-3, device="cuda", batch=96)
    (only,) = recipe.stages()
    assert (only.name, only.settings.minutes, only.settings.rate) == ("clips", 30, 1e-3)
    assert (only.settings.band, only.settings.batch) == (7, 96)


def test_stored_stages_are_named_by_what_decides_them(tmp_path):
    (tmp_path / "mos.csv").write_text("file,mos\n")
    plans = {"train": SetPlan("train", (tmp_path / "a.png",), ("x264-fast",), ("codec",), seed=1)}

    def name(**values):
        recipe = DistillRecipe(tmp_path, **values)
        run = _Run(recipe, plans, None, tmp_path / "o.safetensors", tmp_path, None, None)
        return run.fingerprint(recipe.stages())

    usual = name()
    assert usual == "0dc0b8ca798b"
    same = ({"device": "mps"}, {"half": True}, {"workers": 7}, {"version": "9"})
    assert {name(**values) for values in same} == {usual}
    different = ({"rank": 0.3}, {"mos": tmp_path / "mos.csv"}, {"width": 256}, {"minutes": 1})
    assert len({usual, *(name(**values) for values in different)}) == 5


def test_contents_that_cannot_be_used_are_left_out_and_named(tmp_path):
    folder = few_stills(tmp_path / "stills")
    (folder / "broken.png").write_bytes(b"no picture")
    still(1, 500).save(folder / "small.jpg")
    whole = (folder / "still0.png").read_bytes() if (folder / "still0.png").exists() else None
    path = next(iter(sorted(folder.glob("still*.png"))))
    (folder / "cut.png").write_bytes((whole or path.read_bytes())[:20_000])
    (folder / "text.mp4").write_text("no video")
    (cache := tmp_path / "cache").mkdir()
    seen = []
    bad = left_out(list_contents(folder), cache, 2, lambda *words: seen.append(words))
    assert [one.path.name for one in bad] == ["broken.png", "cut.png", "small.jpg", "text.mp4"]
    assert "250" not in bad[2].reason
    assert bad[2].reason.startswith("500x500 is too small a picture, and a JPEG file is halved")
    assert str(folder) not in (cache / "contents.json").read_text()
    assert seen[-1][1:3] == (7, 7)
    assert summary(bad, 3)[-1] == "left out: 1 more, which the card names"
    assert summary(bad)[0].startswith("left out: broken.png: cannot be read as a picture (")
    plans = DistillRecipe(folder).plans({one.path for one in bad})
    used = {path.name for plan in plans.values() for path in plan.contents}
    assert used == {path.name for path in folder.glob("still*.png")}

    # what is known is not decoded again, and what was mended is
    def never(*_):
        raise AssertionError("a file was decoded again")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vqa_plugin_clip.distill.survey.open_still", never)
        again = left_out(list_contents(folder), cache, 1, lambda *_: None)
        assert [str(one) for one in again] == [str(one) for one in bad]
    shutil.copy(path, folder / "broken.png")
    names = [one.path.name for one in left_out(list_contents(folder), cache, 1, lambda *_: None)]
    assert names == ["cut.png", "small.jpg", "text.mp4"]


def test_options_have_the_defaults_of_the_recipe():
    """They are written twice, because the command line must not import torch."""
    usual = {field.name: field.default for field in fields(DistillRecipe)}
    flags = {"hold_out": "held_out", "weights_version": "version", "jobs": "workers"}
    for name, parameter in inspect.signature(distill_command).parameters.items():
        field = flags.get(name, name)
        if field in usual and field not in ("content", "workers", "device", "varied"):
            default = parameter.default
            if name == "hold_out":
                default = tuple(default.split(","))
            assert default == usual[field], name


def test_the_card_has_the_command_without_folders(tmp_path):
    recipe = DistillRecipe(
        tmp_path / "MASTERS",
        init=tmp_path / "some" / "a b.safetensors",
        varied=Varied(0.03),
        held_out=(),
        epochs=0,
        minutes=30,
        half=True,
        workers=16,
        device="cuda",
    )
    assert _command(recipe) == (
        "vqa-harness clipvqa distill --content MASTERS --init 'a b.safetensors' --varied"
        " --clean 0.03 --epochs 0 --minutes 30 --hold-out '' --half"
    )
