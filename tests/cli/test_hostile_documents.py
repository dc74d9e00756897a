"""Documents that somebody made to break a command: one line and exit 2 or 3, never a crash."""

import copy
import json
import shutil

import pytest

from tests.report.made_ladder import ladder_of, log_of
from vqa_harness.cli.app import run_cli
from vqa_harness.testing.synthetic import make_video

WRONG = (
    *("text", "\ud800", "1" * 5000, -1, 1e308, 10**400, 2**63, True, None),
    *([], [[1]], {}, {"a": {"b": 1}}),
)
"""What stands in place of a value; where not all are tried, the places take turns."""
SHARE = [1, pytest.param(len(WRONG), marks=pytest.mark.slow)]
"""How many wrong values are tried of each place."""
DIGITS = "9" * 6000
DEEP = 100_000


def places(node, at=()):
    """The path to everything in a document, and of lists to the first two members."""
    if at:
        yield at
    items = node.items() if isinstance(node, dict) else enumerate(node[:2])
    for key, inner in items if isinstance(node, dict | list) else ():
        if isinstance(inner, dict | list):
            yield from places(inner, (*at, key))
        else:
            yield (*at, key)


def mutants(document, tried):
    """Each place without its value, and with some wrong values in its place."""
    turn = 0
    for at in places(document):
        for step in range(-1, tried):
            made = copy.deepcopy(document)
            inside = made
            for key in at[:-1]:
                inside = inside[key]
            if step < 0:
                del inside[at[-1]]
            else:
                inside[at[-1]] = WRONG[turn % len(WRONG)]
                turn += 1
            yield at, made


def toml_of(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value.encode("utf-8", "replace").decode())
    if isinstance(value, int | float):
        return repr(value)
    if value is None:
        return "1979-05-27T07:32:00Z"
    if isinstance(value, list):
        return f"[{','.join(map(toml_of, value))}]"
    return "{" + ",".join(f"{json.dumps(k)}={toml_of(x)}" for k, x in value.items()) + "}"


def whole_toml(document):
    return "".join(f"{json.dumps(key)} = {toml_of(value)}\n" for key, value in document.items())


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    for name, qp in (("ref.mkv", "0"), ("a.mp4", "30"), ("b.mp4", "40")):
        make_video(folder / name, 4, width=32, height=32, options={"qp": qp})
    return folder


@pytest.fixture
def folder(media, tmp_path, monkeypatch):
    """The working folder, with a reference, two videos and the log of one."""
    for path in media.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VQA_HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def judged(capsys):
    """Run a command on a broken document: it must end in words, whatever it thinks of it."""

    def run(*arguments, what=""):
        code = run_cli(list(map(str, arguments)))
        out, err = capsys.readouterr()
        assert code in (0, 1, 2, 3, 4, 7), (what, err)
        assert "unexpected" not in err, (what, err)
        assert "Traceback" not in out + err, (what, err)
        for line in err.splitlines():
            assert line.startswith("vqa-harness: "), (what, line)
        if code in (2, 3):
            assert err.count("vqa-harness: error: ") == 1, (what, err)
        return code, err

    return run


def small_log(folder):
    log = log_of("a.mp4", 1.0)
    log["frames"] = log["frames"][:3]
    extra = log["vqa_harness"]
    extra["frame_times"] = [0.0, 0.04, 0.08]
    extra["pooling"] = {
        "features": {"score": {"p5": 1.0, "worst_run": {"start": 0, "stop": 2, "score": 1.0}}}
    }
    return log


@pytest.mark.parametrize("tried", SHARE)
def test_logs(folder, judged, tried):
    log = small_log(folder)
    (folder / "whole.json").write_text(json.dumps(log))
    rules = ("--rule", "score.mean > 1", "--rule", "score.p5 > 1", "--no-github")
    commands = (
        ("compare", "log.json", "whole.json"),
        ("gate", "--log", "log.json", *rules, "--junit", "j.xml", "--markdown", "m.md"),
        ("report", "log.json"),
    )
    for command in commands:
        shutil.copy("whole.json", "log.json")
        assert judged(*command)[0] == 0
    for turn, (at, made) in enumerate(mutants(log, tried)):
        (folder / "log.json").write_text(json.dumps(made))
        judged(*commands[turn % len(commands)], what=at)


@pytest.mark.parametrize("tried", SHARE)
def test_ladders(folder, judged, tried):
    names = [f"{i}.mp4" for i in range(3)]
    ladder = ladder_of([*names, *names])
    (source,) = ladder["sources"]
    source["comparisons"] = [
        {
            "feature": "score",
            "anchor": "x264",
            "test": list(source["series"])[1],
            "bd_rate": 1.0,
            "bd_quality": 0.1,
            "overlap": 0.5,
            "refused": None,
            "crossings": [1.0],
            "notes": ["few"],
        }
    ]
    step = {"lower": 0, "upper": 1, "gain": 1.0, "bitrate_ratio": 2.0, "below_jnd": True}
    source["hulls"]["score"] |= {
        "front": [0, 1],
        "steps": [step],
        "picks": [{"bitrate": 1e6, "rung": 0, "quality_at": {"x264": 1.0}}],
        "switches": [
            {"series": "x264", "lower": [9, 9], "upper": [18, 18], "bitrate": 1.0, "quality": 2.0}
        ],
    }
    source["rungs"] = [
        {**rung, "log": None if i else "0.json"} for i, rung in enumerate(source["rungs"])
    ]
    (folder / "0.json").write_text(json.dumps(small_log(folder)))
    path = folder / "ladder.json"
    path.write_text(json.dumps(ladder))
    assert judged("report", path)[0] == 0
    refused = 0
    for at, made in mutants(ladder, tried):
        path.write_text(json.dumps(made))
        code, err = judged("report", path, what=at)
        refused += code == 3 and "is not a complete ladder" in err
    assert refused > 100 * tried


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"settings": "0/0"}, "settings: is not an object"),
        ({"aggregate": [1]}, "aggregate.0: is not an object"),
        ({"schema": True}, "schema True of ladders is not known"),
        ({"features": {"other": {"direction": "higher", "unit": ""}}}, "has no hull of 'other'"),
    ],
)
def test_a_broken_ladder_is_told_where(folder, judged, change, words):
    (folder / "x.json").write_text(json.dumps({**ladder_of([f"{i}" for i in range(6)]), **change}))
    code, err = judged("report", "x.json")
    assert (code, words in err) == (3, True), err


@pytest.mark.parametrize("tried", SHARE)
def test_baselines(folder, judged, tried):
    log = small_log(folder)
    (folder / "a.json").write_text(json.dumps(log))
    gate = ("gate", "--log", "a.json", "--rule", "score.mean max_drop 1", "--no-github")
    assert judged(*gate, "--baseline", "b.json", "--update-baseline")[0] == 0
    whole = json.loads((folder / "b.json").read_text())
    for turn, (at, made) in enumerate(mutants(whole, tried)):
        (folder / "b.json").write_text(json.dumps(made))
        update = ("--update-baseline",) if turn % 2 else ()
        judged(*gate, "--baseline", "b.json", *update, what=at)


@pytest.mark.parametrize("tried", SHARE)
def test_configurations(folder, judged, tried):
    gate = {
        "rules": ["psnr_y.mean > 1"],
        "metrics": ["psnr"],
        "min_share": 0.5,
        "align": {"mode": "index"},
        "rule": [{"value": "psnr_y.mean", "min": 3.0, "severity": "warn", "cases": "*"}],
        "case": [{"name": "b", "distorted": "a.mp4", "reference": "ref.mkv", "group": "g"}],
    }
    (folder / "g.toml").write_text(whole_toml(gate))
    assert judged("gate", "-c", "g.toml", "--no-cache", "--no-github")[0] == 0
    for at, made in mutants(gate, tried):
        (folder / "g.toml").write_text(whole_toml(made))
        judged("gate", "-c", "g.toml", "--dry-run", what=at)
    ladder = {
        "metrics": ["psnr"],
        "source": [
            {
                "name": "a",
                "reference": "ref.mkv",
                "series": [{"name": "s", "rungs": ["b.mp4", "gone.mp4"]}],
            }
        ],
        "compare": {"pool": "mean", "min_overlap": 0.5, "jnd": {"psnr_y": 1.0}},
    }
    for at, made in mutants(ladder, tried):
        (folder / "l.toml").write_text(whole_toml(made))
        judged("ladder", "-c", "l.toml", "-q", what=at)


CONFIGURATIONS = {
    "digits": f"x = {DIGITS}",
    "digits in a list": f"rules = [0x{'f' * 6000}]",
    "digits for a number": f"min_share = 0x{'f' * 6000}",
    "digits in a case": f"[[case]]\nname = 'a'\ndistorted = 'a.mp4'\ngroup = 0x{'f' * 6000}",
    "infinity": "min_share = 1e400",
    "lists": "x = " + "[" * DEEP,
    "closed lists": "x = " + "[" * DEEP + "]" * DEEP,
    "tables": "x = " + "{a=" * 900 + "1" + "}" * 900,
    "a dotted key": ".".join("a" for _ in range(DEEP)) + " = 1",
    "a dotted header": "[" + ".".join("a" for _ in range(DEEP)) + "]\nx = 1",
    "a short dotted key": "align." + ".".join("a" for _ in range(500)) + " = 1",
    "a long key": "x" * DEEP + " = 1",
    "a long path": f"rules=['x.mean > 1']\n[[case]]\nname='a'\ndistorted='{'x/' * 3000}'",
    "a long pattern": f"rules=['x.mean > 1']\n[[case]]\nname='a'\ndistorted='{'**/' * 300}x'",
    "a null character": "x = \0",
    "no UTF-8": b"\xff\xfe x",
    "a null in a path": 'rules=["x.mean > 1"]\n[[case]]\nname="a"\ndistorted="a\\u0000b"',
}


@pytest.mark.parametrize("text", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_broken_configurations(folder, judged, text):
    (folder / "r.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    for command in (("gate", "-c", "r.toml"), ("ladder", "-c", "r.toml"), ("bench", "./r.toml")):
        code, err = judged(*command)
        assert code in (2, 3)
        assert len(err) < 2000


def log_text(frame="0", value="1", rest=""):
    return f'{{"frames":[{{"frameNum":{frame},"metrics":{{"x":{value}}}}}]{rest}}}'


LOGS = {
    "frame 1e18": log_text(frame="1000000000000000000"),
    "frame digits": log_text(frame=DIGITS),
    "value digits": log_text(value=DIGITS),
    "value 1e400": log_text(value="1" + "0" * 400),
    "objects": '{"a":' * DEEP,
    "lists": "[" * DEEP,
    "deep extra": log_text(rest=',"vqa_harness":{"alignment":' + '{"a":' * 900 + "1" + "}" * 901),
    "deep ladder": '{"kind":"ladder","schema":1,"settings":' + '{"a":' * 900 + "1" + "}" * 901,
    "deep schema": '{"cases":{},"schema":' + '{"a":' * 900 + "1" + "}" * 901,
    "deep baseline": '{"schema":1,"cases":{"a":' + '{"a":' * 900 + "1" + "}" * 902,
    "half a surrogate": '{"frames":[{"frameNum":0,"metrics":{"\\ud800":1}}]}',
    "XML elements": "<VMAF version='1'>" + "<a>" * DEEP,
    "XML digits": f"<VMAF><frames><frame frameNum='{DIGITS}' x='1'/></frames></VMAF>",
    "XML entity": "<!DOCTYPE a [<!ENTITY a 'b'>]><VMAF/>",
    "CSV digits": f"Frame,x,\n{DIGITS},1,\n",
    "CSV cell": 'Frame,x,\n1,"' + "x" * 200_000,
    "sub digits": f"{{{DIGITS}}}{{1}}frame: 1|x: 1\n",
}


@pytest.mark.parametrize("text", LOGS.values(), ids=LOGS)
def test_broken_logs(folder, judged, text):
    (folder / "r.json").write_text(text)
    (folder / "a.json").write_text(json.dumps(small_log(folder)))
    rule = ("--rule", "score.mean max_drop 1", "--no-github")
    codes = [
        judged(*command)[0]
        for command in (
            ("compare", "r.json", "r.json"),
            ("report", "r.json"),
            ("gate", "--log", "r.json", "--rule", "x.mean > 9", "--no-github"),
            ("gate", "--log", "a.json", "--baseline", "r.json", *rule),
        )
    ]
    assert codes[3] in (1, 2, 3)


def test_frames_numbered_far_apart_take_no_memory(folder, judged):
    frames = [{"frameNum": n, "metrics": {"x": 1.0 + n}} for n in (9 * 10**15, 3, 4)]
    (folder / "r.json").write_text(json.dumps({"frames": frames}))
    assert judged("report", "r.json")[0] == 0
    assert judged("compare", "r.json", "r.json")[0] == 0


@pytest.mark.parametrize("tried", SHARE)
def test_kept_scores(folder, judged, tried):
    (folder / "t.csv").write_text("file,score\na.mp4,1\nb.mp4,2\n")
    bench = ("bench", "--table", "t.csv", "-m", "colorfulness", "--bootstrap", "0")
    bench += ("--cache-dir", "kept")
    judged(*bench)
    first = next((folder / "kept").rglob("*.json"))
    for at, made in mutants(json.loads(first.read_text()), tried):
        first.write_text(json.dumps(made))
        judged(*bench, what=at)
