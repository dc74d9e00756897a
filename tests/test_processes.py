import math
import os
import time

import pytest

from vqa_harness.errors import InputError, MetricError
from vqa_harness.processes import Crew, as_they_finish, in_order


def test_results_come_as_they_finish():
    assert [case for case, _ in as_they_finish(time.sleep, [0.6, 0.0], 2)] == [0.0, 0.6]
    assert list(as_they_finish(math.sqrt, [], 2)) == []


def test_what_work_raises_is_raised_and_the_rest_is_left():
    with pytest.raises(ValueError, match="math domain error"):
        list(as_they_finish(math.sqrt, [-1.0, *[4.0] * 50], 1))


def test_a_process_that_ends_is_one_line():
    with pytest.raises(MetricError, match=r"^3: the process that scored it died: .* code 3, .*$"):
        list(as_they_finish(os._exit, [3], 1))


def score(case, _registry, exponent):
    """What `in_order` does in its processes: a case below zero ends its process."""
    if case < 0:
        os.abort()
    return case**exponent


def test_a_process_that_dies_costs_its_case_alone():
    cases = [1, 2, -3, 4, -5, *range(6, 14)]
    told = []

    def died(case, error):
        told.append((case, str(error)))
        return

    found = list(in_order(score, iter(cases), 2, 2, died))
    assert found == [None if case < 0 else case**2 for case in cases]
    assert [case for case, _ in told] == [-3, -5]
    assert all("the process that scored it died" in text for _, text in told)


def whose(case, _registry, _options):
    if case == "dies":
        os.abort()
    if case == "sleeps":
        time.sleep(60)
    return os.getpid()


def everything(crew, count):
    found = {}
    while len(found) < count:
        found.update(crew.finished(0.2))
    return found


def test_a_crew_stays_warm_and_replaces_who_is_lost():
    crew = Crew(1)
    try:
        for case in ("a", "b", "dies", "c"):
            crew.start(whose, case, None)
        found = everything(crew, 4)
        assert found["a"] == found["b"] != found["c"]
        assert isinstance(found["dies"], MetricError)
        crew.start(whose, "sleeps", None, 0.2)
        assert isinstance(everything(crew, 1)["sleeps"], InputError)
        assert crew.finished(0.0) == []
        crew.start(whose, "sleeps", None)
        begin = time.monotonic()
        assert crew.finished(0.1) == []
        assert time.monotonic() - begin < 30
    finally:
        crew.close()


def test_a_process_killed_while_it_starts_loses_its_case_and_many_are_no_accident():
    crew = Crew(1)
    try:
        for attempt in range(7):
            crew.start(whose, attempt, None)
            crew._pool._workers[-1].process.kill()
            if attempt < 5:
                assert isinstance(everything(crew, 1)[attempt], MetricError)
        with pytest.raises(MetricError, match="before it had any work"):
            everything(crew, 1)
    finally:
        crew.close()
