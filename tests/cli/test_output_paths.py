"""Commands that work for long try what they write first: here the input would fail, but later."""

import pytest


@pytest.fixture
def broken(tmp_path):
    """A video that fails as soon as it is decoded."""
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"no video")
    return path


@pytest.fixture
def blocked(tmp_path):
    """A folder that cannot be made, as a file has its name."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "folder"


@pytest.mark.parametrize(
    "words",
    [
        "run {v} -m psnr -r {v} -o {o}/log.json",
        "run {v} -m psnr -r {v} --json {o}/log.json",
        "align {v} -r {v} --json {o}/log.json",
        "gate {v} -m psnr -r {v} --rule psnr_y.mean>1 --no-cache --junit {o}/log.xml",
        "gate {v} -m psnr -r {v} --rule psnr_y.mean>1 --no-cache --json {o}/log.json",
        "gate {v} -m psnr -r {v} --rule psnr_y.mean>1 --no-cache --markdown {o}/log.md",
        "gate {v} -m psnr -r {v} --rule psnr_y.mean>1 --no-cache --update-baseline"
        " --baseline {o}/log.json",
        "ladder {v} --group none -m psnr -r {v} -o {o}",
        "ladder {v} --group none -m psnr -r {v} --json {o}/log.json",
        "bench --table {t} --no-cache --json {o}/log.json",
        "bench --table {t} --no-cache --markdown {o}/log.md",
        "bench --table {t} --no-cache --scatter {o}",
        "report {v} -o {o}/page.html",
    ],
)
def test_a_path_that_cannot_be_written_stops_before_the_work(cli, broken, blocked, tmp_path, words):
    if "--scatter" in words:
        pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    table = tmp_path / "scores.csv"
    table.write_text("file,score\nbroken.mp4,3\n")
    text = words.format(v=broken, o=blocked, t=table)
    code, _, err = cli(*text.split())
    assert (code, err.count("\n")) == (2, 1)
    assert "cannot make the folder" in err
    assert "Not a directory" in err or "exists" in err


def test_a_missing_folder_is_made_before_the_work(cli, broken, tmp_path):
    target = tmp_path / "new" / "folder" / "all.json"
    code, _, err = cli("run", broken, "-m", "psnr", "-r", broken, "--json", target)
    assert code == 3
    assert "broken.mp4" in err
    assert list(target.parent.iterdir()) == []


def test_a_folder_in_place_of_a_file_is_refused(cli, broken, tmp_path):
    (tmp_path / "a.json").mkdir()
    code, _, err = cli("run", broken, "-m", "psnr", "-r", broken, "--json", tmp_path / "a.json")
    assert code == 2
    assert "a.json: it is a folder; name a file" in err
