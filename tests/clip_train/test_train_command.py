"""``vqa-harness clipvqa train`` as people use it."""

import json
import os
import shlex
import signal
import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

from vqa_plugin_clip.train import fit

QUICK = "--scale 1 5 --split-by content --val-share 0.25 --epochs 2 --warmup-epochs 1 --rate 1e-4"
QUICK += " --accumulate 2 --device cpu --threads 1"


def words_of(clips, tiny, out, more=""):
    start = ["clipvqa", "train", str(clips / "mos.csv"), "--output", str(out), "--init", str(tiny)]
    return [*start, *shlex.split(f"{QUICK} {more}")]


@pytest.fixture
def interrupt_after(monkeypatch):
    """Press Ctrl-C after so many updates."""

    def set_up(updates):
        real = fit.EpochLoop._advance

        def advance(self, *arguments):
            real(self, *arguments)
            if self.position.updates == updates:
                os.kill(os.getpid(), signal.SIGINT)

        monkeypatch.setattr(fit.EpochLoop, "_advance", advance)

    return set_up


def test_the_command_trains_and_run_scores(clips, tiny, tmp_path, cli):
    table = clips / "mos.csv"
    (tmp_path / "mos.csv").write_text(table.read_text() + "gone.mp4,3,content0\n")
    out = tmp_path / "out"
    words = words_of(clips, tiny, out, f"--root {clips} --fit-svr --training-data 'made up'")
    words[2] = str(tmp_path / "mos.csv")
    code, told, err = cli(*words)
    assert code == 0
    lines = told.splitlines()
    assert lines[0] == "training: 12 files of 3 contents; validation: 4 files of 1 contents"
    assert lines[1].endswith("3 frames of 32x32 (resize), corrected behaviour")
    assert lines[2].startswith("before training         SROCC ")
    assert lines[3].startswith("epoch   1  loss 0.")
    assert "RMSE" in lines[4]
    assert lines[5].startswith("best: epoch ")
    assert "1 row is left out, see bad_rows.csv: line 18, gone.mp4: no such file" in err
    assert "\x1b" not in err
    card = json.loads((out / "best.json").read_text())
    assert card["training_data"].startswith("made up: 12 files")
    assert str(tmp_path) not in json.dumps(card)
    metric = lines[6].partition("-m ")[2]
    assert metric == f"clipvqa:checkpoint={out / 'best.safetensors'}"
    log = tmp_path / "log.json"
    assert cli("run", "-m", metric, "-q", "-o", log, clips / "c0_18.mp4")[0] == 0
    (entry,) = json.loads(log.read_text())["vqa_harness"]["metrics"].values()
    assert (entry["info"]["window"], entry["temporal"]) == ("video", "clip")
    svr = f"{metric},decode=svr"
    assert cli("run", "-m", svr, "-q", clips / "c0_18.mp4")[0] == 0


def test_ctrl_c_saves_and_resume_goes_on(clips, tiny, tmp_path, cli, interrupt_after):
    out = tmp_path / "out"
    interrupt_after(2)
    code, told, err = cli(*words_of(clips, tiny, out))
    assert code == 130
    assert "the same command with --resume goes on" in err
    assert "best:" not in told
    assert [path.name for path in out.glob("*.safetensors")] == ["state.safetensors"]
    code, _, err = cli(*words_of(clips, tiny, out))
    assert code == 2
    assert "holds a training already" in err
    code, told, _ = cli(*words_of(clips, tiny, out, "--resume"))
    assert code == 0
    assert "going on in epoch 1, after 2 updates" in told
    code, told, _ = cli(*words_of(clips, tiny, out, "--resume"))
    assert code == 0
    assert "best: epoch" in told


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ("--scale 5 1", 2, "--scale 5 1"),
        ("--split-by shot", 2, "no column 'shot'"),
        ("--levels awful,good", 2, "not in the network's vocabulary"),
        ("--jobs -1", 2, "must not be below 0"),
        ("--jitter 3", 2, "--jitter 3"),
        ("--init nothing", 6, "checkpoint 'nothing'"),
        ("--precision fp16", 2, "--precision fp16"),
    ],
)
def test_mistakes_are_one_line(clips, tiny, tmp_path, cli, more, code, message):
    got, _, error = cli(*words_of(clips, tiny, tmp_path / "out", more))
    assert got == code
    assert message in error
    assert error.count("\n") == 1
    assert not list((tmp_path / "out").glob("*.safetensors"))


@pytest.mark.slow
def test_two_processes_train_together(clips, tiny, tmp_path):
    if sys.platform == "win32" or not torch.distributed.is_available():
        pytest.skip("needs torch's gloo")
    launch = "accelerate.commands.launch --cpu --num_processes 2 --num_machines 1"
    launch += " --mixed_precision no --dynamo_backend no -m vqa_harness"
    words = words_of(clips, tiny, tmp_path / "out", "--accumulate 1")
    command = [sys.executable, "-m", *launch.split(), *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch   2") == 1
    state = json.loads((tmp_path / "out" / "best.json").read_text())["extra"]
    assert state["updates"] in (3, 6)  # 12 files, 2 a pass and process
