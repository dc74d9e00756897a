"""Butteraugli in float64, straight from its definition in libjxl, to hold the kernels against."""

import numpy as np
from scipy import ndimage

OPSIN = np.array(
    [
        [0.29956550340058319, 0.63373087833825936, 0.077705617820981968],
        [0.22158691104574774, 0.69391388044116142, 0.0987313588422],
        [0.02, 0.02, 0.20480129041026129],
    ]
)
BIAS = np.array([1.7557483643287353, 1.7557483643287353, 12.226454707163354])

FULL_LINES = (
    ((0, 1), (0, 2), (0, 3), (0, 4)),
    ((1, 0), (2, 0), (3, 0), (4, 0)),
    ((1, 1), (2, 2), (3, 3)),
    ((1, -1), (2, -2), (3, -3)),
    *(((1, 0), (2, -1), (3, -1), (4, -1)),) * 2,
    *(((1, 0), (2, 1), (3, 1), (4, 1)),) * 2,
    *(((0, 1), (1, 2), (1, 3), (1, 4)),) * 2,
    *(((0, 1), (-1, 2), (-1, 3), (-1, 4)),) * 2,
    ((1, 1), (2, 1), (3, 2)),
    ((1, -1), (2, -1), (3, -2)),
    ((1, 1), (1, 2), (2, 3)),
    ((1, -1), (1, -2), (2, -3)),
)
"""Half the points of each line, (rows, columns) from its middle; the other half lies opposite."""
SPARSE_LINES = (
    ((0, 2), (0, 4)),
    ((2, 0), (4, 0)),
    ((2, 2), (3, 3)),
    ((2, -2), (3, -3)),
    ((2, -1), (4, -1)),
    ((2, 1), (4, 1)),
    ((1, 2), (1, 4)),
    ((-1, 2), (-1, 4)),
    ((2, 1), (3, 2)),
    ((2, -1), (3, -2)),
    ((1, 2), (2, 3)),
    ((1, -2), (2, -3)),
    ((1, -2), (2, -4)),
    ((1, 2), (2, 4)),
    ((2, 1), (4, 2)),
    ((2, -1), (4, -2)),
)


def blur(plane, sigma):
    """Gaussian of 2.25 sigma to each side; fewer weights at the borders, mirrored if only two."""
    radius = max(1, int(2.25 * sigma))
    weights = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    for axis in (0, 1):
        if radius == 2:
            plane = ndimage.convolve1d(plane, weights / weights.sum(), axis, mode="reflect")
        else:
            reach = np.zeros(plane.shape[axis])
            reach = ndimage.convolve1d(reach + 1, weights, mode="constant")
            total = ndimage.convolve1d(plane, weights, axis, mode="constant")
            plane = total / (reach if axis == 1 else reach[:, None])
    return plane


def gamma(v):
    return 19.245013259874995 * np.log(np.maximum(v, 0) + 9.9710635769299145) - 23.16046239805755


def xyb(linear, nits):
    """(H, W, 3) linear RGB to (3, H, W): responses of cones, adapted to their surroundings."""
    smooth = np.stack([blur(linear[..., c], 1.2) for c in range(3)], 2)
    adapted = np.maximum(np.maximum(smooth * nits @ OPSIN.T + BIAS, BIAS), 1e-4)
    sensitivity = np.maximum(gamma(adapted) / adapted, 1e-4)
    mixed = np.maximum((linear * nits @ OPSIN.T + BIAS) * sensitivity, BIAS)
    return np.stack([mixed[..., 0] - mixed[..., 1], mixed[..., 0] + mixed[..., 1], mixed[..., 2]])


def shrunk(v, width):
    return np.sign(v) * np.maximum(abs(v) - width, 0)


def stretched(v, width):
    return v + np.clip(v, -width, width)


def limited(v, top):
    over = np.maximum(abs(v) - top, 0)
    return v - np.sign(v) * over * (1 - 0.724216145665)


def bands(image):
    """Low, middle, high and highest frequencies, of X, Y (and B)."""
    low = np.stack([blur(p, 7.15593339443) for p in image])
    rest = image - low
    middle = np.stack([blur(p, 3.22489901262) for p in rest])
    high_x, high_y = rest[:2] - middle[:2]
    middle[0], middle[1] = shrunk(middle[0], 0.29), stretched(middle[1], 0.1)
    high_x = high_x * (46 / (high_y**2 + 46) * (1 - 0.653020556257) + 0.653020556257)
    smooth_x, smooth_y = blur(high_x, 1.56416327805), blur(high_y, 1.56416327805)
    highest_x = shrunk(high_x - smooth_x, 0.04)
    smooth_y = limited(smooth_y, 28.4691806922)
    highest_y = limited(high_y - smooth_y, 5.19175294647) * 2.69313763794
    high = np.stack([shrunk(smooth_x, 1.5), stretched(smooth_y * 2.155, 0.132)])
    x, y, b = low
    low = np.stack(
        [x * 33.832837186260, y * 14.458268100570, (b - 0.362267051518 * y) * 49.87984651440]
    )
    return low, middle, high, np.stack([highest_x, highest_y])


def malta(a, b, lines, weight, norm):
    """Differences along lines, squared."""
    factor = 0.39905817637 if lines is FULL_LINES else 0.611612573796
    sizes = norm / (norm + (abs(a) + abs(b)) / 2) * factor / (2 * 3.75 + 1)
    difference = a - b
    change = sizes * np.sqrt(0.5 * weight) * difference
    ahead = np.where(a < 0, -b, b)
    outside = np.maximum(0.55 * abs(a) - ahead, 0) + np.maximum(ahead - 1.05 * abs(a), 0)
    change += np.where(difference < 0, -1, 1) * sizes * np.sqrt(0.33 * weight) * outside
    padded = np.pad(change, 4)
    height, width = a.shape

    def moved(rows, columns):
        return padded[4 + rows : 4 + rows + height, 4 + columns : 4 + columns + width]

    total = np.zeros_like(a)
    for line in lines:
        total += (change + sum(moved(r, c) + moved(-r, -c) for r, c in line)) ** 2
    return total


def asymmetric(a, b, weight):
    ahead = np.where(a < 0, -b, b)
    outside = np.maximum(0.4 * abs(a) - ahead, 0) + np.maximum(ahead - abs(a), 0)
    return 0.8 * weight * ((a - b) ** 2 + outside**2)


def eroded(plane):
    """The three smallest of a pixel and its eight neighbours three pixels away, weighted."""
    around = np.pad(plane, 3, constant_values=np.inf)
    height, width = plane.shape
    near = [
        around[3 + r : 3 + r + height, 3 + c : 3 + c + width]
        for r in (-3, 0, 3)
        for c in (-3, 0, 3)
        if r or c
    ]
    first = np.sort(np.stack([plane, 2 * plane, 2 * plane, *near]), axis=0)
    return 0.45 * first[0] + 0.3 * first[1] + 0.25 * first[2]


def activity(high, highest):
    x = (highest[0] + high[0]) * 2.5
    y = highest[1] * 0.4 + high[1] * 0.4
    value = 6.19424080439 * np.hypot(x, y)
    bias = 6.19424080439 * 12.61050594197
    return blur(np.sqrt(value + bias) - np.sqrt(bias), 2.7)


def difference_map(reference, distorted, nits):
    a, b = bands(xyb(reference, nits)), bands(xyb(distorted, nits))
    fine_x = malta(a[3][0], b[3][0], FULL_LINES, 173.5, 5.0)
    fine_x += malta(a[2][0], b[2][0], SPARSE_LINES, 6923.99476109, 8051.15833247)
    fine_x += malta(a[1][0], b[1][0], SPARSE_LINES, 8246.75321353, 1009002.70582)
    fine_y = malta(a[3][1], b[3][1], FULL_LINES, 1.10039032555, 71.7800275169)
    fine_y += malta(a[2][1], b[2][1], SPARSE_LINES, 18.7237414387, 4498534.45232)
    fine_y += malta(a[1][1], b[1][1], SPARSE_LINES, 37.0819870399, 130262059.556)
    fine_x += asymmetric(a[2][0], b[2][0], 400.0)
    fine_y += asymmetric(a[2][1], b[2][1], 1.50815703118)
    middle = (a[1] - b[1]) ** 2 * np.array([2150.0, 10.6195433239, 16.2176043152])[:, None, None]
    fine = fine_x + fine_y + middle.sum(0)
    coarse = ((a[0] - b[0]) ** 2).T @ [29.2353797994, 0.844626970982, 0.703646627719]
    active_a, active_b = activity(*a[2:]), activity(*b[2:])
    fine += 10 * (active_a - active_b) ** 2
    mask = eroded(active_a)
    scale = 1 / (17.83 * 0.79079917404)
    fine_weight = scale * (1 + 2.5485944793 / (0.451936922203 * mask + 0.829591754942))
    coarse_weight = scale * (1 + 0.505054525019 / (3.87449418804 * mask + 0.20025578522))
    return np.sqrt(fine * fine_weight**2 + coarse.T * coarse_weight**2)


def halve(linear):
    linear = np.pad(linear, [(0, linear.shape[0] % 2), (0, linear.shape[1] % 2), (0, 0)], "edge")
    return (linear[::2, ::2] + linear[1::2, ::2] + linear[::2, 1::2] + linear[1::2, 1::2]) / 4


def butteraugli(reference, distorted, nits=80.0):
    """The largest difference and the 3-norm of two pictures of linear RGB, (H, W, 3)."""
    found = difference_map(reference, distorted, nits)
    small = halve(reference), halve(distorted)
    if min(small[0].shape[:2]) >= 8:
        coarse = np.kron(difference_map(*small, nits), np.ones((2, 2)))
        found = 0.85 * found + 0.5 * coarse[: found.shape[0], : found.shape[1]]
    norms = [(found**p).mean() ** (1 / p) for p in (3, 6, 12)]
    return found.max(), sum(norms) / 3
