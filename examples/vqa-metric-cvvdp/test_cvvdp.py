"""Parity with pycvvdp, pictures of HDR, windows, failures."""

import socket

import numpy as np
import pytest

from vqa_harness import ColourInfo, MetricError, MissingBackend, RunInfo, UsageError, VideoReader
from vqa_harness.media.encode import encode_frames
from vqa_harness.testing import check_spec, stream_info, yuv_frame

pytest.importorskip("torch")
pytest.importorskip("pycvvdp", reason="cvvdp is not installed; pip install vqa-metric-cvvdp[cvvdp]")

import torch
from vqa_metric_cvvdp import SPEC
from vqa_metric_cvvdp.library import pycvvdp
from vqa_metric_cvvdp.metric import ColorVideoVdp
from vqa_metric_cvvdp.pictures import display_encoded

CPU = torch.device("cpu")
ROWS, COLUMNS = 96, 144
SDR = ColourInfo(full_range=False, matrix="bt709", transfer="bt709", primaries="bt709")
PQ = ColourInfo(full_range=False, matrix="bt2020", transfer="pq", primaries="bt2020")
HLG = ColourInfo(full_range=False, matrix="bt2020", transfer="hlg", primaries="bt2020")
DISPLAYS = {SDR: "standard_4k", PQ: "standard_hdr_pq", HLG: "standard_hdr_hlg"}


def frames(count, colour, noise=0.0, depth=10):
    """Moving waves in 4:2:0."""
    rng = np.random.default_rng(3)
    scale = 1 << (depth - 8)
    y, x = np.mgrid[:ROWS, :COLUMNS]
    made = []
    for number in range(count):
        luma = 110 + 60 * np.sin((x + 4 * number) / 9) * np.cos(y / 11)
        luma = luma + rng.normal(0, noise, luma.shape) if noise else luma
        cb = 128 + 30 * np.sin((x[::2, ::2] + 2 * number) / 15)
        cr = 128 + 30 * np.cos(y[::2, ::2] / 15)
        planes = [np.round(p * scale) for p in (luma, cb, cr)]
        kind = np.uint8 if depth == 8 else np.uint16
        planes = tuple(np.clip(p, 16 * scale, 235 * scale).astype(kind) for p in planes)
        made.append(yuv_frame(planes, depth=depth, colour=colour, index=number))
    return made


def scored(shown, references, **params):
    metric = ColorVideoVdp(device="cpu", **params)
    metric.open(RunInfo(stream_info(shown), stream_info(references), ("cvvdp",), 1))
    for pair in zip(shown, references, strict=True):
        metric.measure(*pair)
    return metric.close().frames, metric


def directly(shown, references, display, rate=25.0):
    """What pycvvdp gives for the whole of the same pictures at once."""
    test, reference = (
        torch.cat([display_encoded(frame, CPU) for frame in side], 2)
        for side in (shown, references)
    )
    metric = pycvvdp().cvvdp(display_name=display, device=CPU, quiet=True)
    quality, _ = metric.predict(test, reference, dim_order="BCFHW", frames_per_second=rate)
    return float(quality)


@pytest.mark.parametrize("colour", [SDR, PQ, HLG], ids=["sdr", "pq", "hlg"])
def test_equals_pycvvdp_on_the_same_frames(colour):
    shown, references = frames(12, colour, noise=4.0), frames(12, colour)
    rows, metric = scored(shown, references, window=0.2)
    assert metric.info()["display"] == DISPLAYS[colour]
    expected = directly(shown, references, DISPLAYS[colour])
    assert 3 < expected < 9.9
    assert {row["cvvdp"] for row in rows} == {expected}  # to the last bit
    windows = [row["cvvdp_window"] for row in rows]
    assert windows[0] == windows[4] != windows[5]
    assert len(set(windows)) == 3  # of five, five and two frames


def test_the_first_window_is_what_pycvvdp_gives_for_it_alone():
    shown, references = frames(10, PQ, noise=4.0), frames(10, PQ)
    rows, _ = scored(shown, references, window=0.2)
    assert rows[0]["cvvdp_window"] == directly(shown[:5], references[:5], DISPLAYS[PQ])


def test_stills():
    shown, references = frames(1, SDR, noise=4.0, depth=8), frames(1, SDR, depth=8)
    rows, _ = scored(shown, references)
    expected = directly(shown, references, "standard_4k", rate=0)
    assert rows == [{"cvvdp": expected, "cvvdp_window": expected}]


def test_equal_frames_and_worse_ones():
    references = frames(4, PQ)
    (same, *_), _ = scored(frames(4, PQ), references)
    little, much = (scored(frames(4, PQ, noise=n), references)[0][0] for n in (2.0, 12.0))
    assert same["cvvdp"] == 10.0
    assert 10 > little["cvvdp"] > much["cvvdp"]


def test_peak_and_distance_change_the_display():
    shown, references = frames(4, PQ, noise=4.0), frames(4, PQ)
    usual, _ = scored(shown, references)
    dim, metric = scored(shown, references, peak=100.0)
    assert metric.info()["peak_luminance"] == 100.0
    far, metric = scored(shown, references, ppd=150.0)
    assert metric.info()["pixels_per_degree"] == 150.0
    assert len({rows[0]["cvvdp"] for rows in (usual, dim, far)}) == 3


@pytest.mark.parametrize("colour", [PQ, HLG], ids=["pq", "hlg"])
def test_code_values_of_hdr_arrive_as_they_were_encoded(colour, tmp_path):
    made = frames(5, colour)
    path = tmp_path / "hdr.mkv"
    options = {"crf": "0", "x265-params": "lossless=1:log-level=none", "preset": "ultrafast"}
    encode_frames(
        path,
        [frame.planes for frame in made],
        rate=25,
        depth=10,
        codec="libx265",
        options=options,
        colour=colour,
    )
    with VideoReader(path) as reader:
        assert reader.info.colour == colour
        for frame, original in zip(reader, made, strict=True):
            for plane, given in zip(frame.planes, original.planes, strict=True):
                assert np.array_equal(plane, given)
            assert torch.equal(display_encoded(frame, CPU), display_encoded(original, CPU))


def test_the_light_of_pq_code_values():
    """10-bit luma 520 of limited range is 50.8 % of the signal (BT.2408: 58 % is 203 cd/m2)."""
    planes = (
        np.full((8, 8), 64 + round(0.58 * 876), np.uint16),
        *[np.full((4, 4), 512, np.uint16)] * 2,
    )
    encoded = display_encoded(yuv_frame(planes, depth=10, colour=PQ), CPU)
    assert encoded.flatten().tolist() == pytest.approx([0.58] * 192, abs=6e-4)
    display = pycvvdp().vvdp_display_photometry.load("standard_hdr_pq", [])
    display.E_ambient = 0
    light = display.source_2_target_colorspace(encoded, "Y")
    assert light.flatten().tolist() == pytest.approx([203.0] * 64, rel=0.01)


@pytest.mark.parametrize(
    ("params", "colour", "words"),
    [
        ({"display": "standard_4k"}, PQ, "shows sRGB, and the video is PQ; choose auto or one of"),
        ({"display": "standard_hdr_pq"}, SDR, "shows PQ, and the video is not HDR"),
    ],
)
def test_displays_that_do_not_fit(params, colour, words):
    shown = frames(2, colour)
    metric = ColorVideoVdp(device="cpu", **params)
    with pytest.raises(UsageError, match=words):
        metric.open(RunInfo(stream_info(shown), stream_info(shown), ("cvvdp",), 1))


def test_failures():
    with pytest.raises(UsageError, match="display=cinema: choose auto or one of standard_4k"):
        ColorVideoVdp(device="cpu", display="cinema")
    with pytest.raises(MetricError, match="no frame"):
        ColorVideoVdp(device="cpu").close()
    metric = ColorVideoVdp(device="cpu")
    shown = frames(1, SDR)
    metric.open(RunInfo(stream_info(shown), stream_info(shown), ("cvvdp",), 1))
    with pytest.raises(ValueError, match="compares with a reference"):
        metric.measure(shown[0], None)
    if not torch.cuda.is_available():
        with pytest.raises(MissingBackend, match="no CUDA GPU; use device=cpu"):
            ColorVideoVdp(device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA GPU")
def test_a_gpu_gives_the_same():
    shown, references = frames(12, PQ, noise=4.0), frames(12, PQ)
    on_cpu, _ = scored(shown, references)
    metric = ColorVideoVdp(device="cuda")
    metric.open(RunInfo(stream_info(shown), stream_info(references), ("cvvdp",), 1))
    for pair in zip(shown, references, strict=True):
        metric.measure(*pair)
    assert metric.close().frames[0]["cvvdp"] == pytest.approx(on_cpu[0]["cvvdp"], abs=1e-3)


def test_nothing_is_downloaded(monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    shown = frames(2, PQ, noise=4.0)
    assert scored(shown, frames(2, PQ))[0][0]["cvvdp"] < 10


def test_follows_the_contract():
    check_spec(SPEC)
