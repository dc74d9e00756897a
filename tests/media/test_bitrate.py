from fractions import Fraction

import pytest

from vqa_harness.errors import InputError
from vqa_harness.media.bitrate import from_packets, measure_bitrate
from vqa_harness.testing.synthetic import make_video

RATE = Fraction(25)


def test_bytes_over_the_time_shown():
    packets = [(Fraction(i, 25), 1000) for i in range(50)]
    found = from_packets("a", packets, RATE)
    assert (found.packets, found.size, found.seconds) == (50, 50_000, 2.0)
    assert found.mean == pytest.approx(8 * 50_000 / 2)


def test_peak_is_the_fullest_second():
    packets = [(3 + Fraction(i, 25), 3000 if 25 <= i < 50 else 1000) for i in range(75)]
    found = from_packets("a", packets, RATE)
    assert found.peak == pytest.approx(8 * 75_000)
    assert found.mean == pytest.approx(8 * 125_000 / 3)


def test_packets_in_the_order_of_decoding_and_without_a_rate():
    times = [0, 3, 1, 2, 6, 4, 5]
    found = from_packets("a", [(Fraction(t, 10), 100) for t in times])
    assert found.seconds == pytest.approx(0.7)


def test_without_times_the_rate_tells_the_length():
    found = from_packets("a", [(None, 100)] * 50, RATE)
    assert found.seconds == 2.0
    assert found.peak == found.mean
    with pytest.raises(InputError, match="neither times nor a frame rate"):
        from_packets("a", [(None, 100)] * 50)


def test_no_packets_no_bitrate():
    with pytest.raises(InputError, match=r"clip\.mp4: its video stream has no packets"):
        from_packets("clip.mp4", [], RATE)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_only_packets_count_not_the_container(tmp_path, name):
    path = tmp_path / name
    make_video(path, 30, width=96, height=64, codec="libx264", options={"crf": "30"})
    found = measure_bitrate(path, RATE)
    assert found.packets == 30
    assert found.seconds == pytest.approx(1.2, abs=0.002)
    assert 0 < found.size < path.stat().st_size
    filling = bytes([0x47, 0x1F, 0xFF, 0x10]) + bytes(184)  # transport packets without content
    with path.open("ab") as file:
        file.write(500 * filling)  # the file's average rises by this
    assert measure_bitrate(path, RATE) == found


def test_what_is_no_video_is_an_input_error(tmp_path):
    path = tmp_path / "text.mp4"
    path.write_text("no video")
    with pytest.raises(InputError, match=r"text\.mp4: its packets cannot be read"):
        measure_bitrate(path)
