"""Film grain: left out on request, of AV1, H.264 and HEVC, told in the log and in keys."""

import io
import json

import av
import numpy as np
import pytest

import vqa_harness
from tests.paths import docs_page
from vqa_harness import AlignOptions, VideoReader
from vqa_harness.errors import UsageError
from vqa_harness.logs.cache_key import CacheKeys
from vqa_harness.media.encode import encode_frames
from vqa_harness.media.shared import SharedVideo
from vqa_harness.media.source import FileObject
from vqa_harness.media.without_grain import WithoutGrain, grained
from vqa_harness.registry import Registry

WIDTH, HEIGHT, COUNT = 128, 96, 4


def pictures():
    """Luma of frames with noise, for an encoder to take out and describe."""
    rng = np.random.default_rng(1)
    x, y = np.arange(WIDTH)[None, :], np.arange(HEIGHT)[:, None]
    for number in range(COUNT):
        smooth = 110 + 40 * np.sin((x + 3 * number) / 25) + 30 * np.cos(y / 17)
        yield np.clip(smooth + rng.normal(0, 9, (HEIGHT, WIDTH)), 0, 255).astype(np.uint8)


def encoded(codec, container, **options):
    """The bytes of a video."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        neutral = np.full((HEIGHT // 2, WIDTH), 128, np.uint8)
        for number, luma in enumerate(pictures()):
            frame = av.VideoFrame.from_ndarray(np.vstack([luma, neutral]), format="yuv420p")
            frame.pts = number
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return out.getvalue()


def decoded(data, **options):
    """Luma as PyAV decodes it, without any of this package."""
    with av.open(io.BytesIO(data)) as file:
        file.streams.video[0].codec_context.options = options
        return [frame.to_ndarray()[:HEIGHT] for frame in file.decode(video=0)]


def read(source, **options):
    """(Luma of all frames, the report) by our reader."""
    with VideoReader(source, **options) as reader:
        lumas = [np.array(frame.luma) for frame in reader]
        return lumas, reader.report


def same(ours, theirs):
    return len(ours) == len(theirs) and all(
        np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True)
    )


class Bits:
    """Bits as H.264 and HEVC write them."""

    def __init__(self):
        self.text = ""

    def u(self, count, value):
        self.text += f"{value:0{count}b}"

    def ue(self, value):
        bits = f"{value + 1:b}"
        self.text += "0" * (len(bits) - 1) + bits

    def se(self, value):
        self.ue(2 * value - 1 if value > 0 else -2 * value)

    def bytes(self):
        padded = self.text + "1" if len(self.text) % 8 else self.text
        padded += "0" * (-len(padded) % 8)
        return bytes(int(padded[at : at + 8], 2) for at in range(0, len(padded), 8))


def grain_message(codec):
    """A NAL unit with film grain characteristics (ITU-T H.264 D.1.21, H.265 D.2.20)."""
    bits = Bits()
    bits.u(1, 0)  # not cancelled
    bits.u(2, 0)  # frequency filtering
    bits.u(1, 0)  # the video's own colours
    bits.u(2, 0)  # added
    bits.u(4, 4)  # log2 of the scale
    for present in (1, 0, 0):
        bits.u(1, present)
    bits.u(8, 0)  # one interval
    bits.u(3, 2)  # three values
    bits.u(8, 0)
    bits.u(8, 255)
    for value in (60, 8, 8):
        bits.se(value)
    if codec == "h264":
        bits.ue(1)  # until another one comes
    else:
        bits.u(1, 1)
    payload = bits.bytes()
    header = b"\x06" if codec == "h264" else b"\x4e\x01"
    message = header + bytes([19, len(payload)]) + payload + b"\x80"
    return b"\0\0\0\1" + message.replace(b"\0\0\1", b"\0\0\3\1").replace(b"\0\0\0", b"\0\0\3\0")


def with_message(data, codec):
    """The stream with the message before its pictures; in HEVC the first one's holds for all."""
    parts = data.split(b"\0\0\1")
    out, told = parts[0], False
    for part in parts[1:]:
        kind = part[0] & 31 if codec == "h264" else part[0] >> 1 & 63
        if kind in (1, 5) if codec == "h264" else kind < 32 and not told:
            out, told = out + grain_message(codec), True
        out += b"\0\0\1" + part
    return out


@pytest.fixture(scope="module")
def av1():
    """AV1 whose noise was taken out and described."""
    out = io.BytesIO()
    neutral = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    encode_frames(
        out,
        [(luma, neutral, neutral) for luma in pictures()],
        codec="libsvtav1",
        options={"preset": "12", "crf": "40", "svtav1-params": "film-grain=30:lp=1"},
        container="mp4",
    )
    return out.getvalue()


@pytest.fixture
def av1_path(av1, tmp_path):
    path = tmp_path / "grainy.mp4"
    path.write_bytes(av1)
    return path


def test_av1(av1, av1_path):
    on, report = read(av1_path)
    assert report.frames_without_grain is None
    assert "frames_without_grain" not in report.to_json()
    off, report = read(av1_path, grain="off")
    assert report.to_json()["frames_without_grain"] == COUNT
    assert same(on, decoded(av1))
    assert same(off, decoded(av1, filmgrain="0"))  # dav1d's own option, which we do not use
    noise = [np.std(a.astype(int) - b) for a, b in zip(on, off, strict=True)]
    assert min(noise) > 2


@pytest.mark.parametrize(
    ("codec", "encoder", "options"),
    [
        ("h264", "libx264", {"crf": "30", "preset": "ultrafast"}),
        ("hevc", "libx265", {"crf": "30", "preset": "ultrafast", "x265-params": "log-level=none"}),
    ],
)
def test_messages_of_h264_and_hevc(codec, encoder, options, tmp_path):
    plain = encoded(encoder, codec, **options)
    path = tmp_path / f"grainy.{codec}"
    path.write_bytes(with_message(plain, codec))
    on, _ = read(path)
    off, report = read(path, grain="off")
    assert report.frames_without_grain == COUNT
    assert same(off, decoded(plain))
    assert min(np.abs(a.astype(int) - b).max() for a, b in zip(on, off, strict=True)) > 2


def test_what_has_no_grain_is_the_same(video):
    on, _ = read(video)
    off, report = read(video, grain="off")
    assert same(on, off)
    assert report.frames_without_grain == 0


def test_sources(av1, av1_path, tmp_path):
    expected = decoded(av1, filmgrain="0")
    for source in (av1_path, FileObject(io.BytesIO(av1))):
        with grained(source, "off").open() as reader:
            assert same([np.array(frame.luma) for frame in reader], expected)
        assert grained(source, "on") is source
    assert grained(av1_path, "off").sha256() == FileObject(io.BytesIO(av1)).sha256()
    images = tmp_path / "frame_%04d.png"
    assert grained(images, "off") is images
    (view,) = SharedVideo(av1_path, 1, "off").views()
    reader = view.open()
    assert same([np.array(frame.luma) for frame in reader], expected)
    reader.close()


def test_keys_of_cached_scores_hold_it(av1_path):
    registry = Registry.installed()
    for metric, reference in (("brisque", None), ("psnr", av1_path)):
        requests = registry.requests([metric])
        plain, on, off = (
            CacheKeys(requests, registry, align).of(av1_path, reference).digest
            for align in (None, AlignOptions(grain="on"), AlignOptions(grain="off"))
        )
        assert plain == on != off


def test_run_tells_it(cli, av1, av1_path, tmp_path):
    log = tmp_path / "log.json"
    arguments = ["run", av1_path, "-r", av1_path, "-m", "psnr", "-o", log]
    code, _, err = cli(*arguments, "--grain", "off")
    assert code == 0
    assert f"distorted: film grain was left out of {COUNT} frames" in err
    told = json.loads(log.read_text())["vqa_harness"]
    assert told["alignment"]["options"]["grain"] == "off"
    assert told["reading"]["reference"]["frames_without_grain"] == COUNT
    code, _, err = cli(*arguments)
    assert "grain" not in err
    assert "grain" not in json.loads(log.read_text())["vqa_harness"]["alignment"]["options"]


def test_python_without_a_reference(av1_path):
    metrics = ["blockiness"]
    on = vqa_harness.score(av1_path, metrics=metrics)
    off = vqa_harness.score(av1_path, metrics=metrics, align=AlignOptions(grain="off"))
    assert on["blockiness_ffmpeg"] != off["blockiness_ffmpeg"]
    with av1_path.open("rb") as file:
        read_as_object = vqa_harness.score(file, metrics=metrics, align=AlignOptions(grain="off"))
    assert read_as_object["blockiness_ffmpeg"] == off["blockiness_ffmpeg"]


def test_gate_and_ladder_take_it(gate, cli, av1_path, tmp_path):
    av1_path.with_name("again.mp4").write_bytes(av1_path.read_bytes())
    config = tmp_path / "vqa-harness.toml"
    config.write_text(
        'schema = 1\nmetrics = ["psnr"]\nrules = ["psnr_y.min >= 60"]\n[align]\ngrain = "off"\n'
        '[[case]]\nname = "a"\ndistorted = "grainy.mp4"\nreference = "grainy.mp4"\n'
    )
    code, out, err = gate()
    assert code == 0, out + err
    (log,) = tmp_path.glob("cache/**/*.json")
    reading = json.loads(log.read_text())["vqa_harness"]["reading"]
    assert reading["distorted"]["frames_without_grain"] == COUNT
    folder = tmp_path / "ladder"
    more = ["-m", "psnr", "--grain", "off", "-o", folder]
    code, out, err = cli("ladder", av1_path, av1_path.with_name("again.mp4"), "-r", av1_path, *more)
    assert code == 0, out + err
    logs = [json.loads(path.read_text()) for path in folder.glob("logs/*.json")]
    readings = [log["vqa_harness"]["reading"] for log in logs]
    assert {reading["reference"]["frames_without_grain"] for reading in readings} == {COUNT}


def test_values_that_cannot_be():
    with pytest.raises(UsageError, match="--grain none: choose one of on, off"):
        AlignOptions(grain="none")


def test_the_page_tells_it():
    assert "--grain off" in docs_page("decoding.md")
    assert WithoutGrain.__doc__
