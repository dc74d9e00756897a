"""How many frames a file promises, found out without the reader that is examined."""

from contextlib import suppress

import av


def promises(path: str) -> dict[str, int]:
    """The number of frames by the header's count, by its duration, and by the packets there are."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        found = {"header": stream.frames}
        if stream.duration and stream.average_rate:
            seconds = stream.duration * stream.time_base
            found["duration"] = round(seconds * stream.average_rate)
        with suppress(av.error.FFmpegError):
            found["packets"] = sum(1 for packet in container.demux(stream) if packet.size)
        return found
