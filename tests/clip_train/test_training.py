"""Training a tiny network: it learns, it can be interrupted, and what it leaves can be used."""

import csv
import json
import math
import os
import signal
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch
from safetensors.torch import save_file

from vqa_harness.errors import InputError, MetricError, MissingBackend, UsageError
from vqa_harness.media.reader import VideoReader
from vqa_harness.protocols import Sampling
from vqa_plugin_clip.checkpoint import backbone
from vqa_plugin_clip.checkpoint.files import load_checkpoint
from vqa_plugin_clip.inputs.sampling import frame_indices
from vqa_plugin_clip.metric import ClipVqaMetric
from vqa_plugin_clip.network.labels import score
from vqa_plugin_clip.network.tokens import tokens_for
from vqa_plugin_clip.plugin import CLIPVQA
from vqa_plugin_clip.svr import SvrDecoder
from vqa_plugin_clip.train import results
from vqa_plugin_clip.train.curve import COLUMNS
from vqa_plugin_clip.train.dataset import Tables
from vqa_plugin_clip.train.engine import make_accelerator
from vqa_plugin_clip.train.figures import figures, rank
from vqa_plugin_clip.train.initial_network import keep_statistics, make_initial_network
from vqa_plugin_clip.train.opinion_table import TableForm
from vqa_plugin_clip.train.optimiser import learning_rate, make_optimiser, schedule
from vqa_plugin_clip.train.random_state import random_state, restore_random_state
from vqa_plugin_clip.train.recipe import TrainRecipe
from vqa_plugin_clip.train.run import SILENT, TrainJob, train
from vqa_plugin_clip.train.state_file import Position, State, load_state, save_state

CALM = {"jitter": 0.0, "grey": 0.0, "crops": False, "mirror": 0.0}
ONLY = {"epoch", "updates", "rate", "loss", "srocc", "plcc", "rmse"}


def job_of(clips, tiny, out, **changes):
    recipe = {"epochs": 2, "warmup_epochs": 1, "batch": 2, "accumulate": 2, "rate": 1e-4}
    recipe |= {"init": str(tiny), "varied": {}} | changes.pop("recipe", {})
    tables = Tables(clips / "mos.csv", TableForm(), split_by="content", val_share=0.25)
    job = TrainJob(tables=tables, recipe=TrainRecipe(**recipe), out=out, device="cpu", threads=1)
    return replace(job, **changes)


def curve(out):
    with (out / "curve.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k in ONLY} for row in csv.DictReader(file)]


def weights(path):
    return load_checkpoint(path, for_inference=False)[0].state_dict()


def assert_same(first, second):
    a, b = weights(first), weights(second)
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert len(a) == len(b)


def interrupting(at):
    """A watcher that asks to stop, as Ctrl-C does, after so many steps."""
    steps = []

    def step(*_):
        steps.append(1)
        if len(steps) == at:
            os.kill(os.getpid(), signal.SIGINT)

    return replace(SILENT, step=step)


@pytest.fixture(scope="session")
def straight(clips, tiny, tmp_path_factory):
    """A training that was never interrupted."""
    threads = torch.get_num_threads()
    out = tmp_path_factory.mktemp("trained") / "straight"
    train(job_of(clips, tiny, out))
    torch.set_num_threads(threads)
    return out


def test_it_learns(clips, tiny, tmp_path):
    recipe = {"epochs": 16, "warmup_epochs": 1, "accumulate": 1, "rate": 3e-4, "varied": CALM}
    position = train(job_of(clips, tiny, tmp_path, recipe=recipe, cache=tmp_path / "cache"))
    assert position.rows[0] | {"srocc": 0, "plcc": 0, "rmse": 0} == {
        "epoch": 0,
        "updates": 0,
        "srocc": 0,
        "plcc": 0,
        "rmse": 0,
        "rate": None,
        "loss": None,
        "seconds": None,
    }
    losses = [row["loss"] for row in position.rows[1:]]
    assert losses[-1] < 0.85 * losses[0]
    assert (position.epoch, position.updates) == (16, 16 * 6)
    assert position.rows[1]["rate"] == pytest.approx(3e-4 * 4 / 6)  # the rise: 0, 0, 1/6 ... 4/6


@pytest.mark.parametrize("steps", [1, 4, 6, 9, 12])
def test_interrupted_and_resumed_is_the_same_as_straight(clips, tiny, tmp_path, straight, steps):
    job = job_of(clips, tiny, tmp_path / "parts")
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(job, interrupting(steps))
    assert signal.getsignal(signal.SIGINT) is before
    torch.manual_seed(99)
    begun = []
    watcher = replace(SILENT, begun=lambda _, position, __: begun.append(position.updates))
    train(replace(job, resume=True), watcher)
    assert begun == [steps // 2]
    assert_same(tmp_path / "parts" / "last.safetensors", straight / "last.safetensors")
    assert_same(tmp_path / "parts" / "best.safetensors", straight / "best.safetensors")
    assert curve(tmp_path / "parts") == curve(straight)
    ours, theirs = (load_state(p / "state.safetensors") for p in (tmp_path / "parts", straight))
    for key, value in theirs.tensors["moments"].items():
        assert torch.equal(ours.tensors["moments"][key], value), key


def test_states_are_saved_now_and_then(clips, tiny, tmp_path, monkeypatch):
    saved = []
    real = save_state
    monkeypatch.setattr(
        "vqa_plugin_clip.train.run.save_state",
        lambda path, state: saved.append(state.position.updates) or real(path, state),
    )
    recipe = {"accumulate": 1, "epochs": 1, "warmup_epochs": 0}
    train(job_of(clips, tiny, tmp_path, save_every=2, recipe=recipe))
    assert saved == [2, 4, 6, 6]  # then: after validation


def test_a_kill_costs_what_came_after_the_last_state(clips, tiny, tmp_path, straight):
    job = job_of(clips, tiny, tmp_path / "parts", save_every=1)

    def step(epoch, done, *_):
        if (epoch, done) == (2, 3):
            raise OSError("as if the power went")

    with pytest.raises(OSError, match="power"):
        train(job, replace(SILENT, step=step))
    train(replace(job, resume=True))
    assert_same(tmp_path / "parts" / "last.safetensors", straight / "last.safetensors")


def test_resume_refuses_another_training(clips, tiny, tmp_path, straight):
    job = job_of(clips, tiny, straight)
    with pytest.raises(UsageError, match=r"holds a training already.*--resume"):
        train(job)
    changed = replace(job, resume=True, recipe=replace(job.recipe, rate=1.0))
    with pytest.raises(UsageError, match=r"--rate is 1.0 and was 0.0001"):
        train(changed)
    fewer = replace(job.tables, val_share=0.5)
    with pytest.raises(UsageError, match="the split changed"):
        train(replace(job, resume=True, tables=fewer))
    again = train(replace(job, resume=True))  # nothing is left to do
    assert again.updates == 6


def test_resume_without_a_state_begins(clips, tiny, tmp_path, straight):
    train(job_of(clips, tiny, tmp_path / "new", resume=True))
    assert_same(tmp_path / "new" / "last.safetensors", straight / "last.safetensors")


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_the_cache_and_other_processes_change_nothing(clips, tiny, tmp_path, straight, workers):
    job = job_of(clips, tiny, tmp_path / "other", cache=tmp_path / "cache", workers=workers)
    train(job)
    assert_same(tmp_path / "other" / "last.safetensors", straight / "last.safetensors")
    assert len(list((tmp_path / "cache").iterdir())) == 16


def test_what_is_left_behind(clips, tiny, tmp_path, straight):
    card = json.loads((straight / "best.json").read_text())
    assert card["training_data"].startswith("12 files of 3 contents with mean opinion scores on 1")
    assert card["extra"]["recipe"]["seed"] == 1024
    assert card["extra"]["init"]["checkpoint"] == "tiny.safetensors"
    assert str(tmp_path) not in json.dumps(card)
    rows = curve(straight)
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert (straight / "curve.svg").read_text().lstrip().startswith("<?xml")
    assert (straight / "curve.png").read_bytes().startswith(b"\x89PNG")
    with (straight / "validation.csv").open(newline="") as file:
        predicted = list(csv.DictReader(file))
    assert [row["group"] for row in predicted] == [predicted[0]["group"]] * 4
    best = rows[card["extra"]["epoch"]]
    found = figures(*(np.array([float(r[k]) for r in predicted]) for k in ("predicted", "score")))
    assert float(best["rmse"]) == pytest.approx(found["rmse"], abs=1e-3)
    assert float(best["plcc"]) == pytest.approx(found["plcc"], abs=1e-3)
    assert card["extra"]["quality"]["srocc"] == pytest.approx(float(best["srocc"]), abs=1e-3)
    assert {path.name for path in straight.iterdir()} == {
        *("best.json", "best.safetensors", "last.json", "last.safetensors", "state.safetensors"),
        *("curve.csv", "curve.svg", "curve.png", "validation.csv", "split.csv", "files.json"),
    }


def test_predictions_are_what_the_metric_scores(clips, straight):
    with (straight / "validation.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    params = {param.name: param.default for param in CLIPVQA.params}
    params |= {"checkpoint": str(straight / "best.safetensors"), "device": "cpu"}
    metric = ClipVqaMetric(**params)
    assert metric.sampling == Sampling(3, None)
    with VideoReader(clips / row["file"]) as reader:
        frames = [metric.loaded.preprocessing.picture(f.rgb.copy()) for f in reader]
    pictures = np.stack([frames[index] for index in frame_indices(14, 3)])[None]
    wanted = 1 + float(metric.scores(metric.probabilities(pictures))[0]) / 25
    assert float(row["predicted"]) == pytest.approx(wanted, abs=1e-3)


def test_published_behaviour_text_svr_and_other_options(clips, tiny, tmp_path):
    recipe = {"behaviour": "published", "train_text": True, "clip_norm": 1.0, "candidates": 2}
    recipe |= {"checkpointing": True, "epochs": 1, "warmup_epochs": 0, "levels": ("bad", "good")}
    before = weights(tiny)
    train(job_of(clips, tiny, tmp_path, recipe=recipe, fit_svr=True))
    model, card = load_checkpoint(tmp_path / "last.safetensors")
    assert (model.architecture.behaviour, card.levels) == ("published", ("bad", "good"))
    assert model.architecture.levels == 2
    after = model.state_dict()
    assert torch.equal(before["conv2.weight"], after["conv2.weight"])
    assert not torch.equal(before["text_projection"], after["text_projection"])
    decoder = SvrDecoder.from_dict(card.extra["svr"])
    assert decoder.vectors.shape[1] == 2
    assert "svr_rmse" in card.extra["quality"]


def test_the_text_tower_stays_and_conv2_learns(clips, tiny, straight):
    before, after = weights(tiny), weights(straight / "last.safetensors")
    assert torch.equal(before["text_projection"], after["text_projection"])
    assert not torch.equal(before["conv2.weight"], after["conv2.weight"])


def test_checkpointing_computes_the_same(clips, tiny, tmp_path, straight):
    train(job_of(clips, tiny, tmp_path / "c", recipe={"checkpointing": True}))
    a, b = weights(tmp_path / "c" / "last.safetensors"), weights(straight / "last.safetensors")
    assert all(torch.allclose(a[key], b[key], atol=1e-6) for key in a)


def test_bfloat16(clips, tiny, tmp_path, straight):
    train(job_of(clips, tiny, tmp_path / "b", recipe={"precision": "bf16"}))
    ours, theirs = curve(tmp_path / "b"), curve(straight)
    assert float(ours[1]["loss"]) == pytest.approx(float(theirs[1]["loss"]), rel=0.05)
    assert ours != theirs


def test_precision_and_device_are_checked():
    with pytest.raises(UsageError, match="--precision fp16: needs a GPU"):
        make_accelerator("cpu", "fp16")
    if not torch.cuda.is_available():
        with pytest.raises(MissingBackend, match="device=cuda"):
            make_accelerator("cuda", "no")


def test_a_loss_that_is_no_number_stops(clips, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "vqa_plugin_clip.train.engine.cosine_loss", lambda probs, _: probs.sum() * math.nan
    )
    with pytest.raises(MetricError, match=r"the loss is nan after 0 updates.*--rate"):
        train(job_of(clips, tiny, tmp_path))


def test_clip_towers_come_through_open_clip(clips, tmp_path, monkeypatch):
    open_clip = pytest.importorskip("open_clip", reason="needs the extra clip (open_clip)")
    config = {
        "embed_dim": 64,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
        "text_cfg": {
            "context_length": 77,
            "vocab_size": 49408,
            "width": 64,
            "heads": 1,
            "layers": 1,
        },
    }
    monkeypatch.setattr(open_clip, "get_model_config", lambda n: config if n == "tiny" else None)
    torch.manual_seed(0)
    clip = open_clip.model.CLIP(64, config["vision_cfg"], config["text_cfg"], quick_gelu=True)
    path = tmp_path / "clip.safetensors"
    save_file(clip.state_dict(), path)
    recipe = {"init": f"open_clip:tiny/{path}", "frames": 2, "epochs": 1, "warmup_epochs": 0}
    begin = make_initial_network(TrainRecipe(**recipe))
    assert begin.preprocessing.to_dict() | {"mean": 0, "std": 0} == {
        "kind": "resize",
        "size": 32,
        "grid": 1,
        "resize_to": 36,
        "mean": 0,
        "std": 0,
    }
    assert begin.model.architecture.behaviour == "corrected"
    for key, value in clip.state_dict().items():
        assert torch.equal(begin.model.state_dict()[key], value)
    same = make_initial_network(TrainRecipe(**recipe)).model.state_dict()
    assert torch.equal(same["conv2.weight"], begin.model.state_dict()["conv2.weight"])
    train(job_of(clips, path, tmp_path / "out", recipe=recipe))
    model, card = load_checkpoint(tmp_path / "out" / "best.safetensors")
    assert model.architecture.frames == 2
    assert card.extra["init"] == {
        "open_clip": "tiny",
        "weights": "clip.safetensors",
        "activation": "quick_gelu",
        "activation_from": "the name tiny alone",
    }
    assert torch.equal(model.token_embedding.weight, clip.token_embedding.weight)
    learnt = model.state_dict()["visual.conv1.weight"]
    assert not torch.equal(learnt, clip.state_dict()["visual.conv1.weight"])
    assert backbone.is_clip_key("visual.conv1.weight")


def test_starts_are_checked(tiny):
    for init in ("open_clip:", "open_clip:ViT-B-16", "open_clip:/openai"):
        with pytest.raises(UsageError, match="needs open_clip:MODEL/TAG"):
            make_initial_network(TrainRecipe(init=init))
    with pytest.raises(UsageError, match="has 3 frames"):
        make_initial_network(TrainRecipe(init=str(tiny), frames=5))
    with pytest.raises(UsageError, match="not in the network's vocabulary"):
        make_initial_network(TrainRecipe(init=str(tiny), levels=("awful", "good")))
    with pytest.raises(MissingBackend, match="no-such"):
        make_initial_network(TrainRecipe(init="no-such"))
    assert (
        make_initial_network(TrainRecipe(init=str(tiny), view="fragments")).preprocessing.kind
        == "fragments"
    )


def test_the_bundled_checkpoint_keeps_its_statistics(tmp_path):
    begin = make_initial_network(TrainRecipe())
    assert begin.preprocessing.kind == "fragments"
    keep_statistics(begin.model)
    before = begin.model.visual.stem.first.norm.running_mean.clone()
    frames = begin.model.architecture.frames
    tokens = tokens_for(begin.levels, begin.model.architecture)
    found = begin.model(torch.rand(1, frames, 3, 224, 224), tokens)
    assert torch.equal(begin.model.visual.stem.first.norm.running_mean, before)
    assert begin.model.training
    assert 0 <= float(score(found.probs.detach().numpy())[0]) <= 100


def test_rates_follow_the_published_schedule(tiny):
    recipe = TrainRecipe(init=str(tiny), epochs=10, warmup_epochs=2, rate=1e-3, new_parts=3.0)
    adam = make_optimiser(make_initial_network(recipe).model, recipe)
    assert schedule(adam, recipe, 0, 10) == 0.0
    for done in (1, 7, 20, 21, 60, 100):
        rate = schedule(adam, recipe, done, 10)
        options = {"epochs": 10, "warmup_epochs": 2, "min_lr": recipe.min_rate}
        assert rate == learning_rate(done - 1, 10, 1e-3, **options)
        rates = {group["lr"] for group in adam.param_groups}
        assert rates == {rate, learning_rate(done - 1, 10, 3e-3, **options)}
    flat = replace(recipe, warmup_epochs=0)
    assert schedule(adam, flat, 0, 10) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "--epochs 0"),
        ({"rate": math.nan}, "--rate nan"),
        ({"betas": (0.9, 1.0)}, "--betas"),
        ({"epochs": 3}, "--warmup-epochs 5: needs fewer than --epochs 3"),
        ({"behaviour": "other"}, "--behaviour other: choose published or corrected"),
        ({"precision": "fp8"}, "--precision fp8: choose no or bf16 or fp16"),
        ({"frames": -1}, "--frames -1"),
        ({"levels": ("good",)}, "--levels good: needs at least two"),
    ],
)
def test_recipes_are_checked(change, message):
    with pytest.raises(UsageError, match=message):
        TrainRecipe(**change)


def test_figures():
    wanted = np.array([1.0, 2.0, 3.0, 4.0])
    assert figures(wanted**2, wanted)["srocc"] == pytest.approx(1)
    assert figures(wanted + 0.5, wanted) == pytest.approx({"srocc": 1, "plcc": 1, "rmse": 0.5})
    flat = figures(np.full(4, 2.0), wanted)
    assert (flat["srocc"], flat["plcc"]) == (None, None)
    assert rank(flat) < rank({"srocc": -1.0, "plcc": -1.0})
    assert rank({"srocc": 0.5, "plcc": 0.1}) < rank({"srocc": 0.5, "plcc": 0.2})
    tied = figures(np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]))
    assert tied["srocc"] == pytest.approx(math.sqrt(0.75))


def test_the_best_epoch_is_that_of_the_highest_srocc(clips, tiny, tmp_path, monkeypatch):
    given = iter([{"srocc": s, "plcc": 0.5, "rmse": 1.0} for s in (0.9, 0.1, 0.8, None, 0.8)])
    monkeypatch.setattr(results, "figures", lambda *_: next(given))
    position = train(job_of(clips, tiny, tmp_path, recipe={"epochs": 4}))
    assert position.best["epoch"] == 2
    assert json.loads((tmp_path / "best.json").read_text())["extra"]["epoch"] == 2
    assert json.loads((tmp_path / "last.json").read_text())["extra"]["epoch"] == 4


def test_random_states_return():
    tensors, facts = random_state()
    facts = json.loads(json.dumps(facts))
    first = torch.rand(3), np.random.rand(3), __import__("random").random()  # noqa: NPY002
    restore_random_state(tensors, facts)
    again = torch.rand(3), np.random.rand(3), __import__("random").random()  # noqa: NPY002
    assert torch.equal(first[0], again[0])
    assert (first[1] == again[1]).all()
    assert first[2] == again[2]


def test_damaged_states_are_refused(tmp_path):
    path = tmp_path / "state.safetensors"
    before = dict.fromkeys(COLUMNS, None) | {"epoch": 0, "updates": 0}
    rows = [before, *(dict.fromkeys(COLUMNS, 0.5) | {"epoch": n} for n in (1, 2))]
    position = Position(epoch=2, best={"srocc": 0.5}, rows=rows)
    state = State(position, {"a": 1}, {}, {}, {"model": {"w/x": torch.ones(2)}})
    save_state(path, state)
    again = load_state(path)
    assert again.position == position
    assert torch.equal(again.tensors["model"]["w/x"], torch.ones(2))
    assert [p.name for p in tmp_path.iterdir()] == ["state.safetensors"]
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError, match=r"cannot be read.*start again"):
        load_state(path)
    save_file({"w": torch.ones(1)}, path)
    with pytest.raises(InputError, match="not a training state"):
        load_state(path)
    with pytest.raises(UsageError, match="cannot write"):
        save_state(tmp_path / "none" / "state.safetensors", state)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epoch": -1}, r"epoch: .* greater than or equal to 0"),
        ({"epoch": 1.5}, "epoch: .* integer"),
        ({"updates": 10**18}, "updates: "),
        ({"loss": math.nan}, "loss: .* finite"),
        ({"epoch": 2}, "2 epochs are over and 0 rows are there"),
        ({"epoch": 1, "rows": [{}, {}]}, "epoch: Field required"),
        ({"rows": [dict.fromkeys(COLUMNS, None) | {"epoch": 1, "updates": 1}]}, "without a loss"),
    ],
)
def test_a_position_that_cannot_be_is_refused(changes, words, tmp_path):
    path = tmp_path / "state.safetensors"
    save_state(path, State(Position(**changes), {}, {}, {}, {}))
    with pytest.raises(InputError, match=rf"not a training state \(.*{words}.*remove it to start"):
        load_state(path)


def test_a_state_of_other_tensors_is_refused_in_one_line(clips, tiny, tmp_path, straight):
    out = tmp_path / "out"
    out.mkdir()
    whole = load_state(straight / "state.safetensors")
    for group in ("moments", "random", "model"):
        name = next(iter(whole.tensors[group]))
        tensors = {**whole.tensors, group: {**whole.tensors[group], name: torch.zeros(1, 3)}}
        save_state(out / "state.safetensors", replace(whole, tensors=tensors))
        with pytest.raises(InputError, match=r"^state.safetensors: not a training state \(.*\)"):
            train(job_of(clips, tiny, out, resume=True))
