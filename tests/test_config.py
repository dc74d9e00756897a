"""Reading a TOML file into a model: every fault is one line with its place."""

from typing import Annotated, Literal, Self

import pytest
from pydantic import Field, model_validator

from vqa_harness import config
from vqa_harness.config import Numbers, Table, Texts, load, place, refusals, schema_of
from vqa_harness.errors import InputError, UsageError


class Wheel(Table):
    name: str = ""
    size: Annotated[float, Field(gt=0)] = 1.0
    spokes: int | None = None


class Frame(Table):
    colour: Literal["red", "blue"] = "red"
    wheel: list[Wheel] = Field(default=[])
    bolts: Texts = Field(default=["m6"], min_length=1)
    rack: Wheel | None = None
    parts: dict[str, Annotated[str | int, Field(union_mode="left_to_right")]] = Field(default={})

    @model_validator(mode="after")
    def _is_allowed(self) -> Self:
        with refusals():
            if self.colour == "blue" and not self.wheel:
                raise UsageError("blue frames have wheels")
        return self


class Bicycle(Table):
    layout: Literal[1] = Field(default=1, alias="schema")
    riders: Texts = Field(default=[])
    gears: Numbers = Field(default=[])
    frame: Frame = Field(default_factory=Frame)
    frames: list[Frame] = Field(default=[])


@pytest.fixture
def read(tmp_path):
    def call(text, name="bicycle.toml", table=()):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(path, Bicycle, table)

    return call


def test_a_file_is_a_model(read):
    found = read("\ufeffschema = 1\nriders = 'Ä'\ngears = 3\n[[frame.wheel]]\nsize = 2\n")
    assert found.riders == ["Ä"]
    assert found.gears == [3.0]
    assert found.frame.wheel[0].size == 2.0
    assert read("riders = ['a', 'b']\ngears = [1, 2.5]").gears == [1.0, 2.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ridres = 'a'", "bicycle.toml: key ridres: unknown key; did you mean riders?"),
        ("xyz = 1", "key xyz: unknown key; there is frame, frames, gears, riders, schema"),
        ("schema = 2", "bicycle.toml: key schema: input should be 1, not 2"),
        ("riders = [1]", "key riders, entry 1: input should be a valid string, not 1"),
        ("gears = true", "bicycle.toml: key gears: input should be a valid number, not True"),
        ("gears = 'low'", "key gears: input should be a valid list, not 'low'"),
        ("gears = [1, nan]", "key gears, entry 2: input should be a finite number, not nan"),
        ("frame = 3", "bicycle.toml: key frame: input should be a table, not 3"),
        ("[frame]\nbolts = []", "[frame], key bolts: is empty"),
        ("[frame]\nparts = 3", "[frame], key parts: input should be a table, not 3"),
        ("[frame]\ncolor = 'red'", "[frame], key color: unknown key; did you mean colour?"),
        ("[frame]\ncolour = 'rde'", "[frame], key colour: input should be 'red' or 'blue', not"),
        ("[frame]\ncolour = 'blue'", "bicycle.toml: [frame]: blue frames have wheels"),
        ("[frame.rack]\nsise = 1", "[frame], key rack, key sise: unknown key; did you mean size?"),
        (
            "[[frame.wheel]]\n[[frame.wheel]]\nspoke = 2",
            "[frame], [[wheel]] 2, key spoke: unknown key; did you mean spokes?",
        ),
        (
            "[[frames]]\n[[frames.wheel]]\nname = 'front'\nsize = 0",
            "[[frames]] 1, [[wheel]] 'front', key size: input should be greater than 0, not 0",
        ),
        ("[[frames]]\nwheel = 1", "[[frames]] 1, key wheel: input should be a valid list, not 1"),
        ("[frame.parts]\nbell = 1.5", "[frame], key parts, key bell: input should be a valid str"),
        ("riders = 3\ngears = ''\nextra = 1", "key extra: unknown key; there is frame, frames"),
        ("riders = 3\ngears = ''\nextra = 1", " (and 2 more)"),
        (f"riders = {'x' * 50!r}\nschema = {'y' * 50!r}", f"not '{'y' * 36}..."),
    ],
)
def test_a_fault_is_one_line_with_its_place(read, text, message):
    with pytest.raises(UsageError) as caught:
        read(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("bicycle.toml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", "riders = [", "a = 1\na = 2", "x = " + "[" * 5000 + "]" * 5000]
)
def test_what_is_not_toml_is_one_line(read, text):
    with pytest.raises(UsageError, match=r"bicycle\.toml: is not valid TOML: ") as caught:
        read(text)
    assert "\n" not in str(caught.value)


def test_tables_within_a_file(read):
    text = "[tool.bicycle]\nriders = 'a'\n[tool.other]\n[tool.wrong]\nridres = 1"
    assert read(text, table=("tool", "bicycle")).riders == ["a"]
    assert read(text, table=("tool", "other")).riders == []
    with pytest.raises(UsageError, match=r"bicycle\.toml: \[tool\.wrong\], key ridres: unknown"):
        read(text, table=("tool", "wrong"))
    for table in (("tool", "none"), ("none", "bicycle")):
        with pytest.raises(UsageError, match=rf"has no table \[{table[0]}\.{table[1]}\]"):
            read(text, table=table)
    with pytest.raises(UsageError, match="has no table"):
        read("tool = 3", table=("tool", "bicycle"))


def test_files_that_are_not_there_or_too_large(read, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"gone\.toml: cannot be read: No such file"):
        load(tmp_path / "gone.toml", Bicycle)
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load(tmp_path, Bicycle)
    monkeypatch.setattr(config, "MAX_BYTES", 20)
    assert read("riders = 'abcdefgh'")
    with pytest.raises(InputError, match="is larger than 20 bytes, the limit for a configuration"):
        read("riders = 'abcdefghijklmnop'")


def test_places_in_a_model(read):
    found = read("[[frames]]\n[[frames.wheel]]\nname = 'front'")
    assert place("b.toml", ("frames", 0, "wheel", 0, "size"), found) == (
        "b.toml: [[frames]] 1, [[wheel]] 'front', key size"
    )
    assert place("b.toml", (), found) == "b.toml"
    assert place("b.toml", ("schema",), found, ("tool", "x")) == "b.toml: [tool.x], key schema"


def test_a_schema_has_the_keys_of_the_file():
    schema = schema_of(Bicycle, "a bicycle")
    assert schema["title"] == "a bicycle"
    assert set(schema["properties"]) == {"schema", "riders", "gears", "frame", "frames"}
    assert schema["properties"]["riders"]["anyOf"][0] == {"type": "string"}
