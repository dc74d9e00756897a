"""What tests share: NIQE's and BRISQUE's oracle, pictures and stored scores; back-ends of VMAF."""

import importlib.metadata
import json
import os
from pathlib import Path

import numpy as np
import pytest

from tests.metrics import nss_oracle, nss_pictures
from tests.paths import GOLDEN
from vqa_metrics.presence import library_is_there


@pytest.fixture(scope="session")
def library():
    """PyAV's own libvmaf; without one the test is skipped."""
    if not library_is_there():
        pytest.skip(f"av {importlib.metadata.version('av')} has no libvmaf, av 19 has")


@pytest.fixture(params=["library", "program"])
def backend(request):
    """Each libvmaf in turn: PyAV's, and that of an ffmpeg program."""
    request.getfixturevalue({"library": "library", "program": "ffmpeg"}[request.param])
    return request.param


@pytest.fixture
def any_libvmaf(request):
    """PyAV's libvmaf or that of a program, whichever is there."""
    if not library_is_there():
        request.getfixturevalue("ffmpeg")


@pytest.fixture(scope="session")
def pictures():
    """Name to uint8 luma, the same on every machine."""
    return nss_pictures.pictures()


@pytest.fixture(scope="session")
def golden():
    """Stored scores: of the pictures above, and the official ones of three images."""
    return json.loads((GOLDEN / "nss" / "scores.json").read_text())


@pytest.fixture(scope="session")
def model():
    """The released numbers, read without the package's own reader."""
    import vqa_metrics

    path = Path(vqa_metrics.__file__).parent / "data" / "nss_params.npz"
    with np.load(path, allow_pickle=False) as numbers:
        return nss_oracle.Model(
            niqe_mu=numbers["niqe_mu"],
            niqe_cov=numbers["niqe_cov"],
            support_vectors=numbers["brisque_support_vectors"],
            dual_coef=numbers["brisque_dual_coef"],
            rho=float(numbers["brisque_rho"]),
            gamma=float(numbers["brisque_gamma"]),
            feature_range=numbers["brisque_feature_range"],
        )


def _pyiqa_folder():
    """Where the distribution pyiqa 0.1.16 keeps its calibration images, or None."""
    named = os.environ.get("VQA_HARNESS_PYIQA_DIR")
    if named:
        return Path(named)
    try:
        return Path(str(importlib.metadata.distribution("pyiqa").locate_file("")))
    except importlib.metadata.PackageNotFoundError:
        return None


def read_bmp(path):
    """(H, W, 3) uint8 RGB of an uncompressed 24-bit bitmap."""
    data = path.read_bytes()
    number = lambda offset: int.from_bytes(data[offset : offset + 4], "little", signed=True)  # noqa: E731
    assert data[:2] == b"BM"
    assert data[28:30] == b"\x18\x00"
    assert number(30) == 0
    start, width, height = number(10), number(18), number(22)
    stride = (width * 3 + 3) // 4 * 4
    rows = np.frombuffer(data, np.uint8, stride * height, start).reshape(height, stride)
    return np.ascontiguousarray(rows[::-1, : width * 3].reshape(height, width, 3)[..., ::-1])


@pytest.fixture(scope="session", params=["I03", "I04", "I19"])
def official(request, golden):
    """RGB of a TID2013 image with the authors' scores; the image is in the distribution pyiqa."""
    folder = _pyiqa_folder()
    if folder is None:
        pytest.skip("pyiqa 0.1.16 is not installed and VQA_HARNESS_PYIQA_DIR is not set")
    path = folder / "ResultsCalibra" / "dist_dir" / f"{request.param}.bmp"
    if not path.is_file():
        pytest.skip(f"pyiqa has no calibration image {request.param}.bmp")
    return read_bmp(path), golden["official"][request.param]
