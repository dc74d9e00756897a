import json
import os
import signal
import subprocess
import sys
import time
import wave

import numpy as np
import pytest

from vqa_harness.installation import pip_install
from vqa_harness.media.writer import copy_packets
from vqa_harness.testing.synthetic import make_video

METRIC = ("--metric", "colorfulness")


def shell(*arguments, **options):
    command = [sys.executable, "-m", "vqa_harness", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def test_a_run_prints_pooled_values_and_writes_a_log(cli, video, tmp_path, monkeypatch):
    log = tmp_path / "log.json"
    monkeypatch.setattr(sys, "argv", ["vqa-harness", "run", *METRIC, str(video), "-o", str(log)])
    code, out, err = cli("run", *METRIC, video, "-o", log)
    assert (code, err) == (0, "")
    header, row = (line.split("\t") for line in out.splitlines())
    assert header == ["input", "metric", "mean", "min", "max", "harmonic_mean"]
    assert row[:2] == ["clip.mp4", "colorfulness"]
    written = json.loads(log.read_text())
    assert len(written["frames"]) == 12
    assert written["pooled_metrics"]["colorfulness"]["mean"] == pytest.approx(
        float(row[2]), abs=1e-4
    )
    assert (
        written["vqa_harness"]["command"]
        == "vqa-harness run --metric colorfulness clip.mp4 -o log.json"
    )
    assert str(video.parent) not in log.read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["log.json"]


@pytest.mark.parametrize(("suffix", "start"), [("csv", "Frame,"), ("xml", "<VMAF ")])
def test_the_format_follows_the_suffix_or_the_option(cli, video, tmp_path, suffix, start):
    cli("run", *METRIC, video, "-o", tmp_path / f"a.{suffix}")
    cli("run", *METRIC, video, "-o", tmp_path / "b", "--format", suffix)
    assert (tmp_path / f"a.{suffix}").read_text().startswith(start)
    assert (tmp_path / "b").read_text().startswith(start)


def test_the_log_on_standard_output_stands_alone(cli, video):
    code, out, _ = cli("run", *METRIC, video, "-o", "-")
    assert code == 0
    assert list(json.loads(out))[:3] == ["version", "fps", "frames"]


def test_json_for_machines(cli, video):
    code, out, _ = cli("run", *METRIC, "--json", "-", video)
    (entry,) = json.loads(out)
    assert code == 0
    assert entry["frames"] == 12
    assert set(entry["pooled"]["colorfulness"]) == {"min", "max", "mean", "harmonic_mean"}


def test_what_is_printed_is_the_users_choice(cli, video):
    code, out, _ = cli("run", *METRIC, video, "--pool", "p5, mean,min", "--interval")
    assert code == 0
    header, row = (line.split("\t") for line in out.splitlines())
    assert header == ["input", "metric", "p5", "mean", "min", "mean from", "mean to"]
    assert row[-2:] == ["-", "-"]  # twelve frames are too few
    code, out, _ = cli("run", *METRIC, video, "--pool", "p5,std", "--json", "-", "--interval")
    (entry,) = json.loads(out)
    assert list(entry["pooled"]["colorfulness"]) == ["p5", "std"]
    assert entry["mean_interval"] == {"colorfulness": None}
    assert float(row[2]) == pytest.approx(entry["pooled"]["colorfulness"]["p5"], abs=1e-4)


@pytest.mark.parametrize(("pool", "words"), [("p101", "'p101': choose one"), (",", "names none")])
def test_a_pooling_that_is_none_is_refused(cli, video, pool, words):
    code, _, err = cli("run", *METRIC, video, "--pool", pool)
    assert (code, words in err) == (2, True)


def test_several_inputs_get_a_log_each(cli, video, tmp_path):
    other = tmp_path / "sub" / "clip.mp4"
    other.parent.mkdir()
    other.write_bytes(video.read_bytes())
    code, out, _ = cli("run", *METRIC, video, other, "-o", f"{tmp_path}/logs/")
    assert code == 0
    assert len(out.splitlines()) == 3
    assert {p.name for p in (tmp_path / "logs").iterdir()} == {"clip-2.json", "clip.json"}


def test_one_bad_input_of_several_is_a_partial_result(cli, video, tmp_path):
    code, out, err = cli("run", *METRIC, video, tmp_path / "gone.mp4", "-o", f"{tmp_path}/")
    assert code == 7
    assert "gone.mp4: no such file" in err
    assert err.splitlines()[-1].startswith("vqa-harness: error: 1 of 2 inputs failed")
    assert "clip.mp4" in out
    assert (tmp_path / "clip.json").exists()
    code, _, _ = cli("run", *METRIC, tmp_path / "gone.mp4", tmp_path / "gone too.mp4")
    assert code == 3


def broken_inputs(folder, video):
    content = video.read_bytes()
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("this is no video\n" * 40)
    (folder / "truncated.mp4").write_bytes(content[: len(content) // 2])
    (folder / "folder.mp4").mkdir()
    (folder / "noise.mp4").write_bytes(np.random.default_rng(1).bytes(5000))
    with wave.open(str(folder / "audio.mp4"), "wb") as audio:
        audio.setparams((1, 2, 8000, 0, "NONE", ""))
        audio.writeframes(bytes(4000))
    names = ("empty", "text", "truncated", "folder", "noise", "audio", "missing")
    return [folder / f"{name}.mp4" for name in names]


def test_an_input_that_cannot_be_read_is_one_line_and_exit_3(cli, video, tmp_path):
    for path in broken_inputs(tmp_path, video):
        code, out, err = cli("run", *METRIC, path, "-o", tmp_path / "log.json")
        assert (code, out) == (3, ""), path
        assert err.count("\n") == 1, err
        assert err.startswith("vqa-harness: error: ")
        assert path.name in err
        assert not (tmp_path / "log.json").exists()


def test_a_truncated_video_that_still_decodes_is_scored_with_a_warning(cli, tmp_path):
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    make_video(whole, 50, width=64, height=48)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    code, out, err = cli("run", *METRIC, cut)
    assert code == 0
    assert "cut.mkv" in out
    assert "warning: cut.mkv: " in err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ["--metric", "colorfulnes"],
            2,
            "unknown metric 'colorfulnes'; did you mean colorfulness?",
        ),
        (["--metric", "clipvqa:widnow=2"], 2, "has no parameter 'widnow'; did you mean window?"),
        (["--metric", "clipvqa:batch=0"], 2, "batch=0: must be at least 1"),
        (["--metric", "clipvqa:decode=best"], 2, "decode=best: choose one of level, svr"),
        ([*METRIC, *METRIC], 2, "'colorfulness' is given twice"),
        ([*METRIC, "--format", "yaml"], 2, "yaml"),
        ([*METRIC, "-o", "log.yaml"], 2, "log.yaml"),
        ([*METRIC, "--json", "-", "-o", "-"], 2, "choose one"),
        ([*METRIC, "--threads", "many"], 2, "threads"),
        (["--no-such-option"], 2, "--no-such-option"),
        ([*METRIC, "-o", "taken/log.json"], 2, "taken"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    cli, video, arguments, code, words, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").touch()
    got, out, err = cli("run", video, *arguments)
    assert (got, out) == (code, "")
    assert err.count("\n") == 1, err
    assert words in err


def test_two_inputs_and_one_log_file_is_refused(cli, video, tmp_path):
    code, _, err = cli("run", *METRIC, video, tmp_path / "b.mp4", "-o", tmp_path / "log.json")
    assert code == 2
    assert "2 inputs need a folder" in err


def test_a_missing_extra_is_exit_6_and_says_what_to_install(video):
    hide = (
        "import sys, importlib.util as u; find = u.find_spec;"
        "u.find_spec = lambda n, *a: None if n in ('torch', 'safetensors') else find(n, *a);"
        "from vqa_harness.cli.app import run_cli; sys.exit(run_cli(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", hide, "run", "--metric", "clipvqa:backend=torch", str(video)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 6
    assert done.stderr == (
        "vqa-harness: error: clipvqa:backend=torch needs torch, safetensors;"
        f" run: {pip_install('vqa-harness[clip]')}\n"
    )


def test_a_metric_that_fails_is_exit_5_and_the_rest_is_written(cli, video, tmp_path, monkeypatch):
    import vqa_metric_colorfulness

    def fail(self, frame, ref):
        raise RuntimeError("no colours today")

    monkeypatch.setattr(vqa_metric_colorfulness.Colorfulness, "measure", fail)
    code, _, err = cli("run", *METRIC, video)
    assert code == 5
    assert err.splitlines()[-1] == (
        "vqa-harness: error: clip.mp4: metric 'colorfulness' failed: RuntimeError: no colours today"
    )


@pytest.mark.parametrize(
    ("arguments", "banned"),
    [
        (["--help"], {"torch", "onnxruntime", "numba", "av", "numpy", "scipy"}),
        (["metrics"], {"torch", "onnxruntime", "numba", "av", "numpy", "scipy"}),
        (["clipvqa", "--help"], {"torch", "onnxruntime", "numba", "av", "numpy", "scipy"}),
        (["run", *METRIC], {"torch", "onnxruntime", "open_clip", "numba", "scipy"}),
        (["run", "-m", "clipvqa"], {"torch", "safetensors", "onnx", "open_clip", "numba", "scipy"}),
    ],
)
def test_heavy_modules_stay_out(video, arguments, banned):
    code = (
        f"import sys; from vqa_harness.cli.app import run_cli; run_cli(sys.argv[1:]); "
        f"found = {banned} & set(sys.modules); assert not found, found"
    )
    scoring = "run" in arguments
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, *([video] if scoring else [])],
        capture_output=True,
        text=True,
        # the example package imports numpy when it is listed
        env=os.environ if scoring else {**os.environ, "VQA_HARNESS_BLOCK": "colorfulness"},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_ctrl_c_is_one_line_exit_130_and_nothing_half_written(tmp_path):
    short, long = tmp_path / "short.mp4", tmp_path / "long.mp4"
    make_video(short, 50, width=320, height=240, options={"preset": "ultrafast"})
    copy_packets(str(short), str(long), repeat=1000)
    log = tmp_path / "out" / "log.json"
    command = [sys.executable, "-m", "vqa_harness", "run", *METRIC, str(long), "-o", str(log)]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not log.parent.exists():  # the folder is made when the run begins
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    try:
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
        child.communicate()
    assert child.returncode == 130, err
    assert (out, err.strip()) == ("", "interrupted")
    assert not log.parent.exists() or not list(log.parent.iterdir())


def test_metrics_lists_and_explains(cli):
    code, out, _ = cli("metrics")
    assert code == 0
    assert out.splitlines()[0].split("\t")[0] == "name"
    assert any(
        line.startswith("clipvqa\tclip\tnone\t0 to 100\thigher") for line in out.splitlines()
    )
    code, out, _ = cli("metrics", "clipvqa")
    assert "arXiv 2407.04928" in out
    assert "window=card" in out
    code, out, _ = cli("metrics", "--json", "-")
    assert "clipvqa" in {row["name"] for row in json.loads(out)}
    code, _, err = cli("metrics", "nqe")
    assert (code, "unknown metric 'nqe'" in err) == (2, True)


def test_plugins_names_distributions(cli):
    code, out, _ = cli("plugins")
    assert code == 0
    assert "colorfulness\tvqa-metric-colorfulness 0.1.0\tcolorfulness" in out


def test_version_and_bare_call(cli):
    assert cli("--version")[:2] == (0, "vqa-harness 0.1.0\n")
    code, out, _ = cli()
    assert code == 0
    assert "run" in out


def test_the_module_runs():
    assert shell("--version").stdout == "vqa-harness 0.1.0\n"


def test_only_the_command_asked_for_is_loaded():
    code = (
        "import sys; from vqa_harness.cli.app import run_cli; run_cli(['metrics', 'vmaf'])\n"
        "print([m for m in ('run', 'gate', 'metrics') if f'vqa_harness.cli.{m}' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['metrics']"
    assert "vmaf" in done.stdout


def test_help_lists_every_command():
    done = subprocess.run(
        [sys.executable, "-m", "vqa_harness", "--help"], capture_output=True, text=True, check=True
    )
    for name in ("run", "align", "gate", "compare", "ladder", "report", "metrics", "warmup"):
        assert f" {name} " in done.stdout
