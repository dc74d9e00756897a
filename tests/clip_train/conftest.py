import importlib.util

import pytest

NEEDED = ("torch", "accelerate", "matplotlib")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if "torch" not in MISSING:
    import torch

    from tests.networks import card_of, random_checkpoint, small_architecture
    from vqa_harness.testing.synthetic import make_video
    from vqa_plugin_clip.inputs.preprocess import Preprocessing

CONTENTS = 4
CRFS = {18: 4.6, 34: 3.3, 44: 2.2, 51: 1.2}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    """The same numbers whatever ran before, nothing left behind, no slow pictures."""
    if MISSING:
        pytest.skip(f"{MISSING[0]} is not installed; it comes with the extras clip and train")
    from accelerate.state import AcceleratorState

    from vqa_plugin_clip.train import results

    monkeypatch.setattr(results, "draw_curve", lambda *_: None)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """A folder of short clips, four contents at four qualities, with a table ``mos.csv``."""
    folder = tmp_path_factory.mktemp("clips")
    rows = ["file,score,content"]
    for content in range(CONTENTS):
        for crf, score in CRFS.items():
            name = f"c{content}_{crf}.mp4"
            options = {"crf": str(crf), "preset": "ultrafast"}
            make_video(folder / name, 14, width=96, height=64, seed=content, options=options)
            rows.append(f"{name},{score + content / 20},content{content}")
    (folder / "mos.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Path of a checkpoint of a tiny network with the paper's view, drawn at random."""
    card = card_of(
        small_architecture(frames=3, vat_layers=1),
        preprocessing=Preprocessing(kind="resize", size=32, grid=1, resize_to=36).to_dict(),
        training_data="none",
        licence="CC0-1.0",
    )
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    return random_checkpoint(path, card, half=False)
