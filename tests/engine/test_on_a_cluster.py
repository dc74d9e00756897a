"""A gate and a benchmark whose cases are scored by the workers of a Dask cluster."""

import importlib.util
import json
import sys

import pytest

from vqa_harness.testing.synthetic import make_video

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("distributed") is None, reason="dask.distributed is not installed"
    ),
    pytest.mark.skipif(sys.platform == "win32", reason="starts processes that are sent signals"),
]


def test_they_give_what_processes_of_this_machine_give(dask_cluster, cli, tmp_path, monkeypatch):
    """Paths are relative to the folder of the command, though the workers began in another."""
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        make_video(tmp_path / f"{number}.mp4", 4, width=64, height=48, seed=number)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    rows = "".join(f"{number}.mp4,{number + 1}\n" for number in range(4))
    (tmp_path / "table.csv").write_text("file,score\n" + rows)
    file, _, _ = dask_cluster()
    places = {"here": ("--jobs", "2"), "cluster": ("--scheduler-file", str(file))}
    gates, benches = {}, {}
    for name, place in places.items():
        videos = [*(f"{n}.mp4" for n in range(4)), "broken.mp4"]
        code, out, err = cli(
            *("gate", *videos, "--rule", "siti_si.mean >= 1", "--cache-dir", "cache-" + name),
            *("--json", "-", "-q", *place),
        )
        assert code == 3, err
        verdict = json.loads(out)
        gates[name] = [(c["name"], c.get("error")) for c in verdict["cases"]], verdict["rules"]
        assert len(list((tmp_path / ("cache-" + name)).rglob("*.json"))) == 4
        code, out, err = cli(
            *("bench", "--table", "table.csv", "--root", ".", "-m", "siti", "--no-cache", "-q"),
            *("--bootstrap", "0", "--json", "-", *place),
        )
        assert code == 0, err
        benches[name] = json.loads(out)["results"][0]["metrics"]
    assert gates["cluster"] == gates["here"]
    assert [name for name, _ in gates["here"][0]] == ["0", "1", "2", "3", "broken"]
    assert benches["cluster"] == benches["here"]
    assert all(len(one["scores"]) == 4 for one in benches["here"].values())
