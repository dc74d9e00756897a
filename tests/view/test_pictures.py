"""Pictures of the viewer are the decoder's, to the bit, and its numbers those of the planes."""

import io
from fractions import Fraction

import numpy as np
import pytest

from tests.view.sessions import Session
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.frames import ColourInfo
from vqa_harness.media.reader import VideoReader
from vqa_harness.testing.synthetic import make_video, moving_pattern
from vqa_harness.view.encodes import Videos, of_video
from vqa_harness.view.tone import toned


def session_of(distorted, reference=None, **options):
    made = Session(of_video(Videos(distorted, reference, AlignOptions(**options)), distorted))
    made.found()
    return made


def pixels(answer):
    """(H, W, 3) of an image file."""
    assert answer.status_code == 200, answer.text
    with VideoReader(io.BytesIO(answer.content)) as reader:
        return next(iter(reader)).rgb


def decoded(path):
    with VideoReader(path) as reader:
        return [frame.rgb.copy() for frame in reader]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A video and its reference, of which frames 10 and 11 are missing: pairs go on at 12."""
    folder = tmp_path_factory.mktemp("pair")
    frames = moving_pattern(40, 96, 64)
    make_video(folder / "reference.mkv", frames, codec="ffv1")
    kept = frames[:10] + frames[12:]
    stamps = [*range(10), *range(12, 40)]
    make_video(
        folder / "distorted.mp4",
        kept,
        codec="libx264",
        options={"crf": "32", "g": "12"},
        pts=stamps,
        time_base=Fraction(1, 25),
    )
    made = session_of(folder / "distorted.mp4", folder / "reference.mkv")
    yield made, decoded(folder / "distorted.mp4"), decoded(folder / "reference.mkv")
    made.close()


@pytest.mark.parametrize("number", [20, 0, 37, 9, 10])
def test_a_picture_is_the_decoders_frame_to_the_bit(pair, number):
    session, distorted, reference = pair
    numbers = session.ask("encodes/0/pairing").json()["numbers"]
    assert numbers["reference"] == [*range(10), *range(12, 40)]
    of = f"encodes/0/pairs/{number}"
    assert np.array_equal(pixels(session.ask(f"{of}/distorted")), distorted[number])
    partner = numbers["reference"][number]
    assert np.array_equal(pixels(session.ask(f"{of}/reference")), reference[partner])
    both = np.hstack([reference[partner], distorted[number]])
    assert np.array_equal(pixels(session.ask(f"{of}/pair.png")), both)


def test_the_difference_with_gain(pair):
    session, distorted, reference = pair
    apart = np.abs(distorted[20].astype(int) - reference[22])
    for gain in (1, 8, 64):
        seen = pixels(session.ask(f"encodes/0/pairs/20/difference?gain={gain}"))
        assert np.array_equal(seen, np.minimum(apart * gain, 255))


def test_the_map_of_ssim_is_darker_where_the_pictures_differ(tmp_path):
    frames = moving_pattern(4, 96, 64)
    spoilt = [tuple(plane.copy() for plane in planes) for planes in frames]
    for planes in spoilt:
        planes[0][8:24, 8:24] = 235 - planes[0][8:24, 8:24]
    make_video(tmp_path / "r.mkv", frames, codec="ffv1")
    make_video(tmp_path / "d.mkv", spoilt, codec="ffv1")
    session = session_of(tmp_path / "d.mkv", tmp_path / "r.mkv", mode="index")
    seen = pixels(session.ask("encodes/0/pairs/1/ssim"))
    assert seen[40:].min() == 255
    assert seen[14:18, 14:18].max() < 128
    session.close()


def test_a_smaller_picture_keeps_its_shape(pair):
    session, distorted, _ = pair
    seen = pixels(session.ask("encodes/0/pairs/20/distorted?width=48"))
    assert seen.shape == (32, 48, 3)
    mean = distorted[20].reshape(32, 2, 48, 2, 3).mean(axis=(1, 3))
    luma = np.array([0.299, 0.587, 0.114])
    assert np.abs(seen @ luma - mean @ luma).mean() < 3


def test_a_jpeg_while_scrubbing(pair):
    session, distorted, _ = pair
    answer = session.ask("encodes/0/pairs/20/distorted?form=jpeg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert np.abs(pixels(answer).astype(int) - distorted[20]).mean() < 6


def test_frames_are_scaled_as_they_were_compared(tmp_path):
    make_video(tmp_path / "r.mkv", 6, width=96, height=64, codec="ffv1")
    make_video(tmp_path / "d.mkv", 6, width=48, height=32, codec="ffv1")
    session = session_of(tmp_path / "d.mkv", tmp_path / "r.mkv", mode="index")
    assert pixels(session.ask("encodes/0/pairs/2/distorted")).shape == (64, 96, 3)
    session.close()


def test_the_loupe_gives_code_values_of_ten_bits(tmp_path):
    frames = moving_pattern(6, 32, 16, depth=10)
    make_video(tmp_path / "d.mkv", frames, codec="ffv1", depth=10)
    session = session_of(tmp_path / "d.mkv")
    codes = session.ask("encodes/0/pairs/4/codes?x=31&y=6&reach=1").json()["distorted"]
    assert codes["depth"] == 10
    luma, blue, _ = codes["values"]
    assert luma == [[*map(int, frames[4][0][row, 30:32]), None] for row in (5, 6, 7)]
    assert blue[1][1] == frames[4][1][3, 15]
    mapping = session.ask("encodes/0/pairing").json()["mapping"]
    assert mapping[0].startswith("distorted: 10 bits shown as 8")
    assert session.ask("encodes/0/pairs/4/codes?x=32&y=6").status_code == 404
    session.close()


def test_no_step_of_ten_bits_is_lost_in_the_difference(tmp_path):
    frames = moving_pattern(6, 32, 16, depth=10)
    brighter = [(planes[0] + np.uint16(1), *planes[1:]) for planes in frames]
    make_video(tmp_path / "r.mkv", frames, codec="ffv1", depth=10)
    make_video(tmp_path / "d.mkv", brighter, codec="ffv1", depth=10)
    session = session_of(tmp_path / "d.mkv", tmp_path / "r.mkv", mode="index")
    seen = pixels(session.ask("encodes/0/pairs/3/difference?gain=64"))
    # a step of 10 bits in limited range is 255 / 876 of one of 8 bits; 0 is where RGB is cut off
    assert set(np.unique(seen)) <= {0, 18, 19}
    assert np.median(seen) == round(64 * 255 / 876) - 1
    session.close()


def test_hdr_is_mapped_to_known_levels():
    pq = ColourInfo(True, "bt2020", "pq", "bt709")

    def code(nits):  # SMPTE ST 2084, the other way round
        y = (nits / 10000) ** (2610 / 16384)
        return ((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 32)

    levels = [0, 203, 1000, 4000]
    grey = np.array([[round(65535 * code(n)) for n in levels]], np.uint16)
    rgb = np.repeat(grey[..., None], 3, axis=2)
    seen = toned(rgb, pq)[0, :, 0]
    peak = 1000 / 203
    white = (1 + 1 / peak**2) / 2  # extended Reinhard of 1
    assert seen[0] == 0
    assert abs(seen[1] - 255 * (1.055 * white ** (1 / 2.4) - 0.055)) <= 1
    assert list(seen[2:]) == [255, 255]


def test_hdr_is_said_and_can_be_seen_as_coded(tmp_path):
    colour = ColourInfo(False, "bt2020", "pq", "bt2020")
    make_video(tmp_path / "d.mkv", 4, depth=10, width=32, height=16, codec="ffv1", colour=colour)
    session = session_of(tmp_path / "d.mkv")
    pairing = session.ask("encodes/0/pairing").json()
    assert "light of PQ" in pairing["mapping"][0]
    assert pairing["sides"]["distorted"]["hdr"]
    with VideoReader(tmp_path / "d.mkv") as reader:
        rgb = next(iter(reader)).rgb
    codes = pixels(session.ask("encodes/0/pairs/0/distorted?mapping=codes"))
    assert np.array_equal(codes, rgb)
    assert not np.array_equal(pixels(session.ask("encodes/0/pairs/0/distorted")), rgb)
    session.close()
