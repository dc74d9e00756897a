"""What training sees of clips and stills: places, changes, batches, where the frames are kept."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

pytest.importorskip("PIL", reason="Pillow is not installed; it comes with the extra clip")

from PIL import Image

from tests.clip.made_clips import opinion_table, small_shards, still, written_set
from vqa_harness.errors import InputError, UsageError
from vqa_plugin_clip.distill.batches import ClipSet, View
from vqa_plugin_clip.distill.evaluate import order_within_groups
from vqa_plugin_clip.distill.motion import SIZE
from vqa_plugin_clip.distill.opinions import OpinionSet, read_opinions, split
from vqa_plugin_clip.distill.places import (
    GRID,
    PATCH,
    SIDE,
    cut,
    drawn,
    middle,
    mirrored,
    packed_index,
    shuffled,
    spread,
    turned,
)
from vqa_plugin_clip.distill.planes import Planes, from_rgb, pack
from vqa_plugin_clip.distill.sampling import normalise, normalise_rgb
from vqa_plugin_clip.distill.shards import SetPlan
from vqa_plugin_clip.distill.stored import MappedFrames, ResidentFrames, fits
from vqa_plugin_clip.distill.vary import vary_colour, vary_places
from vqa_plugin_clip.inputs.preprocess import Preprocessing, fragments
from vqa_plugin_clip.network.labels import score

CPU = torch.device("cpu")


def draws(seed=0):
    return torch.Generator(CPU).manual_seed(seed)


def view(seed=0, **changes):
    return View(np.random.default_rng(seed), draws(seed), **changes)


@pytest.fixture
def clip_set(tmp_path, monkeypatch):
    """Eight clips of two groups."""
    small_shards(monkeypatch, 4)
    return ClipSet([(written_set(tmp_path), 8)], tmp_path)


def test_fragments_are_the_patches_they_say():
    rng = np.random.default_rng(0)
    planes = Planes(
        rng.integers(0, 256, (SIZE, SIZE), np.uint8),
        *rng.integers(0, 256, (2, SIZE // 2, SIZE // 2), np.uint8),
    )
    corners = drawn(2, draws())
    frames = torch.from_numpy(pack(planes))[None, None].expand(2, 3, -1)
    out = cut(frames, packed_index(spread(corners))).numpy()
    assert out.shape == (2, 3, 3, SIDE, SIDE)
    for i, j in ((0, 0), (2, 5), (6, 6)):
        top, left = int(corners.rows[1, i, j]), int(corners.columns[1, i, j])
        found = out[1, 2, :, i * PATCH : (i + 1) * PATCH, j * PATCH : (j + 1) * PATCH]
        np.testing.assert_array_equal(found[0], planes.y[top : top + PATCH, left : left + PATCH])
        chroma = planes.v[top // 2 : (top + PATCH) // 2, left // 2 : (left + PATCH) // 2]
        np.testing.assert_array_equal(found[2], chroma.repeat(2, 0).repeat(2, 1))


def test_patches_stay_in_their_cells():
    corners = drawn(200, draws())
    edges = torch.arange(GRID + 1) * SIZE // GRID
    for part, axis in ((corners.rows, 1), (corners.columns, 2)):
        cells = part.movedim(axis, 0).reshape(GRID, -1)
        assert (cells >= edges[:-1, None]).all()
        assert (cells + PATCH <= (edges[1:, None] + 1).clamp(max=SIZE)).all()
        assert (part % 2 == 0).all()
        assert len(part[:, 3, 3].unique()) > 5
    between = middle(1, CPU)
    for part in between:
        assert (part >= 0).all()
        assert (part + PATCH <= SIZE).all()
    assert (between.rows[0] == between.columns[0].T).all()


def test_input_is_what_the_metric_gives_the_network():
    rgb = np.asarray(still(3, SIZE))
    smooth = np.asarray(Image.fromarray(rgb).resize((24, 24)).resize((SIZE, SIZE), 3))
    frames = torch.from_numpy(pack(from_rgb(smooth)))[None, None]
    ours = normalise(cut(frames, packed_index(spread(middle(1, CPU)))))[0, 0]
    preprocessing = Preprocessing(size=SIDE)
    theirs = preprocessing.tensor(preprocessing.picture(smooth)[None])[0]
    assert (ours - theirs).abs().mean() < 0.06  # patches may lie one pixel apart


def test_each_change_of_places_is_done_to_half_of_the_clips():
    corners = drawn(64, draws())
    plain = spread(corners)
    for change, undo in ((mirrored, lambda part: part.flip(2)), (turned, None)):
        changed = change(plain, draws(1))
        same = (changed.rows == plain.rows).flatten(1).all(1)
        same &= (changed.columns == plain.columns).flatten(1).all(1)
        assert 10 < int(same.sum()) < 50 if undo else 5 < int(same.sum()) < 35
        if undo:
            torch.testing.assert_close(undo(changed.columns)[~same], plain.columns[~same])
    mixed = shuffled(corners, draws(2))
    same = (mixed.rows == corners.rows).flatten(1).all(1)
    assert 10 < int(same.sum()) < 50
    pairs = [torch.stack([part.flatten(1) for part in c], 2).tolist() for c in (mixed, corners)]
    assert [sorted(clip) for clip in pairs[0]] == [sorted(clip) for clip in pairs[1]]
    again = shuffled(corners, draws(2))
    torch.testing.assert_close(again.rows, mixed.rows)


def test_varied_clips_keep_their_luma():
    samples = torch.arange(SIZE * SIZE * 3 // 2).remainder(251).to(torch.uint8)
    frames = samples.expand(12, 2, -1)
    corners = middle(12, CPU)
    plain = cut(frames, packed_index(spread(corners)))
    varied = cut(frames, packed_index(vary_places(corners, draws())))
    assert len({bytes(clip.numpy()) for clip in varied}) > 4
    for one, other in zip(plain, varied, strict=True):
        torch.testing.assert_close(one.flatten().sort().values, other.flatten().sort().values)

    grey = torch.full((5, 1, 3, 4, 4), 128, dtype=torch.uint8)
    grey[:, :, 0] = torch.arange(16, 240, 14, dtype=torch.uint8).reshape(4, 4)
    turned_grey = vary_colour(grey, draws())
    assert (turned_grey[:, :, 1:] == 128).all()
    assert (turned_grey[:, :, 0].int() - grey[:, :, 0].int()).abs().max() <= 13
    colour = grey.clone()
    colour[:, :, 1] = 180
    turned_colour = vary_colour(colour, draws())
    assert len({bytes(clip[0, 1].numpy()) for clip in turned_colour}) > 1


def test_epochs_hold_every_clip_once_and_groups_side_by_side(clip_set):
    seen = list(clip_set.epoch(4, np.random.default_rng(0)))
    assert [len(places) for places in seen] == [4, 4]
    assert sorted(np.concatenate(seen)) == list(range(8))
    for places in seen:
        assert len(set(clip_set.groups[places])) == 1
    orders = set()
    for seed in range(6):
        epoch = clip_set.epoch(4, np.random.default_rng(seed))
        orders.add(tuple(np.concatenate(list(epoch))))
    assert len(orders) > 3
    assert [len(places) for places in clip_set.epoch(3, np.random.default_rng(0))] == [3, 3]


def test_batches_know_what_belongs_to_their_clips(clip_set):
    batch = clip_set.batch([0, 5], 2, view(vary=True))
    assert batch.fragments.shape == (2, 2, 3, SIDE, SIDE)
    assert batch.fragments.dtype == torch.uint8
    np.testing.assert_allclose(20 * batch.level.numpy(), clip_set.vmaf[[0, 5]], rtol=1e-6)
    np.testing.assert_allclose(score(batch.label.numpy()), clip_set.vmaf[[0, 5]], atol=1e-3)
    assert batch.group.tolist() == [0, 1]
    again = clip_set.batch([0, 5], 2, view(vary=True))
    torch.testing.assert_close(again.fragments, batch.fragments)
    plain = clip_set.batch([0, 5], 2, view())
    assert not torch.equal(plain.fragments, batch.fragments)
    still_ones = clip_set.batch([0, 5], 2).fragments
    torch.testing.assert_close(clip_set.batch([0, 5], 2).fragments, still_ones)


def test_a_band_is_a_part_of_the_fragments(clip_set):
    whole = clip_set.batch([3], 4, view(seed=4)).fragments
    band = clip_set.batch([3], 4, view(seed=4, first=2, rows=3)).fragments
    torch.testing.assert_close(band, whole[..., 2 * PATCH : 5 * PATCH, :])


def test_resident_clips_are_the_same_clips(clip_set, tmp_path):
    resident = ClipSet([(written_set_again(tmp_path), 8)], tmp_path, resident=True)
    assert (resident.resident, clip_set.resident) == (True, False)
    assert isinstance(resident._frames, ResidentFrames)
    assert isinstance(clip_set._frames, MappedFrames)
    for chosen in (None, view(3, vary=True)):
        one = clip_set.batch([1, 6, 2], 3, chosen if chosen is None else view(3, vary=True))
        other = resident.batch([1, 6, 2], 3, chosen)
        for first, second in zip(one, other, strict=True):
            torch.testing.assert_close(first, second)


def test_clips_stay_on_a_gpu_that_has_room(monkeypatch):
    clips = [np.zeros((4, 1000), np.uint8)] * 10
    assert not fits(clips, CPU)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (100_000, 200_000))
    assert fits(clips, torch.device("cuda"))
    assert not fits(clips * 2, torch.device("cuda"))
    assert not fits([], torch.device("cuda"))


def test_more_frames_can_be_kept(tmp_path, monkeypatch):
    small_shards(monkeypatch, 4)
    plan = written_set(tmp_path, keep=8)
    assert plan.folder == "train-8-frames"
    clips = ClipSet([(plan, 8)], tmp_path)
    batch = clips.batch([0], 8)
    frames = batch.fragments[0]
    assert len({bytes(frame.numpy()) for frame in frames}) == 8
    assert clips.lumas(3).shape == (8, SIZE, SIZE)


def test_sets_are_joined_with_groups_of_their_own(clip_set, tmp_path):
    plan = written_set_again(tmp_path)
    both = ClipSet([(plan, 8), (plan, 4)], tmp_path)
    assert len(both) == 12
    assert len(set(both.groups)) == len(set(clip_set.groups)) + 1
    assert not set(both.groups[8:]) & set(both.groups[:8])
    one, other = both.batch([0, 8], 1).fragments
    torch.testing.assert_close(one, other)


def written_set_again(folder):
    """The plan of the set that is there already."""
    return SetPlan("train", (folder / "a.png",), ("x265-ultrafast",), ("codec",), 1)


def test_kinds_can_be_left_out(clip_set, tmp_path):
    plan = written_set_again(tmp_path)
    assert len(ClipSet([(plan, 8)], tmp_path, without=("freeze",))) == 8
    assert len(ClipSet([(plan, 8)], tmp_path, without=("codec",))) == 0
    assert clip_set.lumas(3).shape == (4, SIZE, SIZE)


@pytest.mark.parametrize(("hold", "left"), [(2, 0), (3, 8), (9, 0)])
def test_freezes_that_no_stored_frame_shows_are_left_out(tmp_path, monkeypatch, hold, left):
    small_shards(monkeypatch, 4)
    plan = written_set(tmp_path, damage={"kind": "freeze", "hold": hold})
    clips = ClipSet([(plan, 8)], tmp_path)
    assert (len(clips), clips.hidden["freeze"]) == (left, 8 - left)


def test_order_is_counted_inside_groups(clip_set):
    assert order_within_groups(clip_set.vmaf, clip_set) == 1.0
    assert order_within_groups(-clip_set.vmaf, clip_set) == 0.0


def test_opinions_are_split_by_blocks(tmp_path):
    development, validation = split(read_opinions(opinion_table(tmp_path, 210)))
    assert [opinion.mos for opinion in validation] == [*range(80, 100), *range(180, 200)]
    assert len(development) == 170
    stills = OpinionSet(validation[:2])
    fragments, mos = stills.batch(np.array([1]), 3, stills.draws(1))
    assert fragments.shape == (1, 3, 3, SIDE, SIDE)
    assert torch.equal(fragments[:, 0], fragments[:, 2])
    assert mos.tolist() == [81.0]
    again, _ = stills.batch(np.array([1]), 3, stills.draws(1))
    torch.testing.assert_close(again, fragments)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,mos\n", "needs a header and rows"),
        ("file,mos\na.png\n", "is not file,score"),
        ("file,mos\na.png,high\n", "is not file,score"),
        ("file,mos\nnone.png,3\n", "none.png: no such file"),
        ("file,mos\na.png,nan\n", "not finite"),
    ],
)
def test_bad_opinion_tables_are_refused(tmp_path, text, message):
    still(0, 400).save(tmp_path / "a.png")
    (tmp_path / "mos.csv").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_opinions(tmp_path / "mos.csv")


def test_stills_of_all_sizes_are_cut_as_the_metric_cuts_frames(tmp_path):
    rng = np.random.default_rng(0)
    pictures = [
        rng.integers(0, 256, (*size, 3), np.uint8)
        for size in ((400, 600), (231, 224), (20, 300), (500, 150), (9, 11))
    ]
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{index}.png")
    rows = [f"{index}.png,{index}" for index in range(len(pictures))]
    (tmp_path / "mos.csv").write_text("\n".join(["file,mos", *rows]))
    stills = OpinionSet(read_opinions(tmp_path / "mos.csv"))
    found, mos = stills.batch(np.arange(5), 2)
    assert mos.tolist() == [0, 1, 2, 3, 4]
    for index, picture in enumerate(pictures):
        wanted = fragments(picture, GRID, PATCH)
        np.testing.assert_array_equal(found[index, 1].permute(1, 2, 0).numpy(), wanted)
    for back, picture in zip(stills.pictures, pictures, strict=True):
        np.testing.assert_array_equal(back, picture)
    preprocessing = Preprocessing(size=SIDE)
    wanted = preprocessing.tensor(preprocessing.picture(pictures[0])[None])[0]
    torch.testing.assert_close(normalise_rgb(found[0, 0]), wanted)


def test_a_broken_still_is_left_out_and_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    still(0, 400).save(tmp_path / "b.png")
    (tmp_path / "mos.csv").write_text("file,mos\na.png,3\nb.png,4\n")
    opinions = read_opinions(tmp_path / "mos.csv")
    stills = OpinionSet(opinions)
    assert stills.mos.tolist() == [4.0]
    assert str(stills.left_out[0]).startswith("a.png: cannot be read as a picture (")
    with pytest.raises(InputError, match=r"a.png: cannot be read as a picture"):
        OpinionSet(opinions[:1])
