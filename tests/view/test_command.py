"""``vqa-harness view`` as a process: its address, its end, and what it refuses."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from tests.report.made_ladder import ladder_of, log_of
from vqa_harness.errors import InputError
from vqa_harness.report.thumbnails import Media
from vqa_harness.testing.synthetic import make_video
from vqa_harness.view.encodes import of_path


@pytest.fixture
def viewing():
    processes = []

    def start(*arguments):
        command = [sys.executable, "-m", "vqa_harness", "view", *map(str, arguments)]
        process = subprocess.Popen(
            [*command, "--no-browser"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_video_alone_until_ctrl_c(viewing, video):
    process, address = viewing(video)
    assert address.startswith("http://127.0.0.1:")
    answer = httpx.get(address, trust_env=False)
    assert answer.status_code == 200
    assert "server" not in answer.headers
    wrong = address.rsplit("/", 2)[0] + "/session"
    assert httpx.get(wrong, trust_env=False).status_code == 404
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert time.monotonic() - begun < 3
    assert "interrupted" in process.stderr.read()
    assert not list(video.parent.glob("*notes*")), "looking writes nothing"


def test_it_listens_to_this_machine_only(viewing, video):
    _, address = viewing(video)
    port = int(address.split(":")[2].split("/")[0])
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), 1):
        pass


def test_each_session_has_its_own_secret(viewing, video):
    tokens = {viewing(video)[1].split("/")[3] for _ in range(2)}
    assert len(tokens) == 2
    assert min(map(len, tokens)) >= 32


def test_a_port_that_is_taken(cli, video):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = cli("view", video, "--no-browser", "--port", port)
    assert code == 2
    assert f"--port {port}: cannot be taken" in err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nowhere.json"], 2, "no such file or folder"),
        (["s3://bucket/clip.mp4"], 2, "URLs are not opened"),
        (["."], 3, "holds neither ladder.json nor batch.json"),
        (["text.json"], 3, "text.json"),
        (["log.json", "-r", "nowhere.mp4"], 2, "no such file or folder"),
        (["a.mp4", "--distorted", "text.json"], 2, "compared with one reference"),
    ],
)
def test_what_it_refuses(cli, tmp_path, monkeypatch, arguments, code, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mp4").touch()
    (tmp_path / "text.json").write_text("no log")
    (tmp_path / "log.json").write_text(json.dumps(log_of("a.mp4", 1)))
    ended, _, err = cli("view", *arguments, "--no-browser")
    assert ended == code
    assert says in err
    assert "Traceback" not in err


def test_a_ladder_is_its_rungs(tmp_path):
    (tmp_path / "ladder.json").write_text(json.dumps(ladder_of([f"{n}.mp4" for n in range(6)])))
    for n in range(6):
        (tmp_path / f"{n}.json").write_text(json.dumps(log_of(f"{n}.mp4", 1)))
    make_video(tmp_path / "2.mp4", 4, width=96, height=64)
    for path in (tmp_path, tmp_path / "ladder.json"):
        encodes = of_path(path, Media())
        assert len(encodes) == 6
        found = {one.notes.name: one for one in encodes}["2.notes.json"]
        assert found.find(found.log).distorted == tmp_path / "2.mp4"
    missing = next(one for one in encodes if one.notes.name == "3.notes.json")
    with pytest.raises(InputError, match=r"3\.mp4: not found beside the log.*--distorted"):
        missing.find(missing.log)


def test_a_batch_is_its_cases(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_video("a.mp4", 4, width=96, height=96)
    shutil.copy("a.mp4", "b.mp4")
    code, _, err = cli("batch", "a.mp4", "b.mp4", "-m", "niqe", "-o", "out", "--jobs", 1)
    assert code == 0, err
    encodes = of_path(tmp_path / "out", Media())
    assert [one.label.rsplit("/", 1)[-1] for one in encodes] == ["a.mp4", "b.mp4"]
    for one in encodes:
        assert one.find(one.log).distorted.name in ("a.mp4", "b.mp4")
        assert one.notes.parent.is_relative_to(tmp_path / "out")


def test_another_file_of_the_name_is_not_shown(tmp_path):
    document = log_of("a.mp4", 1)
    document["vqa_harness"]["inputs"]["distorted"]["sha256"] = "0" * 64
    (tmp_path / "log.json").write_text(json.dumps(document))
    make_video(tmp_path / "a.mp4", 4, width=96, height=64)
    (encode,) = of_path(tmp_path / "log.json", Media())
    with pytest.raises(InputError, match="with the bytes that were scored"):
        encode.find(encode.log)


def test_a_name_does_not_lead_out_of_the_folder(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    make_video(tmp_path / "secret.mp4", 4, width=96, height=64)
    (inner / "log.json").write_text(json.dumps(log_of("../secret.mp4", 1)))
    (encode,) = of_path(inner / "log.json", Media())
    with pytest.raises(InputError, match="not found"):
        encode.find(encode.log)


def test_without_the_extra_it_says_what_to_install(cli, video, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, _, err = cli("view", video, "--no-browser")
    assert code == 6
    assert "view needs starlette and uvicorn; " in err


def test_the_browser_is_opened_unless_one_says_not(cli, video, monkeypatch):
    import webbrowser

    from vqa_harness.view import server

    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(server, "serve", lambda *_, ready, **__: ready("http://127.0.0.1:1/x/"))
    assert cli("view", video)[:2] == (0, "http://127.0.0.1:1/x/\n")
    assert cli("view", video, "--no-browser")[0] == 0
    assert opened == ["http://127.0.0.1:1/x/"]
