"""What a gate writes to standard output, what it would do, and the configuration it begins with."""

import json
import shutil
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.gate.test_command import config
from vqa_harness.cli.app import build_app
from vqa_harness.gate.config import load_config
from vqa_harness.gate.found import find_videos, pairs_by_name
from vqa_harness.gate.init import configuration
from vqa_harness.registry import Registry
from vqa_harness.testing.synthetic import make_video


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    make_video(folder / "ref.mkv", 6, width=64, height=48, options={"qp": "0"})
    make_video(folder / "q0.mp4", 6, width=64, height=48, options={"qp": "20"})
    return folder


RULES = "rules = ['psnr_y.mean >= 20', 'psnr_y.mean >= 59']"


def test_each_document_goes_to_standard_output_alone(gate, media):
    config(media, RULES, reference="ref.mkv")
    code, out, err = gate("--markdown", "-")
    assert code == 1
    assert out.startswith("## ❌ Video quality gate failed\n\n2 rules on 1 case")
    assert "2 rules on 1 case" in err
    code, out, _ = gate("--junit", "-", "--no-github")
    assert ElementTree.fromstring(out.encode()).get("tests") == "2"
    code, out, _ = gate("--json", "-", "--markdown", "m.md", "--github")
    assert json.loads(out)["exit_code"] == 1
    assert Path("m.md").read_text().startswith("## ")
    assert not Path("-").exists()


@pytest.mark.parametrize("pair", [("--json", "--markdown"), ("--junit", "--json")])
def test_two_documents_do_not_share_standard_output(gate, media, pair):
    config(media, RULES, reference="ref.mkv")
    code, out, err = gate(pair[0], "-", pair[1], "-")
    assert (code, out) == (2, "")
    assert "only one result can go to standard output" in err


def test_the_changes_of_a_baseline_leave_standard_output_alone(gate, media):
    config(media, "baseline = 'b.json'", RULES, reference="ref.mkv")
    _, out, err = gate("--json", "-", "--update-baseline")
    assert json.loads(out)["counts"]["fail"] == 1
    assert "b.json: q0: psnr_y.mean: - is now " in err


def test_a_rule_on_the_command_line_uses_the_configuration_beside_it(gate, media):
    config(media, "rules = ['psnr_y.mean >= 20']", reference="ref.mkv")
    code, out, _ = gate("--rule", "psnr_y.mean >= 59")
    assert code == 1
    assert [line.split("\t")[:3] for line in out.splitlines()[1:]] == [
        ["pass", "q0", "psnr_y.mean >= 20"],
        ["FAIL", "q0", "psnr_y.mean >= 59"],
    ]
    config(media, reference="ref.mkv")
    assert gate("--rule", "psnr_y.mean >= 20")[0] == 0


def test_a_dry_run_lists_cases_and_rules_and_decodes_nothing(gate, media, monkeypatch):
    monkeypatch.setattr("vqa_harness.gate.score.run", None)
    warns = "[[rule]]\ncheck = 'psnr_y.p5 >= 10'\nseverity = 'warn'"
    config(media, "baseline = 'b.json'", RULES, warns, reference="ref.mkv")
    code, out, err = gate("--dry-run")
    assert code == 0
    lines = [line.split("\t") for line in out.splitlines()]
    assert lines[0] == ["case", "group", "distorted", "reference", "metrics", "pairing"]
    assert lines[1][0] == "q0"
    assert lines[1][4:] == ["psnr", "default"]
    assert lines[3] == ["psnr_y.mean >= 20", "error", "all 1", "vqa-harness.toml: rules, entry 1"]
    assert lines[5][:2] == ["psnr_y.p5 >= 10", "warn"]
    assert err == "vqa-harness: 3 rules on 1 case, nothing judged\n"
    code, out, _ = gate("--dry-run", "--json", "-")
    document = json.loads(out)
    assert document["cases"][0]["align"]["tail"] == "error"
    assert [rule["cases"] for rule in document["rules"]] == [["q0"]] * 3
    for judged in (("--junit", "j.xml"), ("--markdown", "-"), ("--update-baseline",)):
        code, _, err = gate("--dry-run", *judged)
        assert (code, "--dry-run judges nothing" in err) == (2, True)


def test_a_dry_run_tells_what_is_missing(gate, media):
    Path("b.json").write_text('{"schema": 1, "cases": {"old": {"values": {}}}}')
    config(media, "baseline = 'b.json'", RULES, cases=("gone.mp4",), reference="ref.mkv")
    code, _, err = gate("--dry-run")
    assert code == 3
    assert "gone.mp4: no such file" in err
    assert "b.json: has old, which is no longer there" in err
    assert "b.json: does not have gone; --update-baseline adds it" in err


def test_a_first_configuration_is_written_from_what_lies_there(gate, media, tmp_path):
    shutil.copy(media / "ref.mkv", tmp_path / "ref.mkv")
    (tmp_path / "out").mkdir()
    for name in ("a.mp4", "b [1] \"é'.mp4"):
        shutil.copy(media / "q0.mp4", tmp_path / "out" / name)
    code, out, err = gate("--init")
    assert (code, out) == (0, "")
    text = Path("vqa-harness.toml").read_text()
    (case,) = tomllib.loads(text)["case"]
    assert case == {
        "name": "ref",
        "distorted": ["out/a.mp4", "out/b [1] \"é'.mp4"],
        "reference": "ref.mkv",
    }
    assert text.count("#") > 5
    assert gate("--dry-run")[0] == 0
    assert gate("--rule", "psnr_y.mean >= 20")[0] in (0, 1)
    code, _, err = gate("--init")
    assert code == 2
    assert "holds a configuration already" in err
    assert Path("vqa-harness.toml").read_text() == text
    assert gate("--init", "--config", "second.toml", "--reference", "ref.mkv", "out/a.mp4")[0] == 0
    assert tomllib.loads(Path("second.toml").read_text())["case"][0]["distorted"] == "out/a.mp4"


def test_nothing_is_written_where_nothing_lies(gate):
    code, _, err = gate("--init")
    assert (code, "no video is here" in err) == (3, True)
    assert gate("--init", "gone.mp4")[0] == 3
    assert "takes only VIDEO" in gate("--init", "--rule", "niqe.mean <= 5")[2]
    Path("pyproject.toml").write_text("[tool.vqa-harness]\nrules = ['niqe.mean <= 5']\n")
    assert "pyproject.toml holds a configuration already" in gate("--init")[2]
    assert not Path("vqa-harness.toml").exists()


def found(*names):
    pairs, alone = pairs_by_name([Path(name) for name in names], Path())
    shown = {str(ref): [str(path) for path in group] for ref, group in pairs.items()}
    return shown, [str(path) for path in alone]


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (("ref.mkv", "a.mp4", "out/b.mp4"), {"ref.mkv": ["a.mp4", "out/b.mp4"]}),
        (("crowd.y4m", "crowd_30.mp4"), {"crowd.y4m": ["crowd_30.mp4"]}),
        (("src/x.mp4", "src/y.mp4", "out/x.mp4", "out/y_720p.mp4"),
         {"src/x.mp4": ["out/x.mp4"], "src/y.mp4": ["out/y_720p.mp4"]}),
        (("crowd.mkv", "crowd-crf20.mkv", "crowd-crf20-fast.mkv"),
         {"crowd.mkv": ["crowd-crf20.mkv", "crowd-crf20-fast.mkv"]}),
        (("a.mp4", "b.mp4"), {"None": ["a.mp4", "b.mp4"]}),
        (("a_reference.mkv", "a.mp4", "b_reference.mkv", "b.mp4", "c.mp4"),
         {"a_reference.mkv": ["a.mp4"], "b_reference.mkv": ["b.mp4"], "None": ["c.mp4"]}),
        (("source/a.mp4", "source/b.mp4"), {"None": ["source/a.mp4", "source/b.mp4"]}),
    ],
)  # fmt: skip
def test_pairs_are_found_by_name(names, pairs):
    assert found(*names) == (pairs, [])


def test_a_reference_without_a_video_is_told():
    assert found("a_ref.mkv", "b_ref.mkv", "a.mp4") == ({"a_ref.mkv": ["a.mp4"]}, ["b_ref.mkv"])


def test_hidden_files_and_deep_folders_are_left_out(tmp_path):
    for name in ("a.mp4", ".b.mp4", ".git/c.mp4", "1/2/3/d.mkv", "1/2/3/4/e.mkv", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert [path.name for path in find_videos(tmp_path)] == ["a.mp4", "d.mkv"]


def test_cases_with_and_without_reference_have_rules_of_their_own(tmp_path):
    pairs = {Path("r[1].mkv"): [Path("a.mp4")], None: [Path("b.mp4"), Path("c.mp4")]}
    path = tmp_path / "vqa-harness.toml"
    path.write_text(configuration(pairs, Path(), Registry.installed()))
    loaded = load_config(path)
    assert [case.name for case in loaded.table.case] == ["r[1]", "without-reference"]
    limited = {str(rule): rule.applies("r[1]") for rule in loaded.rules if rule.cases}
    assert limited.pop("clipvqa.mean >= 50") is False
    assert limited  # of VMAF where there is a libvmaf, of another metric otherwise
    assert all(limited.values())


def test_every_option_is_in_the_help_and_on_the_page(cli):
    from typer.main import get_command

    from tests.paths import docs_page

    command = get_command(build_app(Registry.installed())).commands["gate"]
    options = {name for param in command.params for name in param.opts if name.startswith("--")}
    assert {"--init", "--dry-run", "--min-share", "--tail"} <= options
    code, out, _ = cli("gate", "--help")
    assert code == 0
    for name in ("--init", "--dry-run", "--min-share", "--markdown", "--junit", "--json"):
        assert name in docs_page("gate.md")
        assert name in out
