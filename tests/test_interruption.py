"""A signal that whoever started the process ignores stays ignored, in commands and in programs."""

import os
import signal
import sys

import pytest

from vqa_harness import interruption
from vqa_plugin_clip.train import interrupt

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
WATCHES = {"scoring": interruption.watched, "training": interrupt.watched}


@pytest.fixture(params=interruption.SIGNALS, ids=lambda number: number.name)
def ignored(request):
    """A signal that is ignored, as by ``nohup`` or in a background job of a shell."""
    before = {number: signal.getsignal(number) for number in interruption.SIGNALS}
    signal.signal(request.param, signal.SIG_IGN)
    yield request.param
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("watched", WATCHES.values(), ids=WATCHES)
def test_an_ignored_signal_stays_ignored(watched, ignored):
    with watched() as stop:
        assert signal.getsignal(ignored) is signal.SIG_IGN
        os.kill(os.getpid(), ignored)
        interruption.check()
        assert stop is None or not stop.asked
    assert signal.getsignal(ignored) is signal.SIG_IGN


def test_the_others_are_handled_in_training(ignored):
    others = [number for number in interruption.SIGNALS if number is not ignored]
    with interrupt.watched() as stop:
        os.kill(os.getpid(), others[0])
        assert stop.asked


@pytest.mark.parametrize("watched", WATCHES.values(), ids=WATCHES)
def test_a_handler_that_python_cannot_put_back_is_left(watched, monkeypatch):
    set_anew = []
    monkeypatch.setattr(signal, "getsignal", lambda _: None)  # as for a handler of a C library
    monkeypatch.setattr(signal, "signal", lambda *of: set_anew.append(of))
    with watched():
        pass
    assert set_anew == []
