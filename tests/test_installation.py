"""What messages advise pip to install, by where the installation came from."""

import json
from importlib.metadata import PackageNotFoundError, PathDistribution

import pytest

from vqa_harness import installation
from vqa_harness.installation import pip_install

METADATA = """Metadata-Version: 2.4
Name: {name}
Version: 1.0
Requires-Dist: numpy>=1.26
Requires-Dist: imageio-ffmpeg>=0.6; extra == 'vmaf'
Requires-Dist: jinja2>=3.1; extra == 'report'
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that pretends that a package was installed, with what pip records of it."""

    def install(origin=None, name="vqa-harness"):
        folder = tmp_path / "site" / f"{name}.dist-info"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "METADATA").write_text(METADATA.format(name=name))
        if origin is not None:
            text = origin if isinstance(origin, str) else json.dumps(origin)
            (folder / "direct_url.json").write_text(text)
        monkeypatch.setattr(installation, "distribution", lambda _: PathDistribution(folder))

    return install


@pytest.fixture
def clone(tmp_path):
    folder = tmp_path / "my clone"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    return folder


@pytest.mark.parametrize(("editable", "option"), [(True, "--editable "), (False, "")])
def test_an_installation_from_a_clone_names_the_clone(installed, clone, editable, option):
    installed({"url": clone.as_uri(), "dir_info": {"editable": editable}})
    assert pip_install("vqa-harness[vmaf]") == f"pip install {option}'{clone}[vmaf]'"


def test_an_installation_from_a_wheel_names_the_wheel(installed, tmp_path):
    wheel = tmp_path / "vqa_harness-1.0-py3-none-any.whl"
    wheel.touch()
    installed({"url": wheel.as_uri(), "archive_info": {}})
    assert pip_install("vqa-harness[clip,train]") == f"pip install '{wheel}[clip,train]'"


def test_an_installation_from_a_repository_names_its_commit(installed):
    vcs = {"vcs": "git", "commit_id": "abc1"}
    installed({"url": "https://git.example/o/vqa-harness", "vcs_info": vcs})
    assert pip_install("vqa-harness[vmaf]") == (
        "pip install 'vqa-harness[vmaf] @ git+https://git.example/o/vqa-harness@abc1'"
    )


@pytest.mark.parametrize(
    "origin",
    [None, "{no JSON", "[]", {"url": "file:///no/such/clone", "dir_info": {}}, {"url": 3}],
)
def test_without_an_origin_the_packages_of_the_extras_are_named(installed, origin):
    installed(origin)
    assert pip_install("vqa-harness[vmaf]") == "pip install 'imageio-ffmpeg>=0.6'"
    both = "pip install 'imageio-ffmpeg>=0.6' 'jinja2>=3.1'"
    assert pip_install("vqa-harness[vmaf,report]") == both


def test_the_package_of_another_author_is_named_as_its_metric_names_it(installed):
    installed(name="deep")
    assert pip_install("deep[gpu]") == "pip install 'deep[gpu]'"


def test_code_that_runs_from_a_clone_names_the_clone(monkeypatch):
    def nothing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(installation, "distribution", nothing)
    root = installation.Path(installation.__file__).resolve().parents[2]
    assert pip_install("vqa-harness[vmaf]") == f"pip install '{root}[vmaf]'"


def test_nothing_advises_the_name_that_is_on_no_index():
    root = installation.Path(__file__).resolve().parents[1]
    places = ["README.md", "docs", "examples", "harness", "metrics", "vqa_plugin_clip", ".github"]
    files = [p for place in places for p in [root / place, *(root / place).rglob("*")]]
    texts = {p: p.read_text() for p in files if p.suffix in {".md", ".py", ".ipynb", ".yml"}}
    assert len(texts) > 100
    wrong = "pip install " + "'vqa-harness["
    allowed = {root / "harness/vqa_harness/installation.py"}  # says that it works for nobody
    assert {p for p, text in texts.items() if wrong in text and "@ git+" not in text} <= allowed
