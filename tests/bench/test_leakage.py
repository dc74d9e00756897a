import pytest

from vqa_harness.bench.dataset import Dataset, find_dataset
from vqa_harness.bench.items import Collection, RatedVideo
from vqa_harness.bench.leakage import shared_with_training, trained_on
from vqa_harness.bench.splits import choose_part, random_draws
from vqa_harness.errors import UsageError

LSVQ = find_dataset("lsvq")


def collection(items, dataset=LSVQ, **lists):
    lists = {name.replace("_", "-"): frozenset(keys) for name, keys in lists.items()}
    made = [
        RatedVideo(
            key,
            key,
            float(i),
            path=path,
            splits=frozenset(s for s, keys in lists.items() if key in keys),
            content=content or key,
        )
        for i, (key, path, content) in enumerate(items)
    ]
    return Collection(dataset, made, "made up", dataset.scale, lists)


def named(*keys):
    return [(key, None, "") for key in keys]


def test_a_file_in_training_and_test_is_named():
    found = collection(named("a", "b", "c"), train={"a", "b"}, test={"b", "c"})
    problems = shared_with_training(found, choose_part(found, "test"))
    assert problems == ["lsvq: splits test and train share 1 file (b)"]


def test_splits_apart_share_nothing():
    found = collection(named("a", "b", "c"), train={"a", "b"}, test={"c"})
    assert shared_with_training(found, choose_part(found, "test")) == []


def test_versions_of_one_content_in_both_are_named():
    items = [("a", None, "tree"), ("b", None, "tree"), ("c", None, "sea")]
    found = collection(items, train={"a"}, test={"b", "c"})
    (problem,) = shared_with_training(found, choose_part(found, "test"))
    assert problem == "lsvq: splits test and train share contents: 1 file (b) of test show them"


def test_the_same_bytes_under_two_names_are_named(tmp_path):
    paths = {}
    for name, content in {"a": b"same", "b": b"same", "c": b"else"}.items():
        paths[name] = tmp_path / f"{name}.mp4"
        paths[name].write_bytes(content)
    items = [(key, path, "") for key, path in paths.items()]
    found = collection(items, train={"a"}, test={"b", "c"})
    (problem,) = shared_with_training(found, choose_part(found, "test"))
    assert problem == "lsvq: splits test and train share bytes: b is a"


def test_splits_of_a_users_table_must_all_be_apart():
    mine = Dataset.model_validate({
        "name": "custom", "title": "t", "scale": {},
        "sources": [{"about": "t", "tables": [{"file": "t.csv"}]}],
    })  # fmt: skip
    found = collection(named("a", "b"), mine, x={"a", "b"}, y={"b"})
    assert "share 1 file (b)" in shared_with_training(found, choose_part(found, "y"))[0]


class TestTrainedOn:
    """Known case: CLIPVQA's 1080p training list holds LSVQ's official test part."""

    FOUND = collection(
        named("a", "b", "c", "d"),
        train={"a"},
        test={"b", "c"},
        test_1080p={"d"},
        clipvqa_1080p_train={"a", "b", "c"},
    )

    def of(self, split, text):
        return trained_on(self.FOUND, choose_part(self.FOUND, split), text)

    def test_a_training_split_that_holds_the_test_part_bars_it(self):
        reason = self.of("test", "weights of lsvq:clipvqa-1080p-train")
        assert reason == (
            "it was trained on lsvq:clipvqa-1080p-train, which holds 2 files (b, ...) of this part"
        )

    def test_it_does_not_bar_a_part_it_does_not_hold(self):
        assert self.of("test-1080p", "LSVQ (lsvq:clipvqa-1080p-train)") is None
        assert self.of("test", "lsvq:train") is None

    def test_every_split_named_counts(self):
        assert "1080p-train" in self.of("test", "lsvq:train, then lsvq:clipvqa-1080p-train")

    def test_the_split_itself_and_all_bar(self):
        assert self.of("test", "lsvq:test") == "it was trained on lsvq:test"
        assert self.of("test", "lsvq:all") == "it was trained on lsvq:all"

    def test_a_split_whose_list_is_not_here_bars(self):
        assert "not here to compare with" in self.of("test", "lsvq:clipvqa-train")

    @pytest.mark.parametrize("text", ["LSVQ", "tuned on lsvq.", "the LIVE-FB-LSVQ set", "PatchVQ"])
    def test_naming_the_dataset_bars_everything(self, text):
        assert self.of("test", text) == "its training data names LSVQ"

    @pytest.mark.parametrize("text", ["", "KoNViD-1k", "LSVQX", "MyLSVQ set", "stills"])
    def test_other_texts_bar_nothing(self, text):
        assert self.of("test", text) is None


@pytest.mark.parametrize(
    ("dataset", "text", "barred"),
    [
        ("konvid-1k", "KoNViD 1k", True),
        ("konvid-1k", "KoNViD_1k and others", True),
        ("konvid-1k", "KonVid-150k", False),
        ("konvid-150k", "KoNViD-1k", False),
        ("live-vqc", "LIVE Video Quality Challenge", True),
        ("clive", "photographs of LIVE In the Wild (development part)", True),
        ("clive", "LIVE-VQC", False),
    ],
)
def test_spellings(dataset, text, barred):
    found = collection(named("a"), find_dataset(dataset))
    assert (trained_on(found, choose_part(found, "all"), text) is not None) == barred


def test_random_splits_are_seeded_hold_a_fifth_and_keep_contents_together():
    items = [RatedVideo(f"v{i}", f"v{i}", 1.0, content=f"c{i // 4}") for i in range(200)]
    draws = random_draws(items, 7, 5)
    assert draws == random_draws(items, 7, 5)
    assert draws != random_draws(items, 8, 5)
    assert len({tuple(draw) for draw in draws}) == 5
    for draw in draws:
        assert len(draw) == 40
        outside = {items[i].content for i in set(range(200)) - set(draw)}
        assert not outside & {items[i].content for i in draw}


def test_a_split_without_its_list_says_what_is_missing():
    found = collection(named("a"))
    with pytest.raises(UsageError, match=r"nothing is in split 'clipvqa-train'; put .*lsvq_train"):
        choose_part(found, "clipvqa-train")
    with pytest.raises(UsageError, match="no split 'tset'; did you mean test"):
        choose_part(found, "tset")


def test_a_training_part_is_marked():
    found = collection(named("a"), train={"a"})
    assert choose_part(found, "train").note == "a train part"
    assert choose_part(found, "all").note == "holds the official training part"
