import math

import pytest

from tests.plugins import module_with
from vqa_harness import Feature, MetricSpec
from vqa_harness.cli.warmup import modules_of, will_compile
from vqa_harness.testing.synthetic import make_video
from vqa_metrics import nss_warmup


@pytest.fixture
def module(monkeypatch):
    made = module_with(monkeypatch, "slow_start")
    made.cold, made.calls = True, 0

    def warmup():
        made.calls += 1
        made.cold = False

    made.warmup, made.compiling_needed = warmup, lambda: made.cold
    return made


SLOW = MetricSpec("slow", "json:loads", (Feature("slow"),), warmup="slow_start")


def test_only_metrics_whose_packages_are_there_are_warmed():
    absent = MetricSpec("absent", "json:loads", (), warmup="gone", requires=("no_such_module",))
    plain = MetricSpec("plain", "json:loads", ())
    assert modules_of([SLOW, absent, plain]) == {"slow_start": ["slow"]}


def test_a_run_knows_whether_and_how_long_it_will_wait(module):
    modules = modules_of([SLOW])
    names, seconds = will_compile(modules)
    assert names == ["slow"]
    assert math.isnan(seconds)
    module.SECONDS = 4.0
    assert will_compile(modules) == (["slow"], 4.0)
    module.warmup()
    assert will_compile(modules) == ([], 0.0)


def test_the_first_run_says_that_it_compiles(tmp_path, cli, monkeypatch):
    video = tmp_path / "clip.mp4"
    make_video(video, 2, width=192, height=192)
    monkeypatch.setattr("vqa_metrics.nss_warmup.compiling_needed", lambda: True)
    code, _, err = cli("run", "-m", "niqe", "-m", "brisque", video)
    assert code == 0
    assert f"compiling niqe, brisque, once per machine, about {nss_warmup.SECONDS:.0f} s" in err
    monkeypatch.setattr("vqa_metrics.nss_warmup.compiling_needed", lambda: False)
    code, _, err = cli("run", "-m", "niqe", video)
    assert code == 0
    assert "compiling" not in err


def test_warmup_names_what_is_ready(cli, monkeypatch):
    monkeypatch.setattr("vqa_metrics.nss_warmup.compiling_needed", lambda: True)
    code, out, err = cli("warmup")
    assert code == 0
    assert "compiling brisque, niqe, once per machine, about" in err
    assert "brisque, niqe: ready" in out
    assert "ssim: ready" in out
