import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import junitparser
import pytest

from tests.paths import VMAF_LOGS
from vqa_harness.gate import score as gate_run
from vqa_harness.media.writer import copy_packets
from vqa_harness.testing.synthetic import make_video

LIBVMAF = VMAF_LOGS / "sparks10bit_5f_psnr_ssim.json"
RULE = ("--rule", "colorfulness.mean >= 1")


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A reference, two encodings of it, and another picture."""
    folder = tmp_path_factory.mktemp("videos")
    make_video(folder / "ref.mkv", 12, width=64, height=48, options={"qp": "0"})
    for number, qp in enumerate(("20", "30", "38", "45")):
        options = {"qp": qp}
        make_video(folder / f"q{number}.mp4", 12, width=64, height=48, options=options)
    make_video(folder / "other.mp4", 12, width=64, height=48, seed=7)
    return folder


@pytest.fixture
def decodes(monkeypatch):
    """Names of the videos that were decoded."""
    found = []
    run = gate_run.run

    def counted(distorted, *arguments, **options):
        found.append(distorted.name)
        return run(distorted, *arguments, **options)

    monkeypatch.setattr(gate_run, "run", counted)
    return found


def config(media, *lines, cases=("q0.mp4",), reference=""):
    """Write ``vqa-harness.toml``; paths are relative to it, as the media lie elsewhere."""
    text = "\n".join(lines)
    for name in cases:
        stem = Path(name).stem.rstrip("*")
        text += f"\n[[case]]\nname = '{stem}'\ndistorted = '{os.path.relpath(media / name)}'\n"
        if reference:
            text += f"reference = '{os.path.relpath(media / reference)}'\n"
    Path("vqa-harness.toml").write_text(text)


def statuses(out):
    return [line.split("\t")[0] for line in out.splitlines()[1:]]


def test_a_gate_that_holds_is_exit_0(gate, media):
    config(media, "rules = ['colorfulness.mean >= 1', 'reading.decode_errors <= 0']")
    code, out, err = gate()
    assert code == 0
    assert out.splitlines()[0] == "status\tcase\trule\tvalue\tbaseline\treason"
    assert statuses(out) == ["pass", "pass"]
    assert err == "vqa-harness: 2 rules on 1 case: 2 pass\n"


def test_a_rule_that_does_not_hold_is_exit_1(gate, media):
    config(media, "rules = ['colorfulness.mean >= 1', 'colorfulness.p5 >= 500']")
    code, out, err = gate()
    assert code == 1
    assert statuses(out) == ["pass", "FAIL"]
    assert err.splitlines()[-1].startswith(
        "vqa-harness: error: 1 of 2 rules do not hold; q0: colorfulness.p5 is "
    )


def test_quiet_shows_what_does_not_hold(gate, media):
    config(media, "rules = ['colorfulness.mean >= 1', 'colorfulness.p5 >= 500']")
    assert statuses(gate("--quiet")[1]) == ["FAIL"]


def test_a_warning_is_exit_0(gate, media):
    config(media, "[[rule]]\ncheck = 'colorfulness.mean >= 500'\nseverity = 'warn'")
    code, out, _ = gate()
    assert (code, statuses(out)) == (0, ["warning"])


def test_the_second_gate_decodes_nothing_and_says_the_same(gate, media, decodes):
    config(media, "rules = ['psnr_y.p5 >= 20', 'colorfulness.mean >= 1']", reference="ref.mkv")
    first, second = gate("--json", "-"), gate("--json", "-")
    assert decodes == ["q0.mp4"]
    documents = [json.loads(out) for _, out, _ in (first, second)]
    assert [d["cases"][0].pop("cached") for d in documents] == [False, True]
    for document in documents:
        del document["cases"][0]["seconds"]
    assert documents[0] == documents[1]
    assert "1 from the cache" in second[2]
    assert gate("--no-cache")[0] == 0
    assert decodes == ["q0.mp4"] * 2
    config(media, "rules = ['psnr_y.p5 >= 20', 'colorfulness.mean >= 1']", "[align]\nmode='index'")
    gate("--cache-dir", "elsewhere", "--rule", "colorfulness.mean >= 2", media / "q1.mp4")
    assert Path("elsewhere").is_dir()


def test_alignment_options_reach_the_run_and_the_cache(gate, media, decodes):
    rules = "rules = ['psnr_y.mean >= 20', 'align.pairs >= 12']"
    config(media, rules, reference="ref.mkv")
    gate()
    config(media, rules, "[align]\nmode = 'index'", reference="ref.mkv")
    code, out, _ = gate("--json", "-")
    assert code == 0
    assert decodes == ["q0.mp4"] * 2
    assert json.loads(out)["cases"][0]["alignment"]["options"]["mode"] == "index"


def test_without_a_configuration(gate, media, decodes):
    pair = ("--reference", media / "ref.mkv", media / "q0.mp4", media / "q3.mp4")
    code, out, _ = gate("--rule", "psnr_y.mean >= 30", *pair)
    assert code == 1
    assert statuses(out) == ["pass", "FAIL"]
    code, _, _ = gate("--rule", "psnr_y.mean >= 30", "--align", "index", *pair)
    assert len(decodes) == 4
    code, _, err = gate("--rule", "colorfulness.mean >= 1", "--align", "fast", *pair)
    assert (code, "--align fast: choose one of" in err) == (2, True)


def test_logs_of_this_program_and_of_libvmaf(gate, cli, media):
    assert cli("run", "-m", "colorfulness", media / "q0.mp4", "-o", "ours.json")[0] == 0
    code, out, _ = gate(*RULE, "--log", "ours.json")
    assert (code, out.splitlines()[-1].split("\t")[:2]) == (0, ["pass", "ours"])
    code, out, _ = gate("--rule", "vmaf.mean >= 50", "--rule", "vmaf.p5 >= 101", "--log", LIBVMAF)
    assert code == 2
    code, out, _ = gate("--rule", "vmaf.mean >= 0", "--rule", "nothing.p5 >= 1", "--log", LIBVMAF)
    assert code == 1
    assert [line.split("\t")[0] for line in out.splitlines()[-2:]] == ["pass", "ERROR"]
    assert "the log has no nothing, it has" in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "no vqa-harness.toml here"),
        (["--rule", "colorfulness.mean >= 1"], 2, "nothing to judge"),
        ([*RULE, "--log", LIBVMAF, "video.mp4"], 2, "give one of the two"),
        ([*RULE, "--log", LIBVMAF, "--metric", "niqe"], 2, "named on the command line"),
        (["--rule", "colorfulnes.mean >= 1", "a.mp4"], 2, "did you mean colorfulness?"),
        (["--rule", "psnr_y.mean >= 1", "a.mp4"], 2, "'psnr' compares with a reference"),
        (["--rule", "niqe.mean >= 3", "a.mp4"], 2, "of niqe lower is better"),
        (["--rule", "vmaf.p200 >= 3", "a.mp4"], 2, "percentiles go from p0 to p100"),
        ([*RULE, "--strict", "a.mp4"], 2, "nothing can be paired without a reference"),
        ([*RULE, "--update-baseline", "a.mp4"], 2, "needs a baseline"),
        (["--rule", "niqe.mean max_drop 1", "a.mp4"], 2, "needs a baseline"),
        ([*RULE, "gone.mp4"], 3, "case 'gone': gone.mp4: no such file"),
        (["--config", "gone.toml"], 3, "gone.toml: cannot be read"),
        ([*RULE, "--log", "gone.json"], 3, "gone.json: cannot be read"),
        ([*RULE, "--junit", f"{LIBVMAF}/j.xml", "gone.mp4"], 2, "cannot make the folder"),
    ],
)
def test_errors_are_one_line_and_their_exit_code(gate, arguments, code, words):
    got, _, err = gate(*arguments)
    assert got == code, err
    assert words in err.splitlines()[-1]


def test_a_broken_case_does_not_stop_the_others(gate, media):
    Path("broken.mp4").write_bytes(b"this is no video" * 50)
    code, out, err = gate(*RULE, "broken.mp4", media / "q0.mp4", "--junit", "j.xml")
    assert code == 3
    assert statuses(out) == ["ERROR", "pass"]
    assert err.splitlines()[-1].startswith("vqa-harness: error: case 'broken': broken.mp4: ")
    broken, _ = junitparser.JUnitXml.fromfile("j.xml")
    assert broken.errors == 1


def test_a_reference_of_another_picture_is_exit_4(gate, media):
    pair = ("--reference", media / "ref.mkv", media / "other.mp4")
    code, out, _ = gate("--rule", "psnr_y.mean >= 1", *pair)
    assert (code, statuses(out)) == (4, ["ERROR"])


def test_a_metric_that_fails_is_exit_5_and_not_kept(gate, media, monkeypatch, decodes):
    import vqa_metric_colorfulness

    with monkeypatch.context() as broken:

        def fail(self, frame, ref):
            raise RuntimeError("no colours today")

        broken.setattr(vqa_metric_colorfulness.Colorfulness, "measure", fail)
        code, out, err = gate(*RULE, media / "q0.mp4")
    assert code == 5
    assert "metric colorfulness failed: RuntimeError: no colours today" in out
    assert err.splitlines()[-1].startswith("vqa-harness: error: case 'q0': metric 'colorfulness'")
    assert gate(*RULE, media / "q0.mp4")[0] == 0
    assert len(decodes) == 2


def test_a_missing_back_end_is_exit_6(gate, media, monkeypatch):
    monkeypatch.setattr("vqa_harness.request.missing_modules", lambda spec: ["absent"])
    code, out, _ = gate(*RULE, media / "q0.mp4")
    assert (code, statuses(out)) == (6, ["ERROR"])


def test_a_baseline_is_made_compared_with_and_renewed(gate, media):
    rule = "[[rule]]\nvalue = 'psnr_y.mean'\nmax_drop = 0.5"
    config(media, "baseline = 'base.json'", rule, reference="ref.mkv")
    code, _, err = gate()
    assert code == 3
    assert "base.json: no such baseline; --update-baseline makes it" in err
    code, out, err = gate("--update-baseline")
    assert code == 0
    assert "q0\tpsnr_y.mean\t-\t" in out
    assert statuses(out)[0] == "accepted"
    assert gate()[0] == 0
    first = Path("base.json").read_text()
    assert (
        gate("--update-baseline")[2].splitlines()[-1] == "vqa-harness: base.json: nothing changed"
    )
    assert Path("base.json").read_text() == first

    text = Path("vqa-harness.toml").read_text().replace("q0.mp4", "q2.mp4")
    Path("vqa-harness.toml").write_text(text)
    code, out, _ = gate()
    assert code == 1
    assert " worse than the baseline " in out
    code, out, _ = gate("--update-baseline")
    assert code == 0
    before, after = out.splitlines()[-1].split("\t")[2:]
    assert float(before) > float(after)
    assert gate()[0] == 0
    assert not list(Path().glob("*.part"))


def test_a_rate_quality_curve_against_its_baseline(gate, media):
    rule = "rules = ['bdrate.psnr_y <= 1']"
    config(media, "baseline = 'base.json'", rule, cases=["q*.mp4"], reference="ref.mkv")
    assert gate("--update-baseline")[0] == 0
    code, out, _ = gate("--json", "-")
    (outcome,) = json.loads(out)["rules"]
    assert code == 0
    assert (outcome["case"], outcome["value"]) == ("q", pytest.approx(0, abs=1e-6))
    document = json.loads(Path("base.json").read_text())
    for entry in document["cases"].values():
        entry["bitrate"] *= 0.9
    Path("base.json").write_text(json.dumps(document))
    code, out, _ = gate("--json", "-")
    assert code == 1
    assert json.loads(out)["rules"][0]["value"] == pytest.approx(100 / 0.9 - 100, abs=0.1)


def test_every_output_is_written(gate, media):
    config(media, "rules = ['colorfulness.mean >= 1', 'colorfulness.mean >= 500']")
    code, out, _ = gate("--junit", "j.xml", "--markdown", "t.md", "--json", "v.json")
    assert code == 1
    assert statuses(out) == ["pass", "FAIL"]
    (suite,) = junitparser.JUnitXml.fromfile("j.xml")
    assert (suite.name, suite.tests, suite.failures) == ("q0", 2, 1)
    assert "| ❌ FAIL | q0 | colorfulness.mean &gt;= 500 |" in Path("t.md").read_text()
    assert json.loads(Path("v.json").read_text())["exit_code"] == 1
    assert {path.name for path in Path().iterdir()} == {
        *("vqa-harness.toml", "cache", "j.xml", "t.md", "v.json")
    }


def test_github_actions_is_told(gate, media, monkeypatch):
    config(media, "rules = ['colorfulness.mean >= 500']")
    assert "::error" not in gate()[1]
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    code, out, _ = gate()
    assert code == 1
    assert out.splitlines()[-1].startswith(
        "::error file=vqa-harness.toml,title=q0%3A colorfulness.mean >= 500::colorfulness.mean is "
    )
    assert Path("summary.md").read_text().startswith("## ❌ Video quality gate failed")
    _, out, err = gate("--json", "-")
    assert json.loads(out)["passed"] is False
    assert "::error file=" in err
    assert "::error" not in gate("--no-github")[1]


def test_cases_may_be_scored_in_processes(gate, media):
    code, out, _ = gate(*RULE, "--jobs", "2", media / "q0.mp4", media / "q1.mp4")
    assert code == 0
    assert [line.split("\t")[1] for line in out.splitlines()[1:]] == ["q0", "q1"]
    code, out, err = gate(*RULE, "--jobs", "2", media / "q0.mp4", media / "q1.mp4")
    assert "(2 from the cache)" in err


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_an_interrupted_gate_goes_on_where_it_stopped(gate, tmp_path, decodes):
    clips = tmp_path / "clips"
    clips.mkdir()
    for number in range(20):
        short, long = (str(clips / f"{number:02}{suffix}") for suffix in (".mp4", ".mkv"))
        make_video(short, 5, width=160, height=120, seed=number)
        copy_packets(short, long, repeat=60)
    Path("vqa-harness.toml").write_text(
        "rules = ['colorfulness.mean >= 1']\n[[case]]\nname = 'all'\ndistorted = 'clips/*.mkv'\n"
    )
    command = [sys.executable, "-m", "vqa_harness", "gate"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    cache = tmp_path / "cache"
    deadline = time.monotonic() + 60
    while len(list(cache.glob("*.json"))) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err.strip()) == (130, "", "interrupted")
    kept = len(list(cache.glob("*.json")))
    assert 3 <= kept < 20
    assert not list(cache.glob(".*.part"))
    assert gate()[0] == 0
    assert len(decodes) == 20 - kept
    assert gate()[0] == 0
    assert len(decodes) == 20 - kept


def test_the_schema_is_printed(gate):
    code, out, _ = gate("--schema")
    assert code == 0
    assert json.loads(out)["title"] == "vqa-harness gate configuration"


def test_help_loads_neither_pixels_nor_the_configuration():
    code = (
        "import sys; from vqa_harness.cli.app import run_cli; run_cli(['gate', '--help']);"
        "banned = {'numpy', 'av', 'scipy', 'torch'};"
        "banned |= {'vqa_harness.gate.config', 'vqa_harness.logs.log'};"
        "found = banned & set(sys.modules);"
        "assert not found, found"
    )
    environment = {**os.environ, "VQA_HARNESS_BLOCK": "colorfulness"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "--update-baseline" in done.stdout
