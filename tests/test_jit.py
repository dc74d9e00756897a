"""Compilation: works where nothing can be cached, and a cache is never stale."""

import os
import subprocess
import sys

import numpy as np
import pytest

from vqa_harness import jit
from vqa_metrics import nss_warmup
from vqa_metrics.nss import nss_sums

SCAN = "vqa_metrics.nss.scan"


def test_kernels_run_where_no_cache_can_be_kept():
    space = {}
    exec(compile("def double(x):\n    return 2 * x\n", "<no file>", "exec"), space)
    double = jit.kernel()(space["double"])
    assert double(21) == 42
    assert jit.is_compiled(double, 21)


def test_a_kernel_that_never_ran_is_not_compiled():
    space = {}
    exec(compile("def triple(x):\n    return 3 * x\n", "<no file>", "exec"), space)
    assert not jit.is_compiled(jit.kernel()(space["triple"]), 1)


@pytest.mark.parametrize("name", ["tile", "simd", "tail", "filter", "scan"])
def test_a_change_of_any_part_is_another_fingerprint(monkeypatch, name):
    before = jit.fingerprint(SCAN)
    assert before == jit.fingerprint(SCAN)
    original = jit.inspect.getsource

    def changed(module):
        return original(module) + ("# more\n" if module.__name__.endswith(f"nss.{name}") else "")

    monkeypatch.setattr(jit.inspect, "getsource", changed)
    assert jit.fingerprint(SCAN) != before


def test_other_imports_do_not_change_the_fingerprint():
    code = (
        "from vqa_harness.jit import fingerprint; import vqa_metrics.nss.scan;"
        f"print(fingerprint({SCAN!r}))"
    )
    lines = ["", "import vqa_metrics.ssim, vqa_metrics.psnr, vqa_harness.alignment.search;"]
    found = {
        subprocess.run(
            [sys.executable, "-c", line + code], capture_output=True, text=True, check=True
        ).stdout
        for line in lines
    }
    assert len(found) == 1


def test_no_source_no_fingerprint(monkeypatch):
    def missing(module):
        raise OSError("could not get source code")

    monkeypatch.setattr(jit.inspect, "getsource", missing)
    assert jit.fingerprint(SCAN) == 0


def test_warm_up_compiles_everything():
    nss_warmup.warmup()
    assert not nss_warmup.compiling_needed()


def test_a_new_process_knows_what_is_in_the_cache(tmp_path):
    code = "from vqa_metrics.nss_warmup import compiling_needed; print(compiling_needed())"
    nss_sums(np.zeros((96, 96), np.uint8))  # now it is in the cache that this process uses
    for folder, answer in ((None, "False"), (tmp_path, "True")):
        env = dict(os.environ)
        if folder is not None:
            env["NUMBA_CACHE_DIR"] = str(folder)
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == answer


def test_kernels_call_kernels_and_run_without_numba_too():
    space = {"kernel": jit.kernel}
    code = "@kernel()\ndef half(x):\n    return x / 2\n@kernel()\ndef quarter(x):\n    "
    exec(compile(code + "return half(half(x))\n", "<no file>", "exec"), space)
    assert space["quarter"](8) == 2
    assert space["half"].python(8) == 4
    assert space["quarter"].python(8) == 2
    assert jit.is_compiled(space["half"], 8.0)


def test_numba_is_not_imported_before_a_kernel_runs():
    code = (
        "import sys; from vqa_harness.alignment.search import alien_cost; alien_cost.python(1, 1)\n"
        "print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def run_in(folder, code):
    env = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache")}
    env["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_a_change_of_a_part_elsewhere_compiles_anew(tmp_path):
    (tmp_path / "kept_kernel.py").write_text(
        "from vqa_harness.jit import kernel\nfrom kept_part import change\n"
        "@kernel()\ndef work(x):\n    return change(x)\n"
    )
    part = "from vqa_harness.jit import part\n@part()\ndef change(x):\n    return x {}\n"
    code = (
        "from kept_kernel import work; from vqa_harness.jit import is_compiled\n"
        "print(is_compiled(work, 3), work(3))"
    )
    for change, expected in (("+ 1", "4"), ("+ 10", "13")):
        (tmp_path / "kept_part.py").write_text(part.format(change))
        assert run_in(tmp_path, code) == ["False", expected]
        assert run_in(tmp_path, code) == ["True", expected]


def test_scipy_is_loaded_only_where_a_kernel_calls_for_it(tmp_path):
    (tmp_path / "two_kernels.py").write_text(
        "import numpy as np\nfrom vqa_harness.jit import kernel\n"
        "@kernel()\ndef plain(a):\n    return a[0, 0]\n"
        "@kernel()\ndef product(a):\n    return np.dot(a, a)[0, 0]\n"
    )
    code = (
        "import sys, numpy as np, two_kernels as k; a = np.full((2, 2), 3.0)\n"
        "print(k.plain(a), 'scipy.linalg' in sys.modules)\n"
        "print(k.product(a), 'scipy.linalg' in sys.modules)"
    )
    assert run_in(tmp_path, code) == ["3.0", "False", "18.0", "True"]
