"""A video scored in pieces has the log of a video scored in one, but for times."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.plugins import installed_with, module_with
from vqa_harness import Feature, Metric, MetricSpec, StreamScores
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.logs.build import build_log
from vqa_harness.logs.vmaf_json import to_json
from vqa_harness.media.encode import encode_frames
from vqa_harness.media.raw import RawVideo
from vqa_harness.media.writer import copy_packets
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.registry import Registry
from vqa_harness.result import RunResult
from vqa_harness.split.in_pieces import Splitting
from vqa_harness.split.run import run_in_pieces
from vqa_harness.testing.synthetic import moving_pattern

FRAMES, WIDTH, HEIGHT = 45, 112, 96
CODECS = {
    # file: encoder and its options; groups of pictures are short, and open where the codec has that
    "h264.mp4": ("libx264", {"crf": "30", "x264-params": "open-gop=1:keyint=9:bframes=3"}),
    "hevc.mp4": (
        "libx265",
        {"crf": "30", "x265-params": "open-gop=1:keyint=9:log-level=none:pools=1"},
    ),
    "vp9.webm": ("libvpx-vp9", {"crf": "40", "b": "0", "g": "9", "cpu-used": "8"}),
    "av1.mkv": ("libsvtav1", {"crf": "45", "g": "9", "preset": "11"}),
    "h264.ts": ("libx264", {"crf": "30", "g": "9", "bf": "2"}),
}
PIECES = 4
WITH_REFERENCE = (
    *("psnr", "ssim", "xpsnr", "ssim_ffmpeg", "siti:domain=pq", "brisque", "ssimulacra2"),
)


def write_clips(folder, width, height, seed):
    """A reference, and encodes of it in every codec and with times that vary; the frames."""
    frames = list(moving_pattern(FRAMES, width, height, seed=seed))
    encode_frames(folder / "reference.mkv", frames, codec="ffv1")
    for name, (codec, options) in CODECS.items():
        encode_frames(folder / name, frames, codec=codec, options=options)
    times = [40 * i + 9 * (i % 3) for i in range(FRAMES)]
    options, unit = {"crf": "30", "g": "9"}, Fraction(1, 1000)
    encode_frames(folder / "vfr.mkv", frames, options=options, pts=times, time_base=unit)
    return frames


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("split")
    frames = write_clips(folder, WIDTH, HEIGHT, seed=3)
    dropped = [f for i, f in enumerate(frames) if i not in (13, 14, 30)]
    encode_frames(folder / "dropped.mp4", dropped, options={"crf": "24", "g": "9"})
    return folder


def both(distorted, metrics, reference=None, pieces=PIECES, registry=None, **options):
    """The documents of a run in one piece and of one in pieces, and what was told."""
    registry = registry or Registry.installed()
    requests = registry.requests(metrics)
    chosen = RunOptions(2, **options)
    told = []

    def here(score, pieces, options):
        return (score(piece, registry, options) for piece in pieces)

    splitting = Splitting(pieces, here, told.append)
    one = run(distorted, requests, registry, chosen, reference=reference)
    many = run_in_pieces(distorted, requests, registry, chosen, splitting, reference=reference)
    return document(one), document(many), told


def document(result: RunResult):
    """The log as text, without times."""
    for metric in result.metrics:
        metric.seconds = 0.0
    log = build_log(replace(result, seconds={}, cpu_seconds=0.0), command="test")
    log.fps = None
    made = to_json(log)
    made["vqa_harness"].pop("created", None)
    return json.dumps(made, indent=1)


@pytest.mark.parametrize("name", [*CODECS, "vfr.mkv", "dropped.mp4"])
def test_pairs_in_pieces(clips, name):
    one, many, told = both(clips / name, WITH_REFERENCE, clips / "reference.mkv")
    assert many == one
    assert told == []


@pytest.mark.parametrize("name", ["h264.mp4", "hevc.mp4", "h264.ts", "vfr.mkv"])
def test_a_single_video_in_pieces(clips, name):
    """Nothing is decoded to plan it: no piece decodes a frame that it does not look at."""
    one, many, told = both(clips / name, ["niqe", "siti", "blurriness"], qc=True)
    assert many == one
    assert told == []


def test_windows_in_pieces(clips):
    metrics = ["clipvqa:window=0.4", "clipvqa:window=0.4,speed=fast,hop=0.6"]
    for some in (metrics[:1], metrics, [*metrics[:1], "siti"]):
        one, many, told = both(clips / "h264.mp4", some, pieces=3)
        assert many == one
        assert told == []


def test_more_pieces_than_frames(clips):
    one, many, _ = both(clips / "h264.mp4", ["siti"], pieces=500)
    assert many == one


def test_an_edit_list_and_a_late_start(clips, tmp_path):
    for shift in (Fraction(-10, 25), Fraction(3)):
        path = tmp_path / "edited.mp4"
        copy_packets(str(clips / "h264.mp4"), str(path), shift=shift)
        one, many, told = both(path, ["psnr", "siti"], clips / "reference.mkv")
        assert many == one
        one, many, told = both(path, ["siti"])
        assert many == one
        assert told == []


def test_fields_and_other_rates(clips):
    """What is deinterlaced, or paired by time, is made again by each piece."""
    for options in (AlignOptions(deinterlace="both"), AlignOptions(mode="time")):
        one, many, told = both(
            clips / "h264.mp4", ["psnr", "xpsnr"], clips / "reference.mkv", align=options
        )
        assert many == one
        assert told == []


def test_half_the_rate(clips, tmp_path):
    path = tmp_path / "half.mp4"
    frames = list(moving_pattern(FRAMES, WIDTH, HEIGHT, seed=3))[::2]
    encode_frames(path, frames, rate=12, options={"crf": "20"})
    options = AlignOptions(fps_policy="match-ref")
    one, many, _ = both(path, ["psnr"], clips / "reference.mkv", align=options)
    assert many == one


def test_raw_video_and_another_size(clips, tmp_path):
    path = tmp_path / "small.yuv"
    for planes in moving_pattern(FRAMES, WIDTH // 2, HEIGHT // 2, seed=3):
        with path.open("ab") as file:
            file.writelines(np.ascontiguousarray(plane).tobytes() for plane in planes)
    raw = RawVideo(path, (WIDTH // 2, HEIGHT // 2), "yuv420p", 25)
    one, many, told = both(raw, ["siti"])
    assert many == one
    assert told == []


def test_a_damaged_video_is_scored_in_one_piece(clips, tmp_path):
    data = bytearray((clips / "h264.ts").read_bytes())
    for place in range(len(data) // 2, len(data) // 2 + 2000, 7):
        data[place] ^= 0x55
    path = tmp_path / "damaged.ts"
    path.write_bytes(data)
    one, many, _ = both(path, ["siti", "niqe"])
    assert many == one
    one, many, _ = both(path, ["psnr"], clips / "reference.mkv")
    assert many == one


class Counting(Metric):
    """A stream metric that says how many frames it saw, which pieces cannot join."""

    def __init__(self):
        self.rows = []

    def measure(self, frame, ref, /):
        self.rows.append({"counting": float(frame.luma.mean())})

    def close(self):
        return StreamScores(self.rows)

    def info(self):
        return {"frames": len(self.rows)}


class Joined(Counting):
    def gather(self, own):
        return len(own)

    def join(self, gathered):
        self.rows = [{}] * sum(gathered)


class Failing(Counting):
    def measure(self, frame, ref, /):
        super().measure(frame, ref)
        if frame.index == 30:
            raise RuntimeError("it is frame 30")


@pytest.mark.parametrize("kind", [Counting, Joined, Failing], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("context", [None, (2, 1)])
def test_plugins(clips, monkeypatch, kind, context):
    """One that does not say how to be joined is scored in one piece, and that is told."""
    module_with(monkeypatch, "counting_module", kind)
    spec = MetricSpec(
        "counting",
        f"counting_module:{kind.__name__}",
        (Feature("counting"),),
        kind="stream",
        context=context,
    )
    registry = installed_with(monkeypatch, spec)
    one, many, told = both(clips / "h264.mp4", ["counting", "niqe"], registry=registry)
    assert many == one
    in_pieces = context is not None and kind is not Counting
    assert told == ([] if in_pieces else ["counting: scored in one piece, as it cannot be split"])


def test_nothing_can_be_split(clips):
    one, many, told = both(clips / "h264.mp4", ["blockiness"])
    assert many == one
    assert told == ["scored in one piece: blockiness: cannot be split"]


def test_the_command_line(clips, cli, tmp_path):
    """In processes of their own, and with VMAF where there is one."""
    args = ["-m", "psnr,siti", "-r", clips / "reference.mkv", clips / "hevc.mp4", "--json", "-"]
    code, out, err = cli("run", *args)
    assert code == 0
    code, split, err = cli("run", *args, "--split", 2)
    assert (code, err) == (0, "")
    scores = [json.loads(text)[0]["pooled"] for text in (out, split)]
    assert scores[0] == scores[1]


def test_vmaf_in_pieces(clips, ffmpeg):
    metrics = ["vmaf:features=float_ssim", "cambi", "psnr_hvs", "vif", "ciede2000", "speed"]
    one, many, told = both(clips / "hevc.mp4", metrics, clips / "reference.mkv", pieces=3)
    assert many == one
    assert told == []
    one, many, told = both(
        clips / "hevc.mp4", ["vmaf:subsample=3", "psnr"], clips / "reference.mkv", pieces=3
    )
    assert many == one
    assert len(told) == 1


EVERY = {
    "frames": ("psnr", "ssim", "ms_ssim", "ssimulacra2", "butteraugli", "niqe", "brisque"),
    "streams": ("siti", "siti:domain=pq", "xpsnr", "ssim_ffmpeg", "blurriness"),
    "windows": ("clipvqa:window=0.4",),
    "libvmaf": ("vmaf", "vmaf:model=vmaf_v0.6.1neg", "vmaf:confidence=true", "cambi", "psnr_hvs"),
    "others": ("vif", "ciede2000", "speed"),
}


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    """Clips in which all metrics find what they need: 176 lines and more."""
    folder = tmp_path_factory.mktemp("larger")
    write_clips(folder, 208, 176, seed=5)
    copy_packets(str(folder / "h264.mp4"), str(folder / "edited.mp4"), shift=Fraction(-10, 25))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("group", EVERY)
@pytest.mark.parametrize("name", [*CODECS, "vfr.mkv", "edited.mp4"])
def test_every_metric_that_splits_on_every_codec(larger, ffmpeg, name, group):
    registry = Registry.installed()
    for metric in EVERY[group]:
        one, many, told = both(
            larger / name, [metric], larger / "reference.mkv", pieces=3, registry=registry
        )
        assert many == one, metric
        assert told == []


def test_every_metric_that_splits_is_among_them():
    asked = {text.partition(":")[0] for some in EVERY.values() for text in some}
    ours = Registry.installed().specs()
    splits = {name for name, spec in ours.items() if spec.context is not None}
    assert splits <= asked
