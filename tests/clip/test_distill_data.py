"""Labelled clips: what they are made from, that they can be made again, and what is kept."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed; it comes with the extra clip")

from tests.clip.made_clips import still
from vqa_harness.errors import InputError, MissingBackend, UsageError
from vqa_harness.media.encode import encode_frames
from vqa_metrics.vmaf.ffmpeg import find_ffmpeg
from vqa_metrics.vmaf.options import RawFormat
from vqa_metrics.vmaf.pipe import VmafPipe
from vqa_plugin_clip.distill import footage, shards
from vqa_plugin_clip.distill.coders import CODERS
from vqa_plugin_clip.distill.contents import is_held_out, list_contents, read_still
from vqa_plugin_clip.distill.damage import Damage, apply
from vqa_plugin_clip.distill.draw import draw, draw_group
from vqa_plugin_clip.distill.footage import check_footage, footage_clip, is_footage
from vqa_plugin_clip.distill.motion import FRAMES, SHORT_SIDE_MIN, SIZE, draw_path, moving_clip
from vqa_plugin_clip.distill.planes import Planes, from_rgb, pack, recode
from vqa_plugin_clip.distill.shards import SetPlan, make_shards, open_frames, read_labels

SOME_CODERS = ("x264-fast", "x265-fast", "vp9-realtime")


def content(folder, count=3):
    paths = [folder / f"still{index}.png" for index in range(count)]
    for index, path in enumerate(paths):
        still(index).save(path)
    return tuple(paths)


@pytest.fixture
def vmaf():
    try:
        find_ffmpeg()
    except MissingBackend as error:
        pytest.skip(str(error))


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A plan for shards of one moving clip under four damages; x265 and VP9 repeat exactly."""
    monkeypatch.setattr(shards, "CLIPS_PER_SHARD", 4)
    coders = ("x265-ultrafast", "vp9-realtime")
    return SetPlan("train", content(tmp_path), coders, ("codec", "noise"), 7)


def make(plan, count, cache):
    return sum(make_shards(plan, 4 * count, cache, recode, workers=1))


def test_shards_are_the_same_for_the_same_seed(plan, tmp_path, vmaf):
    for run in ("a", "b"):
        assert make(plan, 1, tmp_path / run) == 4
    first, again = (open_frames(plan, 4, tmp_path / run)[0] for run in ("a", "b"))
    assert first.shape == (4, 4, SIZE * SIZE * 3 // 2)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    labels = [read_labels(plan, 4, tmp_path / run) for run in ("a", "b")]
    assert labels[0] == labels[1]
    assert len({label.group for label in labels[0]}) == 1
    assert all(0 <= label.vmaf <= 100 for label in labels[0])
    assert labels[0][1].damage.kind == labels[0][0].damage.kind

    other = replace(plan, seed=8)
    make(other, 1, tmp_path / "c")
    assert not np.array_equal(open_frames(other, 4, tmp_path / "c")[0], first)


def test_only_missing_shards_are_made_again(plan, tmp_path, vmaf):
    cache = tmp_path / "cache"
    make(plan, 2, cache)
    folder = cache / "train"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(before) == ["00000.json", "00000.npy", "00001.json", "00001.npy"]

    (folder / "00001.json").unlink()  # as an interruption leaves it
    (folder / "00001.npy").write_bytes(b"half a file")
    stamp = (folder / "00000.npy").stat().st_mtime_ns
    assert make(plan, 2, cache) == 8
    assert (folder / "00000.npy").stat().st_mtime_ns == stamp
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before

    def never(*_):
        raise AssertionError("a whole shard was made again")

    assert sum(make_shards(plan, 8, cache, never, workers=1)) == 8
    with pytest.raises(AssertionError, match="made again"):
        list(make_shards(replace(plan, kinds=("codec",)), 8, cache, never, workers=1))


def test_labels_fall_as_coding_gets_coarser(vmaf):
    rng = np.random.default_rng(0)
    clip = moving_clip(still(), rng, FRAMES)
    means = []
    with VmafPipe(RawFormat(SIZE, SIZE)) as pipe:
        for crf in (20, 32, 44):
            coded = apply(Damage("codec", "x264-ultrafast", crf), clip, recode, rng)
            for pair in zip(clip, coded, strict=True):
                pipe.write(*pair)
        scores = [frame["metrics"]["vmaf"] for frame in pipe.close()["frames"]]
    means = [np.mean(scores[i * FRAMES + 1 : (i + 1) * FRAMES - 1]) for i in range(3)]
    assert means[0] > means[1] + 5 > means[2] + 10


@pytest.mark.parametrize("coder", CODERS)
def test_every_coder_gives_back_as_many_frames(coder):
    rng = np.random.default_rng(0)
    clip = moving_clip(still(), rng, 3)
    try:
        out = apply(Damage("codec", coder, CODERS[coder].crf[1], scale=0.375), clip, recode, rng)
    except ValueError as error:
        pytest.skip(f"this build of FFmpeg cannot encode {coder}: {error}")
    assert [frame.y.shape for frame in out] == 3 * [(SIZE, SIZE)]
    assert not np.array_equal(out[1].y, clip[1].y)


@pytest.mark.parametrize(
    ("damage", "changed"),
    [
        (Damage("blur", sigma=2.0), True),
        (Damage("noise", sigma=9.0), True),
        (Damage("none"), False),
    ],
)
def test_simple_damage(damage, changed):
    rng = np.random.default_rng(0)
    clip = moving_clip(still(), rng, 2)
    out = apply(damage, clip, recode, rng)
    same = [np.array_equal(a, b) for a, b in zip(out[1], clip[1], strict=True)]
    assert (not any(same)) if changed else all(same)
    assert all(plane.dtype == np.uint8 for plane in out[1])


def test_a_freeze_holds_frames():
    frames = [Planes(*3 * [np.full((2, 2), t, np.uint8)]) for t in range(7)]
    out = apply(Damage("freeze", hold=3), frames, recode, np.random.default_rng(0))
    assert [int(frame.y[0, 0]) for frame in out] == [0, 0, 0, 3, 3, 3, 6]


def test_footage_keeps_its_motion(tmp_path, monkeypatch):
    path = tmp_path / "master.mkv"
    picture = np.asarray(still(0, 700).convert("L"))
    frames = [np.ascontiguousarray(picture[40:660, 8 * t : 8 * t + 600]) for t in range(12)]
    planes = [Planes(f, *2 * [np.full((310, 300), 128, np.uint8)]) for f in frames]
    encode_frames(path, planes, options={"crf": "4", "preset": "ultrafast"})
    assert is_footage(path)
    assert list_contents(tmp_path) == [path]
    clip = footage_clip(path, np.random.default_rng(1), FRAMES, SHORT_SIDE_MIN)
    assert len(clip) == FRAMES
    assert {plane.y.shape for plane in clip} == {(SIZE, SIZE)}
    first, second = clip[0].y.astype(int), clip[1].y.astype(int)
    shifted = [np.abs(first[:, s:] - second[:, : SIZE - s]).mean() for s in range(13)]
    assert 4 <= int(np.argmin(shifted)) <= 9
    again = footage_clip(path, np.random.default_rng(1), FRAMES, SHORT_SIDE_MIN)
    np.testing.assert_array_equal(again[3].y, clip[3].y)
    with pytest.raises(InputError, match=r"master.mkv: 12 frames, needs at least 20"):
        footage_clip(path, np.random.default_rng(1), 20, SHORT_SIDE_MIN)
    with pytest.raises(InputError, match=r"600x620 is too small"):
        footage_clip(path, np.random.default_rng(1), FRAMES, 800)
    check_footage(path, FRAMES, SHORT_SIDE_MIN)
    with pytest.raises(InputError, match=r"master.mkv: 12 frames, needs at least 13"):
        check_footage(path, 13, SHORT_SIDE_MIN)
    with pytest.raises(InputError, match=r"600x620 is too small"):
        check_footage(path, FRAMES, 800)
    monkeypatch.setattr(footage, "_promised", lambda _: 240)  # more than there is
    late = footage_clip(path, np.random.default_rng(1), FRAMES, SHORT_SIDE_MIN)
    assert len(late) == FRAMES


def test_banding_leaves_few_values():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    out = apply(Damage("banding", step=16), [Planes(ramp, ramp, ramp)], recode, None)[0]
    assert set(np.unique(out.y)) == {*range(0, 256, 16), 255}
    assert np.abs(out.y.astype(int) - ramp).max() <= 8


def test_damage_is_drawn_from_what_is_allowed():
    rng = np.random.default_rng(0)
    kinds = ("codec", "scale", "blur")
    drawn = [draw(rng, SOME_CODERS, kinds) for _ in range(300)]
    assert {damage.kind for damage in drawn} == set(kinds)
    coded = [damage for damage in drawn if damage.kind == "codec"]
    assert {damage.coder for damage in coded} == set(SOME_CODERS)
    for damage in coded:
        low, high = CODERS[damage.coder].crf
        assert low <= damage.crf <= high
    assert 0.3 < np.mean([damage.scale < 1 for damage in coded]) < 0.7
    group = draw_group(rng, 4, SOME_CODERS, kinds)
    assert [d.kind for d in group[::2]] == [d.kind for d in group[1::2]]


def test_windows_stay_inside_the_still():
    rng = np.random.default_rng(0)
    for _ in range(500):
        width, height = (int(side) for side in rng.integers(SHORT_SIDE_MIN, 900, 2))
        path = draw_path(rng, width, height, FRAMES)
        for t in (0, FRAMES - 1):
            half = SIZE / 2 * path.zoom * path.rate**t
            for side, centre, step in zip((width, height), path.centre, path.step, strict=True):
                assert half <= centre + t * step + 1e-6
                assert centre + t * step <= side - half + 1e-6


def test_some_clips_move_and_some_do_not():
    picture = still()
    moved = []
    for seed in range(40):
        clip = moving_clip(picture, np.random.default_rng(seed), 2)
        moved.append(np.abs(clip[0].y.astype(int) - clip[1].y).mean() > 0)
    assert 0 < sum(moved) < 40


def test_planes_of_plain_colours():
    grey = from_rgb(np.full((4, 4, 3), 255, np.uint8))
    assert (grey.y[0, 0], grey.u[0, 0], grey.v[0, 0]) == (235, 128, 128)
    red = from_rgb(np.broadcast_to(np.array([255, 0, 0], np.uint8), (4, 4, 3)))
    assert (red.y[0, 0], red.u[0, 0], red.v[0, 0]) == (63, 102, 240)  # BT.709
    assert pack(red).shape == (24,)


def test_contents_are_listed_and_split_by_name(tmp_path):
    names = [f"{index}.png" for index in range(400)]
    for name in names[:5]:
        (tmp_path / name).touch()
    (tmp_path / "notes.txt").write_text("\n".join(names[:3]) + "\n\n")
    assert [path.name for path in list_contents(tmp_path)] == names[:5]
    assert [path.name for path in list_contents(tmp_path / "notes.txt")] == names[:3]
    share = np.mean([is_held_out(tmp_path / name) for name in names])
    assert 0.15 < share < 0.3
    assert is_held_out(tmp_path / "a.png") == is_held_out(tmp_path / "elsewhere" / "a.jpg")
    with pytest.raises(UsageError, match="no such folder"):
        list_contents(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds neither stills"):
        list_contents(tmp_path / "empty")


def test_stills_are_shrunk_and_bad_ones_refused(tmp_path):
    rng = np.random.default_rng(0)
    still(size=700).save(tmp_path / "large.png")
    sizes = {min(read_still(tmp_path / "large.png", rng, 448).size) for _ in range(5)}
    assert len(sizes) > 1
    assert min(sizes) >= 448
    assert max(sizes) <= 700
    still(size=400).save(tmp_path / "small.png")
    with pytest.raises(InputError, match=r"small.png: 400x400 is too small"):
        read_still(tmp_path / "small.png", rng, 448)
    still(size=700).save(tmp_path / "lossy.jpg")
    with pytest.raises(InputError, match="700x700 is too small a picture, and a JPEG file is halv"):
        read_still(tmp_path / "lossy.jpg", rng, 448)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="cannot be read"):
        read_still(tmp_path / "broken.png", rng, 448)


def test_label_files_hold_no_paths(plan, tmp_path, vmaf):
    make(plan, 1, tmp_path / "cache")
    text = (tmp_path / "cache" / "train" / "00000.json").read_text()
    assert str(tmp_path) not in text
    assert set(json.loads(text)["clips"][0]) == {"content", "group", "damage", "vmaf", "moments"}
