"""NIQE and BRISQUE in plain float64 NumPy: slow, whole planes, one step after the other.

Written from the papers and the description of the LIVE releases, and sharing no line with the
compiled kernels. The only subtle part is `fma`: the sign of the rounding residue in flat areas
decides the score there, so the filter must round once per tap, exactly as hardware does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

KERNEL_COLUMN = tuple(
    float.fromhex(text)
    for text in (
        "0x1.9b92991f24881p-7",
        "0x1.42e11ca517a60p-4",
        "0x1.e5fb7c557fad1p-3",
        "0x1.5edacbc602378p-2",
        "0x1.e5fb7c557fad1p-3",
        "0x1.42e11ca517a60p-4",
        "0x1.9b92991f24884p-7",
    )
)
KERNEL_ROW = tuple(
    float.fromhex(text)
    for text in (
        "0x1.9b92991f24881p-7",
        "0x1.42e11ca517a5fp-4",
        "0x1.e5fb7c557fad1p-3",
        "0x1.5edacbc602378p-2",
        "0x1.e5fb7c557fad1p-3",
        "0x1.42e11ca517a5ep-4",
        "0x1.9b92991f24882p-7",
    )
)
HALF_TAPS = (-3, -9, 29, 111, 111, 29, -9, -3)
SHAPES = np.arange(9801) * 0.001 + 0.2
RHO = np.array([math.gamma(2 / a) ** 2 / (math.gamma(1 / a) * math.gamma(3 / a)) for a in SHAPES])


@dataclass(frozen=True)
class Model:
    """The released numbers, handed in so that the oracle reads no file."""

    niqe_mu: np.ndarray
    niqe_cov: np.ndarray
    support_vectors: np.ndarray
    dual_coef: np.ndarray
    rho: float
    gamma: float
    feature_range: np.ndarray


def two_sum(a, b):
    """a + b as rounded sum and exact error (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def two_product(a, b):
    """a * b as rounded product and exact error (Dekker, Veltkamp's splitting)."""

    def split(x):
        scaled = x * 134217729.0
        high = scaled - (scaled - x)
        return high, x - high

    product = a * b
    a_high, a_low = split(a)
    b_high, b_low = split(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def round_to_odd(a, b):
    """a + b rounded to odd: exact, or the neighbour whose last bit is set."""
    total, error = two_sum(np.asarray(a, np.float64), b)
    even = (total.view(np.int64) & 1) == 0
    toward = np.where(error > 0, np.inf, -np.inf)
    return np.where((error != 0) & even, np.nextafter(total, toward), total)


def fma(a, b, c):
    """a * b + c rounded once (Boldo, Melquiond, "Emulation of FMA and correctly rounded sums")."""
    product, product_error = two_product(a, b)
    low, low_error = two_sum(c, product_error)
    high, high_error = two_sum(product, low)
    return high + round_to_odd(low_error, high_error)


def separable(image, border):
    """7x7 window: down the columns, then along the rows, last tap first, one rounding per tap."""
    padded = np.pad(image, 3, mode="edge") if border == "replicate" else np.pad(image, 3)
    height, width = image.shape
    down = np.zeros((height, width + 6))
    for tap in range(6, -1, -1):
        down = fma(KERNEL_COLUMN[tap], padded[tap : tap + height], down)
    out = np.zeros((height, width))
    for tap in range(6, -1, -1):
        out = fma(KERNEL_ROW[tap], down[:, tap : tap + width], out)
    return out


def mscn(image, border):
    """Mean-subtracted contrast-normalised coefficients."""
    mu = separable(image, border)
    sigma = np.sqrt(np.abs(separable(image * image, border) - mu * mu))
    return (image - mu) / (sigma + 1)


def half(image):
    """imresize(image, 0.5): antialiased bicubic, mirrored edges, no rounding."""
    for _ in range(2):  # rows, then (transposed) columns
        size = image.shape[0]
        mirrored = np.concatenate([np.arange(size), np.arange(size)[::-1]])
        rows = np.arange((size + 1) // 2)
        taken = [image[mirrored[(2 * rows - 3 + tap) % (2 * size)]] for tap in range(8)]
        image = sum(weight / 256 * row for weight, row in zip(HALF_TAPS, taken, strict=True)).T
    return image


def nearest_shape(ratio):
    return int(np.argmin((RHO - ratio) ** 2)) if np.isfinite(ratio) else 0


def aggd(values):
    """Shape and the left and right root mean squares."""
    with np.errstate(all="ignore"):
        left = np.sqrt(np.divide((values[values < 0] ** 2).sum(), (values < 0).sum()))
        right = np.sqrt(np.divide((values[values > 0] ** 2).sum(), (values > 0).sum()))
        gamma = left / right
        ratio = np.abs(values).mean() ** 2 / (values**2).mean()
        ratio *= (gamma**3 + 1) * (gamma + 1) / (gamma**2 + 1) ** 2
    return SHAPES[nearest_shape(ratio)], left, right


def neighbours(z):
    """Products with the four neighbours, indices wrapping round."""
    for shift in ((0, 1), (1, 0), (1, 1), (-1, 1)):
        yield z * np.roll(z, shift, (0, 1))


def niqe_block(z):
    def scaled(values):
        shape, left, right = aggd(values)
        width = math.sqrt(math.gamma(1 / shape) / math.gamma(3 / shape))
        return shape, left * width, right * width

    shape, left, right = scaled(z)
    features = [shape, (left + right) / 2]
    for product in neighbours(z):
        shape, left, right = scaled(product)
        mean = (right - left) * math.gamma(2 / shape) / math.gamma(1 / shape)
        features += [shape, mean, left, right]
    return features


def niqe_features(luma):
    """(blocks, 36), NaN where a block has no sample on one side."""
    height, width = (size // 96 * 96 for size in luma.shape)
    image = luma[:height, :width].astype(np.float64)
    scales = []
    for scaled, size in ((image, 96), (half(image), 48)):
        z = mscn(scaled, "replicate")
        blocks = [
            niqe_block(z[row : row + size, column : column + size])
            for row in range(0, z.shape[0], size)
            for column in range(0, z.shape[1], size)
        ]
        scales.append(np.array(blocks))
    return np.hstack(scales)


def niqe(luma, model):
    features = niqe_features(luma)
    whole = features[~np.isnan(features).any(axis=1)]
    if not len(whole):
        return None
    covariance = np.cov(whole, rowvar=False) if len(whole) > 1 else np.zeros((36, 36))
    distance = model.niqe_mu - np.nanmean(features, axis=0)
    return float(np.sqrt(distance @ np.linalg.pinv((model.niqe_cov + covariance) / 2) @ distance))


def brisque_features(luma):
    """(36,), NaN where undefined."""
    image = luma.astype(np.float64)
    features = []
    for scaled in (image, half(image)):
        z = mscn(scaled, "zero")
        with np.errstate(all="ignore"):
            ratio = (z**2).mean() / np.abs(z).mean() ** 2
        found = int(np.argmin(np.abs(ratio - 1 / RHO))) if np.isfinite(ratio) else 0
        features += [SHAPES[found], (z**2).mean()]
        for product in neighbours(z):
            shape, left, right = aggd(product)
            width = math.sqrt(math.gamma(1 / shape) / math.gamma(3 / shape))
            mean = (right - left) * math.gamma(2 / shape) / math.gamma(1 / shape) * width
            features += [shape, mean, left**2, right**2]
    return np.array(features)


def brisque(luma, model):
    features = brisque_features(luma)
    if np.isnan(features).any():
        return None
    printed = np.array([float(f"{value:f}") for value in features])
    low, high = model.feature_range.T
    scaled = -1 + 2 * (printed - low) / (high - low)
    scaled = np.array([float(f"{value:g}") for value in scaled])
    distances = ((model.support_vectors - scaled) ** 2).sum(axis=1)
    return float(model.dual_coef @ np.exp(-model.gamma * distances) - model.rho)
