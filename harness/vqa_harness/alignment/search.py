"""One step of the search for the likeliest pairing: moves from the states of a frame to the next.

The states of a distorted frame are the reference frames of a band, each in one of three modes:
shown for the first time, held (the distorted side repeats it), or passed over while the distorted
side shows something that the reference does not have. The costs of a state, which
`vqa_harness.alignment.evidence` finds, stand against fixed prices of leaving the expected advance
(A. J. Viterbi, IEEE Trans. Inf. Theory 13(2), 1967).

All prices share the scale of the evidence. They were set together, by trying pairings whose truth
is known: 228 made from photographs and sample clips with random drops, repeats and freezes, and
nine of the constructed ones of ``docs/alignment.md``; the held-out cases of that page took no part.
A price can therefore hardly be changed alone, and ``benchmarks/bench_align.py`` tells what a change
does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import SUMS, kernel

Floats = NDArray[np.float32]

MATCHED, HELD, ALIEN = 0, 1, 2
"""Modes of a state: shown for the first time, held, and without a partner."""
MODE = 8192
"""A back-pointer is the place in the band plus this times the mode; bands are narrower."""
UNREACHED = np.float32(1e9)
"""Score of a state that no move leads to; the kernels of ``evidence.py`` use it as well."""

JUMP = np.float32(18)
"""Price of an advance that neither time nor rate explains: frames were dropped or the video cut.

It is about the cost of one frame whose distance exceeds the best one by the noise. So a true drop
pays for it within a frame or two, and chance differences between neighbours in a slow scene do not.
"""
PER_FRAME = np.float32(0.02)
"""Price of each reference frame that a jump passes over, so that the shorter jump wins a tie."""
OTHER_ADVANCE = np.float32(0.5)
"""Price of an advance that the two rates allow, but the time of the frame does not ask for.

It is small because timestamps are rounded and resamplers differ in what they round to.
"""

ALIEN_FRAME = np.float32(6)
"""Price of a frame without a partner, where even the nearest reference frame is a stranger."""
ALIEN_FAMILIAR = np.float32(30)
"""Price of a frame without a partner where a reference frame resembles it.

It is well above `JUMP`: a frame that merely is compressed hard must not be given up.
"""
ALIEN_ENTER = np.float32(6)
"""Price of going over to frames without a partner, and of coming back from them."""
STRANGER = np.float32(0.5)
"""Share of the signature's energy from which a distance is that of strangers."""

HOLD_EXACT = np.float32(0.3)
"""Price of beginning to hold where the distorted picture repeats exactly and the reference moves.

That is what a repeated frame looks like, so it costs next to nothing.
"""
HOLD_USUAL = np.float32(30)
"""Added to `HOLD_EXACT` for each whole share of parts left out beyond `DOUBTFUL`.

A coder at a low rate leaves a slow picture as it was, of its own accord: where it is known to do
so, an exact repeat is no sign of a repeated frame. Taking every exact repeat for a freeze makes the
pairing drift.
"""
HOLD_USUAL_MOST = np.float32(12)
"""Most that `HOLD_USUAL` may add; it stays below `JUMP`, so that real freezes are still found."""
HELD_ON = np.float32(0.05)
"""Price of going on to hold an exact repeat, for each frame."""
HOLD_NOISY = np.float32(4)
"""Highest price of going on to hold while the distorted picture changes by less than the noise.

A frozen picture is coded again and again, and so is seldom the same to the last bit.
"""
HOLD_ON = np.float32(1)
"""Price of going on to hold where the reference does not move: nothing tells how long it lasts."""
HOLD_MOVING = np.float32(20)
"""Price of holding while the distorted picture moves, which a frozen picture does not."""

MOVES = np.float32(2)
"""Motion of the reference, in units of noise, from which it counts as moving.

Repeats are looked for only where it moves: in a still scene every frame is one.
"""
STEADY = np.float32(3)
"""Motion over four frames, as a multiple of that over one, from which it is steady motion.

Grain is as far from the fourth frame as from the next one, a pan is farther.
"""
SAME = np.float32(0.05)
"""Change over motion of the reference under which the distorted picture is the same as before."""
DIFFERENT = np.float32(0.6)
"""Change over motion, beyond `SAME`, from which the distorted picture certainly moved."""
DIFFERENT_DOUBTED = np.float32(0.2)
"""The same where many parts are left out: a new frame then changes less of the picture."""
DOUBTFUL = np.float32(0.15)
"""Share of parts left out from which single parts are not believed and repeats are expected."""
SAME_LEVELS = np.float32(0.0005)
"""Squared levels that count as no motion; it also keeps quotients of motion finite."""


@kernel(fastmath=SUMS)
def start(costs: Floats, least: np.float32, energy: np.float32, base: int, scores: Floats) -> None:
    """Fill in the scores (3, B) of the first frame: any reference frame, early ones preferred."""
    scores[:] = UNREACHED
    for place in range(max(0, -base), costs.size):
        scores[MATCHED, place] = costs[place] + PER_FRAME * np.float32(place + min(base, 0))
    before = max(0, -1 - base)
    scores[ALIEN, before] = alien_cost(least, energy)


@kernel(fastmath=SUMS)
def alien_cost(least: np.float32, energy: np.float32) -> np.float32:
    """The price of giving a frame no partner.

    Args:
        least: squared distance to the nearest reference frame of the band.
        energy: mean square of the distorted signature.
    """
    if least > STRANGER * max(energy, np.float32(1)):
        return ALIEN_FRAME
    return ALIEN_FAMILIAR


@kernel(fastmath=SUMS)
def trust(left_out: np.float32) -> np.float32:
    """How far single parts and repeats can be believed, 1 to 0, by the share of parts left out."""
    return max(np.float32(0), np.float32(1) - left_out / DOUBTFUL)


@kernel(fastmath=SUMS)
def moves_on(motion: np.float32, trend: np.float32, noise: np.float32) -> bool:
    """Whether the reference moves, by its squared distance to the next frame and to the fourth."""
    steady = motion > SAME_LEVELS and trend > STEADY * motion
    return bool(steady or motion > MOVES * noise)


@kernel(fastmath=SUMS)
def hold_costs(
    change: np.float32, noise: np.float32, motion: np.float32, left_out: np.float32, moves: bool
) -> tuple[np.float32, np.float32]:
    """Price of beginning to hold a reference frame, and of going on to hold it.

    Args:
        change: squared distance of the distorted frame to the one before.
        noise: squared distance of true pairs hereabouts.
        motion: squared distance of the reference frame held and the next one.
        left_out: share of the parts of the picture that are left out hereabouts.
        moves: whether the reference moves on here.
    """
    if not moves:
        still = change < max(noise, SAME_LEVELS)
        return JUMP, HOLD_ON if still else HOLD_MOVING
    believed = trust(left_out)
    room = believed * DIFFERENT + (np.float32(1) - believed) * DIFFERENT_DOUBTED
    share = change / max(motion, SAME_LEVELS)
    doubt = min(max(share - SAME, np.float32(0)) / room, np.float32(1))
    usual = max(left_out - DOUBTFUL, np.float32(0))
    exact = HOLD_EXACT + min(usual * HOLD_USUAL, HOLD_USUAL_MOST)
    enter = exact + doubt * (HOLD_MOVING - exact)
    go_on = HELD_ON + doubt * (HOLD_MOVING - HELD_ON)
    if change < noise:
        go_on = min(go_on, HOLD_NOISY)
    return enter, min(enter, go_on)


@kernel(fastmath=SUMS)
def advance(
    costs: Floats,
    alien: np.float32,
    change: np.float32,
    noise: np.float32,
    left_out: np.float32,
    ref_motion: Floats,
    ref_trend: Floats,
    repeated: Floats,
    base: int,
    shift: int,
    expected: int,
    low: int,
    high: int,
    old: Floats,
    new: Floats,
    back: NDArray[np.int16],
) -> None:
    """Scores of a frame's states from those of the frame before.

    Args:
        costs: (B,) of `evidence.evidence` or `evidence.vote_costs`.
        alien: of `alien_cost`.
        change: as in `hold_costs`.
        noise: as in `hold_costs`.
        left_out: as in `hold_costs`.
        ref_motion: (frames,) squared distance of each reference frame to the next.
        ref_trend: (frames,) squared distance of each reference frame to the fourth after it.
        repeated: (frames,) of `ReferenceBand`: how many equal frames end before each frame.
        base: reference index of the first place.
        shift: how far the band moved since the frame before.
        expected: advance in the reference that time asks for, free of charge.
        low: smallest advance that the rates alone allow, almost free.
        high: the largest.
        old: (3, B) scores before.
        new: (3, B) scores.
        back: (3, B) where each came from, -1 from nowhere.
    """
    reach_matched(costs, repeated, base, shift, expected, low, high, old, new, back)
    for place in range(costs.size):
        new[HELD, place], back[HELD, place] = UNREACHED, -1
        new[ALIEN, place], back[ALIEN, place] = UNREACHED, -1
        same = place + shift
        if same >= costs.size:
            continue
        following = base + place
        motion, moves = np.float32(0), False
        if 0 <= following < ref_motion.size:
            motion = ref_motion[following]
            moves = moves_on(motion, ref_trend[following], noise)
        enter, go_on = hold_costs(change, noise, motion, left_out, moves)
        if old[MATCHED, same] + enter < old[HELD, same] + go_on:
            new[HELD, place] = old[MATCHED, same] + enter + costs[place]
            back[HELD, place] = same
        else:
            new[HELD, place] = old[HELD, same] + go_on + costs[place]
            back[HELD, place] = same + MODE * HELD
        best, origin = old[ALIEN, same], same + MODE * ALIEN
        for mode in (MATCHED, HELD):
            if old[mode, same] + ALIEN_ENTER < best:
                best, origin = old[mode, same] + ALIEN_ENTER, same + MODE * mode
        new[ALIEN, place] = best + alien
        back[ALIEN, place] = origin
    if shift >= costs.size:
        leap_as_alien(alien, old, new, back)


@kernel(fastmath=SUMS)
def leap_as_alien(alien: np.float32, old: Floats, new: Floats, back: NDArray[np.int16]) -> None:
    """The part of `advance` for a frame without a partner at which the band leaps ahead.

    No place of the band before is left then, so the first one stands for all.
    """
    for mode in (MATCHED, HELD, ALIEN):
        price = np.float32(0) if mode == ALIEN else ALIEN_ENTER
        for place in range(old.shape[1]):
            if old[mode, place] + price + alien < new[ALIEN, 0]:
                new[ALIEN, 0] = old[mode, place] + price + alien
                back[ALIEN, 0] = place + MODE * mode


@kernel(fastmath=SUMS)
def reach_matched(
    costs: Floats,
    repeated: Floats,
    base: int,
    shift: int,
    expected: int,
    low: int,
    high: int,
    old: Floats,
    new: Floats,
    back: NDArray[np.int16],
) -> None:
    """The part of `advance` for reference frames that are shown for the first time.

    They are reached by an advance that time or rate explains, by a jump from any earlier reference
    frame, or from an earlier one at which the distorted side had no partner. The cheapest origin of
    a jump is carried along as ``same`` grows, so that jumps need no loop of their own. From any of
    the equal frames that show one picture the next picture is hardly dearer than the next frame.
    """
    size = costs.size
    jump, jump_place, jump_mode = UNREACHED, -1, MATCHED
    entry, entry_place = UNREACHED, -1
    passed = 0
    for place in range(size):
        same = place + shift  # the same reference frame, as a place in the band before
        while passed < same and passed < size:
            discount = PER_FRAME * np.float32(passed)
            for mode in (MATCHED, HELD):
                if old[mode, passed] - discount < jump:
                    jump, jump_place, jump_mode = old[mode, passed] - discount, passed, mode
            if old[ALIEN, passed] - discount < entry:
                entry, entry_place = old[ALIEN, passed] - discount, passed
            passed += 1
        best, origin = step_on(old, same, expected, low, high)
        if 0 <= base + place < repeated.size and repeated[base + place] > 0:
            least, other = step_to_next_picture(old, same, int(repeated[base + place]))
            if least < best:
                best, origin = least, other
        # a band that leaps leads to another place: how far that is says nothing against it
        far = PER_FRAME * np.float32(min(same, place + size))
        if jump + JUMP + far < best:
            best = jump + JUMP + far
            origin = jump_place + MODE * jump_mode
        if entry + ALIEN_ENTER + far < best:
            best = entry + ALIEN_ENTER + far
            origin = entry_place + MODE * ALIEN
        new[MATCHED, place] = best + costs[place]
        back[MATCHED, place] = origin


@kernel(fastmath=SUMS)
def step_to_next_picture(old: Floats, same: int, repeated: int) -> tuple[np.float32, int]:
    """The best score that leaving any of the ``repeated`` equal frames before brings, likewise."""
    best, origin = UNREACHED, -1
    for before in range(max(0, same - repeated), min(same, old.shape[1])):
        for mode in (MATCHED, HELD):
            if old[mode, before] + OTHER_ADVANCE < best:
                best, origin = old[mode, before] + OTHER_ADVANCE, before + MODE * mode
    return best, origin


@kernel(fastmath=SUMS)
def step_on(old: Floats, same: int, expected: int, low: int, high: int) -> tuple[np.float32, int]:
    """The best score that an advance explained by time or rate brings, and its back-pointer."""
    best, origin = UNREACHED, -1
    for step in range(min(low, expected), max(high, expected) + 1):
        before = same - step
        if (step != expected and not low <= step <= high) or not 0 <= before < old.shape[1]:
            continue
        price = np.float32(0) if step == expected else OTHER_ADVANCE
        for mode in (MATCHED, HELD):
            if old[mode, before] + price < best:
                best, origin = old[mode, before] + price, before + MODE * mode
    return best, origin
