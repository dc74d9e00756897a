import pytest

from vqa_harness.errors import UsageError
from vqa_plugin_clip.checkpoint.wordings import PUBLISHED, choose_wording, read_levels
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.labels import LEVELS
from vqa_plugin_clip.network.tokens import tokens_for


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_lists_by_name(name):
    assert read_levels(name) == read_levels(f" {name}.csv") == PUBLISHED[name]
    assert len(PUBLISHED[name]) == LEVELS


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_lists_are_told_apart_by_their_tokens(name):
    pytest.importorskip("torch", reason="needs the extra clip (torch)")
    pytest.importorskip("open_clip", reason="needs the extra clip (open_clip)")
    rows = {tuple(row.tolist()) for row in tokens_for(PUBLISHED[name], Architecture())}
    assert len(rows) == LEVELS


def test_wordings_by_commas():
    assert read_levels("very bad , so so,good") == ("very bad", "so so", "good")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("labels_2", "neither a published list nor wordings.*did you mean labels_1"),
        ("good", "neither a published list"),
        ("bad,,good", "wording 2 is empty"),
        ("bad,good,bad", "'bad' is there twice"),
    ],
)
def test_texts_that_are_no_wordings(text, message):
    with pytest.raises(UsageError, match=message):
        read_levels(text)


def test_the_number_of_wordings_is_checked_whoever_gives_them():
    with pytest.raises(UsageError, match="5 wordings; the published network has 6 levels"):
        choose_wording("a,b,c,d,e", "")
