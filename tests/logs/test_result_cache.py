import os

import pytest

from tests.plugins import registry_with
from vqa_harness import Feature, MetricSpec, Param
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.errors import InputError, UsageError
from vqa_harness.files import cache_folder
from vqa_harness.logs import cache_key
from vqa_harness.logs.cache import ResultCache
from vqa_harness.logs.cache_key import CacheKeys
from vqa_harness.logs.log import Log
from vqa_harness.registry import Registry


def make_registry(version="1"):
    return registry_with(
        MetricSpec(
            "up",
            "nowhere:Up",
            (Feature("up"),),
            params=(Param("model", "default"), Param("batch", 4, changes_score=False)),
            version=version,
        ),
        MetricSpec("full", "nowhere:Full", (Feature("full"),), reference=True),
    )


REGISTRY = make_registry()


@pytest.fixture
def videos(tmp_path):
    for name in ("a.mp4", "b.mp4", "ref.mp4"):
        (tmp_path / name).write_bytes(name.encode() * 100)
    return tmp_path


def key_of(videos, name="a.mp4", *metrics, registry=REGISTRY, reference=None, align=None):
    requests = [registry.request(text) for text in metrics or ["up"]]
    ref = None if reference is None else videos / reference
    return CacheKeys(requests, registry, align).of(videos / name, ref)


def log_for(key, **extra):
    inputs = {r: {"sha256": h, "name": key.names[r]} for r, h in key.sha256.items()}
    return Log(
        "vqa-harness 0",
        fps=1.0,
        frame_numbers=[0, 1],
        columns={"up": [1 / 3, 2e-9]},
        pooled={"up": {"min": 2e-9, "max": 1 / 3, "mean": 1 / 6, "harmonic_mean": 0.1}},
        extra={"inputs": inputs, "errors": {}, **extra},
    )


def test_a_log_comes_back_in_full_precision(videos):
    cache, key = ResultCache(videos / "cache"), key_of(videos)
    assert cache.get(key) is None
    log = log_for(key)
    assert cache.put(key, log)
    assert cache.get(key) == log
    assert [p.suffix for p in (videos / "cache").iterdir()] == [".json"]


def test_content_counts_and_names_do_not(videos):
    cache, key = ResultCache(videos / "cache"), key_of(videos)
    cache.put(key, log_for(key))
    (videos / "renamed.mkv").write_bytes((videos / "a.mp4").read_bytes())
    found = cache.get(key_of(videos, "renamed.mkv"))
    assert found.extra["inputs"]["distorted"]["name"] == "renamed.mkv"
    (videos / "a.mp4").write_bytes(b"changed")
    assert cache.get(key_of(videos)) is None


def test_everything_that_changes_a_score_changes_the_key(videos, monkeypatch):
    weights = videos / "weights.bin"
    weights.write_bytes(b"1")
    pair = {"reference": "ref.mp4"}
    keys = {
        "plain": key_of(videos),
        "other video": key_of(videos, "b.mp4"),
        "parameter": key_of(videos, "a.mp4", "up:batch=2"),
        "weights": key_of(videos, "a.mp4", f"up:model={weights}"),
        "metric version": key_of(videos, registry=make_registry("2")),
        "metric": key_of(videos, "a.mp4", "full", **pair),
        "order": key_of(videos, "a.mp4", "full", "up", **pair),
        "more metrics": key_of(videos, "a.mp4", "up", "full", **pair),
        "reference": key_of(videos, "a.mp4", "full", reference="b.mp4"),
        "align": key_of(videos, "a.mp4", "full", align=AlignOptions(mode="index"), **pair),
    }
    weights.write_bytes(b"2")
    keys["other weights"] = key_of(videos, "a.mp4", f"up:model={weights}")
    monkeypatch.setenv("VQA_HARNESS_FFMPEG", "other")
    keys["environment"] = key_of(videos)
    monkeypatch.delenv("VQA_HARNESS_FFMPEG")
    monkeypatch.setattr("vqa_harness.logs.cache_key.__version__", "99")
    keys["harness"] = key_of(videos)
    assert len({key.digest for key in keys.values()}) == len(keys)


def test_models_count_by_their_bytes_wherever_they_lie(videos, monkeypatch):
    for folder in ("one", "two", "same"):
        (videos / folder).mkdir()
        (videos / folder / "net.bin").write_bytes(b"2" if folder == "two" else b"1")

    def named(*paths):
        return key_of(videos, "a.mp4", f"up:model={'+'.join(str(videos / p) for p in paths)}")

    assert named("one/net.bin") == named("same/net.bin")
    assert named("one/net.bin") != named("two/net.bin")
    pair = named("one/net.bin", "two/net.bin")
    (videos / "two" / "net.bin").write_bytes(b"3")
    assert named("one/net.bin", "two/net.bin") != pair
    plain = named("one/net.bin")
    (videos / "one" / "net.json").write_text("{}")  # a card that says how the weights are used
    carded = named("one/net.bin")
    (videos / "one" / "net.json").write_text("[]")
    assert len({key.digest for key in (plain, carded, named("one/net.bin"))}) == 3
    monkeypatch.chdir(videos / "one")
    assert key_of(videos, "a.mp4", "up:model=net.bin") == named("one/net.bin")


def test_weights_in_a_metrics_package_count(videos, monkeypatch):
    package = videos / "boxed_metric"
    (package / "weights").mkdir(parents=True)
    (package / "__pycache__").mkdir()
    for name in ("__init__.py", "inner.py", "weights/net.bin"):
        (package / name).write_text("raise RuntimeError  # it is not imported for a key")
    monkeypatch.syspath_prepend(videos)
    boxed = MetricSpec("boxed", "boxed_metric.inner:Boxed", (Feature("boxed"),))
    registry = registry_with(boxed)
    first = key_of(videos, "a.mp4", "boxed", registry=registry)
    (package / "__pycache__" / "kernel.nbc").write_bytes(b"compiled")
    (package / "inner.py").write_text("# a change of code is told by a new version")
    assert key_of(videos, "a.mp4", "boxed", registry=registry) == first
    (package / "weights" / "net.bin").write_bytes(b"other")
    assert key_of(videos, "a.mp4", "boxed", registry=registry) != first


@pytest.mark.parametrize(
    ("metric", "file"),
    [("clipvqa", "weights/clipvqa-small.safetensors"), ("brisque", "data/nss_params.npz")],
)
def test_bundled_weights_are_in_the_key(metric, file):
    registry = Registry.installed()
    (facts,) = CacheKeys([registry.request(metric)], registry).facts["metrics"]
    assert file in facts["data"]


def test_a_file_that_does_not_change_is_read_once(videos, monkeypatch):
    weights = videos / "old.bin"
    weights.write_bytes(b"1")
    read = []
    monkeypatch.setattr(cache_key, "_SETTLED", -1)
    whole = cache_key.file_sha256
    monkeypatch.setattr(cache_key, "file_sha256", lambda path: read.append(path) or whole(path))
    request = f"up:model={weights}"
    keys = [key_of(videos, "a.mp4", request) for _ in range(2)]
    weights.write_bytes(b"22")
    keys.append(key_of(videos, "a.mp4", request))
    assert read.count(weights) == 2
    assert keys[0] == keys[1] != keys[2]


def test_a_reference_no_metric_looks_at_does_not_count(videos):
    assert key_of(videos, reference="ref.mp4") == key_of(videos)


def test_corrupt_entries_count_as_absent(videos):
    cache, key = ResultCache(videos / "cache"), key_of(videos)
    cache.put(key, log_for(key))
    (entry,) = (videos / "cache").iterdir()
    whole = entry.read_text()
    other = log_for(key_of(videos, "b.mp4"))
    cache.put(key_of(videos, "b.mp4"), other)
    moved = next(p for p in (videos / "cache").iterdir() if p != entry).read_text()
    for text in ("", whole[: len(whole) // 2], "{}", '{"frames": []}', "\0" * 50, moved):
        entry.write_text(text)
        assert cache.get(key) is None, text[:30]
    entry.unlink()
    entry.mkdir()
    assert cache.get(key) is None


def test_failed_metrics_and_changed_files_are_not_kept(videos):
    cache, key = ResultCache(videos / "cache"), key_of(videos)
    assert not cache.put(key, log_for(key, errors={"up": "broke"}))
    assert not cache.put(key, log_for(key_of(videos, "b.mp4")))
    assert cache.get(key) is None


def test_the_size_is_bounded_and_what_was_used_last_stays(videos):
    cache = ResultCache(videos / "cache")
    keys = []
    for number in range(5):
        (videos / "v.mp4").write_bytes(bytes([number]))
        keys.append(key_of(videos, "v.mp4"))
        cache.put(keys[-1], log_for(keys[-1]))
        os.utime(cache.folder / f"{keys[-1].digest}.json", (number, number))
    assert cache.get(keys[0]) is not None
    size = (cache.folder / f"{keys[0].digest}.json").stat().st_size
    small = ResultCache(cache.folder, max_bytes=3 * size)
    (videos / "v.mp4").write_bytes(b"new")
    new = key_of(videos, "v.mp4")
    assert small.put(new, log_for(new))
    assert [small.get(key) is not None for key in keys] == [True, False, False, False, True]
    assert small.get(new) is not None
    assert not ResultCache(cache.folder, max_bytes=10).put(new, log_for(new))


def test_the_folder_follows_the_platform_and_the_user(monkeypatch, tmp_path):
    monkeypatch.delenv("VQA_HARNESS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "vqa-harness"
    monkeypatch.setenv("VQA_HARNESS_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("VQA_HARNESS_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder().is_absolute()


def test_errors_are_one_line(videos):
    with pytest.raises(InputError, match="no such file"):
        key_of(videos, "gone.mp4")
    with pytest.raises(InputError, match="cannot be read"):
        key_of(videos.parent, videos.name)
    (videos / "taken").touch()
    key = key_of(videos)
    with pytest.raises(UsageError, match="--no-cache"):
        ResultCache(videos / "taken" / "cache").put(key, log_for(key))
