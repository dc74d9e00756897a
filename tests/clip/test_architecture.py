"""Sizes and switches: checks, JSON, behaviours."""

import json

import pytest

from vqa_harness.errors import UsageError
from vqa_plugin_clip.network.architecture import Architecture


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"frames": 0}, "frames=0: needs a whole number from 1"),
        ({"frames": 8.0}, "frames=8.0"),
        ({"frames": True}, "frames=True"),
        ({"vision_layers": 10**9}, "vision_layers=1000000000"),
        ({"image_size": 225}, "image_size=225: needs a multiple of patch_size=16"),
        ({"vision_width": 100}, "vision_width=100: needs a multiple of head_width=64"),
        ({"stem": "resnet"}, "stem='resnet': choose"),
        ({"stem": "efficientnet-lite0", "patch_size": 32}, "needs patch_size=16"),
        ({"activation": "relu"}, "activation='relu': choose"),
        ({"attend_over_tokens": 1}, "attend_over_tokens=1: needs true or false"),
        ({"vocabulary": ("bad", "bad")}, "different words"),
        ({"vocabulary": ("very bad",)}, "without spaces"),
        ({"vocabulary": ("bad",)}, "vocab_size=49408: 1 words need 4"),
    ],
)
def test_bad_values_are_refused(values, message):
    with pytest.raises(UsageError, match=message):
        Architecture(**values)


def test_json_round_trip():
    sizes = Architecture(vocabulary=("bad", "good"), vocab_size=5, frames=8)
    assert Architecture.from_dict(json.loads(json.dumps(sizes.to_dict()))) == sizes
    with pytest.raises(UsageError, match="unknown key 'depth'"):
        Architecture.from_dict({"depth": 3})
    with pytest.raises(UsageError, match="list of words"):
        Architecture.from_dict({"vocabulary": "bad"})


def test_named_behaviours():
    assert Architecture().behaviour == "corrected"
    assert Architecture(permute_conv2=False).behaviour == "mixed"
    published = Architecture().with_behaviour("published")
    assert published.behaviour == "published"
    switches = (
        published.attend_over_tokens,
        published.select_class_tokens,
        published.permute_conv2,
    )
    assert switches == (False, False, False)
    with pytest.raises(UsageError, match="choose published or corrected"):
        Architecture().with_behaviour("mixed")


def test_a_foreign_state_dict_is_refused(golden):
    with pytest.raises(UsageError, match="no visual"):
        Architecture.from_state_dict({})
    state = dict(golden.state)
    state["visual.positional_embedding"] = state["visual.positional_embedding"][:-1]
    with pytest.raises(UsageError, match="do not make a square"):
        Architecture.from_state_dict(state)
    state = dict(golden.state)
    state["mit.positional_embedding"] = state["logit_scale"]
    with pytest.raises(UsageError, match=r"mit\.positional_embedding has the shape"):
        Architecture.from_state_dict(state)
