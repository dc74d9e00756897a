"""The search for rungs: with an encoder made up for it, and with a real one through the command."""

import json
import math
from fractions import Fraction

import pytest

from vqa_harness.errors import GateFailed, InputError, MetricError, PartialResult
from vqa_harness.ladder import encode as ladder_encode
from vqa_harness.ladder.encode import EncodeGrid
from vqa_harness.registry import Registry
from vqa_harness.search import attempts as search_attempts
from vqa_harness.search import plan as search_plan
from vqa_harness.search import samples
from vqa_harness.search.attempts import search_all
from vqa_harness.search.goals import read_goals
from vqa_harness.search.rung import Measured, RungSearch
from vqa_harness.search.scale import scale_of
from vqa_harness.testing.synthetic import make_video


@pytest.fixture(scope="module")
def goals():
    return read_goals(["psnr_y.mean >= 40"], [], Registry.installed())[0]


class Encoder:
    """Quality falls by half a decibel per CRF: on samples as told, on the whole by ``lag`` less."""

    def __init__(self, best=50.0, lag=0.0, fails=()):
        self.best, self.lag, self.fails, self.calls = best, lag, fails, []

    def __call__(self, trials):
        self.calls.append([(t.source, t.grid.crfs[0], t.whole) for t in trials])
        return [self._one(trial) for trial in trials]

    def _one(self, trial):
        (crf,) = trial.grid.crfs
        if crf in self.fails:
            return MetricError("the metric failed")
        value = self.best - 0.5 * crf - (self.lag if trial.whole else 0.0)
        return Measured((value,), 1e6 * math.exp(-crf / 6), None, made=True)


def searched(goals, encoder, *, sampled=False, crfs=(), source="clip"):
    grid = EncodeGrid("libx264", crfs=crfs)
    search = RungSearch(source, grid, 360, scale_of(grid), goals, sampled=sampled)
    search_all([search], encoder)
    return search


def test_the_setting_found_holds_and_the_next_does_not(goals):
    search = searched(goals, Encoder(best=51.3))
    assert (search.status, search.found.trial.setting) == ("found", "crf 22")
    assert search.next_measured
    assert len(search.tried) <= 5


@pytest.mark.parametrize(("lag", "crf", "wholes"), [(0.0, 22, 1), (0.6, 21, 2), (2.2, 18, 2)])
def test_what_samples_promise_is_checked_on_the_whole_and_corrected(goals, lag, crf, wholes):
    encoder = Encoder(best=51.3, lag=lag)
    search = searched(goals, encoder, sampled=True)
    assert search.found.trial.grid.crfs == (crf,)
    assert search.status == "found"
    whole = [one for one in search.tried if one.trial.whole]
    assert len(whole) == wholes
    assert [one.trial.whole for one in search.tried] == sorted(
        one.trial.whole for one in search.tried
    )


def test_a_whole_that_is_better_than_its_samples_is_corrected_too(goals):
    search = searched(goals, Encoder(best=51.3, lag=-2.0), sampled=True)
    assert search.found.trial.grid.crfs == (26,)


def test_targets_that_no_setting_meets_are_unreachable(goals):
    search = searched(goals, Encoder(best=39.9))
    assert (search.status, search.found) == ("unreachable", None)
    assert search.nearest.trial.setting == "crf 0"
    sampled = searched(goals, Encoder(best=39.9), sampled=True)
    assert sampled.status == "unreachable"
    assert not sampled.nearest.trial.whole


def test_targets_that_every_setting_meets_are_found_at_the_bound(goals):
    search = searched(goals, Encoder(best=90), crfs=(20, 30))
    assert (search.status, search.found.trial.setting) == ("bound", "crf 30")
    assert not search.next_measured


def test_one_that_fails_ends_its_search_and_no_other(goals):
    encoder = Encoder(best=51.3, fails={25.0})
    grids = [EncodeGrid("libx264"), EncodeGrid("libx264", name="other", crfs=(10, 24))]
    both = [RungSearch("clip", g, 360, scale_of(g), goals, sampled=False) for g in grids]
    search_all(both, encoder)
    assert [one.status for one in both] == ["failed", "found"]
    assert isinstance(both[0].error, MetricError)
    assert len(encoder.calls[0]) == 2  # what is asked for at one time is attempted together


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "clip.mkv"
    make_video(path, 12, width=128, height=64, codec="ffv1")
    return path


@pytest.fixture
def encodes(monkeypatch):
    """The settings that were really encoded, in order."""
    made = []

    def counted(work, cases, jobs, **_):
        for case in cases:
            work(case)
            made.append((case.source.name, case.setting))
            yield case, None

    monkeypatch.setattr(ladder_encode, "as_they_finish", counted)
    return made


ENCODE = ("--encode", "libx264:preset=ultrafast", "--height", "64,48", "--crf", "10,40")
TARGET = ("--target", "psnr_y.mean >= 33", "--target", "psnr_y.min>=31")


def test_command_finds_what_brute_force_finds(source, tmp_path, cli, encodes):
    out = tmp_path / "out"
    arguments = ("ladder", "-r", source, *ENCODE, *TARGET, "-o", out, "--json", "-", "-q")
    code, text, _ = cli(*arguments)
    assert code == GateFailed.exit_code  # 48 lines, scaled up again, do not reach it
    document = json.loads(text)
    (found,) = document["sources"]
    assert [one["status"] for one in found["searched"]["rungs"]] == ["found", "unreachable"]
    assert document["search"]["targets"] == ["psnr_y.mean >= 33", "psnr_y.min >= 31"]
    assert [one["height"] for one in found["searched"]["rungs"]] == [64, 48]
    assert found["comparisons"] == []
    assert len(encodes) == sum(one["encodes"] for one in found["searched"]["rungs"])
    brute = ("--encode", "libx264:preset=ultrafast", "--height", "64,48")
    crfs = ",".join(map(str, range(10, 41)))
    _, text, _ = cli(
        *("ladder", "-r", source, *brute, "--crf", crfs, "-m", "psnr", "-o", tmp_path / "all"),
        *("--json", "-", "-q"),
    )
    rungs = json.loads(text)["sources"][0]["rungs"]
    for one in found["searched"]["rungs"]:
        good = [
            float(rung["setting"].split()[1])
            for rung in rungs
            if rung["height"] == one["height"]
            and rung["pooled"]["psnr_y"]["mean"] >= 33
            and rung["pooled"]["psnr_y"]["min"] >= 31
        ]
        if one["status"] == "unreachable":
            assert good == []
        else:
            assert one["setting"] == f"crf {max(good):g}"
            assert found["rungs"][one["rung"]]["setting"] == one["setting"]
            assert (out / "rungs" / found["rungs"][one["rung"]]["file"]).is_file()


def test_a_search_that_was_interrupted_goes_on_where_it_stopped(
    source, tmp_path, cli, encodes, monkeypatch
):
    arguments = ("ladder", "-r", source, *ENCODE[:2], *TARGET, "--json", "-", "-q", "-o")
    code, text, _ = cli(*arguments, tmp_path / "whole")
    assert code == 0
    wanted = json.loads(text)["sources"][0]["searched"]["rungs"]
    needed = list(encodes)
    encodes.clear()

    real, rounds = search_attempts.measure, []

    def interrupted(*given):
        rounds.append(1)
        if len(rounds) == 3:
            raise KeyboardInterrupt  # after this round was encoded and before it is scored
        return real(*given)

    monkeypatch.setattr(search_attempts, "measure", interrupted)
    assert cli(*arguments, tmp_path / "twice")[0] == 130
    assert len(encodes) == 3
    scored = len(list((tmp_path / "twice" / "logs").iterdir()))
    assert scored == 2
    monkeypatch.setattr(search_attempts, "measure", real)
    code, text, _ = cli(*arguments, tmp_path / "twice")
    assert code == 0
    assert encodes == needed
    again = json.loads(text)["sources"][0]["searched"]["rungs"]
    assert again[0]["encodes_made"] == len(needed) - 3
    for one in (*wanted, *again):
        del one["encodes_made"]
    assert again == wanted
    encodes.clear()
    logs = {p: p.stat().st_mtime_ns for p in (tmp_path / "twice" / "logs").iterdir()}
    assert cli(*arguments, tmp_path / "twice")[0] == 0
    assert encodes == []
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "twice" / "logs").iterdir()} == logs


def test_samples_by_scene_are_searched_and_the_whole_is_checked(
    source, tmp_path, cli, encodes, monkeypatch
):
    monkeypatch.setattr(samples, "SHORTEST", Fraction(3, 25))
    monkeypatch.setattr(search_plan, "_cuts", lambda _: [6])
    out = tmp_path / "out"
    arguments = ("ladder", "-r", source, *ENCODE[:2], *TARGET, "--samples", "50%", "-o", out)
    code, _, err = cli(*arguments, "--report")
    assert code == 0
    document = json.loads((out / "ladder.json").read_text())
    (about,) = (one["searched"] for one in document["sources"])
    assert about["samples"] == [[0, 2], [6, 8]]
    tried = about["rungs"][0]["tried"]
    assert {one["on"] for one in tried} == {"samples", "whole"}
    assert tried[-1]["on"] == "whole"
    found = next(one for one in tried if one["on"] == "whole" and one["holds"])
    assert min(found["values"][0] - 33, found["values"][1] - 31) >= 0
    assert {name for name, _ in encodes} == {"clip.mkv", *(p.name for p in out.glob("*/*.mkv"))}
    assert "on samples: psnr_y.mean" in err
    assert "Settings that meet the targets" in (out / "report.html").read_text()
    table = (out / "ladder.md").read_text()
    assert "Searched on 2 stretches, 50% of the frames; checked on the whole video." in table
    assert "| x264 ultrafast | 64 |" in table


def test_exit_codes(source, tmp_path, cli, monkeypatch, encodes):
    arguments = ("ladder", "-r", source, "--encode", "libx264:preset=ultrafast", "-q")
    code, text, err = cli(
        *(*arguments, "--crf", "40,51", "--target", "psnr_y.mean >= 60"), "-o", tmp_path / "a"
    )
    assert code == GateFailed.exit_code
    assert "not met even at crf 40, the best allowed" in text
    assert "1 rung cannot meet psnr_y.mean >= 60: clip, x264 ultrafast, 64 lines" in err
    assert cli("report", tmp_path / "a" / "ladder.json")[0] == 0
    code, text, _ = cli(
        *(*arguments, "--crf", "10,12", "--target", "psnr_y.mean >= 10"), "-o", tmp_path / "b"
    )
    assert code == 0
    assert "crf 12" in text
    assert "met at the end of the range, beyond which nothing was tried" in text

    def broken(*_):
        raise InputError("its log cannot be read")

    monkeypatch.setattr(search_attempts, "read_log", broken)
    code, text, err = cli(
        *(*arguments, "--crf", "10,12", "--target", "psnr_y.mean >= 10"), "-o", tmp_path / "c"
    )
    assert code == PartialResult.exit_code
    assert "failed: its log cannot be read" in text


def test_a_search_by_bitrate(source, tmp_path, cli, encodes):
    encode = ("--encode", "libx264:preset=ultrafast", "--bitrate", "50,2000")
    target = ("--target", "psnr_y.mean >= 36")
    out = ("-o", tmp_path / "out", "--json", "-", "-q")
    code, text, _ = cli("ladder", "-r", source, *encode, *target, *out)
    assert code == 0
    (one,) = json.loads(text)["sources"][0]["searched"]["rungs"]
    assert one["status"] == "found"
    rate = float(one["setting"].removesuffix(" kbit/s"))
    tried = {float(t["setting"].removesuffix(" kbit/s")): t["holds"] for t in one["tried"]}
    assert max(r for r, held in tried.items() if not held) < rate
    assert rate / max(r for r in tried if r < rate) < 1.03


def test_a_search_in_a_configuration(source, tmp_path, cli, encodes):
    config = tmp_path / "ladder.toml"
    config.write_text(
        f"""schema = 1
        [search]
        targets = ["psnr_y.mean >= 33"]
        samples = "all"
        [[source]]
        name = "clip"
        reference = {json.dumps(str(source))}
        [[encode]]
        name = "fast"
        codec = "libx264"
        options = {{ preset = "ultrafast" }}
        crf = [10, 40]
        """
    )
    code, text, _ = cli("ladder", "-c", config, "-o", tmp_path / "out", "--json", "-", "-q")
    assert code == 0
    (one,) = json.loads(text)["sources"][0]["searched"]["rungs"]
    assert (one["series"], one["status"]) == ("fast", "found")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "psnr_y.mean >= 33", "-r", "{source}"], "made with --encode"),
        ([*ENCODE[:2], "--target", "psnr_y.mean >= 33", "-r", "{source}"], "add -o FOLDER"),
        ([*ENCODE[:2], "--target", "psnr_y", "-o", "out", "-r", "{source}"], "cannot be read"),
        (
            [*ENCODE[:2], "--crf", "20", *TARGET, "-o", "out", "-r", "{source}"],
            "give the two bounds of the search",
        ),
        (
            [*ENCODE[:2], *TARGET, "-o", "out", "-r", "{source}", "{source}"],
            "a search makes its rungs",
        ),
        ([*ENCODE[:2], *ENCODE[:2], *TARGET, "-o", "out", "-r", "{source}"], "is given twice"),
        ([*ENCODE[:2], "--crf", "20", "--samples", "all", "-r", "{source}"], "add --target RULE"),
        (
            [*ENCODE[:2], *TARGET, "--samples", "much", "-o", "out", "-r", "{source}"],
            "--samples much: write all, auto, or a share",
        ),
    ],
)
def test_mistakes_end_in_one_line(arguments, words, source, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = cli("ladder", *(word.format(source=source) for word in arguments), "-q")
    assert code == 2
    assert words in err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
