"""Who may ask the viewer's server, and what it never gives."""

import json

import pytest

from tests.view.sessions import BASE, PORT, TOKEN, Session
from vqa_harness.view import guard
from vqa_harness.view.encodes import Videos, of_video
from vqa_harness.view.server import OWN, SHARED


@pytest.fixture(scope="module")
def session(video):
    made = Session(of_video(Videos(video), video))
    made.found()
    yield made
    made.close()


def test_without_the_secret_nothing_is_there(session):
    for token in ("", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é", "%2e%2e"):
        answer = session.ask("session", token=token)
        assert answer.status_code == 404, token
        assert "clip" not in answer.text
    assert session.ask("session").status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1", "[::1]:8123", ""]
)
def test_another_host_is_refused(session, host):
    answer = session.ask("session", headers={"host": host})
    assert answer.status_code == 421


def test_localhost_is_the_same(session):
    assert session.ask("session", headers={"host": f"localhost:{PORT}"}).status_code == 200


def test_every_answer_says_what_the_page_may(session):
    paths = ["", "session", "nowhere", "encodes/0/pairs/3/distorted", "encodes/9/scores"]
    answers = [session.ask(path) for path in paths] + [session.ask("session", token="x")]
    for answer in answers:
        assert answer.headers["content-security-policy"] == guard.POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
    for word in ("unsafe", "http:", "https:", "*"):
        assert word not in guard.POLICY


@pytest.mark.parametrize(
    "path",
    [
        "page/../view.py",
        "page/..%2f..%2fanswers.py",
        "page/%2e%2e/%2e%2e/etc/passwd",
        "page//etc/passwd",
        "page/__init__.py",
        "../session",
        "encodes/0/pairs/3/..%2f..%2fscores",
        "encodes/-1/scores",
        "encodes/1/scores",
        "encodes/0/pairs/99999999999/distorted",
        "encodes/0/pairs/12/distorted",
        "encodes/0/pairs/3/reference",
        "encodes/0/pairs/3/scores",
        "encodes/0/values/0",
    ],
)
def test_nothing_but_what_was_opened(session, path):
    answer = session.ask(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text
    assert len(answer.text) < 200


def test_files_of_the_page_are_a_fixed_list(session):
    for name in (*OWN, *SHARED):
        assert session.ask(f"page/{name}").status_code == 200
    assert session.ask("").headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "query",
    ["width=0x10", "width=-5", "width=1e3", "width=" + "9" * 40, "gain=x", "form=svg", "mapping=y"],
)
def test_numbers_that_are_none(session, query):
    assert session.ask(f"encodes/0/pairs/3/distorted?{query}").status_code == 404


def test_sizes_are_bounded(session):
    large = session.ask("encodes/0/pairs/3/distorted?width=999999999")
    assert large.status_code == 200
    assert large.content[16:24] == (64).to_bytes(4, "big") + (48).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": f"http://localhost:{PORT}"}, 403),
        ({"origin": BASE, "content-type": "text/plain"}, 415),
    ],
)
def test_only_the_page_changes_something(session, video, headers, status):
    document = json.dumps({"schema": 1, "notes": [{"frame": 1, "mark": "marked"}]})
    headers = {"content-type": "application/json", **headers}
    for path, method in (("encodes/0/notes", "PUT"), ("encodes/0/export", "POST")):
        answer = session.ask(path, method, content=document, headers=headers)
        assert answer.status_code == status
    assert not list(video.parent.glob("*notes*"))


def test_other_pages_cannot_embed_what_is_shown(session):
    answer = session.ask("session", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


def test_a_body_is_bounded(session, monkeypatch):
    monkeypatch.setattr(guard, "MOST_BODY", 100)
    notes = [{"frame": 1, "text": "x" * 200}]
    assert session.send("encodes/0/notes", {"schema": 1, "notes": notes}).status_code == 413


def test_many_requests_at_once_are_refused(session, monkeypatch):
    monkeypatch.setattr(guard, "MOST_AT_ONCE", 2)
    path = "encodes/0/pairs/5/distorted"
    codes = [one.status_code for one in session.together([(path, "GET", {})] * 8)]
    assert set(codes) == {200, 503}
    assert session.ask(path).status_code == 200


def test_what_is_no_json(session):
    headers = {"origin": BASE, "content-type": "application/json"}
    for content in (b"{", b"\xff\xfe", b"[" * 100_000):
        answer = session.ask("encodes/0/notes", "PUT", content=content, headers=headers)
        assert answer.status_code == 400
