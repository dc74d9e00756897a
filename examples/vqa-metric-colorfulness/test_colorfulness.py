import numpy as np
import vqa_metric_colorfulness as colorfulness

from vqa_harness.testing import check_metric, rgb_frame


def test_follows_the_contract():
    (spec,) = colorfulness.vqa_register_metrics()
    check_metric(spec)


def test_grey_has_no_colour():
    frame = rgb_frame(np.full((48, 64, 3), 90, np.uint8))
    assert colorfulness.Colorfulness().measure(frame, None) == {"colorfulness": 0.0}
