"""Whatever stands in a log, a configuration or a rule: it is read, or refused in one line."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exam.configurations import GATE, LADDER
from tests.exam.hostile import broken, hostile_cells, hostile_json, hostile_toml
from tests.paths import VMAF_LOGS
from vqa_harness.errors import VqaError
from vqa_harness.gate.baseline import read_baseline
from vqa_harness.gate.config import load_config
from vqa_harness.gate.rules import parse_rule
from vqa_harness.ladder.config import read_config
from vqa_harness.logs.read import read_log

LOGS = sorted(path for path in VMAF_LOGS.iterdir() if path.suffix != ".md")
QUICK = settings(max_examples=40, deadline=None)
WORDS = st.sampled_from(
    [
        *("vmaf", "psnr_y", ".", "mean", "p5", ">=", "<", "max_drop", "==", "93", "-1", "nan"),
        *("align.dropped", "bdrate", "(", ",", "9" * 6000, "\x1b[31m", "share", "1e999", "=", " "),
    ]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("parsers")


def refused(read, *arguments):
    """Read, and return the message if that is refused; it has to be one line."""
    try:
        read(*arguments)
        return ""
    except VqaError as error:
        message = str(error)
    assert message
    assert "\n" not in message
    return message


@QUICK
@given(st.lists(WORDS, max_size=8).map(" ".join) | st.lists(WORDS, max_size=8).map("".join))
def test_rules(text):
    if not refused(parse_rule, text):
        rule = parse_rule(text)
        assert parse_rule(str(rule)).target == rule.target


@QUICK
@given(st.text(max_size=30))
def test_rules_of_any_characters(text):
    refused(parse_rule, text)


@QUICK
@given(st.sampled_from([(GATE, load_config), (LADDER, read_config)]), st.integers(0, 10**6))
def test_configurations(folder, kind, number):
    text, read = kind
    path = folder / "c.toml"
    path.write_text(hostile_toml(text, f"{number}"), "utf-8")
    message = refused(read, path)
    assert not message or path.name in message


@QUICK
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_configurations_of_any_bytes(folder, content):
    path = folder / "b.toml"
    path.write_bytes(content)
    for read in (load_config, read_config):
        refused(read, path)


@QUICK
@given(st.sampled_from(LOGS), st.integers(0, 10**6), st.booleans())
def test_logs_and_baselines(folder, log, number, whole):
    text = log.read_text("utf-8")
    change = hostile_json if log.suffix == ".json" and is_json(text) else hostile_cells
    mutant = (change if whole else broken)(text, f"{number}")
    path = folder / log.name
    path.write_bytes(mutant.encode("utf-8", "surrogatepass"))
    message = refused(read_log, path)
    assert not message or log.name in message
    refused(read_baseline, path, {"one"})


def is_json(text):
    """Whether it is JSON in the narrow sense, which logs of early libvmaf are not."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
