"""Annotation files in each owner's form, with invented rows."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from vqa_harness.bench.dataset import find_dataset, packaged
from vqa_harness.bench.items import collect
from vqa_harness.bench.splits import choose_part
from vqa_harness.cli.bench_arguments import CustomTable
from vqa_harness.errors import UsageError

NAMES = [
    *("clive", "cvd2014", "dvl2021", "konvid-150k", "konvid-1k"),
    *("live-qualcomm", "live-vqc", "lsvq", "youtube-ugc"),
]


def cell(values):
    """What MATLAB saves of a cell array of strings."""
    made = np.empty((len(values), 1), object)
    made[:, 0] = values
    return made


def text(content):
    return lambda path: path.write_text(content)


def mat(**variables):
    return lambda path: savemat(path, variables)


QUALCOMM = {
    "qualcommVideoData": {
        "vidNames": cell(["0723_Tree_GS5_1.yuv", "0723_Tree_HTC_2.yuv", "0911night_Note4_3.yuv"]),
        "distortionType": np.array([[1], [1], [2]]),
        "distortionNames": cell(["Artifacts", "Color"]),
    },
    "qualcommSubjectiveData": {"unBiasedMOS": np.array([[52.5], [16.25], [73.0]])},
}
TRAINING = ["t1.bmp", "t2.bmp", "t3.bmp", "t4.bmp", "t5.bmp", "t6.bmp", "t7.bmp"]

OWNERS = {
    "konvid-1k": (
        {"KoNViD_1k_mos.csv": text('"flickr_id","mos"\n"10001","2.5"\n"10002","4.125"\n')},
        ["KoNViD_1k_videos/10001.mp4", "KoNViD_1k_videos/10002.mp4"],
        [2.5, 4.125],
    ),
    "konvid-1k (attributes)": (
        {"KoNViD_1k_attributes.csv": text("id,file_name,MOS,MOS_std\n1,10001_540p.mp4,2.5,0.5\n")},
        ["KoNViD_1k_videos/10001_540p.mp4"],
        [2.5],
    ),
    "konvid-150k": (
        {
            "k150ka_scores.csv": text("video_name,video_score\norig_1_540_5s.mp4,3.4\n"),
            "k150kb_scores.csv": text("video_name,mos,video_score\norig_2_540_5s.mp4,3.61,3.5\n"),
        },
        ["k150kb/orig_2_540_5s.mp4", "k150ka/orig_1_540_5s.mp4"],
        [3.61, 3.4],
    ),
    "live-vqc": (
        {"data.mat": mat(video_list=cell(["A001.mp4", "A002.mp4"]), mos=np.array([[80.5], [7]]))},
        ["Video/A001.mp4", "Video/A002.mp4"],
        [80.5, 7],
    ),
    "live-qualcomm": (
        {"qualcommSubjectiveData.mat": mat(**QUALCOMM)},
        ["Artifacts/0723_Tree_GS5_1.y4m", "Artifacts/0723_Tree_HTC_2.y4m", "0911night_Note4_3.mkv"],
        [52.5, 16.25, 73],
    ),
    "cvd2014": (
        {
            "CVD2014_ratings/Realignment_MOS.csv": text(
                "File_name;Content;Realignment MOS\n"
                "Test01_City_D01;City;67,29\nTest01_City_D02;City;-6,5\n;;\n;;\n"
            )
        },
        ["Test1/City/Test01_City_D01.avi", "Test1/City/Test01_City_D02.avi"],
        [67.29, -6.5],
    ),
    "youtube-ugc": (
        {
            "original_videos_MOS_for_YouTube_UGC_dataset.csv": text(
                "vid,category,x_Subjects,MOS full,MOS chunk00\nVlog_720P-1a2b,Vlog,110,3.652,3.6\n"
            )
        },
        ["original_videos_h264/Vlog_720P-1a2b_crf_10_ss_00_t_20.0.mp4"],
        [3.652],
    ),
    "lsvq": (
        {
            "labels_train_test.csv": text(
                "name,p1,height,width,mos_p1,mos,frame_number,is_test\n"
                'yfcc-batch1/722,"a, b",720,1280,70,70.5,200,False\n'
                "ia-batch1/722,c,720,1280,40,41.25,200,True\n"
            ),
            "labels_test_1080p.csv": text("name,height,width,mos\nyfcc-batch1/9,1080,1920,55\n"),
        },
        ["yfcc-batch1/722.mp4", "ia-batch1/722.mp4", "yfcc-batch1/9.mp4"],
        [70.5, 41.25, 55],
    ),
    "dvl2021": (
        {
            "splits/dvl2021_train.csv": text("43,2.78125\n44,2.3125\n"),
            "splits/dvl2021_test.csv": text("1,3.125\n"),
        },
        ["43.mp4", "44.mp4", "1.mp4"],
        [2.78125, 2.3125, 3.125],
    ),
    "clive": (
        {
            "Data/AllImages_release.mat": mat(
                AllImages_release=cell([*TRAINING, "3.bmp", "10.JPG"])
            ),
            "Data/AllMOS_release.mat": mat(AllMOS_release=np.arange(9.0)[None] * 10 + 0.5),
        },
        ["Images/3.bmp", "Images/10.JPG"],
        [70.5, 80.5],
    ),
}


def make(folder, files, videos=()):
    for name, write in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name)
    for number, name in enumerate(videos):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"video" * (number + 1))


def test_the_nine_datasets_are_there_and_say_what_they_are():
    assert sorted(packaged()) == NAMES
    for dataset in packaged().values():
        for fact in ("citation", "url", "licence", "protocol", "count"):
            assert getattr(dataset, fact), (dataset.name, fact)
        assert dataset.scale.low < dataset.scale.high


@pytest.mark.parametrize("form", OWNERS)
def test_an_owners_annotations_are_read_and_files_found(tmp_path, form):
    files, videos, scores = OWNERS[form]
    make(tmp_path, files, videos)
    found = collect(find_dataset(form.split()[0]), tmp_path)
    assert found.source.startswith(("the owners'", "sheet MOS", "dvl2021"))
    assert [item.score for item in found.items] == scores
    paths = [item.path.relative_to(tmp_path).as_posix() for item in found.items]
    assert paths == videos


def test_splits_of_the_owners_come_with_the_annotations(tmp_path):
    make(tmp_path, OWNERS["lsvq"][0])
    found = collect(find_dataset("lsvq"), tmp_path)
    parts = {s: [i.name for i in choose_part(found, s).items] for s in ("train", "test-1080p")}
    assert parts == {"train": ["yfcc-batch1/722"], "test-1080p": ["yfcc-batch1/9"]}
    default = choose_part(found, None)
    assert (default.split, [i.name for i in default.items]) == ("test", ["ia-batch1/722"])


def test_annotations_may_lie_elsewhere_and_names_of_lists_differ(tmp_path):
    make(tmp_path / "videos", {}, ["deep/Test01_City_D01.mkv"])
    rows = "vid,mos,width\nTest1/City/Test01_City_D01,67.29,640\nTest1/City/Test01_City_D02,1,640\n"
    lists = {
        "splits/cvd2014_train.csv": text("Test01_City_D02.avi,1\n"),
        "cvd2014_test.csv": text("Test01_City_D01.avi,67.29\n"),
    }
    make(tmp_path / "labels", {"CVD_2014_metadata.csv": text(rows), **lists})
    found = collect(find_dataset("cvd2014"), tmp_path / "videos", tmp_path / "labels")
    assert [sorted(item.splits) for item in found.items] == [["clipvqa-test"], ["clipvqa-train"]]
    assert [item.path is None for item in found.items] == [False, True]


def test_versions_of_one_content_are_recognised(tmp_path):
    make(tmp_path, OWNERS["live-qualcomm"][0])
    found = collect(find_dataset("live-qualcomm"), tmp_path)
    assert [item.content for item in found.items] == ["0723_tree", "0723_tree", "0911night"]


DESCRIPTION = """
name = "mine"
title = "Mine"
scale = { kind = "DMOS", low = 0, high = 9, higher_is_better = false }
[[sources]]
about = "a table"
tables = [{ file = "mine.csv", name = "clip", score = "dmos", split_column = "set" }]
"""


def test_a_user_may_describe_a_dataset(tmp_path):
    (tmp_path / "mine.toml").write_text(DESCRIPTION)
    make(tmp_path, {"mine.csv": text("clip,dmos,set\na,1,x\nb,2,y\n")}, ["a.webm", "b.avi"])
    found = collect(find_dataset(str(tmp_path / "mine.toml")), tmp_path)
    assert not found.scale.higher_is_better
    assert [item.name for item in choose_part(found, "y").items] == ["b"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("title =", "titel ="), r"mine.toml: key titel: unknown key; did you mean title\?"),
        (('low = 0', 'low = "0"'), r"\[scale\], key low: input should be a valid number, not '0'"),
        (('name = "mine"', 'name = "my set"'), "key name: string should match pattern .* not 'my"),
        (('score = "dmos"', 'scoer = "d"'), r"\[\[sources\]\] 1, .* 'clip', key scoer: unknown"),
        (('title = "Mine"', 'title = "Mine"\ndefault_split = "b"'), "describes b"),
        (('title = "Mine"', 'title = "Mine"\ncontent = "("'), "key content: is not a regular"),
        (("[[sources]]", "[[sources"), "mine.toml: is not valid TOML"),
    ],
)  # fmt: skip
def test_a_wrong_description_is_one_line(tmp_path, change, message):
    (tmp_path / "mine.toml").write_text(DESCRIPTION.replace(*change))
    with pytest.raises(UsageError, match=message) as caught:
        find_dataset(str(tmp_path / "mine.toml"))
    assert "\n" not in str(caught.value)


def test_an_unknown_dataset_names_the_nearest():
    with pytest.raises(UsageError, match="did you mean konvid-1k"):
        find_dataset("konvid1k")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("flickr_id,score\n1,2\n", "no column 'mos'; there is flickr_id, score"),
        ("flickr_id,mos\n1,good\n", r"1 row is left out \(line 2, 1: score 'good' is not a number"),
        ("flickr_id,mos\n1,nan\n", "line 2, 1: score 'nan' is not a number"),
        ("flickr_id,mos\n1\n2,x\n", r"2 rows are left out \(line 2, 1: no score; and 1 more\)"),
        ("flickr_id,mos\n", "has no rows"),
        ("flickr_id,mos\n1,\n", "no row of the annotations can be used"),
        ("flickr_id,mos\n../1,2\n", "leads out of the root"),
        ("flickr_id,mos\n/etc/passwd,2\n", "leads out of the root"),
        ('flickr_id,mos\n"' + "x" * 200_000 + '",2\n', "field larger than field limit"),
    ],
)
def test_wrong_annotations_are_one_line(tmp_path, table, message):
    make(tmp_path, {"KoNViD_1k_mos.csv": text(table)})
    with pytest.raises(UsageError, match=message) as caught:
        collect(find_dataset("konvid-1k"), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (mat(video_list=cell(["a"]), mso=np.ones((1, 1))), "no variable 'mos'; did you mean mso"),
        (mat(video_list=cell(["a"]), mos=np.ones((2, 1))), "1 names for 2 scores"),
        (
            mat(video_list=cell(["a"]), mos=cell(["high"])),
            "line 1, a: score 'high' is not a number",
        ),
        (mat(video_list=cell(["a"]), mos=np.full((1, 1), np.nan)), "line 1, a: score 'nan' is not"),
        (text("no matrix at all, only words that go on and on"), "is not a MATLAB file"),
        (lambda path: path.write_bytes(b"MATLAB 7.3".ljust(124) + b"\0\2IM"), "version 7.3"),
    ],
)
def test_wrong_matlab_files_are_one_line(tmp_path, content, message):
    make(tmp_path, {"data.mat": content})
    with pytest.raises(UsageError, match=message) as caught:
        collect(find_dataset("live-vqc"), tmp_path)
    assert "\n" not in str(caught.value)


BAD = {
    "b.mp4,": "no score",
    "c.mp4,good": "score 'good' is not a number",
    "d.mp4,inf": "score 'inf' is not a number",
    ",3": "no file name",
    "e.mp4": "no score",
    "a.mp4,4": "listed in line 2 already, with score 3 for 4",
    "a.mp4,3": "listed in line 2 already",
    "../f.mp4,3": "'../f.mp4' leads out of the root folder",
    "/f.mp4,3": "'/f.mp4' leads out of the root folder",
}


def table_of_bad_rows(folder):
    rows = "".join(f"{row}\n" for row in ("a.mp4,3", *BAD, "z.mp4,2"))
    make(folder, {"opinions.csv": text(f"file,score\n{rows}")}, ["a.mp4", "z.mp4"])
    return folder / "opinions.csv"


def test_bad_rows_are_left_out_and_listed(tmp_path):
    table = table_of_bad_rows(tmp_path)
    found = collect(CustomTable(table).dataset(), tmp_path)
    assert [(item.name, item.score) for item in found.items] == [("a.mp4", 3), ("z.mp4", 2)]
    reasons = {row.line: row.reason for row in found.bad}
    assert reasons == dict(enumerate(BAD.values(), 3))
    assert {row.table for row in found.bad} == {"opinions.csv"}


def test_an_item_may_stand_in_several_splits_and_tables(tmp_path):
    rows = "file,score,split\na,3,train\na,3,test\na,3,test\n"
    make(tmp_path, {"opinions.csv": text(rows)}, ["a.mp4"])
    found = collect(
        CustomTable(tmp_path / "opinions.csv", split_column="split").dataset(), tmp_path
    )
    assert [item.splits for item in found.items] == [{"train", "test"}]
    assert [(row.line, row.reason) for row in found.bad] == []


def test_unknown_values_of_a_split_and_entries_of_matlab_are_bad_rows(tmp_path):
    rows = "name,mos,is_test\nx/1,40,True\nx/2,41,perhaps\n"
    make(tmp_path, {**OWNERS["lsvq"][0], "labels_train_test.csv": text(rows)})
    bad = collect(find_dataset("lsvq"), tmp_path).bad
    assert [(row.line, row.reason) for row in bad] == [
        (3, "is_test is 'perhaps', not one of True, False, 1, 0")
    ]
    (tmp_path / "vqc").mkdir()
    names = mat(video_list=cell(["A001.mp4", "A002.mp4"]), mos=np.array([[80.5], [np.nan]]))
    make(tmp_path / "vqc", {"data.mat": names})
    bad = collect(find_dataset("live-vqc"), tmp_path / "vqc").bad
    assert [(row.line, row.name, row.reason) for row in bad] == [
        (2, "A002.mp4", "score 'nan' is not a number")
    ]


@pytest.mark.parametrize("root", ["/", "own"])
def test_absolute_names_below_the_root_are_found(tmp_path, root):
    make(tmp_path, {}, ["own/a.mp4", "own/deep/b.mkv", "else/c.mp4"])
    names = [tmp_path / "own" / "a.mp4", tmp_path / "own" / "deep" / "b", tmp_path / "own" / "gone"]
    names += [tmp_path / "else" / "c.mp4"]
    rows = "".join(f"{name},{number}\n" for number, name in enumerate(names))
    make(tmp_path, {"opinions.csv": text(f"file,score\n{rows}")})
    place = Path("/") if root == "/" else tmp_path / root
    found = collect(CustomTable(tmp_path / "opinions.csv").dataset(), place)
    paths = [item.path for item in found.items]
    assert paths[:3] == [tmp_path / "own" / "a.mp4", tmp_path / "own" / "deep" / "b.mkv", None]
    assert paths[3:] == ([tmp_path / "else" / "c.mp4"] if root == "/" else [])
    assert ["leads out of the root" in row.reason for row in found.bad] == [True] * (root != "/")


@pytest.mark.parametrize(
    ("named", "file"),
    [
        ("A001NEW.mp4", "Video/A001.mp4"),
        ("A001_NEW", "Video/A001.mp4"),
        ("A001", "Video/A001_NEW.mp4"),
        ("A001.mp4", "A001NEW.mp4"),
        ("A001_NEW.mp4", "A001_NEW.mp4"),
    ],
)
def test_names_of_live_vqc_that_end_in_new_match(tmp_path, named, file):
    lists = {"vqc_test.csv": text("A001,80.5\nA002,7\n")}
    names = mat(video_list=cell([named, "A002.mp4"]), mos=np.array([[80.5], [7]]))
    make(tmp_path, {"data.mat": names, **lists}, [file, "Video/A002.mp4"])
    first, second = collect(find_dataset("live-vqc"), tmp_path).items
    assert first.path == tmp_path / file
    assert first.splits == second.splits == {"clipvqa-test"}


def test_a_file_of_the_very_name_goes_before_one_that_ends_in_new(tmp_path):
    make(tmp_path, OWNERS["live-vqc"][0], ["A001_NEW.mp4", "A001.mp4", "A002.mp4"])
    assert collect(find_dataset("live-vqc"), tmp_path).items[0].path == tmp_path / "A001.mp4"


def test_missing_annotations_are_named(tmp_path):
    with pytest.raises(UsageError, match=r"put there KoNViD_1k_mos\.csv; or KoNViD_1k_attributes"):
        collect(find_dataset("konvid-1k"), tmp_path)


def test_a_name_that_fits_two_files_is_refused(tmp_path):
    make(tmp_path, OWNERS["live-vqc"][0], ["Video/A001.mp4", "small/A001.mp4"])
    with pytest.raises(UsageError, match=r"A001\.mp4 may be (Video|small)/A001\.mp4 and"):
        collect(find_dataset("live-vqc"), tmp_path)


def test_a_file_of_another_folder_is_not_taken_where_folders_tell_names_apart(tmp_path):
    make(tmp_path, OWNERS["lsvq"][0], ["videos/ia-batch1/722.mp4"])
    found = {item.name: item.path for item in collect(find_dataset("lsvq"), tmp_path).items}
    assert found["ia-batch1/722"] == tmp_path / "videos" / "ia-batch1" / "722.mp4"
    assert found["yfcc-batch1/722"] is None


def test_strange_names_are_missing_files(tmp_path):
    names = ["n" * 5000, ".mp4", "a//b", "./c"]
    table = "flickr_id,mos\n" + "".join(f"{name},2\n" for name in names)
    make(tmp_path, {"KoNViD_1k_mos.csv": text(table)}, ["c.mp4"])
    found = {item.name: item.path for item in collect(find_dataset("konvid-1k"), tmp_path).items}
    assert found == dict.fromkeys(names) | {"./c": tmp_path / "c.mp4"}


def test_names_with_odd_bytes_find_their_files(tmp_path):
    rows = b"name,mos,is_test\nia-batch1/caf\xe9,40,True\n"
    make(tmp_path, {**OWNERS["lsvq"][0], "labels_train_test.csv": lambda p: p.write_bytes(rows)})
    odd = tmp_path / "ia-batch1" / b"caf\xe9.mp4".decode("utf-8", "surrogateescape")
    odd.parent.mkdir()
    odd.write_bytes(b"video")
    assert collect(find_dataset("lsvq"), tmp_path).items[0].path == odd
