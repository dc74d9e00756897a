"""`Log.view`: what is told is there, what is odd is empty, and nothing raises."""

import copy
import json
import pickle
import re
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.paths import docs_page
from vqa_harness import __version__
from vqa_harness.alignment.events import Events, Freeze, Segment
from vqa_harness.alignment.options import AlignOptions
from vqa_harness.alignment.report import AlignReport
from vqa_harness.frames import ColourInfo, StreamInfo
from vqa_harness.gate.baseline import entry_of
from vqa_harness.gate.facts import find_fact, find_feature, known_facts
from vqa_harness.gate.junit import to_junit
from vqa_harness.gate.output import to_json as gate_json
from vqa_harness.gate.plan import Case
from vqa_harness.gate.verdict import ScoredCase, Verdict
from vqa_harness.logs import view
from vqa_harness.logs.build import build_log
from vqa_harness.logs.compare import compare_logs
from vqa_harness.logs.log import Log
from vqa_harness.logs.read import parse_log
from vqa_harness.logs.view_parser import parse_view
from vqa_harness.logs.vmaf_json import to_json
from vqa_harness.media.read_report import ReadReport
from vqa_harness.report.data import ReportData, ReportItem, Section
from vqa_harness.report.page import build as build_page
from vqa_harness.result import MetricResult, RunResult, WindowScore
from vqa_harness.spec import Feature, MetricSpec
from vqa_harness.testing.logs import check_contract

STREAM = StreamInfo(
    name="distorted.mp4",
    codec="h264",
    width=64,
    height=48,
    pix_fmt="yuv420p",
    depth=8,
    chroma="420",
    rate=Fraction(30000, 1001),
    colour=ColourInfo(full_range=False, matrix="bt601", guessed=("matrix",)),
)
FRAMES = 4


def full_log():
    """A log in which every field of the format is told."""
    sharp = MetricSpec(
        "sharp", "package:Class", (Feature("sharp", True, 0.0, 100.0, "dB"),), version="3"
    )
    clip = MetricSpec("clip", "package:Class", (Feature("clip", False, None, 9.0),), kind="clip")
    events = Events(
        dropped=[2],
        duplicated=[3],
        frozen=[Freeze(1, 2, 0)],
        segments=[Segment("matched", 0, 3, 1, 4), Segment("unmatched", 3, 4)],
        unmatched=[(3, 4)],
        head=(0, 1),
        tail=(1, 0),
    )
    report = AlignReport(
        AlignOptions(),
        model="content",
        offset_frames=1,
        offset_seconds=Fraction(1, 30),
        pairs=FRAMES,
        distorted_frames=5,
        reference_frames=6,
        events=events,
        residual={"median": 0.5, "p95": 1.0, "max": 2.0},
        confidence=0.75,
        format={"distorted": {"size": [32, 24]}},
    )
    reading = ReadReport("distorted.mp4", frames=FRAMES, missing_pts=2)
    result = RunResult(
        STREAM,
        reference=replace(STREAM, name="reference.mp4"),
        frame_times=[Fraction(i, 30) for i in range(FRAMES)],
        metrics=[
            MetricResult(
                sharp,
                {"window": 2},
                {"sharp": [50.0, None, 52.0, 53.0]},
                provider="package 1.0",
                info={"device": "cpu"},
                diagnostics={"flat": [0.0, None, 1.0, 0.0]},
                aggregate={"all": 51.5},
                warnings=["one frame is black"],
                seconds=0.25,
            ),
            MetricResult(
                clip,
                {},
                {"clip": [-2.0] * FRAMES},
                error="out of memory",
                windows=[WindowScore(0, FRAMES, (0, 2), {"clip": -2.0})],
            ),
        ],
        sha256={"distorted": "d" * 64, "reference": "r" * 64},
        reading={"distorted": reading.to_json()},
        alignment=report.to_json(),
        warnings=["the clip is short"],
        cpu_seconds=2.0,
        seconds={"decode": 0.5},
    )
    return build_log(result, command="vqa-harness run", created="2026-01-02T03:04:05Z")


LOG = full_log()
DOCUMENT = to_json(LOG)


def test_what_a_run_tells_of_its_videos():
    inputs = LOG.view.inputs
    assert inputs.distorted == view.StreamEntry(
        name="distorted.mp4",
        sha256="d" * 64,
        codec="h264",
        width=64,
        height=48,
        pix_fmt="yuv420p",
        depth=8,
        chroma="420",
        rate=Fraction(30000, 1001),
        frames=FRAMES,
        rotation=0,
        mirrored=False,
        sar="1:1",
        interlaced=False,
        still=False,
        colour=view.ColourEntry("limited", "bt601", "unknown", "unknown", ("matrix",)),
    )
    assert inputs.distorted.size == (64, 48)
    assert inputs.stream("distorted") is inputs.distorted
    assert inputs.stream("reference").name == "reference.mp4"
    reading = LOG.view.reading["distorted"]
    assert (reading.facts["frames"], reading.facts["missing_pts"]) == (FRAMES, 2)
    assert reading.facts["gap_list"] == 0
    assert reading.warnings == ("distorted.mp4: 2 frames without a timestamp",)


def test_what_a_run_tells_of_its_alignment():
    found = LOG.view.alignment
    assert found == view.Alignment(
        mode="auto",
        model="content",
        options=AlignOptions().to_json(),
        pairs=4,
        offset_frames=1,
        offset_seconds=pytest.approx(1 / 30),
        distorted_frames=5,
        reference_frames=6,
        distorted_head=0,
        distorted_tail=1,
        reference_head=1,
        reference_tail=0,
        dropped=view.Counted(1, (2,)),
        duplicated=view.Counted(1, (3,)),
        frozen_frames=1,
        unmatched_frames=1,
        confidence=0.75,
        segments=(
            view.SegmentEntry("matched", (0, 3), (1, 4)),
            view.SegmentEntry("unmatched", (3, 4)),
        ),
        distorted_size=(32, 24),
        facts=found.facts,
    )
    assert found.facts["dropped"] == 1
    assert found.facts["extra_head.reference"] == 1
    assert found.facts["reference_counted"] == 1
    assert found.facts["disagrees_from"] is None
    assert set(known_facts("align")) <= set(found.facts)
    assert set(known_facts("reading")) - {"first_error"} <= set(LOG.view.reading["distorted"].facts)


def test_what_a_run_tells_of_its_metrics():
    sharp, clip = LOG.view.metrics.values()
    assert sharp == view.MetricEntry(
        "sharp",
        metric="sharp",
        provider="package 1.0",
        version="3",
        kind="frame",
        features={"sharp": view.FeatureEntry(True, 0.0, 100.0, "dB")},
        parameters={"window": 2},
        info={"device": "cpu"},
        temporal="frame",
        undefined_frames={"sharp": (1,)},
        diagnostics={"flat": (0.0, None, 1.0, 0.0)},
        aggregate={"all": 51.5},
        warnings=("one frame is black",),
        seconds=0.25,
    )
    assert (sharp.features["sharp"].best, clip.features["clip"].best) == (100.0, None)
    assert (clip.label, clip.kind, clip.error) == ("clip", "clip", "out of memory")
    assert (clip.temporal, clip.score) == ("clip", -2.0)
    (window,) = clip.windows
    assert (window.start, window.stop, window.frames) == (0, FRAMES, (0, 2))
    assert (window.start_seconds, window.stop_seconds) == pytest.approx((0, 4.001 / 30), abs=1e-4)
    assert window.scores == {"clip": -2.0}
    assert LOG.view.metric_of("clip") is clip
    assert LOG.view.metric_of("other") is None
    assert LOG.view.undefined_frames == {"sharp": (1,)}


def test_what_a_run_tells_of_itself_and_of_pooling():
    found = LOG.view
    assert (found.schema, found.created) == (1, "2026-01-02T03:04:05Z")
    assert (found.harness_version, found.command) == (__version__, "vqa-harness run")
    assert found.frame_times == pytest.approx([0, 1 / 30, 2 / 30, 3 / 30], abs=1e-6)
    assert found.warnings == ("the clip is short",)
    assert found.errors == {"clip": "out of memory"}
    assert found.seconds == {"decode": 0.5, "cpu": 2.0}
    pooling = found.pooling
    assert (pooling.worst_run_frames, pooling.harmonic_mean_replaced) == (30, ("clip",))
    sharp = pooling.features["sharp"]
    assert sharp.percentiles["p50"] == 51.0
    assert sharp.std == pytest.approx(1.299, abs=1e-3)
    assert sharp.worst_run == view.WorstRun(0, FRAMES, 51.25)
    assert (sharp.defined_frames, sharp.mean_of_defined) == (3, pytest.approx(155 / 3))


def test_a_log_of_another_program_tells_nothing():
    log = Log("3.0.0", frame_numbers=[0], columns={"vmaf": [90.0]})
    assert log.view == view.LogView()
    assert log.view.metric_of("vmaf") is None
    assert log.view.undefined_frames == {}


def test_a_log_is_read_once_and_again_where_it_is_replaced():
    log = parse_log(json.dumps(DOCUMENT))
    assert log.view is log.view
    assert log.view == LOG.view
    log.extra["warnings"] = ["later"]
    assert log.view.warnings == ("the clip is short",)
    assert replace(log).view.warnings == ("later",)
    assert pickle.loads(pickle.dumps(log)).view == log.view


def test_the_example_of_the_page_shows_what_it_says(capsys):
    page = docs_page("log-format.md")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.S)
    names = {"log": LOG}
    exec(example, names)
    shown = capsys.readouterr().out.splitlines()
    assert shown[:3] == [
        "distorted.mp4 (64, 48) 30000/1001",
        "sharp 3 {'window': 2} None",
        "sharp True dB 100.0",
    ]
    assert shown[-2:] == ["1 1.0", "WorstRun(start=0, stop=4, score=51.25)"]
    assert names["gaps"] == {"sharp": (1,)}


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", Fraction(25)),
        ("30000/1001", Fraction(30000, 1001)),
        *(
            (odd, None)
            for odd in ("0", "25/0", "0/1", "-25", "25 fps", "\u00b2", "9" * 400, "", 25)
        ),
    ],
)
def test_a_rate_is_a_fraction_above_zero(text, rate):
    assert parse_view({"inputs": {"distorted": {"rate": text}}}).inputs.distorted.rate == rate


def test_values_of_another_kind_are_none_or_empty():
    metric = {
        "metric": 3,
        "version": 3,
        "provider": ["x"],
        "features": {"a": 1, "b": {"direction": [], "range": [0], "unit": 7}},
        "parameters": 1,
        "undefined_frames": {"a": [1, True, "2", 2.0, 4], "b": 3},
        "windows": [{"start": 1}, 4, {"start": 0, "end": 2, "scores": {"a": "x"}}],
        "diagnostics": {"a": [1, "x"], "b": 3},
        "error": {"code": 1},
        "seconds": 10**400,
    }
    found = parse_view(
        {
            "inputs": {"distorted": {"width": 4.5, "height": True}, "reference": {}},
            "metrics": {"m": metric, "n": 5},
            "frame_times": [0, "1", None, True, 1e99, 1e100],
            "alignment": {
                "offset_frames": 2**63,
                "segments": {"list": [{"kind": "x", "distorted": [2, 2]}, {"distorted": [0, 1]}]},
                "dropped": {"count": "3", "list": [1, None, "2"]},
                "format": {"distorted": {"size": [1, 2, 3]}},
            },
            "pooling": {"worst_run_frames": 0, "features": {"a": {"worst_run": {"start": 0}}}},
            "warnings": [1, None],
        }
    )
    assert found.inputs == view.Inputs(view.StreamEntry())
    assert found.inputs.distorted.size is None
    assert found.frame_times == (0.0, None, None, None, 1e99, None)
    assert found.alignment.offset_frames is None
    assert found.alignment.segments == ()
    assert found.alignment.dropped == view.Counted(None, (1,))
    assert found.alignment.distorted_size is None
    assert found.pooling == view.Pooling(features={"a": view.PooledEntry()})
    assert found.warnings == ("1", "None")
    metric = found.metrics["m"]
    assert (metric.metric, metric.version, metric.provider) == (None, "3", "['x']")
    assert metric.features == {"a": view.FeatureEntry(), "b": view.FeatureEntry()}
    assert (metric.parameters, metric.seconds, metric.error) == ({}, None, "{'code': 1}")
    assert metric.undefined_frames == {"a": (1, 4)}
    assert metric.diagnostics == {"a": (1.0, None), "b": ()}
    assert metric.windows == (view.WindowEntry(0, 2, scores={"a": None}),)
    assert metric.described
    assert not found.metrics["n"].described


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 3, 2**63, 10**400, 1.5, -0.0, 1e99, 1e308])
    | st.sampled_from(["", "higher", "25", "matched", "<b>", "\x00", "count", "list"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["count", "list", "features", "distorted", "a", "size"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@st.composite
def mutated(draw):
    """The object of a full log with some of its values replaced, removed or put elsewhere."""
    document = copy.deepcopy(LOG.extra)
    for _ in range(draw(st.integers(1, 4))):
        parent, key = draw(st.sampled_from(list(places(document))))
        change = draw(st.sampled_from(["replace", "remove", "copy"]))
        if change == "replace":
            parent[key] = draw(JSON)
        elif change == "remove":
            del parent[key]
        else:
            other, name = draw(st.sampled_from(list(places(LOG.extra))))
            parent[key] = copy.deepcopy(other[name])
        if not document:
            break
    return document


def places(value):
    """Where something stands in a document: the object or list, and the key."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in list(members):
        yield value, key
        if isinstance(member, dict | list):
            yield from places(member)


def conforms(value, kind):
    """Whether a value is of the kind an annotation says, all that it holds included."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if origin in (types.UnionType, Union):
        return any(conforms(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if origin is tuple and inner[-1] is Ellipsis:
        return isinstance(value, tuple) and all(conforms(x, inner[0]) for x in value)
    if origin is tuple:
        same = isinstance(value, tuple) and len(value) == len(inner)
        return same and all(map(conforms, value, inner))
    if origin is Mapping:
        return isinstance(value, Mapping) and all(
            conforms(k, inner[0]) and conforms(x, inner[1]) for k, x in value.items()
        )
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return type(value) is kind and all(
            conforms(getattr(value, one.name), hints[one.name]) for one in fields(kind)
        )
    if kind is float:
        return type(value) is float and abs(value) < 1e100
    return type(value) is kind


def test_the_check_of_kinds_sees_what_is_wrong():
    assert conforms(LOG.view, view.LogView)
    assert not conforms(replace(LOG.view, schema=True), view.LogView)
    assert not conforms(replace(LOG.view, frame_times=(1,)), view.LogView)
    odd = replace(LOG.view.alignment, distorted_size=(1, 2, 3))
    assert not conforms(replace(LOG.view, alignment=odd), view.LogView)
    assert not conforms(replace(LOG.view, errors={"a": None}), view.LogView)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(list(LOG.extra)), JSON) | mutated())
def test_any_document_is_read_into_the_kinds_that_are_promised(document):
    assert conforms(parse_view(document), view.LogView)


@settings(max_examples=60, deadline=None)
@given(mutated())
def test_no_reader_of_a_log_stumbles_over_any_document(document):
    log = parse_log(json.dumps(DOCUMENT | {"vqa_harness": document}))
    find_fact(log, "align", "dropped")
    find_fact(log, "reading", "frames")
    find_feature(log, "sharp", "worst_run", None)
    entry_of(log)
    assert compare_logs(log, LOG).features
    assert compare_logs(LOG, log).features
    verdict = Verdict([ScoredCase(Case("a"), log)])
    assert json.dumps(gate_json(verdict), allow_nan=False)
    assert to_junit(verdict)
    items = [ReportItem("a", log), ReportItem("b", LOG)]
    assert build_page(ReportData([Section("s", items), Section("t", items[:1])]))
    check_contract(log)
