"""One step of the search for the likeliest pairing: evidence of a frame, moves between states.

The states of a distorted frame are the reference frames of a band, each in one of three modes:
shown for the first time, held (the distorted side repeats it), or passed over while the distorted
side shows something that the reference does not have. Costs are negative log-likelihoods up to a
factor: the excess of a frame's squared distance over that of the best frame of the band, in units
of the noise, against a fixed price of leaving the expected advance (A. J. Viterbi, IEEE Trans. Inf.
Theory 13(2), 1967).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import SUMS, kernel

Floats = NDArray[np.float32]
MATCHED, HELD, ALIEN = 0, 1, 2  # modes of a state
MODE = 8192  # back-pointers are place in the band + MODE * mode

UNREACHED = np.float32(1e9)
GAIN = np.float32(25)  # evidence of a distance that exceeds the best by the noise
CAP = np.float32(40)  # evidence of one frame at most
SOFT = np.float32(0.3)  # excess over noise at which half of the evidence counts
STILL_CONTENT = np.float32(0.3)  # motion over noise at which half of the evidence counts
JUMP = np.float32(18)  # advance that neither time nor rate explains
PER_FRAME = np.float32(0.02)  # of a jump, for each frame of it, so that the shorter one wins a tie
OTHER_ADVANCE = np.float32(0.5)  # advance that the rates allow but the time does not ask for
ALIEN_FRAME = np.float32(6)  # a frame without a partner, where the distance is that of strangers
ALIEN_FAMILIAR = np.float32(30)  # the same where a partner is in sight
ALIEN_ENTER = np.float32(6)
STRANGER = np.float32(0.5)  # share of the energy from which a distance is that of strangers
UNLIKE = np.float32(0.85)  # share of the energy from which a pairing is doubtful
UNLIKE_COST = np.float32(12)
HOLD_EXACT = np.float32(0.3)  # holding while the reference moves and the distorted does not
HELD_ON = np.float32(0.05)  # going on holding an exact repeat
HOLD_ON = np.float32(1)  # going on holding
HOLD_MOVING = np.float32(20)  # holding while the distorted moves
MOVES = np.float32(2)  # motion over noise that counts as moving
STEADY = np.float32(3)  # motion over four frames, over that of one, that grain does not reach
SAME = np.float32(0.05)  # change over motion under which two frames are the same picture
DIFFERENT = np.float32(0.6)  # the same, beyond that, from which they are not
MOSTLY = np.float32(0.5)  # the same, under which a freeze may go on at little cost
SAME_LEVELS = np.float32(0.0005)  # squared levels that count as no motion


@kernel(fastmath=SUMS)
def evidence(
    row: Floats,
    base: int,
    noise: np.float32,
    motion: np.float32,
    energy: np.float32,
    ref_energy: Floats,
    out: Floats,
) -> np.float32:
    """Cost of pairing a distorted frame with each reference frame of the band.

    Args:
        row: (B,) squared distances, inf where there is no reference frame.
        base: reference index of the first place.
        noise: squared distance of true pairs hereabouts.
        motion: squared distance of neighbouring reference frames hereabouts.
        energy: mean square of the distorted signature.
        ref_energy: (frames,) the same of each reference frame.
        out: (B,) costs.

    Returns:
        The smallest distance.
    """
    least = np.float32(np.inf)
    for place in range(row.size):
        least = min(least, row[place])
    scale = max(noise, least)
    moving = (motion / scale + np.float32(1e-9)) / (motion / scale + STILL_CONTENT)
    for place in range(row.size):
        if row[place] >= UNREACHED:
            out[place] = UNREACHED
            continue
        excess = min((row[place] - least) / scale, np.float32(1e6))
        cost = min(CAP, GAIN * moving * excess * excess / (excess + SOFT))
        if row[place] > UNLIKE * max(energy, ref_energy[base + place], np.float32(1)):
            cost += UNLIKE_COST
        out[place] = cost
    return least


@kernel(fastmath=SUMS)
def start(costs: Floats, least: np.float32, energy: np.float32, base: int, scores: Floats) -> None:
    """Scores (3, B) of the first frame: any reference frame, early ones slightly preferred."""
    scores[:] = UNREACHED
    for place in range(costs.size):
        if base + place >= 0:
            scores[MATCHED, place] = costs[place] + PER_FRAME * np.float32(base + place)
    before = max(0, -1 - base)
    scores[ALIEN, before] = alien_cost(least, energy)


@kernel(fastmath=SUMS)
def alien_cost(least: np.float32, energy: np.float32) -> np.float32:
    """Price of giving a frame no partner."""
    if least > STRANGER * max(energy, np.float32(1)):
        return ALIEN_FRAME
    return ALIEN_FAMILIAR


@kernel(fastmath=SUMS)
def hold_costs(
    change: np.float32, motion: np.float32, moves: bool
) -> tuple[np.float32, np.float32]:
    """Price of beginning to hold, and of going on.

    Args:
        change: squared distance of the distorted frame to the one before.
        motion: the same of the reference frame held and the next one.
        moves: whether the reference moves on here.
    """
    if not moves:
        still = change < max(motion, SAME_LEVELS)
        return JUMP, HOLD_ON if still else HOLD_MOVING
    share = change / max(motion, SAME_LEVELS)
    doubt = min(max(share - SAME, np.float32(0)) / DIFFERENT, np.float32(1))
    enter = HOLD_EXACT + doubt * (HOLD_MOVING - HOLD_EXACT)
    return enter, min(enter, HOLD_ON, HELD_ON + share) if share < MOSTLY else enter


@kernel(fastmath=SUMS)
def advance(
    costs: Floats,
    alien: np.float32,
    change: np.float32,
    noise: np.float32,
    ref_motion: Floats,
    ref_trend: Floats,
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
        costs: (B,) of `evidence`.
        alien: of `alien_cost`.
        change: as in `hold_costs`.
        noise: as in `evidence`.
        ref_motion: (frames,) squared distance of each reference frame to the next.
        ref_trend: (frames,) the same to the fourth after it.
        base: reference index of the first place.
        shift: how far the band moved since the frame before.
        expected: advance in the reference that time asks for, free of charge.
        low: smallest advance that the rates alone allow, almost free.
        high: the largest.
        old: (3, B) scores before.
        new: (3, B) scores.
        back: (3, B) where each came from, -1 from nowhere.
    """
    size = costs.size
    jump, jump_place, jump_mode = UNREACHED, -1, MATCHED
    entry, entry_place = UNREACHED, -1
    passed = 0
    for place in range(size):
        same = place + shift  # of the same reference frame, in the band before
        while passed < same and passed < size:
            discount = PER_FRAME * np.float32(passed)
            for mode in (MATCHED, HELD):
                if old[mode, passed] - discount < jump:
                    jump, jump_place, jump_mode = old[mode, passed] - discount, passed, mode
            if old[ALIEN, passed] - discount < entry:
                entry, entry_place = old[ALIEN, passed] - discount, passed
            passed += 1
        best, origin = UNREACHED, -1
        for step in range(min(low, expected), max(high, expected) + 1):
            before = same - step
            if (step != expected and not low <= step <= high) or not 0 <= before < size:
                continue
            price = np.float32(0) if step == expected else OTHER_ADVANCE
            for mode in (MATCHED, HELD):
                if old[mode, before] + price < best:
                    best, origin = old[mode, before] + price, before + MODE * mode
        if jump + JUMP + PER_FRAME * np.float32(same) < best:
            best = jump + JUMP + PER_FRAME * np.float32(same)
            origin = jump_place + MODE * jump_mode
        if entry + ALIEN_ENTER + PER_FRAME * np.float32(same) < best:
            best = entry + ALIEN_ENTER + PER_FRAME * np.float32(same)
            origin = entry_place + MODE * ALIEN
        new[MATCHED, place] = best + costs[place]
        back[MATCHED, place] = origin
        new[HELD, place], back[HELD, place] = UNREACHED, -1
        new[ALIEN, place], back[ALIEN, place] = UNREACHED, -1
        if same >= size:
            continue
        following = base + place
        motion, moves = np.float32(0), False
        if 0 <= following < ref_motion.size:
            motion = ref_motion[following]
            steady = motion > SAME_LEVELS and ref_trend[following] > STEADY * motion
            moves = steady or motion > MOVES * noise
        enter, go_on = hold_costs(change, motion, moves)
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
