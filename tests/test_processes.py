import math
import os
import time

import pytest

from vqa_harness.errors import MetricError
from vqa_harness.processes import as_they_finish, in_order


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
