"""Gradients, optimiser groups and schedule against numbers of the published method."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

import torch

from vqa_plugin_clip.network.labels import cosine_loss
from vqa_plugin_clip.train.optimiser import learning_rate, parameter_groups, set_learning_rates
from vqa_plugin_clip.train.recipe import BASE_LR, BETAS, WEIGHT_DECAY


def backward(golden):
    model = golden.model().train()
    parameter_groups(model)
    with torch.no_grad():
        text = model.encode_text(golden.tokens)
    labels = torch.from_numpy(golden.arrays["loss/labels"])
    loss = cosine_loss(model(golden.video, text).probs, labels)
    loss.backward()
    return model, float(loss.detach())


def test_loss_and_gradients(golden):
    model, loss = backward(golden)
    assert loss == pytest.approx(float(golden.arrays["loss/value_b2"]), abs=1e-6)
    named = golden.under("loss/grad")
    assert len(named) == 6
    for name, expected in named.items():
        actual = model.get_parameter(name).grad.numpy()
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


def test_gradient_norm_of_every_parameter(golden):
    model, _ = backward(golden)
    expected = golden.json("loss/grad_norms_json")
    assert set(expected) == {name for name, _ in model.named_parameters()}
    for name, norm in expected.items():
        gradient = model.get_parameter(name).grad
        if norm is None:
            assert gradient is None, name
        else:
            assert float(gradient.norm()) == pytest.approx(norm, abs=1e-5), name


def test_optimiser_groups(golden):
    groups = parameter_groups(golden.model())
    actual = {}
    for group in groups:
        assert group["lr"] == pytest.approx(BASE_LR * group["multiple"])
        for name, parameter in zip(group["names"], group["params"], strict=True):
            assert parameter.requires_grad
            actual[name] = [group["multiple"], group["weight_decay"]]
    expected = golden.json("optim_groups_json")
    assert actual == {name: value for name, value in expected.items() if value != "frozen"}
    frozen = {name for name, value in expected.items() if value == "frozen"}
    model = golden.model()
    parameter_groups(model)
    assert {name for name, p in model.named_parameters() if not p.requires_grad} == frozen


def test_the_corrected_network_trains_conv2_and_can_train_its_text(golden):
    on = {"attend_over_tokens": True, "select_class_tokens": True, "permute_conv2": True}
    names = {name for group in parameter_groups(golden.model(**on)) for name in group["names"]}
    assert "conv2.weight" in names
    assert "token_embedding.weight" not in names
    model = golden.model(**on)
    groups = parameter_groups(model, train_text=True)
    assert {name for group in groups for name in group["names"]} == set(
        dict(model.named_parameters())
    )


def test_schedule(golden_a):
    schedule = golden_a.under("schedule")
    actual = [
        [learning_rate(int(step), 100, BASE_LR * multiple) for multiple in (1, 10)]
        for step in schedule["step"]
    ]
    assert len(actual) == 14
    np.testing.assert_allclose(actual, schedule["lr_base_and_x10"], rtol=1e-9, atol=1e-18)


def test_rates_are_set_on_an_optimiser_and_it_steps(golden):
    model, _ = backward(golden)
    optimizer = torch.optim.AdamW(parameter_groups(model), betas=BETAS, weight_decay=WEIGHT_DECAY)
    before = model.mit.alpha.detach().clone()
    set_learning_rates(optimizer, 250, 100)
    for group in optimizer.param_groups:
        assert group["lr"] == pytest.approx(4e-6 * group["multiple"])
    optimizer.step()
    # the first step of Adam moves by about the learning rate
    assert float((model.mit.alpha.detach() - before).abs().max()) == pytest.approx(4e-5, rel=0.01)
