"""Labels, loss and decoders against numbers of the published method."""

import numpy as np
import pytest

from vqa_harness.errors import MissingBackend, UsageError
from vqa_plugin_clip.network.labels import (
    cosine_loss,
    expected_level,
    labels_of,
    level_label,
    score,
    vectorised_label,
)
from vqa_plugin_clip.svr import SvrDecoder


def test_vectorised_labels(golden_a, golden):
    for mos, vectors in (("labels/mos", "labels/vector"), ("loss/mos", "loss/labels")):
        source = golden_a if mos.startswith("labels") else golden
        actual = vectorised_label(source.arrays[mos])
        np.testing.assert_allclose(actual, source.arrays[vectors], rtol=0, atol=1e-12)


def test_far_scores_do_not_underflow():
    assert vectorised_label(60.0)[5] == pytest.approx(1.0)
    assert vectorised_label([-60.0, 2.5]).shape == (2, 6)


def test_the_score_undoes_the_label():
    vmaf = np.array([0.0, 1e-9, 1e-3, *np.linspace(0, 100, 2001), 100 - 1e-9, 100.0])
    found = score(level_label(vmaf / 20))
    np.testing.assert_allclose(found, vmaf, rtol=0, atol=1e-6)
    for levels in (2, 5, 11):
        wanted = np.linspace(0, levels - 1, 301)
        found = expected_level(level_label(wanted, levels))
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8)
    assert level_label([[2.5], [0.0]]).shape == (2, 1, 6)


def test_level_labels_have_the_papers_shape_and_no_other_centre_in_the_middle():
    np.testing.assert_allclose(level_label(2.5), vectorised_label(2.5), rtol=0, atol=1e-12)
    logs = np.log(level_label([0.7, 4.9]))
    np.testing.assert_allclose(np.diff(logs, n=2), -2.0, rtol=0, atol=1e-6)
    # the paper's own label does not come back: this is why there are two
    np.testing.assert_allclose(score(vectorised_label([0.0, 5.0])), [5.8, 94.2], atol=0.1)


@pytest.mark.parametrize("level", [-1e-6, 5.001, np.nan])
def test_level_labels_are_of_the_scale(level):
    with pytest.raises(ValueError, match=r"not on 0 to 5"):
        level_label([1.0, level])


def test_networks_of_the_published_behaviour_keep_the_papers_label():
    assert labels_of("published") is vectorised_label
    assert labels_of("corrected") is labels_of("mixed") is level_label


def test_loss_value(golden):
    import torch

    probs = torch.from_numpy(golden.arrays["b2/probs"])
    labels = torch.from_numpy(golden.arrays["loss/labels"])
    for key in ("loss/value_b2", "loss/value_b2_autograd"):
        assert float(cosine_loss(probs, labels)) == pytest.approx(
            float(golden.arrays[key]), abs=1e-6
        )
    assert float(cosine_loss(labels, labels)) == pytest.approx(0.0, abs=1e-9)


def test_expected_level_and_score(golden_a):
    svr = golden_a.under("svr")
    levels = expected_level(svr["query"])
    np.testing.assert_allclose(levels, svr["expectation_of_query"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(score(svr["query"]), 20 * levels, rtol=0, atol=1e-10)
    np.testing.assert_allclose(score(np.eye(6)), [0, 20, 40, 60, 80, 100])
    np.testing.assert_allclose(score(np.eye(3)), [0, 50, 100])


def golden_decoder(svr):
    return SvrDecoder(
        vectors=svr["train_vectors"][svr["support"]],
        dual=svr["dual_coef"][0],
        intercept=float(svr["intercept"][0]),
        gamma=float(svr["gamma"]),
    )


def test_svr_prediction(golden_a):
    svr = golden_a.under("svr")
    decoder = golden_decoder(svr)
    assert len(decoder.vectors) == int(svr["n_support"])
    np.testing.assert_allclose(decoder.predict(svr["query"]), svr["prediction"], rtol=0, atol=1e-9)
    read = SvrDecoder.from_dict(decoder.to_dict())
    np.testing.assert_array_equal(read.predict(svr["query"]), decoder.predict(svr["query"]))


def test_svr_fit(golden_a):
    pytest.importorskip("sklearn", reason="fitting needs scikit-learn")
    svr = golden_a.under("svr")
    np.testing.assert_allclose(vectorised_label(svr["train_mos"]), svr["train_vectors"], atol=1e-12)
    decoder = SvrDecoder.fit(svr["train_mos"])
    assert decoder.gamma == pytest.approx(float(svr["gamma"]), abs=1e-9)
    np.testing.assert_allclose(decoder.dual, svr["dual_coef"][0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(decoder.predict(svr["query"]), svr["prediction"], rtol=0, atol=1e-5)


def test_svr_fit_without_sklearn_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.svm", None)
    with pytest.raises(MissingBackend, match="pip install scikit-learn"):
        SvrDecoder.fit([1.0, 2.0])


@pytest.mark.parametrize(
    "change",
    [
        {"gamma": 0.0},
        {"dual": [1.0]},
        {"vectors": [1.0, 2.0]},
        {"intercept": "x"},
        {"gamma": 1e999},
    ],
)
def test_bad_svr_numbers_are_refused(golden_a, change):
    values = golden_decoder(golden_a.under("svr")).to_dict()
    with pytest.raises(UsageError, match="SVR decoder"):
        SvrDecoder.from_dict(values | change)


def test_missing_svr_numbers_are_refused():
    with pytest.raises(UsageError, match="SVR decoder"):
        SvrDecoder.from_dict({"gamma": 1.0})
