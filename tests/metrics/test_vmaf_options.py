"""What is refused before libvmaf sees it, because it fails badly on it, or without a word."""

import json
from copy import deepcopy

import pytest

from tests.metrics.vmaf_models import ADM_ALONE, MACHINE
from vqa_harness.errors import UsageError
from vqa_metrics.vmaf.models import VmafModel, model_name, model_of
from vqa_metrics.vmaf.options import RawFormat, check_options, what_to_compute
from vqa_metrics.vmaf.sizes import check_sizes

V1 = "vmaf_v1.0.16_"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RawFormat(96, 64, depth=9), "9 bits"),
        (lambda: RawFormat(96, 64, chroma="gray"), "chroma gray"),
        (lambda: RawFormat(0, 64), "frame size 0x64"),
        (lambda: VmafModel("../x"), "built-in name"),
        (lambda: VmafModel(name="a:b"), "letters, digits"),
        (lambda: check_options([], [], 0, 1), "at least one model"),
        (lambda: check_options([VmafModel()] * 2, [], 0, 1), "different names"),
        (lambda: check_options([VmafModel()], ["psnr;[x]"], 0, 1), "write name or name:option"),
        (lambda: check_options([VmafModel()], [], 0, 0), "n_subsample=0"),
        (lambda: check_options([VmafModel()], [], 1025, 1), "n_threads=1025"),
    ],
)
def test_values_that_cannot_be_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        (RawFormat(8, 8), "yuv420p"),
        (RawFormat(8, 8, full_range=True), "yuv420p"),
        (RawFormat(8, 8, depth=10, chroma="422", full_range=True), "yuv422p10le"),
        (RawFormat(8, 8, depth=12, chroma="444"), "yuv444p12le"),
    ],
)
def test_pixel_format_names(layout, name):
    assert layout.pix_fmt == name


def test_paths_are_escaped_as_the_filter_reads_them(tmp_path):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(ADM_ALONE))
    models = [VmafModel(), VmafModel(name="own", path=path)]
    options = what_to_compute(models, ["psnr"], ["", r"C:\a b\it's.json"])
    assert options == {
        "model": r"version=vmaf_v0.6.1:name=vmaf|path=C\:\\a\ b\\it\'s.json:name=own",
        "feature": "name=psnr",
    }


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("vmaf_v0.6.1", "vmaf"),
        ("vmaf_v0.6.1neg", "vmaf_neg"),
        ("vmaf_4k_v0.6.1", "vmaf_4k"),
        ("vmaf_4k_v0.6.1neg", "vmaf_4k_neg"),
        ("vmaf_float_v0.6.1", "vmaf_float"),
        ("vmaf_v1.0.16_3d0h", "vmaf_v1_3d0h"),
        ("vmaf_v1.0.16_hfr_1d5h_2160", "vmaf_v1_hfr_1d5h_2160"),
        ("vmaf_b_v0.6.3", "vmaf_b_v0_6_3"),
    ],
)
def test_models_have_names_of_their_own(version, name):
    assert model_name(version) == name


@pytest.mark.parametrize(
    ("asked", "fits", "too_small", "words"),
    [
        ({}, (33, 33), [(32, 64), (64, 32)], "at least 33x33"),
        ({"features": ["cambi"]}, (216, 33), [(215, 215)], "feature cambi .*216 rows or columns"),
        ({"features": ["float_ms_ssim"]}, (176, 176), [(175, 300), (300, 175)], "176x176"),
        ({"features": ["speed_chroma"]}, (160, 160), [(159, 300), (300, 159)], "160x160"),
        ({"features": ["speed_temporal"]}, (80, 80), [(79, 300), (300, 79)], "80x80, not"),
        ({"features": ["psnr_hvs"]}, (33, 33), [], ""),
        ({"model": "3d0h"}, (216, 160), [(215, 215), (300, 158)], "model .*3d0h needs"),
        ({"model": "5d0h"}, (266, 266), [(265, 400), (400, 265)], "266x266"),
        ({"model": "hfr_5d0h"}, (266, 266), [(400, 265)], "266x266"),
        ({"model": "3d0h_2160"}, (318, 318), [(317, 640), (640, 317)], "318x318"),
        ({"model": "1d5h_2160"}, (216, 160), [(215, 215)], "use vmaf_v0.6.1"),
    ],
    ids=str,
)
def test_the_smallest_frames(asked, fits, too_small, words):
    models = [VmafModel(V1 + asked["model"], "v1")] if "model" in asked else [VmafModel()]
    features = asked.get("features", [])
    check_sizes(RawFormat(*fits), models, features)
    for size in too_small:
        with pytest.raises(UsageError, match=words) as caught:
            check_sizes(RawFormat(*size), models, features)
        assert f"not {size[0]}x{size[1]}" in str(caught.value)


def test_with_more_chroma_smaller_frames_are_enough():
    wide = RawFormat(160, 80, chroma="422")
    check_sizes(wide, [VmafModel()], ["speed_chroma"])
    check_sizes(RawFormat(80, 80, chroma="444"), [VmafModel()], ["speed_chroma"])
    with pytest.raises(UsageError, match="160x80, not 80x80"):
        check_sizes(RawFormat(80, 80, chroma="422"), [VmafModel()], ["speed_chroma"])


def test_a_model_file_needs_what_its_features_need(tmp_path):
    document = deepcopy(ADM_ALONE)
    document["model_dict"]["feature_names"] = ["Cambi_feature_cambi_score"]
    path = tmp_path / "banding.json"
    path.write_text(json.dumps(document))
    with pytest.raises(UsageError, match=r"model file banding\.json needs .*216"):
        check_sizes(RawFormat(176, 144), [model_of(str(path))], [])


def without(key):
    document = deepcopy(ADM_ALONE)
    del document["model_dict"][key]
    return json.dumps(document)


def having(key, value):
    document = deepcopy(ADM_ALONE)
    document["model_dict"][key] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{nan", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("{}", "no model_dict"),
        (json.dumps({"0": ADM_ALONE, "1": ADM_ALONE}), "a collection of models"),
        (without("feature_names"), "no feature_names"),
        (having("feature_names", [1]), "no feature_names"),
        (having("feature_opts_dicts", [{}, {}]), "other feature_opts_dicts"),
        (without("norm_type"), "no norm_type"),
        (without("model"), "no model"),
        (having("model", ""), "no usable svm_type"),
        (having("model", MACHINE.replace("nu_svr", "c_svc")), "no usable svm_type"),
        (having("model", MACHINE.replace("nr_class 2", "nr_class 999")), "no usable nr_class"),
        (having("model", MACHINE.replace("total_sv 1", "total_sv 9")), "another number of support"),
        (having("model", MACHINE.partition("SV\n")[0]), "another number of support"),
        (having("model", MACHINE.replace("1 1:1", "1 -1:1")), "support vector that cannot be read"),
        (having("model", MACHINE.replace("1 1:1", "1")), "support vector that cannot be read"),
    ],
)
def test_model_files_that_libvmaf_could_crash_on_are_refused(tmp_path, text, fault):
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=fault) as caught:
        model_of(str(path))
    assert "\n" not in str(caught.value)


def test_model_files_that_are_not_there_or_too_large(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        model_of(str(tmp_path / "none.json"))
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(UsageError, match="too large"):
        model_of(str(large))
