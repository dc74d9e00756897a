"""Checks that a package with a log format runs on it.

    from vqa_harness.testing import check_writer

    def test_writes_any_log():
        check_writer(SPEC)

`check_writer` raises `AssertionError` with one line that says what is wrong.
"""

from __future__ import annotations

import copy
import io
from typing import NoReturn

from vqa_harness.errors import UsageError
from vqa_harness.logs.log import Log
from vqa_harness.logs.write import BUILTIN
from vqa_harness.spec import WriterSpec
from vqa_harness.stats.pooling import pool

_ODD = "a \"b\" <c> & 'd';\n\u00e9\u4e2d\U0001f3ac.mp4"
"""A name of a file that means something in most formats."""
_UNDECODABLE = "clip-\udcff.mp4"
"""What Python makes of a file name that is not UTF-8; it cannot be written as it is."""


def sample_log() -> Log:
    """A log of three frames of 1920x1080 and two features, as ``vqa-harness run`` makes it."""
    scores = {"brisque": [24.5, -0.25, 1e-7], "psnr_y": [38.104519, 41.0, 60.0]}
    return Log(
        version="vqa-harness 0",
        fps=118.4,
        frame_numbers=[0, 1, 2],
        columns={name: list(column) for name, column in scores.items()},
        pooled={name: dict(pool(column)) for name, column in scores.items()},
        extra={"schema": 1, "inputs": {"distorted": {"name": "clip.mp4"}}, "warnings": []},
        size=(1920, 1080),
    )


def check_writer(spec: WriterSpec) -> None:
    """Check a log format: its spec, and what its function does with logs of many kinds.

    Among them are a log of another program (no ``vqa_harness`` object, undefined values, unknown
    speed and size), one without frames, and one with file names that no text file can hold as they
    are. The format may refuse any of these with a `UsageError`.

    Raises:
        AssertionError: the format does not do what `WriterSpec` says.
        UsageError: the function cannot be imported.
    """
    if fault := spec.fault():
        _fail(spec, fault)
    if spec.name in {writer.name for writer in BUILTIN} and spec not in BUILTIN:
        _fail(spec, "its name is that of a format of vqa-harness")
    sample = sample_log()
    if not _written(spec, "a log", sample):
        _fail(spec, "it writes nothing for a plain log, or refuses it")
    _written(spec, "a log without frames", Log("1"))
    _written(
        spec,
        "a log of another program",
        Log("3.0.0", None, [0, 1], {"vmaf": [90.0, None], "odd name": [None, None]}),
    )
    for name in (_ODD, _UNDECODABLE):
        odd = copy.deepcopy(sample)
        odd.extra["inputs"]["distorted"]["name"] = name
        _written(spec, f"a log of the file {name!r}", odd)


def _written(spec: WriterSpec, what: str, log: Log) -> str:
    write, texts = spec.load(), []
    for _ in range(2):
        passed, file = copy.deepcopy(log), io.StringIO()
        try:
            write(passed, file)
        except UsageError:  # a format may say what it has no place for
            return ""
        except Exception as error:
            raise AssertionError(f"log format {spec.name!r}: {what}: {error!r}") from error
        if file.closed:
            _fail(spec, "it closes the file, which belongs to the caller")
        if passed != log:
            _fail(spec, "it changes the log")
        texts.append(file.getvalue())
    if texts[0] != texts[1]:
        _fail(spec, "the same log gives a different text the second time")
    try:
        texts[0].encode("utf-8")
    except UnicodeEncodeError as error:
        _fail(spec, f"{what}: {error.object[error.start : error.end]!r} cannot be written")
    return texts[0]


def _fail(spec: WriterSpec, what: str) -> NoReturn:
    raise AssertionError(f"log format {spec.name!r}: {what}")
