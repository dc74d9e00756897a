"""A graph without weights of its own: its tensors become parts of the weights file beside it.

An exporter copies weights into the graph, some of them transposed. Those that are equal to a tensor
of the weights file are replaced by a reference to it, by a cast to float32 where the file has
float16, and by a transposition where there was one; ONNX Runtime computes these once, when it
loads.
"""

from __future__ import annotations

import hashlib

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from vqa_plugin_clip.checkpoint.weights import StoredTensor, stored_tensors

_DTYPES: dict[str, np.dtype[np.floating]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
_TYPES = {"F16": ir.DataType.FLOAT16, "F32": ir.DataType.FLOAT}
_SMALLEST = 64
"""Elements below which a constant is left in the graph."""


def share_weights(model: ir.Model, weights: bytes, location: str) -> None:
    """Replace the weights inside a graph by references to a weights file; in place.

    Args:
        model: The graph, its weights as constants of the main graph.
        weights: The safetensors file.
        location: The name of that file, by which the graph will refer to it.
    """
    known = _by_content(weights)
    sources = _Sources(model.graph, location)
    for name, value in list(model.graph.initializers.items()):
        constant = value.const_value
        if constant is None or constant.dtype != ir.DataType.FLOAT or constant.size < _SMALLEST:
            continue
        found = known.get(_digest(constant.numpy()))
        if found is not None:
            value.replace_all_uses_with(sources.value_of(*found))
            del model.graph.initializers[name]


def _by_content(weights: bytes) -> dict[bytes, tuple[StoredTensor, bool]]:
    """Return stored tensors, and whether to transpose them, by what their values hash to."""
    known: dict[bytes, tuple[StoredTensor, bool]] = {}
    for tensor in stored_tensors(weights):
        if tensor.dtype not in _DTYPES:
            continue
        dtype = _DTYPES[tensor.dtype]
        count = tensor.length // dtype.itemsize
        values = np.frombuffer(weights, dtype, count, tensor.offset).reshape(tensor.shape)
        if values.ndim == 2:
            known.setdefault(_digest(values.T), (tensor, True))
        known[_digest(values)] = (tensor, False)
    return known


def _digest(values: NDArray[np.floating]) -> bytes:
    content = np.ascontiguousarray(values, np.float32).tobytes()
    return hashlib.sha256(repr(values.shape).encode() + content).digest()


class _Sources:
    """The values of stored tensors in a graph, each made when it is first asked for."""

    def __init__(self, graph: ir.Graph, location: str) -> None:
        self._graph, self._location = graph, location
        self._first = graph[0]
        self._made: dict[tuple[str, bool], ir.Value] = {}

    def value_of(self, tensor: StoredTensor, transposed: bool) -> ir.Value:
        """Return the tensor's value, float32."""
        key = (tensor.name, transposed)
        if key not in self._made and transposed:
            plain = self.value_of(tensor, False)
            self._made[key] = self._computed(ir.node("Transpose", [plain], {"perm": [1, 0]}))
        elif key not in self._made:
            self._made[key] = self._plain(tensor)
        return self._made[key]

    def _plain(self, tensor: StoredTensor) -> ir.Value:
        name, kind = f"weights.{tensor.name}", _TYPES[tensor.dtype]
        shape = ir.Shape(tensor.shape)
        stored = ir.ExternalTensor(
            self._location, tensor.offset, tensor.length, kind, shape=shape, name=name
        )
        value = ir.Value(name=name, shape=shape, type=ir.TensorType(kind), const_value=stored)
        self._graph.register_initializer(value)
        if kind is ir.DataType.FLOAT:
            return value
        return self._computed(ir.node("Cast", [value], {"to": int(ir.DataType.FLOAT)}))

    def _computed(self, node: ir.Node) -> ir.Value:
        self._graph.insert_before(self._first, node)
        return node.outputs[0]
