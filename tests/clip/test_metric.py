import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

from tests.networks import card_of, random_checkpoint, small_architecture
from vqa_harness.cli.app import run_cli
from vqa_harness.errors import MissingBackend, UsageError
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.protocols import Sampling
from vqa_harness.registry import Registry
from vqa_harness.testing import check_metric, sample_frames
from vqa_harness.testing.synthetic import make_video
from vqa_plugin_clip.backend.pytorch import choose_device
from vqa_plugin_clip.checkpoint.published import import_published
from vqa_plugin_clip.explain import Explanation
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.metric import ClipVqaMetric
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import CLIP_VOCABULARY, LABELS
from vqa_plugin_clip.plugin import CLIPVQA
from vqa_plugin_clip.svr import SvrDecoder

SIZES = {"image_size": 64, "vision_layers": 2, "frames": 3, "vat_layers": 1}
FRAGMENTS = Preprocessing(size=64, grid=4).to_dict()
REGRESSOR = SvrDecoder(np.eye(6), np.linspace(-1, 1, 6), 2.5, 1.0)


def write_checkpoint(folder, **changes):
    sizes = small_architecture(**SIZES | changes)
    extra = {"svr": REGRESSOR.to_dict()} if not changes else {}
    card = card_of(sizes, preprocessing=FRAGMENTS, version="test", extra=extra)
    return random_checkpoint(folder / "small.safetensors", card, seed=3)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("videos") / "clip.mp4"
    make_video(path, 60, width=128, height=96)
    return path


def metric(checkpoint, **params):
    defaults = {p.name: p.default for p in CLIPVQA.params} | {"device": "cpu"}
    return ClipVqaMetric(**defaults | {"checkpoint": str(checkpoint)} | params)


def score(video, checkpoint, params="", threads=2):
    registry = Registry.installed()
    request = registry.request(f"clipvqa:checkpoint={checkpoint},device=cpu{params}")
    return run(video, [request], registry, RunOptions(threads)).metrics[0]


def test_follows_the_contract(checkpoint):
    params = {"checkpoint": str(checkpoint), "device": "cpu"}
    check_metric(CLIPVQA, params=params)


def test_windows_of_two_seconds_and_one_value_per_frame(video, checkpoint):
    result = score(video, checkpoint)
    assert result.error is None
    assert [(w.start, w.stop) for w in result.windows] == [(0, 50), (10, 60)]
    (column,) = result.columns.values()
    assert len(column) == 60
    first, last = (w.scores["clipvqa"] for w in result.windows)
    assert column[0] == first
    assert column[-1] == last
    assert column[30] == pytest.approx((first + last) / 2)
    assert 0 <= min(column) <= max(column) <= 100
    assert result.info["weights_sha256"]


def test_the_papers_protocol_is_one_window(video, checkpoint):
    (window,) = score(video, checkpoint, ",window=video").windows
    assert window.indices == (9, 29, 49)
    assert (window.start, window.stop) == (0, 60)


def test_hop_and_batches_do_not_change_scores(video, checkpoint):
    one = score(video, checkpoint, ",window=1,hop=0.2,batch=1", threads=1)
    many = score(video, checkpoint, ",window=1,hop=0.2,batch=16", threads=3)
    assert len(one.windows) == 8
    for a, b in zip(one.windows, many.windows, strict=True):
        assert a.scores["clipvqa"] == pytest.approx(b.scores["clipvqa"], abs=1e-4)


def test_the_published_behaviour_scores_one_video_at_a_time(tmp_path):
    published = write_checkpoint(tmp_path, attend_over_tokens=False)
    assert metric(published, batch=8).batch_size == 1
    assert metric(published, window="2").sampling == Sampling(3, 2.0, None)


def test_words_for_damage_are_told_and_leave_the_score_alone(tmp_path, video, capfd):
    words = ("clean", "blurred", "slightly noisy")
    sizes = small_architecture((*LABELS, *words), **SIZES)
    extra = {"captions": list(words)}
    card = card_of(sizes, preprocessing=FRAGMENTS, version="test", extra=extra)
    path = random_checkpoint(tmp_path / "words.safetensors", card, seed=3)
    plain, told = score(video, path), score(video, path, ",explain=true")
    assert plain.columns == told.columns
    assert "explain" not in plain.info
    first, last = told.info["explain"]
    assert (first["start"], first["end"]) == (0, 50)
    assert last["end"] == 60
    assert set(first["words"]) == set(words)
    assert sum(first["words"].values()) == pytest.approx(1, abs=1e-3)
    assert list(first["words"].values()) == sorted(first["words"].values(), reverse=True)

    out = tmp_path / "log.json"
    name = f"clipvqa:checkpoint={path},device=cpu,explain=true"
    assert run_cli(["run", str(video), "-m", name, "-o", str(out)]) == 0
    best = next(iter(first["words"]))
    assert "clipvqa: frames 0-" in capfd.readouterr().err
    log = json.loads(out.read_text())
    (entry,) = log["vqa_harness"]["metrics"].values()
    assert next(iter(entry["info"]["explain"][0]["words"])) == best


def test_words_for_damage_need_a_checkpoint_that_has_them(checkpoint):
    with pytest.raises(UsageError, match=r"explain=true: checkpoint .* was not trained with words"):
        metric(checkpoint, explain=True)


def test_explanations_join_windows_that_agree():
    explanation = Explanation(("clean", "noisy"))
    for start, fit in ((0, 0.9), (10, 0.7), (20, 0.2)):
        explanation.add(start, start + 10, np.array([fit, 1 - fit]))
    assert explanation.lines() == ["frames 0-19: clean (0.80)", "frames 20-29: noisy (0.80)"]


def test_a_published_checkpoint_scores_once_it_is_imported(tmp_path, video):
    sizes = replace(
        small_architecture(**SIZES),
        vocabulary=(),
        vocab_size=CLIP_VOCABULARY,
        context_length=77,
        attend_over_tokens=False,
        select_class_tokens=False,
        permute_conv2=False,
    )
    torch.manual_seed(3)
    state = {key: value.half() for key, value in ClipVqa(sizes).state_dict().items()}
    torch.save({"model": state}, tmp_path / "best.pth")
    out = tmp_path / "best.safetensors"
    card = import_published(
        tmp_path / "best.pth", out, levels="labels_1", training_data="KoNViD-1k"
    )
    assert Preprocessing.from_dict(card.preprocessing).resize_to == 73
    result = score(video, out)
    assert result.error is None
    (window,) = result.windows
    assert (window.start, window.stop) == (0, 60)
    assert 0 <= window.scores["clipvqa"] <= 100
    other = import_published(tmp_path / "best.pth", out.with_stem("other"), levels="labels_long")
    assert other.levels != card.levels
    assert score(video, out.with_stem("other")).windows[0].scores != window.scores
    assert result.info["preprocessing"] == "resize"
    assert result.info["training_data"] == "KoNViD-1k"


def test_a_video_shorter_than_a_clip_works(tmp_path, checkpoint):
    for frames in (1, 2):
        path = tmp_path / f"{frames}.mp4"
        make_video(path, frames, width=64, height=48)
        result = score(path, checkpoint)
        assert result.error is None
        assert len(result.windows) == 1


def test_the_regressor_of_the_card(video, checkpoint, tmp_path):
    levels = score(video, checkpoint, ",window=video")
    fitted = score(video, checkpoint, ",window=video,decode=svr")
    made = metric(checkpoint, decode="svr")
    frames = sample_frames(3)
    probabilities = made.probabilities(np.stack([[made.prepare(f, None) for f in frames]]))
    wanted = np.clip(REGRESSOR.predict(probabilities) * 20, 0, 100)
    assert made.scores(probabilities) == pytest.approx(wanted)
    assert levels.columns.keys() != fitted.columns.keys()
    bare = write_checkpoint(tmp_path, text_layers=2)
    with pytest.raises(UsageError, match="carries no regressor"):
        metric(bare, decode="svr")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"window": "0"}, "window=0: needs a number of seconds above 0, video or card"),
        ({"window": "long"}, "window=long"),
        ({"window": "inf"}, "window=inf"),
        ({"hop": "-1"}, "hop=-1"),
        ({"window": "video", "hop": "1"}, "leave hop out"),
    ],
)
def test_unusable_parameters(checkpoint, params, words):
    with pytest.raises(UsageError, match=words):
        metric(checkpoint, **params)


def test_a_device_that_is_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MissingBackend, match=r"device=cuda.*it has"):
        choose_device("cuda")
    assert choose_device("auto") in ("cpu", "mps")


def test_a_checkpoint_that_is_not_there(video, cli):
    code, _, err = cli("run", "-m", "clipvqa:checkpoint=no-such-name", video)
    assert code == 6
    assert "no-such-name" in err
    code, _, err = cli("run", "-m", "clipvqa:checkpoint=./gone.safetensors", video)
    assert code == 3
    assert "gone.safetensors" in err


def test_the_log_says_what_scored(video, checkpoint, tmp_path, cli):
    log = tmp_path / "log.json"
    assert cli("run", "-m", f"clipvqa:checkpoint={checkpoint}", video, "-o", log)[0] == 0
    written = json.loads(log.read_text())
    ((name, entry),) = written["vqa_harness"]["metrics"].items()
    assert name.startswith("clipvqa")
    assert entry["info"]["checkpoint"] == "small.safetensors"
    assert len(entry["windows"]) == 2
    assert str(checkpoint.parent) not in log.read_text()


def test_a_run_with_a_bundled_checkpoint_imports_no_clip_backbone(video, checkpoint):
    code = (
        "import sys; from vqa_harness.cli.app import run_cli;"
        f"assert run_cli(['run', '-m', 'clipvqa:checkpoint={checkpoint}', {str(video)!r}]) == 0;"
        "found = {'open_clip', 'torchvision', 'timm', 'sklearn', 'numba'} & set(sys.modules);"
        "assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
