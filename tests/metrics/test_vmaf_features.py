"""What VMAF declares for its parameters is what libvmaf gives."""

import pytest

from vqa_harness.errors import MetricError, UsageError
from vqa_harness.protocols import RunInfo
from vqa_harness.request import Request
from vqa_harness.testing import check_metric, sample_frames, stream_info
from vqa_metrics.specs.reference import VMAF
from vqa_metrics.vmaf.features import EXTRACTORS, features_of
from vqa_metrics.vmaf.metric import Vmaf

pytestmark = pytest.mark.usefixtures("ffmpeg")

SIZE = (320, 240)
NEW = {"speed_chroma", "speed_temporal"}
"""Extractors that libvmaf has only since 3.1."""
OPTIONS = (
    "cambi:full_ref=true:max_log_contrast=4:tvi_threshold=0.05:enc_width=320:enc_height=180",
    "psnr:enable_mse=true:enable_chroma=false",
    "float_ssim:enable_lcs=true:enable_db=true",
    "float_ms_ssim:enable_lcs=true",
    "adm:adm_norm_view_dist=5:adm_enhn_gain_limit=1.25",
    "vif:vif_enhn_gain_limit=1.0",
    "float_vif:vif_kernelscale=1",
)


def score(noise, **params):
    """(The last row of scores, the metric) of noisy frames against clean ones."""
    frames, refs = sample_frames(2, *SIZE, noise=noise), sample_frames(2, *SIZE)
    metric = Vmaf(**params)
    metric.open(RunInfo(stream_info(frames), stream_info(refs), ("vmaf",), 2))
    try:
        for pair in zip(frames, refs, strict=True):
            metric.measure(*pair)
        return metric.close().frames[-1], metric
    finally:
        metric.abort()


def available(name):
    try:
        score(5.0, features=name)
    except Exception:
        return False
    return True


def declared(**params):
    return Request(VMAF, {p.name: p.default for p in VMAF.params} | params).features


@pytest.fixture(scope="module")
def extractors(ffmpeg):
    """Those of the table that this libvmaf has."""
    return [name for name in EXTRACTORS if name not in NEW or available(name)]


def test_every_feature_of_the_table_is_there_and_points_the_way_it_says(extractors):
    features = "+".join(extractors)
    (little, metric), (much, _) = score(3.0, features=features), score(25.0, features=features)
    assert metric.warnings() == []
    moved = 0
    for feature in declared(features=features):
        a, b = little[feature.name], much[feature.name]
        if a is None or feature.higher_is_better is None:
            continue
        assert feature.lo is None or min(a, b) >= feature.lo, feature
        assert feature.hi is None or max(a, b) <= feature.hi, feature
        assert a >= b if feature.higher_is_better else a <= b, feature
        moved += a != b
    assert moved > 20


@pytest.mark.parametrize("feature", OPTIONS)
def test_options_rename_features_as_libvmaf_does(feature):
    row, metric = score(5.0, features=feature)
    names = [f.name for f in features_of(feature)]
    assert len(names) > 1
    assert set(names) <= set(row)
    assert metric.warnings() == []


def test_names_that_options_make():
    def names(text):
        return [feature.name for feature in features_of(text)]

    assert names("cambi:max_log_contrast=2") == ["cambi"]  # the default
    assert names(OPTIONS[0])[0] == "cambi_ench_180_encw_320_mlc_4_tvit_0.05"
    assert names(OPTIONS[1]) == ["psnr_y", "mse_y"]
    assert names("cambi:max_log_contrast=x") == ["cambi"]
    (db, *_) = features_of("float_ssim:enable_db=true")
    assert (db.unit, db.hi) == ("dB", None)
    (unknown,) = features_of("something_new:a=b")
    assert (unknown.name, unknown.higher_is_better) == ("something_new", None)


@pytest.mark.parametrize(
    "params",
    [
        {"model": "vmaf_v0.6.1neg"},
        {"model": "vmaf_4k_v0.6.1+vmaf_v0.6.1neg+vmaf_v0.6.1"},
        {"features": "psnr+float_ssim"},
        {"model": "vmaf_float_v0.6.1", "features": "cambi:full_ref=true+vif+psnr_hvs"},
    ],
)
def test_conformance_with_parameters(params):
    check_metric(VMAF, params=params, frames=sample_frames(2, *SIZE))


def test_models_come_first_in_the_order_asked_for():
    names = [f.name for f in declared(model="vmaf_v0.6.1neg+vmaf_v0.6.1", features="psnr+psnr")]
    assert names == ["vmaf_neg", "vmaf", "psnr_y", "psnr_cb", "psnr_cr"]
    (file,) = declared(model="models/My-Model.json")  # it need not be there to have a name
    assert (file.name, file.lo, file.hi) == ("vmaf_file_my_model", None, None)
    assert declared() == VMAF.features
    with pytest.raises(UsageError, match="'best'"):
        declared(model="best")


def test_what_libvmaf_leaves_out_without_a_word_is_an_error(backend):
    with pytest.raises(MetricError, match=r"was asked for null and gave nothing of that name"):
        score(5.0, features="psnr+null", backend=backend)
