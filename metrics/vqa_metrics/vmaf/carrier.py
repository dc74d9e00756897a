"""A model for runs that want features and no score of VMAF.

FFmpeg's filter computes a model always, v0.6.1 if it is told none, which costs more than most
features. So it is told one of a single support vector over a feature that is asked for anyway, or
over PSNR, which costs next to nothing. Its score is thrown away.

It is also how VIF tells its sums: of an extractor that a model and a feature name both, libvmaf
heeds the options of whichever came first, and FFmpeg's filter puts models first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from vqa_metrics.vmaf.models import VmafModel

NAME = "vmaf_carrier"
"""What its score is called in libvmaf's log."""
VIF_SUMS = "vif:debug=true"
"""The feature that has VIF of all scales together."""
_MACHINE = "svm_type nu_svr\nkernel_type linear\nnr_class 2\ntotal_sv 1\nrho 0\nSV\n1 1:1 \n"


def carrier(models: Sequence[VmafModel], features: Sequence[str]) -> tuple[VmafModel, ...]:
    """The model to be put first; none where nothing is to be carried."""
    if VIF_SUMS in features:
        return (_of("VMAF_integer_feature_vif_scale0_score", {"debug": "true"}),)
    return () if models else (_of("psnr_y", {"enable_chroma": "false"}),)


def _of(feature: str, options: dict[str, str]) -> VmafModel:
    model = {
        "model_type": "LIBSVMNUSVR",
        "model": _MACHINE,
        "feature_names": [feature],
        "feature_opts_dicts": [options],
        "norm_type": "none",
    }
    return VmafModel(name=NAME, text=json.dumps({"model_dict": model}))
