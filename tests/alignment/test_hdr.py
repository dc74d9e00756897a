"""PQ and HLG pass through decoding, pairing and scaling as their code values are."""

import numpy as np
import pytest

from tests.alignment.helpers import codes, paired
from vqa_harness.frames import ColourInfo
from vqa_harness.media.encode import encode_frames
from vqa_harness.media.reader import VideoReader
from vqa_harness.pipeline.runner import RunOptions, run
from vqa_harness.registry import Registry
from vqa_harness.testing.synthetic import moving_pattern

SIZE = (160, 96)
SDR = ColourInfo(full_range=False, matrix="bt2020", transfer="bt709", primaries="bt2020")
PQ = ColourInfo(full_range=False, matrix="bt2020", transfer="pq", primaries="bt2020")
HLG = ColourInfo(full_range=False, matrix="bt2020", transfer="hlg", primaries="bt2020")
LOSSLESS = {"preset": "ultrafast", "x265-params": "lossless=1:log-level=none"}
LOSSY = {"preset": "ultrafast", "crf": "32", "x265-params": "log-level=none"}


@pytest.fixture(scope="module")
def pictures():
    return list(moving_pattern(24, *SIZE, depth=10, chroma="420"))


@pytest.fixture(scope="module", params=["pq", "hlg"])
def clips(request, pictures, tmp_path_factory):
    """(Colour, source, encode that lacks two frames), and the same bytes of pictures as SDR."""
    folder = tmp_path_factory.mktemp(request.param)
    made = {}
    for name, colour in (("hdr", {"pq": PQ, "hlg": HLG}[request.param]), ("sdr", SDR)):
        paths = folder / f"{name}-source.mkv", folder / f"{name}-coded.mkv"
        for path, frames, options in (
            (paths[0], pictures, LOSSLESS),
            (paths[1], pictures[2:], LOSSY),
        ):
            encode_frames(
                path, frames, codec="libx265", rate=25, depth=10, options=options, colour=colour
            )
        made[name] = (colour, *paths)
    return made


def test_code_values_arrive_as_they_were_encoded(clips, pictures):
    colour, source, _ = clips["hdr"]
    with VideoReader(source) as reader:
        assert reader.info.colour == colour
        assert (reader.info.depth, reader.info.colour.hdr) == (10, True)
        for frame, planes in zip(reader, pictures, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(frame.planes, planes, strict=True))


def test_pairs_are_found_as_in_sdr(clips):
    found = {name: paired(coded, source) for name, (_, source, coded) in clips.items()}
    assert found["hdr"].pairs == found["sdr"].pairs == [(n, n + 2) for n in range(22)]
    assert codes(found["hdr"]) == codes(found["sdr"])


@pytest.mark.parametrize("options", [{}, {"scale_to": "120x72"}], ids=["as is", "scaled"])
def test_what_metrics_see_is_what_they_see_of_sdr(clips, options):
    """Nothing is mapped or converted: a metric of code values gives the same under either tag."""
    from vqa_harness.alignment.options import AlignOptions

    registry = Registry.installed()
    requests = registry.requests(["psnr"])
    means = [
        run(coded, requests, registry, RunOptions(1, None, AlignOptions(**options)), reference=ref)
        .metrics[0]
        .columns["psnr_y"]
        for _, ref, coded in clips.values()
    ]
    assert means[0] == means[1]
    assert 20 < means[0][0] < 60


@pytest.mark.parametrize("metric", ["brisque", "ciede2000"])
def test_metrics_made_for_sdr_say_so(clips, metric, cli):
    colour, source, coded = clips["hdr"]
    pytest.importorskip("imageio_ffmpeg") if metric != "brisque" else None
    _, _, err = cli("run", coded, "-r", source, "-m", metric)
    assert f"the video is HDR ({colour.transfer}) and {metric} was made for SDR" in err
    code, _, err = cli("run", coded, "-r", source, "-m", metric, "--strict")
    assert code == 3
    assert "--strict" in err
