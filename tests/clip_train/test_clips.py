"""From files to the pictures that the network sees."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

from vqa_harness.errors import InputError, UsageError
from vqa_harness.media.reader import VideoReader
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.inputs.sampling import frame_indices, random_indices
from vqa_plugin_clip.train.augment import FOR_FRAGMENTS, PUBLISHED, Augmentation, jitter, turn_hue
from vqa_plugin_clip.train.clips import (
    VALIDATION,
    Clips,
    ClipView,
    Key,
    Rated,
    candidates,
    drawn_indices,
    epoch_batches,
)
from vqa_plugin_clip.train.figures import reduced
from vqa_plugin_clip.train.frame_store import FrameStore
from vqa_plugin_clip.train.loading import ClipLoader

RESIZE = Preprocessing(kind="resize", size=32, grid=1, resize_to=36)
FRAGMENTS = Preprocessing(kind="fragments", size=32, grid=4)
STILL = Augmentation(crops=False, mirror=0, jitter=0, grey=0)


def rated(clips, names=("c0_18.mp4", "c1_34.mp4")):
    return [Rated(n, clips / n, 3.0, 0.5, n, 14, f"{clips / n}") for n in names]


def made(clips, preprocessing=RESIZE, folder=None, augmentation=PUBLISHED, count=0):
    view = ClipView(3, preprocessing, augmentation, count, seed=7)
    files = rated(clips)
    return Clips(files, files, view, FrameStore(folder, 1 << 30))


def test_frames_are_drawn_as_published_or_from_few():
    drawn = drawn_indices(100, 8, 0, np.random.default_rng(3))
    legacy = np.random.RandomState(np.random.default_rng(3).integers(2**32))
    np.testing.assert_array_equal(drawn, random_indices(100, 8, legacy))
    known = candidates(100, 8, 3)
    assert len(known) == 24
    for seed in range(20):
        few = drawn_indices(100, 8, 3, np.random.default_rng(seed))
        assert set(few) <= set(known)
        np.testing.assert_array_equal(few // 12, np.arange(8))


@pytest.mark.parametrize("frames", [1, 2, 5, 8, 9, 17, 100])
@pytest.mark.parametrize("count", [0, 1, 4])
def test_every_frame_drawn_is_a_candidate(frames, count):
    known = candidates(frames, 8, count)
    assert (np.diff(known) > 0).all()
    assert known[-1] < frames
    for seed in range(30):
        drawn = drawn_indices(frames, 8, count, np.random.default_rng(seed))
        assert set(drawn) <= set(known)


@pytest.mark.parametrize("size", [(64, 96), (70, 41), (30, 36)])
@pytest.mark.parametrize("preprocessing", [RESIZE, FRAGMENTS])
def test_reducing_keeps_what_the_metric_sees(size, preprocessing):
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    small = reduced(frame, preprocessing)
    rng = np.random.default_rng(0)
    seen = STILL.pictures(small[None], preprocessing, rng)[0]
    np.testing.assert_array_equal(seen, preprocessing.picture(frame))


def test_large_frames_keep_room_around_their_fragments():
    frame = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    assert reduced(frame, FRAGMENTS).shape == (64, 64, 3)
    assert reduced(frame, RESIZE).shape == (36, 54, 3)


def test_hue_turns_as_hsv_says():
    red = torch.tensor([1.0, 0.2, 0.2]).view(1, 3, 1, 1)
    torch.testing.assert_close(turn_hue(red, 1 / 3).flatten(), torch.tensor([0.2, 1.0, 0.2]))
    torch.testing.assert_close(turn_hue(red, -1 / 3).flatten(), torch.tensor([0.2, 0.2, 1.0]))
    torch.testing.assert_close(turn_hue(red, 1 / 6).flatten(), torch.tensor([1.0, 1.0, 0.2]))
    frames = torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(turn_hue(frames, 0.0), frames)
    torch.testing.assert_close(turn_hue(turn_hue(frames, 0.1), -0.1), frames)


def test_jitter_stays_within_its_amounts():
    grey = torch.full((1, 3, 4, 4), 0.5)
    rng = np.random.default_rng(0)
    values = [float(jitter(grey, (0.4, 0, 0, 0), rng).mean()) for _ in range(100)]
    assert 0.3 <= min(values) < 0.34
    assert 0.66 < max(values) <= 0.7
    frames = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(jitter(frames, (0, 0, 0, 0), rng), frames)


def test_shares_of_mirror_grey_and_jitter():
    frames = np.random.default_rng(0).integers(0, 256, (2, 36, 54, 3), np.uint8)
    frames[1] = frames[0]

    def draw(seed, **options):
        chosen = Augmentation(**({"mirror": 0, "jitter": 0, "grey": 0, "crops": False} | options))
        return chosen.pictures(frames, RESIZE, np.random.default_rng(seed))

    plain = draw(0)
    np.testing.assert_array_equal(draw(0, mirror=1), plain[:, :, ::-1])
    grey = draw(0, grey=1)
    assert (grey[..., 0] == grey[..., 1]).all()
    assert not np.array_equal(*draw(0, jitter=1))
    assert np.array_equal(*draw(0, jitter=1, each="clip"))
    sizes = {draw(seed, crops=True).shape for seed in range(8)}
    assert sizes == {(2, 32, 32, 3)}
    assert len({draw(seed, crops=True).tobytes() for seed in range(8)}) > 3
    for wrong in ({"mirror": 2}, {"amounts": (0, 0, 0, 0.6)}, {"each": "video"}):
        with pytest.raises(UsageError, match="--"):
            Augmentation(**wrong)


def test_fragments_move_inside_their_cells():
    frame = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    drawn = [
        FOR_FRAGMENTS.pictures(frame, FRAGMENTS, np.random.default_rng(seed)) for seed in range(6)
    ]
    assert len({d.tobytes() for d in drawn}) == 6
    cell = frame[0, :16, :16].reshape(-1, 3)
    for picture in drawn:
        corners = [picture[0, :8, :8], picture[0, :8, -8:]]  # mirrored ones start elsewhere
        assert any(np.isin(part.reshape(-1, 3), cell).all() for part in corners)


@pytest.mark.parametrize("preprocessing", [RESIZE, FRAGMENTS])
@pytest.mark.parametrize("count", [0, 2])
def test_the_store_changes_nothing(clips, tmp_path, preprocessing, count):
    direct = made(clips, preprocessing, count=count)
    kept = made(clips, preprocessing, tmp_path / "store", count=count)
    keys = [Key(epoch, row) for epoch in (0, 1, VALIDATION) for row in (0, 1)]
    for key in keys * 2:
        np.testing.assert_array_equal(kept[key], direct[key])
    assert len(list((tmp_path / "store").iterdir())) == 4
    assert not np.array_equal(direct[keys[0]], direct[keys[2]])


def test_the_store_is_bounded_and_survives_damage(tmp_path):
    frames = np.arange(300, dtype=np.uint8).reshape(1, 10, 10, 3)
    store = FrameStore(tmp_path / "store", 700)
    for key in "abc":
        np.testing.assert_array_equal(store.get(key, lambda: frames), frames)
    (kept,) = (tmp_path / "store").iterdir()
    kept.write_bytes(b"damaged")
    np.testing.assert_array_equal(store.get("a", lambda: frames), frames)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UsageError, match="--cache"):
        FrameStore(blocked / "x", 1)


def test_validation_sees_what_the_metric_sees(clips):
    seen = made(clips)[Key(VALIDATION, 1)]
    with VideoReader(clips / "c1_34.mp4") as reader:
        frames = [RESIZE.picture(frame.rgb.copy()) for frame in reader]
    wanted = np.stack([frames[index] for index in frame_indices(14, 3)])
    np.testing.assert_array_equal(seen, wanted)


def test_batches_are_shared_out_without_rest():
    mine = [epoch_batches(23, 3, 1, 5, process, 2) for process in range(2)]
    assert [len(part) for part in mine] == [3, 3]
    rows = [key.row for part in mine for batch in part for key in batch]
    assert len(set(rows)) == len(rows) == 18
    assert epoch_batches(23, 3, 2, 5, 0, 2) != mine[0]
    assert epoch_batches(23, 3, 1, 5, 0, 2) == mine[0]


def test_other_processes_make_the_same_clips(clips):
    keys = [[Key(0, 0), Key(0, 1)], [Key(1, 0)], [Key(VALIDATION, 1)]]
    loadings = [ClipLoader(made(clips), workers) for workers in (0, 1)]
    here, there = (list(loading.batches(keys)) for loading in loadings)
    for loading in loadings:
        loading.close()
    for a, b in zip(here, there, strict=True):
        assert torch.equal(a, b)
    assert here[0].shape == (2, 3, 32, 32, 3)


def test_files_that_changed_are_named(clips):
    files = rated(clips)
    longer = [Rated(n, p, s, m, g, 40, x) for n, p, s, m, g, _, x in map(_fields, files)]
    view = ClipView(3, RESIZE, PUBLISHED, 0, 7)
    loading = ClipLoader(Clips(longer, [], view, FrameStore(None, 0)), 0)
    with pytest.raises(InputError, match=r"c0_18.mp4: .* frames could be read; did it change"):
        list(loading.batches([[Key(0, 0)]]))


def _fields(file):
    return (file.name, file.path, file.score, file.share, file.group, file.frames, file.stamp)
