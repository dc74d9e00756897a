import runpy
import shutil

from tests.paths import ROOT

EXAMPLE = ROOT / "examples" / "qc"


def test_the_example_tells_what_is_wrong_with_the_bad_clip(gate, tmp_path):
    shutil.copy(EXAMPLE / "vqa-harness.toml", tmp_path)
    runpy.run_path(str(EXAMPLE / "make_clips.py"))["make_clips"](tmp_path / "clips")
    code, out, _ = gate()
    assert code == 1
    assert [line.split("\t")[1:3] for line in out.splitlines() if line.startswith("FAIL")] == [
        ["deliver/bad", "qc.black.longest <= 1 s"],
        ["deliver/bad", "qc.freeze <= 0 s"],
        ["deliver/bad", "qc.missing_audio <= 0.2 s"],
    ]
    (tmp_path / "clips" / "bad.mov").unlink()
    assert gate()[0] == 0
