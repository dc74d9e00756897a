"""What docs/metrics-reference.md says of pairs that differ in depth, subsampling or size."""

import json

import pytest

from tests.paths import ROOT
from vqa_harness.testing.synthetic import make_video

PAGE = " ".join((ROOT / "docs" / "metrics-reference.md").read_text("utf-8").split())


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"depth": 10, "codec": "ffv1"}, "depth differs"),
        ({"chroma": "444"}, "subsampling differs"),
        ({"width": 96, "height": 54}, ""),
    ],
)
def test_run_converts_as_the_page_says(cli, tmp_path, other, told):
    reference, distorted = tmp_path / "reference.mkv", tmp_path / "distorted.mkv"
    make_video(reference, 4)
    make_video(distorted, 4, **other)
    command = ("run", "-q", "-m", "psnr", distorted, "-r", reference)
    code, _, err = cli(*command, "-o", tmp_path / "log.json")
    assert code == 0
    assert told in err
    assert ("differs" in err) == bool(told)
    form = json.loads((tmp_path / "log.json").read_text())["vqa_harness"]["alignment"]["format"]
    size = [other.get("width", 192), other.get("height", 108)]
    assert (form["distorted"]["size"], form["measured"]["size"]) == (size, [192, 108])
    if told:
        assert cli(*command, "--strict")[0] == 4
        assert "are a warning each, which `--strict` refuses" in PAGE
    else:
        assert "scaled without a warning, and the log says so" in PAGE
    assert "is an error, never a silent conversion" not in PAGE
