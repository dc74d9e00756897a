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
PRICE = np.float32(1.5)  # of as many votes as the right frames usually have against them
PRICE_DOUBTED = np.float32(0.4)  # the same, where parts are left out often
FEWEST = np.float32(0.5)  # votes that the right frames are thought to have against them at least
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
HOLD_USUAL = np.float32(30)  # the same, for each whole share of parts left out beyond the doubtful
HOLD_USUAL_MOST = np.float32(12)
HELD_ON = np.float32(0.05)  # going on holding an exact repeat
HOLD_NOISY = np.float32(4)  # going on holding while the distorted changes by less than the noise
HOLD_ON = np.float32(1)  # going on holding where the reference does not move
HOLD_MOVING = np.float32(20)  # holding while the distorted moves
MOVES = np.float32(2)  # motion over noise that counts as moving
STEADY = np.float32(3)  # motion over four frames, over that of one, that grain does not reach
SAME = np.float32(0.05)  # change over motion under which two frames are the same picture
DIFFERENT = np.float32(0.6)  # the same, beyond that, from which they are not
DIFFERENT_DOUBTED = np.float32(0.2)  # likewise, where many parts are left out
DOUBTFUL = np.float32(0.15)  # share of parts left out from which repeats are to be expected
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
    moving = liveliness(motion / scale)
    for place in range(row.size):
        if row[place] >= UNREACHED:
            out[place] = UNREACHED
            continue
        cost = min(CAP, whole_cost((row[place] - least) / scale, moving))
        out[place] = cost + unlike_cost(row[place], energy, ref_energy[base + place])
    return least


@kernel(fastmath=SUMS)
def vote_costs(
    row: Floats,
    votes: Floats,
    base: int,
    usual: np.float32,
    left_out: np.float32,
    noise: np.float32,
    motion: np.float32,
    energy: np.float32,
    ref_energy: Floats,
    out: Floats,
) -> np.float32:
    """Cost of pairing a distorted frame with each reference frame of the band.

    Where parts are left out often, the same ones err alike frame after frame: the votes then count
    less, and the distance of the whole picture counts beside them, as in `evidence`.

    Args:
        row: (B,) squared distances, inf where there is no reference frame.
        votes: (B,) of `align_votes.compare`.
        base: reference index of the first place.
        usual: votes against the right frames hereabouts, beyond those against the best.
        left_out: share of the parts of the picture that are left out hereabouts.
        noise: squared distance of true pairs hereabouts.
        motion: squared distance of neighbouring reference frames hereabouts.
        energy: mean square of the distorted signature.
        ref_energy: (frames,) the same of each reference frame.
        out: (B,) costs.

    Returns:
        The smallest distance.
    """
    least, fewest = np.float32(np.inf), np.float32(np.inf)
    for place in range(row.size):
        if row[place] < UNREACHED:
            least, fewest = min(least, row[place]), min(fewest, votes[place])
    believed = trust(left_out)
    doubted = np.float32(1) - believed
    price = (believed * PRICE + doubted * PRICE_DOUBTED) / (FEWEST + usual)
    scale = max(noise, least)
    moving = liveliness(motion / scale)
    for place in range(row.size):
        if row[place] >= UNREACHED:
            out[place] = UNREACHED
            continue
        cost = (votes[place] - fewest) * price
        cost += doubted * whole_cost((row[place] - least) / scale, moving)
        out[place] = min(CAP, cost) + unlike_cost(row[place], energy, ref_energy[base + place])
    return least


@kernel(fastmath=SUMS)
def liveliness(motion: np.float32) -> np.float32:
    """0 to 1: what evidence is worth where the reference moves so much, in units of the noise."""
    return (motion + np.float32(1e-9)) / (motion + STILL_CONTENT)


@kernel(fastmath=SUMS)
def whole_cost(excess: np.float32, moving: np.float32) -> np.float32:
    """Cost of an excess of the whole picture's distance over the best, in units of the noise."""
    bounded = min(excess, np.float32(1e6))
    return GAIN * moving * bounded * bounded / (bounded + SOFT)


@kernel(fastmath=SUMS)
def unlike_cost(distance: np.float32, energy: np.float32, ref_energy: np.float32) -> np.float32:
    """What it costs besides to pair pictures that are as different as strangers, or nearly."""
    if distance > UNLIKE * max(energy, ref_energy, np.float32(1)):
        return UNLIKE_COST
    return np.float32(0)


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
def trust(left_out: np.float32) -> np.float32:
    """1 to 0: how far single parts and repeats can be believed, by the share of parts left out."""
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
    """Price of beginning to hold, and of going on.

    Args:
        change: squared distance of the distorted frame to the one before.
        noise: as in `evidence`.
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
        left_out: as in `hold_costs`.
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
