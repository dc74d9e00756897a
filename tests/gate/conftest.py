import pytest


@pytest.fixture
def gate(cli, own_cache, tmp_path, monkeypatch):
    """Run ``vqa-harness gate`` in an empty folder, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return lambda *arguments: cli("gate", *arguments)
