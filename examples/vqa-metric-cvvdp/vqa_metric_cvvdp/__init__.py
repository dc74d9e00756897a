"""ColorVideoVDP as a metric of vqa-harness: how many just objectionable differences are visible.

This module is data, so that listing metrics imports neither torch nor pycvvdp.
"""

from vqa_harness import Feature, MetricSpec, Param, hookimpl

SPEC = MetricSpec(
    name="cvvdp",
    factory="vqa_metric_cvvdp.metric:ColorVideoVdp",
    features=(
        Feature("cvvdp", hi=10, unit="JOD", help="of the video; 10 for no visible difference"),
        Feature("cvvdp_window", hi=10, unit="JOD", help="of the frame's window"),
    ),
    kind="stream",
    reference=True,
    params=(
        Param("display", "auto", "a display model of ColorVideoVDP; auto by the video's transfer"),
        Param("peak", 0.0, "peak luminance of the display in cd/m2; 0 for the model's", 0, 10_000),
        Param("ppd", 0.0, "pixels per degree of the eye; 0 for the model's", 0, 500),
        Param("window", 1.0, "seconds of a window", 0.05, 3600, changes_score=False),
        Param(
            "device",
            "auto",
            "where it computes; auto for a GPU if there is one",
            choices=("auto", "cpu", "cuda"),
            changes_score=False,
        ),
    ),
    version="cvvdp-0.5.7",
    summary="Visible differences on a display, colour, motion and HDR included (ColorVideoVDP)",
    paper="Mantiuk, Hanji, Ashraf, Asano, Chapiro, ACM Transactions on Graphics 43 (4), 2024",
    extra="vqa-metric-cvvdp[cvvdp]",
    requires=("torch", "pycvvdp"),
)


@hookimpl
def vqa_register_metrics() -> list[MetricSpec]:
    """ColorVideoVDP."""
    return [SPEC]
