"""Every stage of the network against numbers of the published method."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

from vqa_plugin_clip.network.architecture import Architecture

TOLERANCE = 1e-5
VARIANTS = {
    "attend_over_tokens": {"attend_over_tokens": True},
    "select_class_tokens": {"select_class_tokens": True},
    "permute_conv2": {"permute_conv2": True},
    "all_three": {
        "attend_over_tokens": True,
        "select_class_tokens": True,
        "permute_conv2": True,
    },
}
RENAMED = {"conv2_reshaped": "content"}


def same(actual, expected):
    np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=0, atol=TOLERANCE)


def test_architecture_is_read_off_the_published_shapes(golden):
    assert Architecture.from_state_dict(golden.state) == golden.architecture()


def test_state_dict_has_the_published_keys_in_both_behaviours(golden):
    for behaviour in ("published", "corrected"):
        sizes = golden.architecture().with_behaviour(behaviour)
        model = golden.model(
            attend_over_tokens=sizes.attend_over_tokens,
            select_class_tokens=sizes.select_class_tokens,
            permute_conv2=sizes.permute_conv2,
        )
        assert model.architecture.behaviour == behaviour
        assert set(model.state_dict()) == set(golden.state)


@torch.no_grad()
def test_frame_tower(golden):
    model = golden.model()
    expected = golden.under("b2")
    steps = list(model.visual.steps(golden.video.flatten(0, 1), golden.config["T"]))
    same(steps[0], expected["visual_ln_pre"])
    for index, step in enumerate(steps[1:]):
        same(step, expected[f"visual_block{index}"])
    assert len(steps) == 1 + sum(key.startswith("visual_block") for key in expected)
    quality, patches = model.visual.read_out(steps[-1])
    same(quality, expected["visual_cls_fusion"])
    same(patches, expected["visual_patches"])


@pytest.mark.parametrize("batch", ["b2", "b1_0", "b1_1"])
@torch.no_grad()
def test_every_later_stage(golden, batch):
    video = golden.video if batch == "b2" else golden.video[int(batch[-1]) :][:1]
    prediction = golden.model()(video, golden.tokens)
    expected = {
        key: value for key, value in golden.under(batch).items() if not key.startswith("visual_")
    }
    assert len(expected) == 10
    for key, value in expected.items():
        same(getattr(prediction, RENAMED.get(key, key)), value)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("index", [0, 1])
@torch.no_grad()
def test_corrected_variants(golden, variant, index):
    prediction = golden.model(**VARIANTS[variant])(golden.video[index : index + 1], golden.tokens)
    expected = golden.under(f"variant_{variant}/b1_{index}")
    assert set(expected) == {"video_feature", "probs"}
    for key, value in expected.items():
        same(getattr(prediction, key), value)


@torch.no_grad()
def test_corrected_scores_do_not_depend_on_the_batch(golden):
    model = golden.model(**VARIANTS["all_three"])
    together = model(golden.video, golden.tokens).probs
    for index in range(2):
        alone = model(golden.video[index : index + 1], golden.tokens).probs[0]
        same(together[index], alone.numpy())


@torch.no_grad()
def test_cached_text_features_and_short_rows_change_nothing(golden):
    model = golden.model()
    direct = model(golden.video, golden.tokens).probs
    longest = int(golden.tokens.argmax(dim=1).max()) + 1
    cached = model.encode_text(golden.tokens[:, :longest])
    same(model(golden.video, cached).probs, direct.numpy())


@torch.no_grad()
def test_threads_do_not_change_the_score(golden):
    model = golden.model()
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = model(golden.video, golden.tokens).probs
        torch.set_num_threads(3)
        three = model(golden.video, golden.tokens).probs
    finally:
        torch.set_num_threads(before)
    same(one, three.numpy())
