"""The TOML file of a ladder: what it may hold, and what is said of a mistake."""

import json
import re

import pytest

from tests.paths import docs_page
from vqa_harness.errors import InputError, UsageError
from vqa_harness.ladder.config import read_config
from vqa_harness.ladder.encode import CODECS

CONFIG = """
schema = 1
metrics = ["vmaf", "clipvqa:window=4"]

[compare]
method = "akima"
anchor = "x264"
jnd = { psnr_y = 1.5 }
target_kbps = [500, 1000]
target_quality = { vmaf = [80, 93] }

[[source]]
name = "bbb"
reference = "bbb.mp4"
[[source.series]]
name = "x264"
rungs = ["x264/*.mp4"]
[[source.series]]
name = "x265"
rungs = ["one.mp4", "two.mp4"]

[[encode]]
codec = "libsvtav1"
options = { preset = 8 }
heights = [360, 720]
crf = [30, 40.5]
kbps = [500]
"""


def test_configuration_file(tmp_path):
    (tmp_path / "x264").mkdir()
    for name in ("b.mp4", "a.mp4"):
        (tmp_path / "x264" / name).touch()
    path = tmp_path / "ladder.toml"
    path.write_text(CONFIG)
    config = read_config(path)
    assert config.metrics == ("vmaf", "clipvqa:window=4")
    source = config.sources[0]
    assert source.reference == tmp_path / "bbb.mp4"
    assert [p.name for p in source.series[0].rungs] == ["a.mp4", "b.mp4"]
    assert source.series[1].rungs == (tmp_path / "one.mp4", tmp_path / "two.mp4")
    assert config.settings.method == "akima"
    assert config.settings.jnd == {"vmaf": 6.0, "psnr_y": 1.5}
    assert config.settings.target_bitrates == (500e3, 1000e3)
    assert config.settings.target_qualities == {"vmaf": (80.0, 93.0)}
    grid = config.grids[0]
    assert (grid.label, grid.heights, grid.crfs) == ("svtav1 8", (360, 720), (30, 40.5))
    assert grid.bitrates == (500e3,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("schema = 1", "schema = 2"), "ladder.toml: key schema: input should be 1, not 2"),
        (
            ('method = "akima"', 'method = "cubic"'),
            "[compare], key method: input should be 'pchip' or 'akima', not 'cubic'",
        ),
        (('name = "bbb"', ""), "[[source]] 1, key name: is missing"),
        (
            ('name = "bbb"', 'nome = "bbb"'),
            "[[source]] 1, key nome: unknown key; did you mean name? (and 1 more)",
        ),
        (("anchor =", "ancor ="), "[compare], key ancor: unknown key; did you mean anchor?"),
        (
            ('rungs = ["one', 'rnugs = ["one'),
            "ladder.toml: [[source]] 'bbb', [[series]] 'x265', key rnugs: unknown key; did you",
        ),
        (
            ("crf = [30", "crf = [true"),
            "[[encode]] 1, key crf, entry 1: input should be a valid number, not True",
        ),
        (("crf = [30", "crf = [70"), "[[encode]] 1: libsvtav1: crf 70 must be from 1 to 63"),
        (("heights = [360", "heights = [2"), "[[encode]] 1: libsvtav1: heights must be from 16"),
        (("preset = 8", "preset = [8]"), "[[encode]] 1, key options, key preset: input should be"),
        (("libsvtav1", "libaom"), "[[encode]] 1, key codec: input should be 'libx264', 'libx265',"),
        (("psnr_y = 1.5", "psnr_y = 0"), "[compare], key jnd, key psnr_y: input should be greater"),
        (("psnr_y = 1.5", "psnr_y = inf"), "key psnr_y: input should be a finite number, not inf"),
        (("[80, 93]", "[80, 'x']"), "key target_quality, key vmaf, entry 2: input should be a val"),
        (("[500, 1000]", "[500, 0]"), "ladder.toml: [compare]: just noticeable differences and t"),
        (("[compare]", "[compare]\npool = 'p101'"), "ladder.toml: [compare]: "),
        (
            ('rungs = ["x264/*.mp4"]', 'rungs = ["no/*.mp4"]'),
            "[[source]] 'bbb', [[series]] 'x264', key rungs: no file matches no/*.mp4",
        ),
        (
            ('name = "x265"', 'name = "x264"'),
            "[[source]] 'bbb': series 'x264' is given twice; give",
        ),
        (('["one.mp4", "two.mp4"]', "[]"), "[[series]] 'x265', key rungs: is empty"),
        (('reference = "bbb.mp4"', 'reference = ""'), "'bbb', key reference: is empty"),
        (("schema = 1", "schema = "), "ladder.toml: is not valid TOML: "),
    ],
)
def test_mistakes_in_a_configuration(tmp_path, change, words):
    (tmp_path / "x264").mkdir()
    (tmp_path / "x264" / "a.mp4").touch()
    path = tmp_path / "ladder.toml"
    path.write_text(CONFIG.replace(*change))
    with pytest.raises(UsageError) as error:
        read_config(path)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_single_value_may_stand_without_brackets(tmp_path):
    path = tmp_path / "ladder.toml"
    text = CONFIG.replace('["x264/*.mp4"]', '"one.mp4"').replace("[30, 40.5]", "30")
    path.write_text(text.replace("[80, 93]", "93").replace("preset = 8", "preset = 8, lp = true"))
    config = read_config(path)
    assert config.sources[0].series[0].rungs == (tmp_path / "one.mp4",)
    assert config.grids[0].crfs == (30,)
    assert config.grids[0].options == {"preset": "8", "lp": "true"}
    assert config.settings.target_qualities == {"vmaf": (93.0,)}


def test_files_without_sources_or_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"gone\.toml: cannot be read: No such file"):
        read_config(tmp_path / "gone.toml")
    (tmp_path / "ladder.toml").write_text("metrics = 'psnr'")
    with pytest.raises(UsageError, match=r"ladder\.toml: has no \[\[source\]\]; add one"):
        read_config(tmp_path / "ladder.toml")


def test_the_schema_has_every_key_and_the_page_too(cli):
    code, out, _ = cli("ladder", "--schema")
    assert code == 0
    schema = json.loads(out)
    assert set(schema["properties"]) == {
        *("schema", "metrics", "compare", "search", "source", "encode"),
    }
    assert schema["$defs"]["EncodeTable"]["properties"]["codec"]["enum"] == list(CODECS)
    assert schema["$defs"]["SeriesTable"]["required"] == ["name", "rungs"]
    keys = set(schema["properties"])
    for table in schema["$defs"].values():
        assert table["additionalProperties"] is False
        keys |= set(table["properties"])
    example = docs_page("ladder.md").split("```toml")[1].split("```")[0]
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b", example)] == []
