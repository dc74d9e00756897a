"""SSIMULACRA2 in float64, straight from its definition, to hold the kernels against.

The blur is a parameter, because the package ``ssimulacra2`` of PyPI has another than libjxl: with
its blur this computation gives that package's figures, with libjxl's those of libjxl.
"""

import numpy as np
from scipy import ndimage

from vqa_metrics.ssimulacra2.score import score

OPSIN = np.array(
    [
        [0.30, 0.622, 0.078],
        [0.23, 0.692, 0.078],
        [0.24342268924547819, 0.20476744424496821, 0.5518098665095536],
    ]
)
BIAS = 0.0037930732552754493
C2 = 0.0009


def xyb(linear):
    """(H, W, 3) linear RGB of BT.709 to X, Y and B - Y, moved into positive numbers."""
    mixed = np.maximum(linear @ OPSIN.T + BIAS, 0)
    long, medium, short = np.moveaxis(np.cbrt(mixed) - np.cbrt(BIAS), 2, 0)
    x, y = (long - medium) / 2, (long + medium) / 2
    return np.stack([14 * x + 0.42, y + 0.01, short - y + 0.55])


def truncated_cosines(sigma=1.5):
    """The blur of libjxl as weights of 2 N - 1 samples (Charalampidis 2016, N = 5 for 1.5).

    Three cosines that end at N, with weights that sum to 1, have the variance of the Gaussian, and
    otherwise fit it best.
    """
    n = round(3.2795 * sigma + 0.2546)
    omega = np.array([1, 3, 5]) * np.pi / (2 * n)
    sign = np.array([1, -1, 1])
    p = sign / np.tan(omega / 2)
    r = sign * p**2 / np.sin(omega)
    rho = np.exp(-(sigma**2) / 2 * omega**2) / n
    d = [p[0] * r[1] - r[0] * p[1], p[1] * r[2] - r[1] * p[2], p[2] * r[0] - r[2] * p[0]]
    zeta = np.array([d[1] / d[0], d[2] / d[0], 1])
    beta = np.linalg.solve([p, r, zeta], [1, n**2 - sigma**2, zeta @ rho])
    return beta @ np.cos(np.outer(omega, np.arange(1 - n, n)))


def libjxl_blur(plane):
    """Blur with zeros around the picture."""
    for axis in (0, 1):
        plane = ndimage.convolve1d(plane, truncated_cosines(), axis, mode="constant")
    return plane


def pypi_blur(plane):
    """Blur by 11 weights, with zeros left and right and mirrored rows above and below."""
    plane = ndimage.gaussian_filter1d(plane, 1.5, 0, mode="reflect", radius=5)
    return ndimage.gaussian_filter1d(plane, 1.5, 1, mode="constant", radius=5)


def halve(linear):
    linear = np.pad(linear, [(0, linear.shape[0] % 2), (0, linear.shape[1] % 2), (0, 0)], "edge")
    return (linear[::2, ::2] + linear[1::2, ::2] + linear[::2, 1::2] + linear[1::2, 1::2]) / 4


def norms(error):
    """(3, H, W) to (3, 2): the mean, and the fourth root of the mean fourth power."""
    return np.stack([error.mean((1, 2)), (error**4).mean((1, 2)) ** 0.25], 1)


def scale_norms(reference, distorted, blur):
    """(3, 3, 2): X, Y and B; structure, artefacts and lost detail; 1-norm and 4-norm."""
    a, b = xyb(reference), xyb(distorted)
    blurred = lambda planes: np.stack([blur(plane) for plane in planes])  # noqa: E731
    mean_a, mean_b = blurred(a), blurred(b)
    var_a, var_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    covariance = blurred(a * b) - mean_a * mean_b
    structure = (1 - (mean_a - mean_b) ** 2) * (2 * covariance + C2) / (var_a + var_b + C2)
    edges = (1 + abs(b - mean_b)) / (1 + abs(a - mean_a)) - 1
    maps = np.maximum(1 - structure, 0), np.maximum(edges, 0), np.maximum(-edges, 0)
    return np.stack([norms(error) for error in maps], 1)


def ssimulacra2(reference, distorted, blur=libjxl_blur, smallest=4):
    """The score of two pictures of linear RGB, (H, W, 3).

    Args:
        smallest: rows and columns that a scale must have; libjxl looks at the size of the scale
            before, which is 8 and so gives scales from 4 on.
    """
    scales = []
    while len(scales) < 6 and min(reference.shape[:2]) >= smallest:
        scales.append(scale_norms(reference, distorted, blur))
        reference, distorted = halve(reference), halve(distorted)
    return score(np.stack(scales))


def srgb_to_linear(codes):
    """8-bit sRGB to linear light."""
    v = codes / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
