"""Training on labelled clips: losses, two steps, the schedule, the choice of weights, cards."""

import math

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

pytest.importorskip("PIL", reason="Pillow is not installed; it comes with the extra clip")

from tests.clip.made_clips import small_shards, written_set
from vqa_harness.errors import MetricError, UsageError
from vqa_plugin_clip.checkpoint.files import load_checkpoint, save_checkpoint
from vqa_plugin_clip.distill.batches import ClipSet
from vqa_plugin_clip.distill.check import CheckReport, merit_of
from vqa_plugin_clip.distill.damage import Damage, caption_of
from vqa_plugin_clip.distill.evaluate import figures, ladder_figures
from vqa_plugin_clip.distill.losses import (
    OPINION_WEIGHT,
    caption_loss,
    distill_loss,
    opinion_loss,
    ranking_loss,
)
from vqa_plugin_clip.distill.network import small_architecture
from vqa_plugin_clip.distill.recipe import DistillRecipe
from vqa_plugin_clip.distill.report import (
    COLUMNS,
    DistillOrigin,
    append_rows,
    check_table,
    make_card,
)
from vqa_plugin_clip.distill.sampling import normalise
from vqa_plugin_clip.distill.schedule import Schedule
from vqa_plugin_clip.distill.selection import Merit, Selection
from vqa_plugin_clip.distill.survey import LeftOut
from vqa_plugin_clip.distill.training import Sources, TrainSettings, train
from vqa_plugin_clip.network.captions import CAPTIONS, caption
from vqa_plugin_clip.network.labels import level_label, score
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import tokens_for


@pytest.fixture
def clip_set(tmp_path, monkeypatch):
    """Eight clips of two groups."""
    small_shards(monkeypatch, 4)
    return ClipSet([(written_set(tmp_path), 8)], tmp_path)


def labels_for(levels):
    return torch.from_numpy(level_label(levels.numpy())).float()


def test_loss_is_least_at_the_label_and_knows_order():
    levels = torch.tensor([0.0, 5.0])
    exact, group = labels_for(levels), torch.tensor([0, 0])
    good = distill_loss(exact, exact, levels, group)
    swapped = distill_loss(exact.flip(0), exact, levels, group)
    assert good < 1e-6
    apart = distill_loss(exact.flip(0), exact, levels, torch.tensor([0, 1]))
    assert swapped > apart > good
    weighed = distill_loss(exact.flip(0), exact, levels, group, rank=0.4)
    assert weighed - apart == pytest.approx(2 * float(swapped - apart), rel=1e-4)


def test_close_pairs_weigh_more_and_only_inside_groups():
    levels = torch.tensor([4.0, 3.9, 1.0])
    group = torch.tensor([0, 0, 0])
    lacking = 0.3
    close = ranking_loss(torch.tensor([4.0, 3.95 + lacking, 1.0]), levels, group)
    wide = ranking_loss(torch.tensor([4.0, 3.9, 2.5 + lacking]), levels, group)
    assert close > 2 * wide > 0
    # the weight does not grow beyond that of two points of VMAF
    near = torch.tensor([4.0, 3.999])
    pair = torch.tensor([0, 0])
    assert ranking_loss(near.flip(0), near, pair) < 0.01
    assert ranking_loss(levels.flip(0), levels, torch.tensor([0, 1, 2])) == 0
    assert ranking_loss(levels, levels, group) == 0


def test_losses_have_gradients_where_nothing_can_be_compared():
    logits = torch.zeros(2, 6, requires_grad=True)
    levels = torch.tensor([2.0, 2.0])
    loss = distill_loss(logits.softmax(-1), labels_for(levels), levels, torch.tensor([0, 0]))
    loss = loss + caption_loss(logits, torch.tensor([-1, -1]))
    loss.backward()
    assert logits.grad.isfinite().all()


def test_opinion_loss_knows_no_scale():
    levels = torch.tensor([1.0, 2.0, 3.0, 4.0])
    probs = torch.from_numpy(level_label(levels.numpy())).float()
    mos = torch.tensor([10.0, 30.0, 50.0, 70.0])
    right, again = opinion_loss(probs, mos), opinion_loss(probs, mos / 20 - 3)
    assert right < 0.01 * OPINION_WEIGHT
    torch.testing.assert_close(right, again, atol=1e-5, rtol=0)
    assert opinion_loss(probs, -mos) == pytest.approx(2 * OPINION_WEIGHT, abs=1e-3)


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
            ("twice", "mjpeg", 1.0, 80.0),
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


def test_figures_of_ladders(clip_set):
    found = ladder_figures(clip_set.vmaf, clip_set)
    assert found == {"ladders": 2.0, "srocc": pytest.approx(1.0), "swapped": 0.0}
    found = ladder_figures(-clip_set.vmaf, clip_set)
    assert found == {"ladders": 2.0, "srocc": pytest.approx(-1.0), "swapped": 1.0}
    one = ladder_figures(clip_set.vmaf, clip_set, clip_set.groups == 0)
    assert one["ladders"] == 1


def small_model(seed=0):
    torch.manual_seed(seed)
    return ClipVqa(small_architecture(1, 64, 1))


def test_two_steps_train_and_the_checkpoint_loads(clip_set, tmp_path):
    model = small_model()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    steps, reports = [], []
    chosen = train(
        model,
        Sources(clip_set, {"validation": clip_set}),
        TrainSettings(epochs=1, batch=4, vary=True),
        lambda step, total, loss: steps.append((step, total, loss)),
        lambda report, best: reports.append((report, best)),
    )
    assert [step[:2] for step in steps] == [(1, 2), (2, 2)]
    assert all(np.isfinite(step[2]) for step in steps)
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert "visual.stem.blocks.10.project.conv.weight" in changed
    assert "token_embedding.weight" in changed
    assert not any(key.startswith("visual.stem.first") for key in changed)
    ((report, best),) = reports
    assert report.tables["validation"]["all"]["clips"] == 8
    assert (best, chosen.number) == (True, 1)

    recipe = DistillRecipe(tmp_path, command="vqa-harness clipvqa distill", version="7")
    left_out = (LeftOut(tmp_path / "bad.png", "cannot be read"),)
    origin = DistillOrigin(8, 3, 0, recipe, left_out, {"freeze": 2})
    card = make_card(model, origin, report, chosen.to_dict())
    save_checkpoint(model, card, tmp_path / "x.safetensors")
    loaded, card = load_checkpoint(tmp_path / "x.safetensors")
    assert (card.licence, card.version) == ("Apache-2.0", "7")
    assert "8 clips" in card.training_data
    assert card.window == 2
    assert "3 contents" in card.training_data
    assert "av1" not in card.training_data
    assert card.extra["captions"] == list(CAPTIONS)
    assert card.extra["label"] == "level_label"
    assert card.extra["left_out"] == {"files": 1, "named": {"bad.png": "cannot be read"}}
    assert card.extra["chosen"]["check"] == 1
    video = normalise(clip_set.batch([0, 1], 1).fragments)
    text = tokens_for(card.levels, card.architecture)
    with torch.inference_mode():
        wanted = score(model.eval()(video, text).probs.numpy())
        found = score(loaded(video, text).probs.numpy())
    np.testing.assert_allclose(found, wanted, atol=0.5)


def test_training_ends_with_the_best_weights(clip_set, monkeypatch):
    merits = iter([Merit(0.9, 0.1, 0.9), Merit(0.9, 0.0, 1.0), Merit(0.9, 0.3, 0.8)])
    monkeypatch.setattr("vqa_plugin_clip.distill.training.merit_of", lambda _: next(merits))
    model, states = small_model(), []
    settings = TrainSettings(epochs=3, batch=8, frozen_blocks=11)
    key = "visual.proj"
    chosen = train(
        model,
        Sources(clip_set, {"validation": clip_set}),
        settings,
        lambda *_: None,
        lambda report, best: states.append((best, model.state_dict()[key].clone())),
    )
    assert [best for best, _ in states] == [True, True, False]
    assert chosen.number == 2
    torch.testing.assert_close(model.state_dict()[key], states[1][1])
    assert not torch.equal(states[1][1], states[2][1])


def test_training_by_time_is_measured_and_ends(clip_set, monkeypatch):
    reports, told = [], []
    settings = TrainSettings(epochs=0, minutes=1, checks=2, batch=8, frozen_blocks=11)
    clock = iter(range(0, 100_000, 5))
    monkeypatch.setattr(
        "vqa_plugin_clip.distill.training.Schedule",
        lambda *words: Schedule(*words, clock=lambda: next(clock)),
    )
    train(
        small_model(),
        Sources(clip_set),
        settings,
        lambda done, total, loss: told.append((done, total)),
        lambda report, best: reports.append((report.check, best)),
    )
    assert told[0][1] == 60
    assert reports == [(1, True), (2, True)]


def test_too_few_clips_for_a_batch_are_told(clip_set):
    with pytest.raises(UsageError, match="--batch 24: there are only 8 clips"):
        train(small_model(), Sources(clip_set), TrainSettings(1), lambda *_: 0, lambda *_: 0)


def test_a_loss_that_is_no_number_ends_the_training(clip_set):
    model = small_model()
    with torch.no_grad():
        model.logit_scale.fill_(math.nan)
    with pytest.raises(MetricError, match="the loss is nan; try a lower --rate"):
        train(model, Sources(clip_set), TrainSettings(1, batch=4), lambda *_: 0, lambda *_: 0)


def test_schedules_go_by_steps_or_by_time():
    schedule = Schedule(per_epoch=300, epochs=2)
    assert schedule.factor() == pytest.approx(0.01)
    factors, due = [], []
    while not schedule.over:
        factors.append(schedule.factor())
        schedule.step += 1
        due.append(schedule.check_is_due())
    assert (len(factors), sum(due), due[299], due[599]) == (600, 2, True, True)
    assert max(factors) > 0.9
    assert factors[120] > factors[300] > factors[-1] > 0.0099
    now = [0.0]
    schedule = Schedule(per_epoch=7, epochs=0, minutes=1, checks=3, clock=lambda: now[0])
    due = []
    for now[0] in range(1, 61):
        schedule.step += 1
        due.append(schedule.check_is_due())
    assert [second for second, is_due in enumerate(due, start=1) if is_due] == [20, 40, 60]
    assert (schedule.over, schedule.told()) == (True, (60, 60))


def test_weights_are_chosen_by_ladders_and_guarded_by_all_damage():
    layer = torch.nn.Linear(1, 1, bias=False)
    selection = Selection(layer)

    def offer(number, *merit):
        layer.weight.data.fill_(number)
        return selection.offer(number, Merit(*merit))

    assert offer(1, 0.90, 0.02, 0.95)
    assert offer(2, 0.95, 0.05, 0.93)  # the first one has lost too much of all damage
    assert offer(3, 0.948, 0.03, 0.94)
    assert offer(4, 0.96, 0.04, 0.99)  # and so has the third
    assert not offer(5, 0.93, 0.0, 1.0)
    assert not offer(6, 0.958, 0.04, 0.98)
    assert offer(7, 0.957, 0.04, 0.995)
    layer.weight.data.fill_(9)
    selection.restore()
    assert layer.weight.item() == 7
    assert selection.to_dict()["validation_swapped"] == 0.04


def test_merit_is_of_the_damage_set_and_the_ladders():
    report = CheckReport(
        1,
        0.5,
        {"validation": {"all": {"srocc": 0.9}}, "validation-ladder": {"all": {"srocc": 0.5}}},
        ladders={"validation-ladder": {"ladders": 3, "srocc": 0.97, "swapped": 0.02}},
    )
    assert merit_of(report) == Merit(0.9, 0.02, 0.97)
    nothing = merit_of(CheckReport(1, 0.5, {"validation": {}}))
    assert math.isnan(nothing.damage)
    assert nothing.swapped == 1.0


def test_figures():
    truth = np.array([10.0, 20.0, 50.0, 90.0])
    found = figures(truth * 0.9 + 1, truth)
    assert found["srocc"] == pytest.approx(1)
    assert found["plcc"] == pytest.approx(1)
    assert found["mae"] == pytest.approx(np.abs(truth * 0.1 - 1).mean())
    assert figures(truth, np.full(4, 7.0)) == {"clips": 4.0}


def test_rows_are_added_to_one_table(tmp_path):
    report = CheckReport(
        1,
        0.5,
        {"ladder": {"all": {"clips": 3.0, "srocc": 0.9}}},
        {"ladder": 1.0},
        {"ladder": {"ladders": 1.0, "srocc": 0.8, "swapped": 0.25}},
    )
    for _ in range(2):
        check_table(tmp_path / "x.csv")
        append_rows(tmp_path / "x.csv", "frames", report)
    lines = (tmp_path / "x.csv").read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert lines[1:] == 2 * ["frames,1,0.5,ladder,all,3.0,0.9,,,1.0,0.8,0.25"]
    (tmp_path / "x.csv").write_text("stage,epoch\n")
    with pytest.raises(UsageError, match=r"x.csv: has other columns"):
        check_table(tmp_path / "x.csv")
