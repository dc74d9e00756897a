"""Stating a colour in every command that reads a pair, and from Python."""

import json

import pytest

from tests.alignment.helpers import LOSSLESS
from vqa_harness import score, score_many
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.api.aligning import align
from vqa_harness.errors import UsageError
from vqa_harness.frames import ColourInfo
from vqa_harness.logs.cache_key import CacheKeys
from vqa_harness.media.recode import PixelFormat, recode
from vqa_harness.registry import Registry
from vqa_harness.testing.synthetic import make_video, moving_pattern

LIMITED = PixelFormat("420", 8, False, "bt709")
FULL = PixelFormat("420", 8, True, "bt709")
WORD = "range=full"


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two files of the same full-range samples, of which the distorted one is flagged limited."""
    folder = tmp_path_factory.mktemp("colour")
    planes = [recode(p, LIMITED, FULL) for p in moving_pattern(14, 96, 64)]
    paths = folder / "wrong.mkv", folder / "full.mkv"
    for path, form in zip(paths, (LIMITED, FULL), strict=True):
        colour = ColourInfo(form.full_range, form.matrix)
        make_video(path, planes, colour=colour, options=LOSSLESS)
    return paths


@pytest.mark.parametrize("command", ["run", "ladder", "gate", "align", "bench"])
def test_help_names_both_options(cli, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = cli(command, "--help")
    assert code == 0
    assert "--distorted-colour" in out
    assert "--reference-colour" in out


@pytest.mark.parametrize("command", ["run", "ladder", "gate", "align"])
def test_a_wrong_value_is_one_line(cli, command, pair):
    arguments = ("--reference", pair[1], "--reference-colour", "matrix=bt710")
    code, out, err = cli(command, pair[0], *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "--reference-colour matrix=bt710: no matrix 'bt710'; choose one of bt601" in err


def test_run_tells_the_contradiction_and_takes_the_advice(cli, pair, tmp_path):
    log = tmp_path / "log.json"
    arguments = ("run", "-q", "-m", "psnr", pair[0], "-r", pair[1], "-o", log)
    code, _, err = cli(*arguments)
    assert code == 0
    assert "luma slope 1.00, not 1.16" in err
    assert "--distorted-colour range=full" in err
    assert json.loads(log.read_text())["pooled_metrics"]["psnr_y"]["mean"] < 40
    code, _, err = cli(*arguments, "--distorted-colour", WORD)
    assert (code, err) == (0, "")
    document = json.loads(log.read_text())
    assert document["pooled_metrics"]["psnr_y"]["mean"] == 60
    colour = document["vqa_harness"]["alignment"]["format"]["colour"]
    assert colour["distorted"]["range"] == {"value": "full", "from": "option"}
    assert document["vqa_harness"]["inputs"]["distorted"]["colour"]["range"] == "full"


def test_without_a_reference_only_the_distorted_colour_can_be_stated(cli, pair, tmp_path):
    log = tmp_path / "log.json"
    arguments = ("run", "-q", "-m", "siti", pair[0], "-o", log)
    code, _, _ = cli(*arguments, "--distorted-colour", "matrix=bt601,range=full")
    assert code == 0
    colour = json.loads(log.read_text())["vqa_harness"]["inputs"]["distorted"]["colour"]
    assert (colour["matrix"], colour["range"]) == ("bt601", "full")
    assert not {"matrix", "range"} & set(colour["guessed"])
    code, _, err = cli(*arguments, "--reference-colour", "bt601")
    assert code == 2
    assert "there is no reference" in err


def test_the_gate_has_keys_for_all_cases_and_for_one(cli, pair, tmp_path, own_cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vqa-harness.toml").write_text(
        f"""
        rules = ["psnr_y.mean >= 59"]
        [align]
        reference_colour = "full"
        [[case]]
        name = "as tagged"
        distorted = "{pair[0].as_posix()}"
        reference = "{pair[1].as_posix()}"
        [[case]]
        name = "stated"
        distorted = "{pair[0].as_posix()}"
        reference = "{pair[1].as_posix()}"
        align = {{ distorted_colour = "range=full" }}
        """
    )
    code, _, _ = cli("gate", "-q", "--json", tmp_path / "verdict.json")
    rules = json.loads((tmp_path / "verdict.json").read_text())["rules"]
    assert code == 1
    assert {r["case"]: r["status"] for r in rules} == {"as tagged": "fail", "stated": "pass"}
    text = (tmp_path / "vqa-harness.toml").read_text()
    (tmp_path / "vqa-harness.toml").write_text(text.replace("range=full", "range=wide"))
    code, _, err = cli("gate", "-q")
    assert code == 2
    assert "no range 'wide'; choose one of limited, full" in err


def test_the_ladder_and_align_take_it(cli, pair, tmp_path):
    stated = ("--distorted-colour", WORD)
    code, _, err = cli("align", "-q", pair[0], "-r", pair[1], *stated)
    assert (code, err) == (0, "")
    out = tmp_path / "ladder.json"
    cli("ladder", "-q", "-m", "psnr", pair[0], "-r", pair[1], "--json", out, *stated)
    assert "the pictures contradict" not in out.read_text()
    assert '"distorted_colour": "range=full"' in out.read_text()


def test_scores_with_another_colour_have_another_key(pair):
    registry = Registry.installed()
    for metric in ("psnr", "siti"):
        requests = registry.requests([metric])
        options = (AlignOptions(), AlignOptions(distorted_colour=WORD))
        keys = [CacheKeys(requests, registry, one).of(*pair).digest for one in options]
        assert keys[0] != keys[1]


def test_from_python(pair):
    assert score(*pair, "psnr")["psnr_y"] < 40
    assert score(*pair, "psnr", distorted_colour=WORD)["psnr_y"] == 60
    (result,) = score_many([pair], metrics="psnr", distorted_colour=WORD, align="index")
    assert result["psnr_y"] == 60
    report = align(*pair, distorted_colour=WORD)
    assert report.options.distorted_colour == WORD
    assert not report.warnings()
    with pytest.raises(UsageError, match="states nothing"):
        score(*pair, "psnr", reference_colour="bt710")
