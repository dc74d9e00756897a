"""The parts of Numba and llvmlite that are used without being promised by them.

`jit` and `jit_parts` in `vqa_harness`, `simd` and `tail` in `vqa_metrics.nss` need them.
Where one of these tests fails after an update, the other tests of kernels fail for this reason;
mend what is named, try the new version on every supported Python, and raise the upper bounds in
``pyproject.toml``.
"""

import importlib
import inspect
import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

from tests.paths import ROOT
from vqa_harness import jit

SIMD = "vqa_metrics.nss.simd"
TAIL = "vqa_metrics.nss.tail"
JIT = "vqa_harness.jit"
PARTS = "vqa_harness.jit_parts"
OPTIMISED = "puts off LLVM's passes for whole modules"
MACHINE_CODE = "makes no machine code of a part"
NAMES = [
    (JIT, "numba.core.typing.typeof", "typeof_impl.register", "lets a kernel call a kernel"),
    (JIT, "numba.core.typing.typeof", "typeof_impl.registry", "lets a kernel call a kernel"),
    (JIT, "numba", "types.Dispatcher", "lets a kernel call a kernel"),
    (JIT, "numba.np.linalg", "ensure_blas", "keeps SciPy out"),
    (PARTS, "numba", "_dynfunc.make_function", "stands for a part without an address"),
    (PARTS, "numba.core", "types.unliteral", "keeps numbers out of a part's types"),
    (PARTS, "numba.core.codegen", "JITCodeLibrary._optimize_final_module", OPTIMISED),
    (PARTS, "numba.core.codegen", "JITCodeLibrary._finalize_final_module", MACHINE_CODE),
    (PARTS, "numba.core.compiler", "CompilerBase", "takes passes of its own"),
    (PARTS, "numba.core.compiler", "DefaultPassBuilder.define_nopython_pipeline", "lists passes"),
    (PARTS, "numba.core.compiler_machinery", "register_pass", "takes a pass of its own"),
    (PARTS, "numba.core.registry", "CPUDispatcher.get_call_template", "types calls of parts"),
    (PARTS, "numba.core.typed_passes", "NativeLowering.run_pass", "emits a part's code"),
    (TAIL, "numba.core", "cgutils.unpack_tuple", "copies an array's header"),
    (TAIL, "numba.extending", "intrinsic", "makes tail"),
    (TAIL, "numba.np.arrayobj", "make_array", "reads an array's header"),
    (TAIL, "numba.np.arrayobj", "populate_array", "writes an array's header"),
    (SIMD, "llvmlite.ir", "VectorType", "describes a vector"),
    (SIMD, "llvmlite.ir", "IRBuilder.shuffle_vector", "rearranges lanes"),
    (SIMD, "llvmlite.ir", "IRBuilder.insert_element", "fills a vector"),
    (SIMD, "llvmlite.ir", "IRBuilder.ctpop", "counts bits"),
    (SIMD, "llvmlite.ir", "Undefined", "stands for lanes that do not matter"),
    (SIMD, "llvmlite.ir", "DoubleType.as_pointer", "loads and stores"),
    (SIMD, "numba.core.cgutils", "get_or_insert_function", "names an instruction of LLVM"),
    (SIMD, "numba.core.datamodel.models", "PrimitiveModel", "says how a vector is held"),
    (SIMD, "numba.core.imputils", "lower_builtin", "makes the operators + - * /"),
    (SIMD, "numba.core.typing.templates", "AbstractTemplate", "types the operators"),
    (SIMD, "numba.core.typing.templates", "infer_global", "types the operators"),
    (SIMD, "numba.core.typing.templates", "signature", "types the operators"),
    (SIMD, "numba.extending", "intrinsic", "makes load, store, fma and others"),
    (SIMD, "numba.extending", "register_model", "says how a vector is held"),
    (SIMD, "numba.np.arrayobj", "make_array", "finds an array's elements"),
]


def broken(user, what, why):
    file = user.replace(".", "/") + ".py"
    found = ", ".join(f"{name} {version(name)}" for name in ("numba", "llvmlite"))
    return f"{found}: {what}; {file} uses it: it {why}"


@pytest.mark.parametrize(("user", "module", "name", "why"), NAMES)
def test_a_part_that_is_used_still_exists(user, module, name, why):
    found = importlib.import_module(module)
    for step in name.split("."):
        assert hasattr(found, step), broken(user, f"{module} has no {name} any more", why)
        found = getattr(found, step)


@pytest.mark.parametrize("user", [JIT, PARTS, SIMD, TAIL])
def test_no_further_part_is_used_without_being_listed(user):
    known = {"numba.types", "numba.core.types"}  # the types are documented
    for owner, module, name, _ in NAMES:
        if owner == user:
            known |= {module, f"{module}.{name.partition('.')[0]}"}
    text = Path(inspect.getfile(importlib.import_module(user))).read_text("utf-8")
    imports = re.findall(r"from ((?:numba|llvmlite)\S*) import ([^#\n]*[^#\s])", text)
    assert imports
    used = {f"{module}.{name}" for module, names in imports for name in names.split(", ")}
    assert used <= known, f"list above what {user} uses: {used - known}"


def test_the_disk_cache_can_be_asked(tmp_path, monkeypatch):
    """``is_compiled`` looks into it; if it cannot, every run says that kernels are compiled."""
    import numba

    monkeypatch.setattr(numba.core.config, "CACHE_DIR", str(tmp_path))
    name = "kept_kernel_module"
    (tmp_path / f"{name}.py").write_text(
        "from vqa_harness import jit\n@jit.kernel()\ndef twice(x):\n    return 2 * x\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    kernel = importlib.import_module(name).twice
    cache = kernel.compiled._cache
    why = "tells whether anything is to be compiled"
    for owner, part in ((cache, "_index_key"), (cache, "_cache_file")):
        assert hasattr(owner, part), broken(JIT, f"a dispatcher's cache has no {part}", why)
    assert hasattr(cache._cache_file, "_load_index"), broken(JIT, "_load_index is gone", why)
    assert not jit.is_compiled(kernel, 3)
    assert kernel(3) == 6
    monkeypatch.delitem(sys.modules, name)
    again = importlib.import_module(name).twice
    assert again is not kernel
    assert not again.compiled.signatures
    assert jit.is_compiled(again, 3), broken(JIT, "its disk cache is indexed otherwise", why)
    assert not jit.is_compiled(again, np.zeros(3)), broken(JIT, "its index key lacks types", why)


def test_parts_are_typed_once_and_have_no_machine_code():
    """What makes first use short; without it everything works, but takes four times as long."""
    source = (
        "@part()\n"
        "def scaled(x, span):\n"
        "    return x * (span[1] - span[0])\n"
        "@kernel()\n"
        "def work(x):\n"
        "    return scaled(x, (0, 3)) + scaled(x, (1, 5))\n"
    )
    space = {"kernel": jit.kernel, "part": jit.part}
    exec(compile(source, "<no file>", "exec"), space)
    assert space["work"](2.0) == 14.0
    (made,) = space["scaled"].overloads.values()
    name = made.fndesc.llvm_func_name
    assert not made.library.codegen._engine.is_symbol_defined(name), broken(
        PARTS, "_finalize_final_module is called no more", MACHINE_CODE
    )
    with pytest.raises(TypeError, match="scaled is a part: only kernels can call it"):
        space["scaled"](2.0, (0, 3))


def test_tail_is_the_rest_of_an_array():
    source = (
        "from vqa_metrics.nss.tail import tail\n"
        "@part()\n"
        "def move(a, start):\n"
        "    rest = tail(a, start)\n"
        "    rest[0] = len(rest)\n"
        "@kernel()\n"
        "def work(a, start):\n"
        "    move(a, start)\n"
    )
    space = {"kernel": jit.kernel, "part": jit.part}
    exec(compile(source, "<no file>", "exec"), space)
    values = np.zeros(5, np.int32)
    space["work"](values, 2)
    assert values.tolist() == [0, 0, 3, 0, 0]


def test_vectors_do_what_they_say():
    """Each operation of ``simd.py`` on its own, against NumPy."""
    source = (
        "from vqa_metrics.nss.simd import absolute, fma, load, narrow\n"
        "from vqa_metrics.nss.simd import popcount, splat, square_root, store\n"
        "@kernel()\n"
        "def work(a, b, single, raw, out, out32, bits):\n"
        "    x, y = load(a, 0), load(b, 0)\n"
        "    store(out, 0, x + y)\n"
        "    store(out, 8, x - y)\n"
        "    store(out, 16, x * y)\n"
        "    store(out, 24, x / y)\n"
        "    store(out, 32, fma(x, y, splat(0.5)))\n"
        "    store(out, 40, square_root(absolute(x)))\n"
        "    store(out32, 0, narrow(x, y))\n"
        "    store(out32, 16, load(raw, 1) * load(single, 0))\n"
        "    bits[0] = popcount(raw[0])\n"
    )
    space = {"kernel": jit.kernel}
    exec(compile(source, "<no file>", "exec"), space)
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 8))
    single = rng.normal(size=16).astype(np.float32)
    raw = rng.integers(0, 256, 17, dtype=np.uint8)
    out, out32, bits = np.zeros(48), np.zeros(32, np.float32), np.zeros(1, np.uint8)
    space["work"](a, b, single, raw, out, out32, bits)
    expected = [a + b, a - b, a * b, a / b, a * b + 0.5, np.sqrt(np.abs(a))]
    np.testing.assert_allclose(out.reshape(6, 8), expected, rtol=0, atol=1e-15)
    assert np.array_equal(out.reshape(6, 8)[[0, 1, 2, 3, 5]], np.array(expected)[[0, 1, 2, 3, 5]])
    np.testing.assert_array_equal(out32[:16], np.concatenate([a, b]).astype(np.float32))
    np.testing.assert_array_equal(out32[16:], raw[1:].astype(np.float32) * single)
    assert bits[0] == int(raw[0]).bit_count()


def test_a_product_and_a_sum_are_rounded_once():
    """The residue of ``fma`` that NIQE's sign depends on: 0 if it were rounded twice."""
    source = (
        "from vqa_metrics.nss.simd import fma, load, store\n"
        "@kernel()\n"
        "def residue(a, b, c, out):\n"
        "    store(out, 0, fma(load(a, 0), load(b, 0), load(c, 0)))\n"
    )
    space = {"kernel": jit.kernel}
    exec(compile(source, "<no file>", "exec"), space)
    a = np.full(8, 1 + 2.0**-30)
    b = np.full(8, 1 - 2.0**-30)
    out = np.zeros(8)
    space["residue"](a, b, -(a * b), out)
    np.testing.assert_array_equal(out, -(2.0**-60))


@pytest.mark.parametrize("name", ["numba", "llvmlite"])
def test_no_version_is_taken_that_was_not_tested(name):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [Requirement(text) for text in project["project"]["dependencies"]]
    (own,) = [requirement for requirement in wanted if requirement.name == name]
    assert any(bound.operator == "<" for bound in own.specifier), f"{name} has no upper bound"
    assert own.specifier.contains(version(name)), f"{name} {version(name)} is not {own.specifier}"
