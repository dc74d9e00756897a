"""From 108 norms of error maps to the score of SSIMULACRA2, version 2.1.

The numbers were fitted by the method's author to opinions of compressed pictures. They are those of
libjxl (``tools/ssimulacra2.cc``, Copyright the JPEG XL Project Authors, BSD-3-Clause; see
``data/LIBJXL_NOTICE.txt``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCALES = 6
"""Scales at most, 1:1 to 1:32."""
COMPONENTS = 3
"""X, Y and B - Y."""
MAPS = 3
"""Lost structure, artefacts (edges that the reference lacks), lost detail."""
NORMS = 2
"""The mean, and the fourth root of the mean fourth power."""
# fmt: off
WEIGHTS: NDArray[np.float64] = np.array(
    [
        # X, of scales 1:1 to 1:32
        0, 0.0007376606707406586, 0, 0, 0.0007793481682867309, 0,
        0, 0.0004371155730107379, 0,
        1.1041726426657346, 0.00066284834129271, 0.00015231632783718752,
        0, 0.0016406437456599754, 0, 1.8422455520539298, 11.441172603757666, 0,
        0.0007989109436015163, 0.000176816438078653, 0, 1.8787594979546387, 10.94906990605142, 0,
        0.0007289346991508072, 0.9677937080626833, 0,
        0.00014003424285435884, 0.9981766977854967, 0.00031949755934435053,
        0.0004550992113792063, 0, 0, 0.0013648766163243398, 0, 0,
        # Y, of scales 1:1 to 1:32
        0, 0, 0, 7.466890328078848, 0, 17.445833984131262,
        0.0006235601634041466, 0, 0, 6.683678146179332, 0.00037724407979611296, 1.027889937768264,
        225.20515300849274, 0, 0, 19.213238186143016, 0.0011401524586618361, 0.001237755635509985,
        176.39317598450694, 0, 0, 24.43300999870476, 0.28520802612117757, 0.0004485436923833408,
        0, 0, 0, 34.77906344483772, 44.835625328877896, 0,
        0, 0, 0, 0, 0, 0,
        # B - Y, of scales 1:1 to 1:32
        0, 0.0008680556573291698, 0, 0, 0, 0,
        0, 0.0005313191874358747, 0, 0.00016533814161379112, 0, 0,
        0, 0, 0, 0.0004179171803251336, 0.0017290828234722833, 0,
        0.0020827005846636437, 0, 0, 8.826982764996862, 23.19243343998926, 0,
        95.1080498811086, 0.9863978034400682, 0.9834382792465353,
        0.0012286405048278493, 171.2667255897307, 0.9807858872435379,
        0, 0, 0, 0.0005130064588990679, 0, 0.00010854057858411537,
    ]
)
"""A weight for each norm: by component, scale, norm, and map."""
# fmt: on

_POLYNOMIAL = (0.0, 2.326765642916932, -0.020884521182843837, 6.248496625763138e-05)
_FACTOR, _EXPONENT = 0.9562382616834844, 0.6276336467831387


def weights_of(scales: int) -> NDArray[np.float64]:
    """Return the weights for so many scales, (components, scales, norms, maps).

    A picture with fewer than six scales takes the first weights one after another, as libjxl does,
    so that those of Y and B - Y are not those of a large picture.

    Args:
        scales: 1 to 6.
    """
    shape = COMPONENTS, scales, NORMS, MAPS
    return WEIGHTS[: int(np.prod(shape))].reshape(shape)


def score(norms: NDArray[np.float64]) -> float:
    """Compute the score from the norms.

    Args:
        norms: (scales, components, maps, norms), none negative; 1 to 6 scales.

    Returns:
        100 for equal pictures, 90 about where no difference is seen, 50 medium quality; negative
        where the pictures have little in common.
    """
    weights = weights_of(len(norms))
    total = _FACTOR * float((weights * norms.transpose(1, 0, 3, 2)).sum())
    error = float(np.polynomial.polynomial.polyval(total, _POLYNOMIAL))
    return 100.0 - 10.0 * error**_EXPONENT if error > 0 else 100.0
