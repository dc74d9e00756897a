"""Scores a piece of a long case in a process of its own, and joins what the pieces gave."""

from __future__ import annotations

import time

from vqa_harness.batch.case import Joint, Outcome, Part
from vqa_harness.batch.divide import in_pieces, pack, unpack
from vqa_harness.batch.row import Row
from vqa_harness.batch.score import keep, settling
from vqa_harness.batch.settings import Settings
from vqa_harness.batch.store import Store
from vqa_harness.pipeline.runner import RunOptions
from vqa_harness.registry import Registry
from vqa_harness.split.in_pieces import Undivided
from vqa_harness.split.piece import score_piece


def score_part(part: Part, registry: Registry, settings: Settings) -> Outcome:
    """Measure a piece; what it gave is in the answer. What is wrong with it fails the case."""

    def measure(_: Row, __: Store) -> Outcome:
        video, _key = in_pieces(part.case, part.divided, registry, settings)
        piece = video.pieces()[part.number]
        result = score_piece(piece, registry, RunOptions(settings.threads))
        if not result.promised:
            return Outcome(undivided="its frames are not those that its packets promise")
        return Outcome(given=pack(result))

    return settling(part, settings, measure, part.divided.seconds)


def join_parts(joint: Joint, registry: Registry, settings: Settings) -> Outcome:
    """Join what all pieces of a case gave; its log and its row are written, and this is told."""
    begin, cpu = time.perf_counter() - joint.seconds, time.process_time()

    def join(row: Row, store: Store) -> Outcome | None:
        told: list[str] = []
        video, key = in_pieces(joint.case, joint.divided, registry, settings, told.append)
        try:
            result = video.joined([unpack(one) for one in joint.given], begin, cpu)
        except Undivided as why:
            return Outcome(undivided=str(why))
        row.undivided = "; ".join(told)
        keep(row, store, result, key, joint.case, settings)
        return None

    return settling(joint, settings, join, joint.seconds)
