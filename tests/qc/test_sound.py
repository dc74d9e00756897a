"""Sound of known loudness, peaks, silences and lengths."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.qc.helpers import RATE, tone, with_sound
from vqa_harness.errors import InputError
from vqa_harness.qc.check import check


def spans(report, kind):
    return [(float(e.start), float(e.end)) for e in report.of(kind)]


def test_a_stereo_sine_of_minus_23_dbfs_is_minus_23_lufs(tmp_path):
    """EBU Tech 3341, case 1: a 1 kHz sine in both channels."""
    report = check(with_sound(tmp_path / "a.mov", tone(3)))
    assert report.loudness.integrated == pytest.approx(-23, abs=0.1)
    assert report.loudness.true_peak == pytest.approx(-23, abs=0.1)
    assert report.events == []


def test_one_channel_is_three_lu_below_two(tmp_path):
    report = check(with_sound(tmp_path / "a.wav", tone(3, channels=1), frames=0))
    assert report.loudness.integrated == pytest.approx(-26, abs=0.1)


def test_peaks_between_samples_are_found(tmp_path):
    """EBU Tech 3341, case 16: a quarter of the rate at 45 degrees peaks 3 dB above its samples."""
    sound = tone(2, level=-6, hertz=RATE / 4, phase=np.pi / 4)
    assert 20 * np.log10(np.abs(sound).max()) == pytest.approx(-9, abs=0.1)
    report = check(with_sound(tmp_path / "a.mov", sound))
    assert report.loudness.true_peak == pytest.approx(-6, abs=0.3)


def test_silences_are_exact_to_the_sample_and_agree_with_ffmpeg(tmp_path):
    sound = tone(4, hertz=997)
    sound[:, RATE + 100 : 2 * RATE + 200] = 0
    sound[:, 3 * RATE : 3 * RATE + 10000] = 0  # a fifth of a second
    path = with_sound(tmp_path / "a.mov", sound, frames=100)
    ((start, end),) = spans(check(path), "silence")
    assert start == pytest.approx(1 + 100 / RATE, abs=2 / RATE)
    assert end == pytest.approx(2 + 200 / RATE, abs=2 / RATE)
    with av.open(str(path)) as container:
        stream, told = container.streams.audio[0], {}
        graph = av.filter.Graph()
        chain = [graph.add_abuffer(template=stream), graph.add("silencedetect", "n=-60dB:d=0.5")]
        graph.link_nodes(*chain, graph.add("abuffersink")).configure()
        for frame in container.decode(stream):
            graph.push(frame)
            told |= graph.pull().metadata
    assert start == pytest.approx(float(told["lavfi.silence_start"]), abs=2 / RATE)
    assert end == pytest.approx(float(told["lavfi.silence_end"]), abs=2 / RATE)


def test_digital_silence_has_no_loudness(tmp_path):
    report = check(with_sound(tmp_path / "a.mov", np.zeros((2, 2 * RATE))))
    assert spans(report, "silence") == [(0, 2)]
    assert (report.loudness.integrated, report.loudness.true_peak) == (None, None)


@pytest.mark.parametrize(
    ("length", "begin", "missing"),
    [(2, 0, []), (1.5, 0, [(1.5, 2)]), (1.5, 0.5, [(0, 0.5)]), (1.95, 0, []), (3, 0, [])],
)
def test_sound_that_begins_late_or_ends_early(tmp_path, length, begin, missing):
    report = check(with_sound(tmp_path / "a.mov", tone(length), begin=begin))
    found = spans(report, "missing_audio")
    assert sum(found, ()) == pytest.approx(sum(missing, ()), abs=1e-4)


def test_a_video_without_sound(tmp_path):
    report = check(with_sound(tmp_path / "a.mp4", None))
    (found,) = report.of("missing_audio")
    assert (found.start, found.end, found.detail) == (0, 2, "no track of sound")
    assert report.loudness is None
    assert "silence" not in report.judged


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.m4a", "aac")])
def test_sound_without_video(tmp_path, name, codec):
    report = check(with_sound(tmp_path / name, tone(2), frames=0, codec=codec))
    assert report.judged == {"silence", "missing_audio"}
    assert report.duration == pytest.approx(2, abs=0.05)
    assert report.loudness.integrated == pytest.approx(-23, abs=0.1)
    assert report.warnings == ["there is no video: only the sound is judged"]


def damaged(path, first, last):
    """Overwrite packets of the sound with noise."""
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(audio=0) if p.size]
    data, random = bytearray(path.read_bytes()), np.random.default_rng(0)
    for position, size in packets[first:last]:
        data[position : position + size] = random.integers(0, 256, size, np.uint8).tobytes()
    path.write_bytes(data)
    return path


def test_damaged_sound_is_told_and_missing(tmp_path):
    path = damaged(with_sound(tmp_path / "a.mp4", tone(2), codec="aac"), 30, 50)
    report = check(path)
    assert any("packets of the sound are damaged" in text for text in report.warnings)
    ((start, end),) = spans(report, "missing_audio")
    assert end - start == pytest.approx(20 * 1024 / RATE, abs=0.1)
    assert start == pytest.approx(29 * 1024 / RATE, abs=0.1)


def test_sound_of_which_nothing_can_be_decoded_is_unknown_and_not_silent(tmp_path):
    report = check(damaged(with_sound(tmp_path / "a.mp4", tone(2), codec="aac"), 0, None))
    assert report.loudness is None
    assert report.duration == 2
    if "silence" in report.judged:  # some noise may be taken for a packet
        assert report.warnings
    else:
        assert [e.detail for e in report.of("missing_audio")] == ["none could be decoded"]


def test_several_tracks_are_told(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        tracks = [container.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in range(2)]
        for track in tracks:
            block = np.ascontiguousarray(tone(1, channels=1).astype(np.float32))
            part = av.AudioFrame.from_ndarray(block, "fltp", "mono")
            part.sample_rate, part.time_base, part.pts = RATE, Fraction(1, RATE), 0
            container.mux(track.encode(part))
            container.mux(track.encode())
    assert any("2 tracks of sound" in text for text in check(path).warnings)


def test_a_file_without_either_is_refused(tmp_path):
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    with pytest.raises(InputError, match=r"a\.srt: cannot be opened as video or sound"):
        check(path)
