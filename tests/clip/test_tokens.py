"""Wordings to token ids."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra clip (torch)")

from vqa_harness.errors import MissingBackend, UsageError
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.tokens import LABELS, LABELS_1, LABELS_LONG, tokens_for, vocabulary_of

PUBLISHED = {"labels": LABELS, "labels_1": LABELS_1, "labels_long": LABELS_LONG}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_wordings_without_a_tokenizer(golden_a, name, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "open_clip", None)
    expected = golden_a.arrays[f"label_tokens/{name}"]
    as_stored = [str(text) for text in golden_a.arrays[f"label_text/{name}"]]
    for wording in (PUBLISHED[name], as_stored):
        np.testing.assert_array_equal(tokens_for(wording, Architecture()).numpy(), expected)


def test_other_wordings_take_the_tokenizer_of_clip(golden_a):
    pytest.importorskip("open_clip", reason="needs open_clip's tokenizer")
    rows = tokens_for(["Awful!", "very bad"], Architecture())
    assert rows[0, 0] == 49406
    assert 49407 in rows[0]
    assert rows[0].argmax() > 2
    assert rows[1].tolist() == golden_a.arrays["label_tokens/labels_1"][0].tolist()


def test_other_wordings_without_open_clip_say_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "open_clip", None)
    with pytest.raises(MissingBackend, match="pip install"):
        tokens_for(["awful"], Architecture())


def compact(words, context=6):
    return Architecture(vocabulary=words, vocab_size=len(words) + 3, context_length=context)


def test_compact_vocabulary():
    words = vocabulary_of(LABELS_LONG)
    assert words[:3] == ("and", "annoying", "bad")
    sizes = compact(words)
    rows = tokens_for(["  Very BAD ", "and"], sizes)
    start, end = len(words) + 1, len(words) + 2
    assert rows.tolist() == [
        [start, words.index("very") + 1, words.index("bad") + 1, end, 0, 0],
        [start, 1, end, 0, 0, 0],
    ]
    assert end == sizes.vocab_size - 1
    assert int(rows[0].argmax()) == 3


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["awful"], "not in the network's vocabulary"),
        (["bad " * 5], "7 tokens"),
        ([" "], "one word"),
    ],
)
def test_bad_wordings_are_refused(texts, message):
    with pytest.raises(UsageError, match=message):
        tokens_for(texts, compact(("bad", "good")))


def test_a_vocabulary_of_unknown_size_is_refused(golden):
    with pytest.raises(UsageError, match="neither CLIP's"):
        tokens_for(LABELS, golden.architecture())
