"""Training on labelled clips: losses, the small network, two steps, the checkpoint, the command."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("PIL", reason="Pillow is not installed; it comes with the extra clip")

from PIL import Image
from typer.testing import CliRunner

from vqa_harness.errors import InputError, MissingBackend, UsageError
from vqa_metrics.vmaf.ffmpeg import find_ffmpeg
from vqa_plugin_clip.checkpoint.files import load_checkpoint, save_checkpoint
from vqa_plugin_clip.cli import app
from vqa_plugin_clip.distill import batches, shards, training
from vqa_plugin_clip.distill.average import WeightAverage
from vqa_plugin_clip.distill.batches import ClipSet
from vqa_plugin_clip.distill.contents import is_held_out
from vqa_plugin_clip.distill.damage import CODERS, Damage, caption_of, draw_ladder
from vqa_plugin_clip.distill.evaluate import figures, ladder_figures, order_within_groups
from vqa_plugin_clip.distill.losses import OPINION_WEIGHT, caption_loss, distill_loss, opinion_loss
from vqa_plugin_clip.distill.motion import SIZE
from vqa_plugin_clip.distill.network import (
    fast_stem,
    narrow,
    optimiser,
    small_architecture,
    widen,
    with_words,
)
from vqa_plugin_clip.distill.opinions import OpinionSet, read_opinions, split
from vqa_plugin_clip.distill.planes import Planes, from_rgb, pack
from vqa_plugin_clip.distill.recipe import DistillRecipe
from vqa_plugin_clip.distill.report import COLUMNS, DistillOrigin, append_rows, make_card
from vqa_plugin_clip.distill.run import _Run, distill
from vqa_plugin_clip.distill.sampling import PATCH, SIDE, cut, normalise, normalise_rgb, offsets
from vqa_plugin_clip.distill.shards import SetPlan
from vqa_plugin_clip.distill.training import EpochReport, Sources, TrainSettings, train
from vqa_plugin_clip.distill.vary import vary_colour, vary_places
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.network.captions import CAPTIONS, caption
from vqa_plugin_clip.network.labels import score, vectorised_label
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.stem import imagenet_weights
from vqa_plugin_clip.network.tokens import LABELS, tokens_for


def still(seed, size=480):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    base = 110 + 50 * np.sin(rows / (9 + seed)) * np.cos(columns / 13) + 40 * (rows > columns)
    rgb = base[..., None] + rng.normal(0, 9, (size, size, 3))
    return Image.fromarray(rgb.clip(0, 255).astype(np.uint8))


@pytest.fixture
def clip_set(tmp_path, monkeypatch):
    """Eight clips written as shards are, with made-up labels: the brighter the better."""
    for module in (shards, batches):
        monkeypatch.setattr(module, "CLIPS_PER_SHARD", 4)
    monkeypatch.setattr(training, "BATCH", 4)
    plan = SetPlan("train", (tmp_path / "a.png",), ("x265-ultrafast",), ("codec",), 1)
    (tmp_path / "train").mkdir()
    rng = np.random.default_rng(0)
    for shard in range(2):
        levels = rng.uniform(0, 100, 4)
        frames = rng.integers(16, 60, (4, 4, SIZE * SIZE * 3 // 2))
        frames[:, :, : SIZE * SIZE] += levels[:, None, None].astype(int)
        damage = {"kind": "codec", "coder": "x265-ultrafast", "crf": 30}
        facts = [
            {"content": "a.png", "group": shard, "damage": damage, "vmaf": float(level)}
            for level in levels
        ]
        document = {"plan": plan.fingerprint(), "clips": facts}
        shards._write(tmp_path / "train", shard, frames.astype(np.uint8), document)
    return ClipSet([(plan, 8)], tmp_path)


def test_fragments_are_the_patches_they_say():
    rng = np.random.default_rng(0)
    planes = Planes(
        rng.integers(0, 256, (SIZE, SIZE), np.uint8),
        *rng.integers(0, 256, (2, SIZE // 2, SIZE // 2), np.uint8),
    )
    places = offsets(rng)
    out = cut(pack(planes)[None], places)
    assert out.shape == (1, 3, SIDE, SIDE)
    for i, j in ((0, 0), (2, 5), (6, 6)):
        top, left = places[i, j]
        found = out[0, :, i * PATCH : (i + 1) * PATCH, j * PATCH : (j + 1) * PATCH]
        np.testing.assert_array_equal(found[0], planes.y[top : top + PATCH, left : left + PATCH])
        chroma = planes.v[top // 2 : (top + PATCH) // 2, left // 2 : (left + PATCH) // 2]
        np.testing.assert_array_equal(found[2], chroma.repeat(2, 0).repeat(2, 1))


def test_patches_stay_in_their_cells():
    rng = np.random.default_rng(0)
    drawn = np.stack([offsets(rng) for _ in range(200)])
    edges = np.arange(8) * SIZE // 7
    for axis in (0, 1):
        cells = np.moveaxis(drawn[..., axis], 1 + axis, 0).reshape(7, -1)
        assert (cells >= edges[:-1, None]).all()
        assert (cells + PATCH <= np.minimum(edges[1:, None] + 1, SIZE)).all()
    assert (drawn % 2 == 0).all()
    assert len(np.unique(drawn[:, 3, 3, 0])) > 5
    np.testing.assert_array_equal(offsets(None), offsets(None))


def test_input_is_what_the_metric_gives_the_network():
    rgb = np.asarray(still(3, SIZE))
    smooth = np.asarray(Image.fromarray(rgb).resize((24, 24)).resize((SIZE, SIZE), 3))
    ours = normalise(torch.from_numpy(cut(pack(from_rgb(smooth))[None], offsets(None))))[0]
    preprocessing = Preprocessing(size=SIDE)
    theirs = preprocessing.tensor(preprocessing.picture(smooth)[None])[0]
    assert (ours - theirs).abs().mean() < 0.06  # patches may lie one pixel apart


def test_batches_hold_pairs_of_the_same_clip(clip_set):
    rng = np.random.default_rng(0)
    seen = list(clip_set.epoch(4, frames=2, rng=rng))
    assert len(seen) == 2
    for batch in seen:
        assert batch.fragments.shape == (4, 2, 3, SIDE, SIDE)
        assert batch.fragments.dtype == torch.uint8
        assert batch.group[0] == batch.group[1]
        assert batch.group[2] == batch.group[3]
    labels = torch.cat([batch.vmaf for batch in seen])
    np.testing.assert_array_equal(np.sort(labels.numpy()), np.sort(clip_set.vmaf))
    again = clip_set.batch([0, 5], 2)
    torch.testing.assert_close(again.fragments, clip_set.batch([0, 5], 2).fragments)


def test_loss_is_least_at_the_label_and_knows_order():
    levels = torch.tensor([1.0, 4.0])
    exact = torch.from_numpy(vectorised_label(levels.numpy())).float()
    group = torch.tensor([0, 0])
    good, swapped = distill_loss(exact, levels, group), distill_loss(exact.flip(0), levels, group)
    assert good < 0.01
    apart = distill_loss(exact.flip(0), levels, torch.tensor([0, 1]))
    assert swapped > apart > good


def test_opinion_loss_knows_no_scale():
    levels = torch.tensor([1.0, 2.0, 3.0, 4.0])
    probs = torch.from_numpy(vectorised_label(levels.numpy())).float()
    mos = torch.tensor([10.0, 30.0, 50.0, 70.0])
    right, again = opinion_loss(probs, mos), opinion_loss(probs, mos / 20 - 3)
    assert right < 0.01 * OPINION_WEIGHT
    torch.testing.assert_close(right, again, atol=1e-5, rtol=0)
    assert opinion_loss(probs, -mos) == pytest.approx(2 * OPINION_WEIGHT, abs=1e-3)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return ClipVqa(small_architecture(1))


def test_fast_stem_computes_the_same(network):
    images = torch.randn(1, 3, SIDE, SIDE)
    network.eval()
    stem = network.visual.stem
    wanted = stem(images)
    with fast_stem(network, 3):
        found = network.visual.stem(images)
    assert network.visual.stem is stem
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-3)


def test_widened_network_scores_a_clip_without_motion_alike(network):
    video = torch.randn(2, 1, 3, SIDE, SIDE)
    text = tokens_for(LABELS, network.architecture)
    wide = widen(network, 4).eval()
    assert wide.architecture == replace(network.architecture, frames=4)
    with torch.inference_mode():
        narrow = network.eval()(video, text).probs
        found = wide(video.expand(-1, 4, -1, -1, -1), text).probs
    torch.testing.assert_close(found, narrow, atol=1e-4, rtol=1e-3)
    with pytest.raises(UsageError, match="multiple of 4"):
        widen(wide, 6)


def test_narrow_undoes_widen(network):
    again = narrow(widen(network, 4)).state_dict()
    for key, value in network.state_dict().items():
        torch.testing.assert_close(again[key], value)


def test_new_words_leave_the_others_as_they_are(network):
    vocabulary = tuple(sorted((*network.architecture.vocabulary, "aaa", "zzz")))
    larger = with_words(network, vocabulary)
    texts = (*LABELS, CAPTIONS[3])
    with torch.inference_mode():
        wanted = network.encode_text(tokens_for(texts, network.architecture))
        found = larger.encode_text(tokens_for(texts, larger.architecture))
    torch.testing.assert_close(found, wanted)
    tokens_for(["aaa zzz"], larger.architecture)
    with pytest.raises(UsageError, match="lacks 'bad'"):
        with_words(network, ("good",))


def test_a_band_is_a_part_of_the_frame(network):
    video = torch.randn(1, 1, 3, SIDE, SIDE)
    text = tokens_for(LABELS, network.architecture)
    network.eval()
    with torch.inference_mode():
        whole = network(video, text).probs
        torch.testing.assert_close(network(video, text, band=0).probs, whole)
        upper = network(video[..., : 4 * PATCH, :], text, band=0).probs
        moved = network(video[..., : 4 * PATCH, :], text, band=6).probs
        images = video[:, 0, :, 3 * PATCH :]
        tokens, every = network.visual.tokens(images, 6), network.visual.positional_embedding
    assert upper.shape == whole.shape
    assert not torch.equal(upper, moved)
    assert tokens.shape == (1, 1 + 8 * 14, every.shape[1])
    with pytest.raises(UsageError, match="band=8: 128 rows from there leave the frame"):
        network(video[..., : 4 * PATCH, :], text, band=8)
    with pytest.raises(UsageError, match="video of shape"):
        network(video[..., :100, :], text, band=0)


def test_the_average_follows_the_weights():
    layer = torch.nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(0.0)
    average = WeightAverage(layer)
    for value in (1.0, 2.0, 3.0):
        layer.weight.data.fill_(value)
        average.update()
    with average.swapped():
        inside = layer.weight.item()
    assert layer.weight.item() == 3.0
    assert 0 < inside < 3
    average.apply()
    assert layer.weight.item() == pytest.approx(inside)


def test_captions_tell_of_damage_and_strength():
    assert len(set(CAPTIONS)) == len(CAPTIONS) == 19
    names = {
        CAPTIONS[caption_of(Damage(kind, coder, scale=scale), vmaf)]
        for kind, coder, scale, vmaf in (
            ("none", "", 1.0, 93.0),
            ("codec", "x264-fast", 1.0, 99.0),
            ("codec", "x264-fast", 1.0, 80.0),
            ("codec", "x264-fast", 0.5, 50.0),
            ("blur", "", 1.0, 10.0),
            ("banding", "", 1.0, 80.0),
        )
    }
    assert names == {
        "clean",
        caption("compressed", 80),
        "clearly compressed upscaled",
        "heavily blurred",
        "slightly banded",
    }
    assert caption_of(Damage("freeze", hold=3), 50.0) == -1
    logits = torch.eye(3) * 20
    right = caption_loss(logits, torch.tensor([0, 1, -1]))
    assert right < 1e-3 < caption_loss(logits, torch.tensor([1, 0, -1]))
    assert caption_loss(logits, torch.tensor([-1, -1, -1])) == 0


def test_ladders_are_one_coder_from_best_to_worst():
    rungs = draw_ladder(np.random.default_rng(0), 6, ("vp9-good", "x265-fast"))
    assert len({rung.coder for rung in rungs}) == 1
    assert [rung.crf for rung in rungs] == sorted({rung.crf for rung in rungs})
    assert (rungs[0].crf, rungs[-1].crf) == CODERS[rungs[0].coder].crf


def test_figures_of_ladders(clip_set):
    found = ladder_figures(clip_set.vmaf, clip_set)
    assert found == {"ladders": 2.0, "srocc": pytest.approx(1.0), "swapped": 0.0}
    found = ladder_figures(-clip_set.vmaf, clip_set)
    assert found == {"ladders": 2.0, "srocc": pytest.approx(-1.0), "swapped": 1.0}
    one = ladder_figures(clip_set.vmaf, clip_set, clip_set.groups == 0)
    assert one["ladders"] == 1


def test_early_stem_is_frozen_and_nothing_else(network):
    optim = optimiser(network, 3)
    trained = {id(p) for group in optim.param_groups for p in group["params"]}
    frozen = [name for name, p in network.named_parameters() if id(p) not in trained]
    assert all(name.startswith(("visual.stem.first", "visual.stem.blocks.")) for name in frozen)
    assert {name.split(".")[3] for name in frozen if "blocks" in name} == set("012")
    rates = {group["lr"] for group in optim.param_groups}
    assert rates == {6e-4, 3e-4}


def test_two_steps_train_and_the_checkpoint_loads(clip_set, tmp_path):
    torch.manual_seed(0)
    model = ClipVqa(small_architecture(1))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    steps, reports = [], []
    train(
        model,
        Sources(clip_set, {"heldout": clip_set}),
        TrainSettings(epochs=1),
        lambda step, total, loss: steps.append((step, total, loss)),
        reports.append,
    )
    assert [step[:2] for step in steps] == [(1, 2), (2, 2)]
    assert all(np.isfinite(step[2]) for step in steps)
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert "visual.stem.blocks.10.project.conv.weight" in changed
    assert "token_embedding.weight" in changed
    assert not any(key.startswith("visual.stem.first") for key in changed)
    assert reports[0].tables["heldout"]["all"]["clips"] == 8

    recipe = DistillRecipe(tmp_path, command="vqa-harness clipvqa distill")
    origin = DistillOrigin(clips=8, contents=3, stills=0, recipe=recipe)
    save_checkpoint(model, make_card(model, origin, reports[0]), tmp_path / "x.safetensors")
    loaded, card = load_checkpoint(tmp_path / "x.safetensors")
    assert card.licence == "Apache-2.0"
    assert "8 clips" in card.training_data
    assert "3 stills" in card.training_data
    assert "av1" not in card.training_data
    assert card.extra["captions"] == list(CAPTIONS)
    video = normalise(clip_set.batch([0, 1], 1).fragments)
    text = tokens_for(card.levels, card.architecture)
    with torch.inference_mode():
        wanted = score(model.eval()(video, text).probs.numpy())
        found = score(loaded(video, text).probs.numpy())
    np.testing.assert_allclose(found, wanted, atol=0.5)


def test_varied_clips_keep_their_luma():
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 256, (2, 3, SIDE, SIDE), np.uint8)
    seen = {vary_places(clip, rng).tobytes() for _ in range(12)}
    assert len(seen) > 4
    for _ in range(12):
        varied = vary_places(clip, rng)
        assert varied.shape == clip.shape
        np.testing.assert_array_equal(np.sort(varied, axis=None), np.sort(clip, axis=None))
    grey = torch.full((5, 1, 3, 4, 4), 128, dtype=torch.uint8)
    grey[:, :, 0] = torch.arange(16, 240, 14, dtype=torch.uint8).reshape(4, 4)
    turned = vary_colour(grey, rng)
    assert (turned[:, :, 1:] == 128).all()
    assert (turned[:, :, 0].int() - grey[:, :, 0].int()).abs().max() <= 13
    colour = grey.clone()
    colour[:, :, 1] = 180
    turned = vary_colour(colour, rng)
    assert len({bytes(clip[0, 1].numpy()) for clip in turned}) > 1


def test_epochs_can_be_varied(clip_set):
    plain = list(clip_set.epoch(4, 1, np.random.default_rng(0)))
    varied = list(clip_set.epoch(4, 1, np.random.default_rng(0), vary=True))
    assert plain[0].fragments.shape == varied[0].fragments.shape
    torch.testing.assert_close(plain[0].vmaf, varied[0].vmaf)
    assert not torch.equal(plain[0].fragments, varied[0].fragments)


def test_figures_and_order():
    truth = np.array([10.0, 20.0, 50.0, 90.0])
    found = figures(truth * 0.9 + 1, truth)
    assert found["srocc"] == pytest.approx(1)
    assert found["plcc"] == pytest.approx(1)
    assert found["mae"] == pytest.approx(np.abs(truth * 0.1 - 1).mean())
    assert figures(truth, np.full(4, 7.0)) == {"clips": 4.0}


def test_sets_are_joined_with_groups_of_their_own(clip_set, tmp_path):
    plan = SetPlan("train", (tmp_path / "a.png",), ("x265-ultrafast",), ("codec",), 1)
    both = ClipSet([(plan, 8), (plan, 4)], tmp_path)
    assert len(both) == 12
    assert len(set(both.groups)) == len(set(clip_set.groups)) + 1
    assert not set(both.groups[8:]) & set(both.groups[:8])
    one, other = both.batch([0, 8], 1).fragments
    torch.testing.assert_close(one, other)


def test_kinds_can_be_left_out(clip_set, tmp_path):
    plan = SetPlan("train", (tmp_path / "a.png",), ("x265-ultrafast",), ("codec",), 1)
    assert len(ClipSet([(plan, 8)], tmp_path, without=("freeze",))) == 8
    assert len(ClipSet([(plan, 8)], tmp_path, without=("codec",))) == 0
    assert clip_set.lumas(3).shape == (4, SIZE, SIZE)


def test_order_is_counted_inside_groups(clip_set):
    assert order_within_groups(clip_set.vmaf, clip_set) == 1.0
    assert order_within_groups(-clip_set.vmaf, clip_set) == 0.0


def test_rows_are_added_to_one_table(tmp_path):
    report = EpochReport(
        1, 0.5, {"heldout": {"all": {"clips": 3.0, "srocc": 0.9}}}, {"heldout": 1.0}
    )
    for _ in range(2):
        append_rows(tmp_path / "x.csv", "single frames", report)
    lines = (tmp_path / "x.csv").read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert lines[1:] == 2 * ["single frames,1,0.5,heldout,all,3.0,0.9,,,1.0"]


def opinion_table(folder, rows):
    still(0, 400).save(folder / "a.png")
    lines = ["file,mos", *(f"a.png,{index}" for index in range(rows))]
    (folder / "mos.csv").write_text("\n".join(lines))
    return folder / "mos.csv"


def test_opinions_are_split_by_blocks(tmp_path):
    development, validation = split(read_opinions(opinion_table(tmp_path, 210)))
    assert [opinion.mos for opinion in validation] == [*range(80, 100), *range(180, 200)]
    assert len(development) == 170
    stills = OpinionSet(validation[:2])
    fragments, mos = stills.batch(np.array([1]), 3, np.random.default_rng(0))
    assert fragments.shape == (1, 3, 3, SIDE, SIDE)
    assert torch.equal(fragments[:, 0], fragments[:, 2])
    assert mos.tolist() == [81.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,mos\n", "needs a header and rows"),
        ("file,mos\na.png\n", "is not file,score"),
        ("file,mos\na.png,high\n", "is not file,score"),
        ("file,mos\nnone.png,3\n", "none.png: no such file"),
        ("file,mos\na.png,nan\n", "not finite"),
    ],
)
def test_bad_opinion_tables_are_refused(tmp_path, text, message):
    still(0, 400).save(tmp_path / "a.png")
    (tmp_path / "mos.csv").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_opinions(tmp_path / "mos.csv")


def test_stills_are_seen_whole(tmp_path):
    picture = np.zeros((400, 600, 3), np.uint8)
    picture[:, 300:] = 200
    Image.fromarray(picture).save(tmp_path / "a.png")
    (tmp_path / "mos.csv").write_text("file,mos\na.png,3\n")
    stills = OpinionSet(read_opinions(tmp_path / "mos.csv"))
    fragments, _ = stills.batch(np.array([0]), 1)
    assert (fragments[..., :96] == 0).all()
    assert (fragments[..., 128:] == 200).all()
    found = normalise_rgb(fragments)[0, 0, :, 0, -1]
    preprocessing = Preprocessing(size=SIDE)
    wanted = preprocessing.tensor(preprocessing.picture(picture)[None])[0, :, 0, -1]
    torch.testing.assert_close(found, wanted)


def test_a_broken_still_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    (tmp_path / "mos.csv").write_text("file,mos\na.png,3\n")
    with pytest.raises(InputError, match=r"a.png: cannot be read as a picture"):
        OpinionSet(read_opinions(tmp_path / "mos.csv"))


def few_stills(folder):
    """Two stills to train on and one that is held out."""
    folder.mkdir()
    names = [f"still{index}.png" for index in range(100)]
    kept = [name for name in names if is_held_out(folder / name)][:1]
    trained = [name for name in names if not is_held_out(folder / name)][:2]
    for index, name in enumerate([*trained, *kept]):
        still(index).save(folder / name)
    return folder


def test_plans_never_share_contents(tmp_path):
    plans = DistillRecipe(few_stills(tmp_path / "stills")).plans()
    assert set(plans) == {"train", "heldout", "ladder", "av1-svt", "freeze"}
    assert len(plans["train"].contents) == 2
    assert not set(plans["train"].contents) & set(plans["heldout"].contents)
    assert len({plan.contents for name, plan in plans.items() if name != "train"}) == 1
    for name in ("train", "heldout"):
        assert "av1-svt" not in plans[name].coders
        assert "freeze" not in plans[name].kinds
    assert "av1-svt" in plans["ladder"].coders
    everything = DistillRecipe(tmp_path / "stills", held_out=()).plans()
    assert set(everything) == {"train", "heldout", "ladder"}
    assert "av1-svt" in everything["train"].coders
    assert "freeze" in everything["train"].kinds
    (lonely := tmp_path / "lonely").mkdir()
    still(0).save(lonely / plans["train"].contents[0].name)
    with pytest.raises(UsageError, match="1 of 1 stills are for training and 0 for evaluation"):
        DistillRecipe(lonely).plans()


def test_recipes_are_checked(tmp_path):
    with pytest.raises(UsageError, match="--clips 3: needs at least 24"):
        DistillRecipe(tmp_path, clips=3)
    with pytest.raises(UsageError, match="--epochs 0"):
        DistillRecipe(tmp_path, epochs=0)
    with pytest.raises(UsageError, match="--hold-out h266: not one of x264-fast, "):
        DistillRecipe(tmp_path, held_out=("h266",))
    with pytest.raises(UsageError, match="at least one coder"):
        DistillRecipe(tmp_path, held_out=tuple(CODERS))
    with pytest.raises(UsageError, match=r"ends in \.safetensors"):
        distill(DistillRecipe(tmp_path), tmp_path / "x.pth", tmp_path, lambda *_: None)


def test_stages_in_caches_that_exist_are_found_again(tmp_path):
    """The name of a stored stage follows from the settings, not from what classes are called."""
    recipe = DistillRecipe(tmp_path)
    plan = SetPlan("train", (tmp_path / "a.png",), ("x264-fast",), ("codec",), seed=1)
    run = _Run(recipe, {"train": plan}, None, tmp_path / "out.safetensors", None)
    assert run.fingerprint(recipe.stages()[:1]) == "8df869768bb1"
    assert run.fingerprint(recipe.stages()) == "c20840469a70"


@pytest.mark.slow
def test_the_command_makes_a_checkpoint_and_goes_on_from_its_cache(tmp_path, monkeypatch):
    try:
        find_ffmpeg()
        imagenet_weights()
    except MissingBackend as error:
        pytest.skip(str(error))
    words = ["distill", "--content", str(few_stills(tmp_path / "stills")), "--clips", "24"]
    (tmp_path / "good").mkdir()
    still(9).save(tmp_path / "good" / "x.png")
    words += ["--more-content", str(tmp_path / "good")]
    words += ["--mos", str(opinion_table(tmp_path, 120)), "--epochs", "1", "--jobs", "1"]
    words += ["--clip-epochs", "1"]
    words += ["--cache", str(tmp_path / "cache"), "--device", "cpu"]
    words += ["--output", str(tmp_path / "small.safetensors")]
    threads = torch.get_num_threads()
    try:
        result = CliRunner().invoke(app, words, catch_exceptions=False)
        assert result.exit_code == 0
        model, card = load_checkpoint(tmp_path / "small.safetensors")
        assert model.architecture.frames == 4
        assert card.extra["command"].startswith("vqa-harness clipvqa distill --content stills")
        assert str(tmp_path) not in (tmp_path / "small.json").read_text()
        assert (tmp_path / "small.safetensors").stat().st_size < 20_000_000
        rows = (tmp_path / "small.csv").read_text()
        assert all(f"{stage}," in rows for stage in ("frames,1", "clips,1", "final,0"))
        CliRunner().invoke(app, words, catch_exceptions=False)
        again = (tmp_path / "small.csv").read_text()
        assert again.count("frames,1,") == rows.count("frames,1,")
        assert again.count("clips,1,") == rows.count("clips,1,")
        assert again.count("final,0,") == 2 * rows.count("final,0,")
        words = ["evaluate", str(tmp_path / "small.safetensors"), *words[1:3], "--jobs", "1"]
        words += ["--cache", str(tmp_path / "cache"), "--json", str(tmp_path / "figures.json")]
        recipe = "vqa_plugin_clip.distill.recipe"
        monkeypatch.setattr(f"{recipe}.EVALUATION_CLIPS", {"heldout": 24, "ladder": 24})
        monkeypatch.setattr(f"{recipe}._UNSEEN_CLIPS", 24)
        result = CliRunner().invoke(app, words, catch_exceptions=False)
        assert "| heldout | all | 24 |" in result.stdout
        assert "| ladder | all | 4 |" in result.stdout
        found = json.loads((tmp_path / "figures.json").read_text())
        assert set(found) == {"heldout", "ladder", "av1-svt", "freeze"}
        assert set(found["av1-svt"]["all"]) == {"clipvqa", "niqe", "brisque"}
    finally:
        torch.set_num_threads(threads)
