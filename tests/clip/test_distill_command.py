"""``clipvqa distill`` from stills to a checkpoint, at small size; and what stops it early."""

import csv
import json

import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

pytest.importorskip("PIL", reason="Pillow is not installed; it comes with the extra clip")

from typer.testing import CliRunner

from tests.clip.made_clips import few_stills, opinion_table, small_shards, still
from tests.networks import card_of
from vqa_harness.errors import InputError, MissingBackend, UsageError
from vqa_metrics.vmaf.ffmpeg import find_ffmpeg
from vqa_plugin_clip.checkpoint.files import load_checkpoint, save_checkpoint
from vqa_plugin_clip.cli import app
from vqa_plugin_clip.distill import evaluate, run, shards
from vqa_plugin_clip.distill.network import small_architecture
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.stem import imagenet_weights
from vqa_plugin_clip.network.tokens import LABELS

TINY = "--width 64 --layers 1 --batch 6 --clips 6 --jobs 1 --device cpu --frozen-blocks 11"


@pytest.fixture(scope="module")
def needed():
    try:
        find_ffmpeg()
        imagenet_weights()
    except MissingBackend as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def world(tmp_path_factory, needed):
    """Contents, one of them broken, and a cache that the tests of this file fill."""
    folder = tmp_path_factory.mktemp("distill")
    stills = few_stills(folder / "stills", trained=3)
    (stills / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def distill(world, monkeypatch):
    """Run the command on those contents with shards of six clips: (stdout, stderr)."""
    small_shards(monkeypatch, 6)
    monkeypatch.setattr(shards, "GROUP", 3)
    monkeypatch.setattr(evaluate, "_BATCH", 2)
    threads = torch.get_num_threads()

    def call(output, words, *more):
        common = ["--content", str(world / "stills"), "--cache", str(world / "cache")]
        common += ["--output", str(output), *TINY.split(), *words.split(), *more]
        result = CliRunner().invoke(app, ["distill", *common], catch_exceptions=False)
        assert result.exit_code == 0
        return result.stdout, result.stderr

    yield call
    torch.set_num_threads(threads)


def rows(table):
    with table.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_whole_clips_for_some_time_and_on_from_there(distill, world, tmp_path):
    words = "--varied --epochs 0 --minutes 0.02 --checks 2 --hold-out freeze"
    out = tmp_path / "new" / "a.safetensors"
    _, said = distill(out, words, "--weights-version", "5")
    assert "left out: broken.png: cannot be read as a picture" in said
    assert str(world) not in said
    assert "the weights of check" in said
    assert said.count("\n") <= 5
    model, card = load_checkpoint(out)
    assert (model.architecture.frames, model.architecture.vision_width) == (4, 64)
    assert card.extra["left_out"]["named"].keys() == {"broken.png"}
    assert card.extra["chosen"]["stage"] == "clips"
    assert card.version == "5"
    assert "--varied --clean 0.02" in card.extra["command"]
    assert str(tmp_path) not in out.with_suffix(".json").read_text()
    assert str(world) not in out.with_suffix(".json").read_text()
    found = rows(out.with_suffix(".csv"))
    sets = {(row["stage"], row["set"]) for row in found}
    validation = {("clips", "validation"), ("clips", "validation-ladder")}
    assert sets >= {*validation, ("final", "heldout"), ("final", "ladder")}
    assert not any(stage == "clips" and name == "heldout" for stage, name in sets)
    assert sorted(path.name for path in (world / "cache").iterdir() if path.is_dir()) == [
        *("freeze", "heldout", "ladder", "train-varied", "validation", "validation-ladder"),
    ]

    # again: clips and the stage are there
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "train", None)
        _, said = distill(out, words, "--weights-version", "5")
    assert "stage clips: its result is in the cache" in said
    assert len(rows(out.with_suffix(".csv"))) > len(found)

    # on from whole clips, by passes
    other = tmp_path / "b.safetensors"
    init = ["--init", str(out)]
    distill(other, "--varied --epochs 0 --clip-epochs 1 --hold-out freeze --resident", *init)
    went_on, card = load_checkpoint(other)
    assert went_on.architecture == model.architecture
    assert card.training_data.endswith("Went on from a.safetensors")
    assert not torch.equal(went_on.visual.proj, model.visual.proj)
    (last,) = {row["check"] for row in rows(other.with_suffix(".csv")) if row["stage"] == "clips"}
    assert last == "1"


def test_single_frames_first_and_then_whole_clips(distill, tmp_path):
    mos = ["--mos", str(opinion_table(tmp_path, 120)), "--opinion-batch", "3"]
    out = tmp_path / "c.safetensors"
    distill(out, "--epochs 1 --clip-epochs 1 --hold-out freeze --half", *mos)
    model, card = load_checkpoint(out)
    assert model.architecture.frames == 4
    assert "opinions" in card.extra["quality"]
    stages = {(row["stage"], row["check"]) for row in rows(out.with_suffix(".csv"))}
    assert stages == {("frames", "1"), ("clips", "1"), ("final", "0")}


def before_the_work(world, tmp_path, output, words=(), error=UsageError, match=""):
    """The command stops before any clip is made."""
    cache = tmp_path / "empty"
    common = ["--content", str(world / "stills"), "--cache", str(cache), *words]
    with pytest.raises(error, match=match):
        CliRunner().invoke(
            app, ["distill", *common, "--output", str(output)], catch_exceptions=False
        )
    assert not cache.exists() or not [path for path in cache.rglob("*") if path.is_dir()]


def test_paths_that_cannot_be_written_stop_it_at_once(world, tmp_path):
    (tmp_path / "file").touch()
    blocked = tmp_path / "file" / "a.safetensors"
    before_the_work(world, tmp_path, blocked, match="cannot make the folder")
    before_the_work(world, tmp_path, tmp_path / "x.pth", match=r"ends in \.safetensors")
    (tmp_path / "b.csv").mkdir()
    before_the_work(world, tmp_path, tmp_path / "b.safetensors", match=r"b.csv: it is a folder")
    words = ["--cache", str(tmp_path / "file")]
    before_the_work(world, tmp_path, tmp_path / "c.safetensors", words, match="cannot make the fo")


def test_a_start_that_cannot_be_gone_on_from_stops_it_at_once(world, tmp_path):
    out = tmp_path / "a.safetensors"
    init = ["--init", str(tmp_path / "none.safetensors")]
    before_the_work(world, tmp_path, out, init, InputError, "none.safetensors: no such file")
    sizes = small_architecture(4, 64, 1)
    save_checkpoint(ClipVqa(sizes), card_of(sizes, levels=LABELS), tmp_path / "tiny.safetensors")
    init = ["--init", str(tmp_path / "tiny.safetensors")]
    wrong = [*init, "--layers", "5"]
    before_the_work(world, tmp_path, out, wrong, match="--layers 5: tiny.safetensors, .* has 1")
    before_the_work(world, tmp_path, out, ["--clean", "0.1"], match="--clean: needs --varied")
    few = ["--mos", str(opinion_table(tmp_path, 20))]
    before_the_work(world, tmp_path, out, few, match="needs at least 100 rows")


@pytest.mark.slow
def test_the_command_makes_a_checkpoint_and_goes_on_from_its_cache(tmp_path, monkeypatch, needed):
    words = ["distill", "--content", str(few_stills(tmp_path / "stills")), "--clips", "24"]
    (tmp_path / "good").mkdir()
    still(9).save(tmp_path / "good" / "x.png")
    words += ["--more-content", str(tmp_path / "good")]
    words += ["--mos", str(opinion_table(tmp_path, 120)), "--epochs", "1", "--jobs", "1"]
    words += ["--frames", "8"]
    words += ["--cache", str(tmp_path / "cache"), "--device", "cpu"]
    words += ["--output", str(tmp_path / "small.safetensors")]
    threads = torch.get_num_threads()
    try:
        result = CliRunner().invoke(app, words, catch_exceptions=False)
        assert result.exit_code == 0
        model, card = load_checkpoint(tmp_path / "small.safetensors")
        assert model.architecture.frames == 8
        assert (tmp_path / "cache" / "heldout-8-frames").is_dir()
        assert card.extra["command"].startswith("vqa-harness clipvqa distill --content stills")
        assert (tmp_path / "small.safetensors").stat().st_size < 20_000_000
        table = (tmp_path / "small.csv").read_text()
        assert all(f"{stage}," in table for stage in ("frames,1", "clips,1", "final,0"))
        CliRunner().invoke(app, words, catch_exceptions=False)
        again = (tmp_path / "small.csv").read_text()
        assert again.count("frames,1,") == table.count("frames,1,")
        assert again.count("clips,1,") == table.count("clips,1,")
        assert again.count("final,0,") == 2 * table.count("final,0,")
        words = ["evaluate", str(tmp_path / "small.safetensors"), *words[1:3], "--jobs", "1"]
        words += ["--cache", str(tmp_path / "cache"), "--json", str(tmp_path / "figures.json")]
        recipe = "vqa_plugin_clip.distill.recipe"
        monkeypatch.setattr(f"{recipe}.EVALUATION_CLIPS", {"heldout": 24, "ladder": 24})
        monkeypatch.setattr(f"{recipe}._UNSEEN_CLIPS", 24)
        result = CliRunner().invoke(app, words, catch_exceptions=False)
        assert "| heldout | all | 24 |" in result.stdout
        assert "| ladder | all | 4 |" in result.stdout
        found = json.loads((tmp_path / "figures.json").read_text())
        assert set(found) == {"heldout", "ladder", "av1-svt", "freeze"}
        assert set(found["av1-svt"]["all"]) == {"clipvqa", "niqe", "brisque"}
    finally:
        torch.set_num_threads(threads)
