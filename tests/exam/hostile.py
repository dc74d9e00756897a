"""Hostile changes to documents, the same for the same name."""

import json
import random
import re

HUGE = "@a number of 6,000 digits@"
"""Stands for a number that Python would not write."""
VALUES = (
    None,
    True,
    -1,
    0,
    1e18,
    10**30,
    1e308,
    -1e-320,
    float("nan"),
    float("inf"),
    HUGE,
    "",
    "text",
    "\x1b[31m\n::error::owned\u202e",
    "x" * 20000,
    [],
    {},
    [[[]]],
    [None] * 3,
    {"a": {"b": 1}},
    "@deep nesting@",
)
"""What stands where something else should."""
CELLS = ("", "nan", "-1", "1e18", "9" * 6000, "text", "\x1b[31m", "::error::x", '"', "\0", "1,1,1")
TOML_VALUES = (
    *("''", "-1", "0", "1e18", "9" * 6000, "nan", "inf", "true", "[]", "{}", "1979-05-27"),
    *("'text'", '"\\u001b[31m"', "'::error::x'", "[" * 3000, "{a = " * 500, "[[1]]", "'*'", "'\\'"),
    *("''''", "{a = 1}", "'" + "x" * 20000 + "'"),
)


def hostile_json(text: str, name: str) -> str:
    """JSON in which some values are others, or are missing."""
    rng, document = random.Random(name), json.loads(text)
    for _ in range(rng.randint(1, 3)):
        if places := list(_places(document)):
            _change(*rng.choice(places), rng)
    found = json.dumps(document).replace(f'"{HUGE}"', "9" * 6000)
    return found.replace('"@deep nesting@"', "[" * 20000 + "]" * 20000)


def hostile_toml(text: str, name: str) -> str:
    """TOML in which values are others, or lines are missing, twice or elsewhere."""
    rng, lines = random.Random(name), text.splitlines()
    for _ in range(rng.randint(1, 2)):
        at = rng.randrange(len(lines))
        key, equals, _ = lines[at].partition("=")
        kind = rng.randrange(4)
        if kind == 0 and len(lines) > 1:
            lines.insert(rng.randrange(len(lines)), lines.pop(at))
        elif kind == 1:
            lines.insert(at, lines[at])
        else:
            lines[at] = f"{key}= {rng.choice(TOML_VALUES)}" if equals else f"[{lines[at]}"
    return "\n".join(lines)


def hostile_cells(text: str, name: str) -> str:
    """CSV or XML in which some of the words and numbers are others."""
    rng = random.Random(name)
    words = list(re.finditer(r"[\w.]+", text))
    for found in sorted(rng.sample(words, rng.randint(1, 3)), key=lambda one: -one.start()):
        text = text[: found.start()] + rng.choice(CELLS) + text[found.end() :]
    return text


def broken(text: str, name: str) -> str:
    """Text that ends early, or with characters that do not belong there."""
    rng = random.Random(name)
    if rng.random() < 0.5:
        return text[: rng.randrange(len(text))]
    at = rng.randrange(len(text))
    junk = rng.choice(
        ["\0", "\x1b[2J", "[" * 50000, "{", "<!DOCTYPE x [<!ENTITY a 'b'>]>", "\ud800"]
    )
    return text[:at] + junk + text[at:]


def _places(node, parent=None, key=None):
    if parent is not None:
        yield parent, key
    if isinstance(node, dict | list):
        for name, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _places(value, node, name)


def _change(parent, key, rng):
    if rng.random() < 0.2:
        del parent[key]
    elif isinstance(parent, dict) and rng.random() < 0.1:
        parent[rng.choice(["", "\x1b[31m", "::error::x", "x" * 5000])] = parent.pop(key)
    else:
        parent[key] = rng.choice(VALUES)
