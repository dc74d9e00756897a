"""The functions of scikit-video 1.1.11 that are used, made to run on NumPy 2 and SciPy 1.17.

The library is from 2018 and calls functions that those no longer have. Its files are therefore
loaded a second time, as modules of a private package, and there alone the names ``np``
and ``scipy`` stand for the thin views below. NumPy, SciPy and an ``import skvideo`` elsewhere are
not touched, and ``skvideo/__init__.py``, which runs programs it finds, is never executed.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import MissingBackend
from vqa_harness.installation import pip_install
from vqa_metrics.specs.skvideo import EXTRA

VERSION = "1.1.11"
_PRIVATE = "vqa_metrics._skvideo_1_1_11"
_MODULES = ("strred", "viideo", "videobliinds")
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Library:
    """The functions of ``skvideo.measure`` that are used; videos are (T, H, W) uint8.

    Attributes:
        strred: Takes two videos; gives ((pairs, 4), index, reduced index).
        viideo_features: Takes a video; gives (pairs, block rows, block columns, 28) float32.
        viideo_score: Takes what ``viideo_features`` gave for all pairs; gives the score.
        bliinds: Takes a video; gives the 46 features.
    """

    strred: Callable[..., Any]
    viideo_features: Callable[..., Any]
    viideo_score: Callable[..., Any]
    bliinds: Callable[..., Any]


_loaded: list[Library] = []


class _PatchedModule:
    """A module seen with some names replaced; every other name is the module's own."""

    def __init__(self, module: ModuleType, **replaced: Any) -> None:
        self.__dict__.update(replaced)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


class _Matrix(np.ndarray[Any, Any]):
    """Stands for ``numpy.matrix``, of which ``strred`` uses that ``*`` is the matrix product."""

    def __mul__(self, other: Any) -> Any:
        return self @ other


def _matrix(values: NDArray[Any]) -> _Matrix:
    return values.view(_Matrix)


def _eig(matrix: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Compute the eigenvectors of a symmetric matrix; NumPy 2.5 returns complex ones even there."""
    values, vectors = np.linalg.eig(matrix)
    return values.real, vectors.real


def _imresize(image: NDArray[Any], scale: float, interp: str, mode: str) -> NDArray[np.float32]:
    """Do what ``scipy.misc.imresize`` did for float pictures: let Pillow scale them in mode F."""
    from PIL import Image

    picture = Image.fromarray(image.astype(np.float32)).convert(mode)
    size = int(picture.width * scale), int(picture.height * scale)
    return np.asarray(picture.resize(size, Image.Resampling[interp.upper()]))


def _pearsonr(x: NDArray[Any], y: NDArray[Any]) -> tuple[float]:
    """Compute Pearson's r in float64; NaN, and no warning, where a side is constant."""
    a, b = (v.astype(np.float64) - v.mean(dtype=np.float64) for v in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (float(np.float64(a @ b) / np.sqrt((a @ a) * (b @ b))),)


def _views() -> dict[str, _PatchedModule]:
    """Make what ``np`` and ``scipy`` mean inside the private package."""
    import scipy
    import scipy.linalg
    import scipy.stats

    linalg = _PatchedModule(np.linalg, eig=_eig)
    # int8: the library adds block positions to motion vectors, which now wraps or raises above 127.
    numpy = _PatchedModule(np, int=int, int8=np.int64, matrix=_matrix, linalg=linalg)
    scipy_view = _PatchedModule(
        scipy,
        misc=SimpleNamespace(imresize=_imresize),
        linalg=_PatchedModule(scipy.linalg, solve=np.linalg.solve),
        stats=_PatchedModule(scipy.stats, pearsonr=_pearsonr),
    )
    return {"np": numpy, "scipy": scipy_view}


def _package(name: str, folder: Path) -> None:
    """Add a package whose modules are read from a folder and whose ``__init__`` is not run."""
    module = ModuleType(name)
    module.__path__ = [str(folder)]
    sys.modules[name] = module


def _load() -> Library:
    spec = importlib.util.find_spec("skvideo")
    if spec is None or not spec.submodule_search_locations:
        raise MissingBackend(f"scikit-video is not installed; {pip_install(EXTRA)}")
    installed = version("scikit-video")
    if installed != VERSION:
        raise MissingBackend(
            f"scikit-video {installed} is installed, its values differ from those of {VERSION};"
            f" pip install scikit-video=={VERSION}"
        )
    root = Path(next(iter(spec.submodule_search_locations)))
    _package(_PRIVATE, root)
    _package(f"{_PRIVATE}.measure", root / "measure")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        strred, viideo, bliinds = (
            importlib.import_module(f"{_PRIVATE}.measure.{name}") for name in _MODULES
        )
    views = _views()
    for name, module in sys.modules.items():
        if name.startswith(f"{_PRIVATE}."):
            for attribute in views.keys() & vars(module).keys():
                setattr(module, attribute, views[attribute])
    viideo_features = viideo.viideo_features
    vars(viideo)["viideo_features"] = lambda features, **_: features
    return Library(
        strred.strred, viideo_features, viideo.viideo_score, bliinds.videobliinds_features
    )


def library() -> Library:
    """Return scikit-video's functions, adapted; they are loaded at the first call.

    Raises:
        MissingBackend: Scikit-video 1.1.11 is not installed, or a module that it imports is
            missing (SciPy 2 is to drop ``scipy.misc``).
    """
    with _lock:
        if not _loaded:
            try:
                _loaded.append(_load())
            except ImportError as error:
                raise MissingBackend(
                    f"scikit-video {VERSION} does not load, {error.name} is missing;"
                    f" {pip_install(EXTRA)}"
                ) from error
        return _loaded[0]
