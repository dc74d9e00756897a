"""Pictures of the worst frames: at full size while there is room, and thumbnails beyond."""

import base64
import io
import json
import re

import av
import pytest

from tests.report.made_ladder import log_of
from vqa_harness.errors import MissingBackend
from vqa_harness.report import write
from vqa_harness.report.thumbnails import Media
from vqa_harness.report.write import write_report
from vqa_harness.testing.synthetic import make_video

SIZE = (640, 360)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two logs of 12 frames, whose rungs are smaller than their reference."""
    folder = tmp_path_factory.mktemp("pictures")
    make_video(folder / "reference.mp4", 12, width=SIZE[0], height=SIZE[1], codec="libx264")
    for name in ("a", "b"):
        make_video(folder / f"{name}.mp4", 12, width=480, height=270, codec="libx264")
        document = log_of(f"{name}.mp4", 0.5)
        scores = [50.0] * 12
        scores[1], scores[5], scores[9] = 1.0, 2.0, 3.0
        document["frames"] = [
            {"frameNum": i, "metrics": {"score": x}} for i, x in enumerate(scores)
        ]
        about = document["vqa_harness"]
        about["frame_times"] = [i / 3 for i in range(12)]
        about["inputs"]["distorted"]["rate"] = "3"  # the worst frames are a second apart
        about["inputs"]["reference"] = {"name": "reference.mp4", "width": 640, "height": 360}
        about["alignment"] = {}
        (folder / f"{name}.json").write_text(json.dumps(document))
    return folder


def pictures(page):
    """(figure's markup, size of each of its pictures) of all figures."""
    found = []
    for text in re.findall(r'<figure class="pair.*?</figure>', page, re.S):
        uris = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)
        sizes = []
        for uri in uris:
            with av.open(io.BytesIO(base64.b64decode(uri))) as file:
                (stream,) = file.streams
                sizes.append((stream.width, stream.height))
        found.append((text, sizes))
    return found


def report(folder, target, **options):
    paths = [folder / "a.json", folder / "b.json"]
    return write_report(paths, target, Media([folder], [folder]), **options).read_text("utf-8")


def test_pictures_have_full_size_and_can_be_opened(folder, tmp_path):
    page = report(folder, tmp_path / "r.html")
    found = pictures(page)
    assert [sizes for _, sizes in found] == [[(480, 270), SIZE]] * 6
    assert all('<button type="button" class="shots full"' in text for text, _ in found)
    assert "open at full size:" not in page


def test_those_for_which_there_is_no_room_are_thumbnails_and_the_page_says_so(folder, tmp_path):
    whole = report(folder, tmp_path / "whole.html")
    pair = sum(map(len, re.findall(r'src="(data:image/jpeg[^"]+)"', whole))) / 6
    page = report(folder, tmp_path / "r.html", megabytes=2.5 * pair / 1e6)
    found = pictures(page)
    large = [text for text, sizes in found if sizes == [(480, 270), SIZE]]
    small = [text for text, sizes in found if sizes == [(400, 225), (400, 225)]]
    assert (len(large), len(small)) == (2, 4)
    assert ["score 1.000" in text for text in large] == [True, True]  # the worst of each video
    assert not any("<button" in text for text in small)
    assert "2 of 6 open at full size" in page
    assert len(page) < len(whole)


def test_without_full_size_there_are_thumbnails_only(folder, tmp_path, cli):
    target = tmp_path / "r.html"
    arguments = (folder / "a.json", "-o", target, "--full-size", "0")
    assert cli("report", *arguments)[0] == 0
    page = target.read_text("utf-8")
    assert [sizes for _, sizes in pictures(page)] == [[(400, 225)] * 2] * 3
    assert "open at full size" not in page
    assert cli("report", *arguments[:-1], "-1")[0] == 2


@pytest.fixture
def without_jinja(monkeypatch):
    def refuse():
        raise MissingBackend("reports need jinja2")

    monkeypatch.setattr(write, "require_jinja", refuse)


def test_a_ladder_with_a_report_asks_for_what_it_needs_before_it_scores(
    folder, tmp_path, cli, without_jinja
):
    code, out, err = cli(
        "ladder", folder / "a.mp4", "-r", folder / "reference.mp4", "-m", "psnr", "--report",
        "-o", tmp_path / "out",
    )  # fmt: skip
    assert code == MissingBackend.exit_code
    assert "reports need jinja2" in err
    assert out == ""
    assert not (tmp_path / "out").exists()


def test_a_ladder_whose_report_cannot_be_written_is_refused_before_it_scores(folder, tmp_path, cli):
    (tmp_path / "out" / "report.html").mkdir(parents=True)
    code, out, err = cli(
        "ladder", folder / "a.mp4", "-r", folder / "reference.mp4", "-m", "psnr", "--report",
        "-o", tmp_path / "out",
    )  # fmt: skip
    assert code == 2
    assert "report.html" in err
    assert out == ""
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.html"]
