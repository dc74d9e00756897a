"""Frames per second of reading, beside plain PyAV and, if there is one, an ffmpeg binary.

    python benchmarks/bench_decode.py                # 1080p H.264, HEVC, AV1
    python benchmarks/bench_decode.py --seconds 4 --no-save    # shorter clips, writes no result

Rows are interleaved and the best of the rounds counts: the machine may be shared.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from facts import save

from vqa_harness.frames import Frame
from vqa_harness.media.reader import VideoReader
from vqa_harness.media.video_file import VideoFile
from vqa_harness.testing.synthetic import make_video, moving_pattern

SIZE = (1920, 1080)
CODECS = {
    "h264": ("libx264", {"preset": "veryfast", "crf": "26"}),
    "hevc": ("libx265", {"preset": "ultrafast", "crf": "28"}),
    "av1": ("libsvtav1", {"preset": "12", "crf": "40"}),
}


def ffmpeg() -> str | None:
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg
    except ImportError:
        return None
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def with_binary(path: Path) -> None:
    subprocess.run(
        [str(ffmpeg()), "-v", "error", "-nostdin", "-i", str(path), "-f", "null", "-"], check=True
    )


def steps_only(path: Path) -> None:
    file = VideoFile(f"file:{path}")
    for _ in file.steps():
        pass
    file.close()


def reading(touch: Callable[[Frame], object]) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        with VideoReader(path) as reader:
            for frame in reader:
                touch(frame)
                frame.release()

    return read


def ways() -> dict[str, Callable[[Path], None]]:
    found = {
        "decode only": steps_only,
        "reader, planes": reading(lambda frame: frame.planes),
        "reader, rgb": reading(lambda frame: frame.rgb),
    }
    return ({"ffmpeg -f null": with_binary} if ffmpeg() else {}) | found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-save", action="store_true")
    given = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    frames = moving_pattern(25, *SIZE)
    with tempfile.TemporaryDirectory() as folder:
        for codec, (encoder, options) in CODECS.items():
            path = Path(folder) / f"{codec}.mp4"
            make_video(path, frames * given.seconds, codec=encoder, options=options)
            best = dict.fromkeys(ways(), float("inf"))
            for _ in range(given.rounds):
                for name, read in ways().items():
                    started = time.perf_counter()
                    read(path)
                    best[name] = min(best[name], time.perf_counter() - started)
            count = len(frames) * given.seconds
            found[codec] = {name: round(count / seconds, 1) for name, seconds in best.items()}
            print(codec, found[codec], flush=True)
    if not given.no_save:
        print(save("decode", {"size": SIZE, "frames_per_second": found}).name)


if __name__ == "__main__":
    main()
