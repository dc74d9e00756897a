"""Cases of a gate or a benchmark on an engine: their results come in order, whatever happens."""

import os
import socket
from pathlib import Path

import pytest

from vqa_harness.engine import task
from vqa_harness.engine.in_order import in_order_on
from vqa_harness.engine.places import HERE, Places, chosen
from vqa_harness.engine.pool import pool_engine
from vqa_harness.engine.task import Away, Raised, Task, do, plugins
from vqa_harness.errors import InputError, MetricError, MissingBackend, UsageError


class Backwards:
    """Answers what it has been given, the last first."""

    window = 3

    def __init__(self):
        self.under_way, self.most, self.lost = [], 0, set()

    def submit(self, given):
        self.under_way.append(given)
        self.most = max(self.most, len(self.under_way))

    def finished(self, seconds):
        given = self.under_way.pop()
        if given.case[1] in self.lost:
            return [(given, MetricError("died"))]
        return [(given, do(given, None, None))]


def double(case, registry, options):
    if case == options:
        raise UsageError(f"no {case}")
    return 2 * case


def lost(case, error):
    return f"{case} {error}"


def test_results_come_in_order_and_few_are_under_way():
    engine = Backwards()
    engine.lost = {4}
    found = list(in_order_on(engine, double, range(100), None, lost))
    assert found == [*(2 * n for n in range(4)), "4 died", *(2 * n for n in range(5, 100))]
    assert engine.most == 3


def test_one_that_takes_long_does_not_stop_the_others_and_has_few_behind_it():
    read = []

    def cases():
        for n in range(100):
            read.append(n)
            yield n

    class Slow(Backwards):
        def finished(self, seconds):
            if len(self.under_way) == 1:
                return super().finished(seconds)
            given = self.under_way.pop(1)  # never the first
            return [(given, do(given, None, None))]

    found = in_order_on(Slow(), double, cases(), None, lost)
    assert next(found) == 0
    assert 3 < len(read) <= 24
    assert list(found) == [2 * n for n in range(1, 100)]


def test_the_first_error_in_the_order_of_the_cases_is_raised():
    found = in_order_on(Backwards(), double, range(9), 5, lost)
    assert [next(found) for _ in range(5)] == [0, 2, 4, 6, 8]
    with pytest.raises(UsageError, match="no 5"):
        next(found)


def end_badly(case, registry, options):
    if case == 1:
        os._exit(7)
    return os.getpid()


def test_a_process_that_dies_costs_its_case():
    with pool_engine(1) as engine:
        first, died, last = in_order_on(engine, end_badly, range(3), None, lambda c, e: (c, e))
    assert died[0] == 1
    assert isinstance(died[1], MetricError)
    assert first != last


def test_another_machine_has_to_have_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = Task("x", lambda *_: Path.cwd(), None, None)

    def at(folder, found):
        return do(Task("x", here.work, None, None, None, Away(folder, found)), None, None)

    (tmp_path / "there").mkdir()
    assert at(tmp_path / "there", plugins()) == tmp_path / "there"
    for folder, found, says in (
        (tmp_path / "gone", plugins(), f"on {socket.gethostname()} has no folder {tmp_path}/gone"),
        (tmp_path, (("vqa-plugin-x", "1"), *plugins()), "other versions of vqa-plugin-x than"),
    ):
        answer = at(folder, found)
        assert isinstance(answer, Raised)
        assert isinstance(answer.error, MissingBackend)
        assert says in str(answer.error)


def test_plugins_are_named_with_versions():
    assert plugins() == tuple(sorted(plugins()))
    assert "vqa-harness" in dict(task.plugins())


def test_places():
    assert not HERE.needed(5)
    assert HERE.needed(1, timeout=3.0)
    assert Places("pool", 2).needed(2)
    assert Places(scheduler="tcp://x:1").needed(1)
    assert Places(scheduler="tcp://x:1").threads(0) == 1
    assert Places("pool", 2).threads(3) == 3
    assert chosen(2, None, None) == Places("pool", 2)
    with pytest.raises(UsageError, match="--jobs is of this machine"):
        chosen(2, "tcp://x:1", None)
    with pytest.raises(UsageError, match="no such file"):
        chosen(1, None, Path("none.json"))


def fail(case, registry, options):
    raise InputError("x")


def test_an_error_travels_from_the_process():
    with pool_engine(1) as engine, pytest.raises(InputError, match="x"):
        next(in_order_on(engine, fail, [1], None, lost))
