"""Raw video, numbered images and folders: read as what somebody states, and never guessed."""

import io
import json
from fractions import Fraction

import av
import numpy as np
import pytest

import vqa_harness as vqa
from vqa_harness.errors import InputError, UsageError
from vqa_harness.media.input_format import InputFormat, PairFormat
from vqa_harness.media.inputs import as_source, expand
from vqa_harness.media.numbered import ImageSequence, numbered_files
from vqa_harness.media.packets import frame_bytes
from vqa_harness.media.raw import RawVideo
from vqa_harness.media.reader import VideoReader

WIDTH, HEIGHT, COUNT = 66, 50, 10


def planes(seed=0, dtype=np.uint8, chroma=(HEIGHT // 2, WIDTH // 2)):
    """Moving pictures [T, h, w] of Y, U and V with fine detail, so that a wrong size shows."""
    rng = np.random.default_rng(seed)
    unit = 1 if dtype == np.uint8 else 4
    low, top = 16 * unit, 235 * unit
    wall = rng.integers(low, top + 1, (HEIGHT, WIDTH + COUNT), dtype)
    luma = np.stack([wall[:, t : t + WIDTH] for t in range(COUNT)])
    small = [rng.integers(low, top + 1, (COUNT, *chroma), dtype) for _ in range(2)]
    return [luma, *small]


def write_raw(path, stacks):
    path.write_bytes(b"".join(stack[t].tobytes() for t in range(COUNT) for stack in stacks))
    return path


@pytest.fixture
def pair(tmp_path):
    """Raw 4:2:0 video, the same with every luma sample one level off, and the true PSNR."""
    reference = planes()
    worse = [np.where(reference[0] < 255, reference[0] + 1, 254).astype(np.uint8), *reference[1:]]
    paths = write_raw(tmp_path / "ref.yuv", reference), write_raw(tmp_path / "dist.yuv", worse)
    return *paths, 20 * np.log10(255)


SIZE = f"{WIDTH}x{HEIGHT}"


def test_raw_video_is_read_to_the_last_bit(tmp_path):
    stacks = planes(1)
    path = write_raw(tmp_path / "a.yuv", stacks)
    reader = RawVideo(path, SIZE, "yuv420p", "29.97").open()
    info = reader.info
    assert (info.width, info.height, info.rate) == (WIDTH, HEIGHT, Fraction(30000, 1001))
    assert (info.expected_frames, info.still) == (COUNT, False)
    frames = list(reader)
    assert [frame.time for frame in frames] == [t / info.rate for t in range(COUNT)]
    for t, frame in enumerate(frames):
        for plane, stack in zip(frame.planes, stacks, strict=True):
            np.testing.assert_array_equal(plane, stack[t])
    assert reader.report.warnings() == []
    assert reader.report.complete


def test_other_pixel_formats_of_raw_video(tmp_path):
    stacks = planes(2, np.uint16, (HEIGHT, WIDTH // 2))
    path = write_raw(tmp_path / "a.yuv", stacks)
    frames = list(RawVideo(path, (WIDTH, HEIGHT), "yuv422p10le", 25).open())
    assert len(frames) == COUNT
    assert (frames[0].depth, frames[0].chroma) == (10, "422")
    np.testing.assert_array_equal(frames[7].planes[1], stacks[1][7])


@pytest.mark.parametrize("name", ["yuv420p", "nv12", "uyvy422", "rgb24", "gray", "yuv444p12le"])
def test_a_frame_takes_as_many_bytes_as_ffmpeg_reads(name):
    with av.open(io.BytesIO(), "w", format="rawvideo") as out:
        stream = out.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 66, 50, name
        (packet,) = stream.encode(av.VideoFrame(66, 50, name))
        content = io.BytesIO(bytes(3 * packet.size))
        assert frame_bytes(content, InputFormat.of("66x50", name, 25)) == packet.size


def test_what_nobody_states_is_told(tmp_path):
    path = write_raw(tmp_path / "a.yuv", planes())
    reader = RawVideo(path, SIZE).open()
    assert reader.report.warnings() == [
        "a.yuv: nobody stated it, so it is read as pixel format yuv420p (--pix-fmt) and "
        "25 frames per second (--rate)"
    ]


def test_a_size_that_is_no_whole_number_of_frames_is_told(tmp_path):
    path = write_raw(tmp_path / "a.yuv", planes())
    path.write_bytes(path.read_bytes()[:-7])
    reader = RawVideo(path, SIZE, "yuv420p", 25).open()
    assert len(list(reader)) == COUNT - 1
    assert reader.report.decode_errors == 0
    assert reader.report.warnings() == [
        "a.yuv: its 49,493 bytes are 9 frames of 66x50 yuv420p and 4,943 bytes over: it is cut "
        "off, or --size or --pix-fmt is wrong"
    ]


def test_raw_video_of_less_than_a_frame_is_refused(tmp_path):
    path = tmp_path / "a.yuv"
    path.write_bytes(bytes(100))
    with pytest.raises(InputError, match="its 100 bytes are less than a frame of 66x50 yuv420p"):
        RawVideo(path, SIZE).open()


def test_raw_video_without_a_size_is_refused_with_both_ways_out(tmp_path, cli):
    path = write_raw(tmp_path / "a.yuv", planes())
    code, _, err = cli("run", "-m", "psnr", "-r", path, path)
    assert (code, err.count("\n")) == (3, 1)
    assert "--size WIDTHxHEIGHT --pix-fmt yuv420p --rate 25" in err
    assert "ffmpeg -f rawvideo -video_size WIDTHxHEIGHT" in err


def test_y4m_with_the_ending_of_raw_video_is_read(tmp_path, video):
    path = tmp_path / "a.yuv"
    with VideoReader(video) as reader, av.open(str(path), "w", format="yuv4mpegpipe") as out:
        first = next(iter(reader))
        stream = out.add_stream("wrapped_avframe", rate=25)
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "yuv420p"
        out.mux(stream.encode(av.VideoFrame(first.width, first.height, "yuv420p")))
        out.mux(stream.encode(None))
    assert len(list(VideoReader(path))) == 1


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"size": "0x5"}, "--size 0x5: write WIDTHxHEIGHT"),
        ({"size": "99999x99999"}, "--size 99999x99999: larger"),
        ({"reference_size": "5"}, "--reference-size 5: write"),
        ({"pix_fmt": "yuv421p"}, "--pix-fmt yuv421p: no pixel format"),
        ({"pix_fmt": "cuda"}, "--pix-fmt cuda: no pixel format"),
        ({"pix_fmt": "gray:x=1"}, "--pix-fmt gray:x=1: no pixel format"),
        ({"size": "64x48:loop=1"}, "--size 64x48:loop=1: write WIDTHxHEIGHT"),
        ({"rate": "1/0"}, "--rate 1/0: write frames"),
        ({"rate": "0"}, "--rate 0: needs more than 0"),
        ({"rate": "1e9"}, "--rate 1e9: write frames"),
        ({"reference_rate": "5000"}, "--reference-rate 5000: needs more"),
    ],
)
def test_impossible_statements_are_refused(values, what):
    with pytest.raises(UsageError, match=what.replace("(", r"\(")):
        PairFormat.of(values)


def test_the_command_line_scores_a_pair_of_raw_files(pair, cli, tmp_path):
    reference, distorted, true = pair
    stated = ["--size", SIZE, "--pix-fmt", "yuv420p", "--rate", "25"]
    log = tmp_path / "log.json"
    code, _, err = cli("run", "-m", "psnr", "-r", reference, distorted, "-o", log, *stated)
    assert (code, err) == (0, "")
    document = json.loads(log.read_text())
    assert document["pooled_metrics"]["psnr_y"]["mean"] == pytest.approx(true, abs=1e-4)
    assert len(document["frames"]) == COUNT
    code, out, _ = cli("align", distorted, "-r", reference, *stated)
    assert (code, "10 of 10" in out) == (0, True)


def test_each_side_may_be_stated_for_itself(pair, cli, tmp_path):
    _, distorted, true = pair
    wide = planes()
    ten_bit = [stack.astype(np.uint16) << 2 for stack in wide]
    reference = write_raw(tmp_path / "ten.yuv", ten_bit)
    stated = ["--size", SIZE, "--pix-fmt", "yuv420p", "--rate", "25"]
    ten = ["--reference-pix-fmt", "yuv420p10le"]
    code, out, _ = cli(
        "run", "-m", "psnr", "-r", reference, distorted, "--json", "-", *stated, *ten
    )
    assert code == 0
    (document,) = json.loads(out)
    assert document["frames"] == COUNT
    assert document["pooled"]["psnr_y"]["mean"] == pytest.approx(true, abs=0.05)


def test_what_is_stated_of_nothing_is_refused(cli, video):
    code, _, err = cli("run", "-m", "niqe", video, "--size", "64x48")
    assert (code, "no input is raw video" in err) == (2, True)
    code, _, err = cli("run", "-m", "niqe", video, "--rate", "25")
    assert (code, "no input is raw video or numbered images" in err) == (2, True)


def test_the_gate_reads_raw_video_from_its_file(pair, gate, tmp_path):
    reference, distorted, true = pair
    text = f"""
    input = {{ size = "{SIZE}", rate = 25 }}
    [[case]]
    name = "raw"
    distorted = "{distorted.name}"
    reference = "{reference.name}"
    input = {{ pix_fmt = "yuv420p" }}
    [[rule]]
    value = "psnr_y.mean"
    min = {true - 0.001}
    max = {true + 0.001}
    """
    (tmp_path / "vqa-harness.toml").write_text(text)
    assert gate()[0] == 0
    changed = text.replace('"yuv420p"', '"yuv422p"')  # not taken from the cache of the other format
    (tmp_path / "vqa-harness.toml").write_text(changed)
    assert gate()[0] == 1
    (tmp_path / "vqa-harness.toml").write_text(text.replace(SIZE, "huge"))
    code, _, err = gate()
    assert (code, "size huge: write WIDTHxHEIGHT" in err) == (2, True)


def test_the_gate_reads_raw_video_from_its_command_line(pair, gate):
    reference, distorted, _ = pair
    words = ["--rule", "psnr_y.mean >= 48", "-r", reference, distorted, "--size", SIZE]
    assert gate(*words, "--rate", 25, "--pix-fmt", "yuv420p")[0] == 0


def test_python_scores_raw_video_and_images(pair, images):
    reference, distorted, true = pair
    sides = [RawVideo(path, SIZE, "yuv420p", 25) for path in (distorted, reference)]
    assert vqa.score(*sides, metrics="psnr")["psnr_y"] == pytest.approx(true, abs=1e-4)
    result = vqa.score(vqa.ImageSequence(images / "frame_%04d.png", 30), metrics="brisque")
    assert len(result.frames["brisque"]) == COUNT
    with pytest.raises(UsageError, match="size 5: write WIDTHxHEIGHT"):
        vqa.RawVideo(distorted, "5")


# --- numbered images


def write_image(path, picture, pix_fmt="gray"):
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as out:
        stream = out.add_stream("png", rate=25)
        stream.height, stream.width = picture.shape
        stream.pix_fmt = pix_fmt
        frame = av.VideoFrame.from_ndarray(picture, format=pix_fmt)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


@pytest.fixture
def images(tmp_path):
    """``frame_0098.png`` and on: ten gray pictures that move."""
    for t, picture in enumerate(planes()[0]):
        write_image(tmp_path / f"frame_{98 + t:04d}.png", picture)
    return tmp_path


def test_numbered_images_are_frames_of_a_video(images):
    reader = ImageSequence(images / "frame_%04d.png", 30).open()
    info = reader.info
    assert (info.name, info.rate, info.still) == ("frame_%04d.png", 30, False)
    assert (info.expected_frames, info.duration) == (COUNT, Fraction(COUNT, 30))
    frames = list(reader)
    assert [frame.index for frame in frames] == list(range(COUNT))
    assert [frame.time for frame in frames] == [Fraction(t, 30) for t in range(COUNT)]
    for frame, picture in zip(frames, planes()[0], strict=True):
        np.testing.assert_array_equal(frame.planes[0], picture)
    assert (reader.report.warnings(), reader.report.complete) == ([], True)


def test_missing_numbers_are_told_and_leave_a_gap_in_time(images):
    for number in (101, 103, 104):
        (images / f"frame_{number:04d}.png").unlink()
    reader = ImageSequence(images / "frame_%04d.png", 25).open()
    assert [frame.time * 25 for frame in reader] == [0, 1, 2, 4, 7, 8, 9]
    assert reader.report.warnings() == [
        "frame_%04d.png: no image has the number 101, 103-104: their frames are missing"
    ]


def test_a_damaged_image_costs_its_frame_and_is_told(images):
    (images / "frame_0100.png").write_bytes(b"no image")
    reader = ImageSequence(images / "frame_%04d.png", 25).open()
    assert len(list(reader)) == COUNT - 1
    report = reader.report
    assert (report.decode_errors, report.missing_frames) == (1, 1)
    assert "frame_0100.png" in report.first_error


def test_a_rate_that_nobody_states_is_told(images):
    reader = ImageSequence(images / "frame_%04d.png").open()
    assert reader.report.warnings() == [
        "frame_%04d.png: nobody stated it, so it is read at 25 frames per second"
    ]


def test_digits_mean_what_they_do_in_printf(tmp_path):
    for name in ("f1.png", "f01.png", "f10.png", "f100.png", "f010.png", "fx.png", "f1.png.txt"):
        (tmp_path / name).touch()
    names = {
        pattern: [path.name for path in numbered_files(tmp_path / pattern).values()]
        for pattern in ("f%d.png", "f%02d.png", "f%03d.png")
    }
    assert names == {
        "f%d.png": ["f1.png", "f10.png", "f100.png"],
        "f%02d.png": ["f01.png", "f10.png", "f100.png"],
        "f%03d.png": ["f010.png", "f100.png"],
    }


def test_images_are_compared_with_images_on_every_command(images, cli, gate, tmp_path):
    other = tmp_path / "worse"
    other.mkdir()
    for t, picture in enumerate(planes()[0]):
        worse = np.where(picture < 255, picture + 1, 254).astype(np.uint8)
        write_image(other / f"{t}.png", worse)
    pair = ["-r", images / "frame_%04d.png", other / "%d.png", "--rate", 25]
    code, out, _ = cli("run", "-m", "psnr", "--json", "-", *pair)
    assert code == 0
    (document,) = json.loads(out)
    assert document["pooled"]["psnr_y"]["mean"] == pytest.approx(20 * np.log10(255), abs=1e-4)
    assert gate("--rule", "psnr_y.mean >= 48.1", *pair)[0] == 0
    (other / "3.png").write_bytes((other / "4.png").read_bytes())
    assert gate("--rule", "psnr_y.mean >= 48.1", *pair)[0] == 1  # the cache knows the contents


def test_a_pattern_without_files_is_refused(tmp_path, cli):
    code, _, err = cli("run", "-m", "niqe", tmp_path / "frame_%04d.png")
    assert (code, err.count("\n")) == (3, 1)
    assert "frame_%04d.png: no file has such a name" in err


def test_a_file_whose_name_holds_a_pattern_is_that_file(images):
    path = images / "frame_0098.png"
    path.rename(images / "x%04d.png")
    assert as_source(images / "x%04d.png") == images / "x%04d.png"


# --- folders


def test_a_folder_stands_for_its_videos(tmp_path, video, cli):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("b.mp4", "a.mp4", "notes.txt"):
        (folder / name).write_bytes(video.read_bytes())
    code, out, err = cli("run", "-m", "brisque", folder, "--json", "-")
    assert code == 0
    assert [entry["input"].rpartition("/")[2] for entry in json.loads(out)] == ["a.mp4", "b.mp4"]
    assert "in: 1 file left out, not videos by their names (notes.txt)" in err


def test_numbered_images_in_a_folder_are_not_guessed_about(images):
    with pytest.raises(InputError, match=r"name .*/frame_%04d.png if they are a video, or"):
        expand([images], print)


def test_a_folder_without_videos_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no video"):
        expand([tmp_path], print)
