"""A model of libvmaf's format for tests."""

MACHINE = "svm_type nu_svr\nkernel_type linear\nnr_class 2\ntotal_sv 1\nrho 0\nSV\n1 1:1 \n"
ADM_ALONE = {
    "model_dict": {
        "model_type": "LIBSVMNUSVR",
        "model": MACHINE,
        "feature_names": ["VMAF_integer_feature_adm2_score"],
        "norm_type": "linear_rescale",
        "slopes": [0.01, 1.0],
        "intercepts": [0.0, 0.0],
        "score_clip": [0.0, 100.0],
    }
}
"""A model with one support vector: a hundred times ``adm2``."""
