"""Mutated checkpoints, cards, configurations, opinion tables and training states: one line each."""

import json
import shutil
import struct
import sys

import pytest

from tests.exam.damage import KINDS, damaged
from tests.exam.examiner import Examiner
from tests.exam.hostile import broken, hostile_cells, hostile_json
from vqa_harness.errors import VqaError
from vqa_harness.testing.synthetic import make_video

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]
torch = pytest.importorskip("torch", reason="needs the extra clip (torch)")
MUTANTS = 40
ALLOWED = {0, 2, 3, 5, 6, 7}
"""A checkpoint that computes no number is a failed metric, which is exit code 5."""
MEMORY = 2500
"""MiB, of which PyTorch and what trains with it are the most."""
TRAIN = [
    *("train", "table.csv", "-o", "trained", "--init", "tiny.safetensors", "--epochs", "1"),
    *("--warmup-epochs", "0", "--batch", "2", "--accumulate", "1", "--device", "cpu"),
    *("--val-share", "0.5", "--min-frames", "2", "--jobs", "0"),
    *("--scale", "1", "5"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a tiny checkpoint, clips and tables of opinions, and what runs there."""
    from tests.networks import card_of, random_checkpoint, small_architecture
    from vqa_plugin_clip.inputs.preprocess import Preprocessing

    folder = tmp_path_factory.mktemp("models")
    for number in range(6):
        options = {"preset": "ultrafast", "qp": f"{10 + 6 * number}"}
        make_video(folder / f"{number}.mp4", 6, width=96, height=80, options=options)
    rows = "".join(f"{n}.mp4,{5 - n / 2}\n" for n in range(6))
    (folder / "table.csv").write_text(f"file,score\n{rows}")
    view = Preprocessing(kind="resize", size=32, grid=1, resize_to=36).to_dict()
    card = card_of(small_architecture(frames=2, vat_layers=1), preprocessing=view)
    random_checkpoint(folder / "tiny.safetensors", card, half=False)
    examiner = Examiner(
        folder,
        timeout=120.0,
        VQA_HARNESS_CACHE=str(folder / "cache"),
        OMP_NUM_THREADS="1",
        MPLBACKEND="Agg",
    )
    yield folder, examiner
    examiner.close()


def found(examiner, what, *command):
    """What is wrong with how a command ended."""
    ending = examiner.run(*command)
    findings = [fault for fault in ending.faults(ALLOWED) if not within(fault, ending)]
    findings += ending.obeyed()
    lines = [line for line in ending.err.splitlines() if "error: " in line]
    if ending.code in (2, 3) and len(lines) != 1:
        findings.append(f"not one line: {ending.err[-300:]!r}")
    return [f"{what}, {command[0]}: {one}" for one in findings]


def within(fault, ending):
    return fault.startswith("it takes") and ending.peak <= MEMORY


def header_of(content):
    """The JSON in which a safetensors file describes itself, and the rest."""
    (size,) = struct.unpack("<Q", content[:8])
    return content[8 : 8 + size].decode(), content[8 + size :]


def with_header(content, change, name):
    """A safetensors file whose header is another, its length right again."""
    header, rest = header_of(content)
    text = change(header, name).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text)) + text + rest


def mutants(content, name):
    """A safetensors file with damage of every kind, and with other headers."""
    for kind in KINDS:
        yield f"{name} {kind}", damaged(content, kind, name)
    for number in range(MUTANTS):
        change = broken if number % 4 == 0 else hostile_json
        yield f"{name} header {number}", with_header(content, change, f"{name} {number}")


def test_checkpoints(place):
    folder, examiner = place
    whole = (folder / "tiny.safetensors").read_bytes()
    shutil.copy(folder / "tiny.json", folder / "mutant.json")
    findings = []
    scored = ["run", "-q", "-m", "clipvqa:checkpoint=mutant.safetensors", "0.mp4"]
    shutil.copy(folder / "tiny.safetensors", folder / "mutant.safetensors")
    assert examiner.run(*scored).code == 0
    card = json.loads((folder / "tiny.json").read_text())
    for name, content in mutants(whole, "checkpoint"):
        (folder / "mutant.safetensors").write_bytes(content)
        for sha in (card["sha256"], digest(content)):  # of the whole file, and of this one
            (folder / "mutant.json").write_text(json.dumps(card | {"sha256": sha}))
            findings += found(examiner, name, *scored)
    assert findings == []


def digest(content):
    import hashlib

    return hashlib.sha256(content).hexdigest()


def test_cards(place):
    folder, examiner = place
    text = (folder / "tiny.json").read_text()
    shutil.copy(folder / "tiny.safetensors", folder / "carded.safetensors")
    findings = []
    for number in range(2 * MUTANTS):
        change = broken if number % 4 == 0 else hostile_json
        mutant = change(text, f"card {number}").encode("utf-8", "surrogatepass")
        (folder / "carded.json").write_bytes(mutant)
        for command in (
            ["run", "-q", "-m", "clipvqa:checkpoint=carded.safetensors", "0.mp4"],
            ["clipvqa", "info", "carded.safetensors"],
        ):
            findings += found(examiner, f"card {number}", *command)
    assert findings == []


CONFIGURATIONS = {
    "config.json": {
        "model_type": "clip",
        "architectures": ["CLIPModel"],
        "vision_config": {"hidden_act": "quick_gelu", "hidden_size": 64, "image_size": 32},
        "text_config": {"hidden_act": "quick_gelu", "hidden_size": 64},
    },
    "open_clip_config.json": {
        "model_cfg": {
            "embed_dim": 64,
            "quick_gelu": True,
            "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8},
        },
        "preprocess_cfg": {"mean": [0.5, 0.5, 0.5]},
    },
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configurations_beside_weights(name, tmp_path, monkeypatch):
    open_clip = pytest.importorskip("open_clip", reason="needs the extra clip (open_clip)")
    from safetensors.torch import save_file

    from tests.clip.test_backbone import TINY, tiny
    from vqa_plugin_clip.checkpoint import backbone

    asked = open_clip.get_model_config
    monkeypatch.setattr(
        open_clip, "get_model_config", lambda name: TINY if name == "tiny" else asked(name)
    )
    path = tmp_path / "weights.safetensors"
    save_file(tiny().state_dict(), path)
    text, messages = json.dumps(CONFIGURATIONS[name]), []
    for number in range(MUTANTS):
        change = broken if number % 4 == 0 else hostile_json
        mutant = change(text, f"{name} {number}").encode("utf-8", "surrogatepass")
        (tmp_path / name).write_bytes(mutant)
        try:
            backbone.load_clip("tiny", path, frames=2)
        except VqaError as error:
            messages.append(str(error))
    assert messages
    assert [message for message in messages if "\n" in message or not message] == []


def test_opinions_of_matlab(place):
    import numpy as np
    from scipy.io import savemat

    folder, examiner = place
    root = folder / "vqc"
    root.mkdir()
    for number in range(3):
        shutil.copy(folder / f"{number}.mp4", root)
    names = np.array([[f"{n}.mp4"] for n in range(3)], object)
    savemat(root / "data.mat", {"video_list": names, "mos": np.array([[70.0], [50.0], [30.0]])})
    command = ["bench", "live-vqc", "--root", str(root), "-m", "siti", "--bootstrap", "0"]
    whole = (root / "data.mat").read_bytes()
    assert "error" not in examiner.run(*command).err
    findings = []
    for round_ in range(6):
        for kind in KINDS:
            name = f"mat {round_} {kind}"
            (root / "data.mat").write_bytes(damaged(whole, kind, name))
            findings += found(examiner, name, *command)
    assert findings == []


def test_opinions_for_training(place):
    folder, examiner = place
    whole = (folder / "table.csv").read_text()
    done = examiner.run("clipvqa", *TRAIN[:3], "whole", *TRAIN[4:])
    assert done.code == 0, done.err
    findings = []
    for number in range(MUTANTS // 2):
        change = broken if number % 4 == 0 else hostile_cells
        mutant = change(whole, f"opinions {number}").encode("utf-8", "surrogatepass")
        (folder / "mutant.csv").write_bytes(mutant)
        shutil.rmtree(folder / "opinions", ignore_errors=True)
        command = ["train", "mutant.csv", "-o", "opinions", *TRAIN[4:]]
        findings += found(examiner, f"opinions {number}", "clipvqa", *command)
    assert findings == []


def test_states_of_training(place):
    folder, examiner = place
    done = examiner.run("clipvqa", *TRAIN)
    assert done.code == 0, done.err
    state = folder / "trained" / "state.safetensors"
    whole = state.read_bytes()
    findings = []
    cases = [*mutants(whole, "state"), *((f"state own {n}", own(whole, n)) for n in range(MUTANTS))]
    for name, content in cases:
        state.write_bytes(content)
        findings += found(examiner, name, "clipvqa", *TRAIN, "--resume")
    assert findings == []


def own(content, number):
    """A state in which the JSON that training wrote about itself is another."""

    def change(header, name):
        document = json.loads(header)
        facts = document["__metadata__"]
        facts["vqa_harness_training"] = hostile_json(facts["vqa_harness_training"], name)
        return json.dumps(document)

    return with_header(content, change, f"own {number}")
