"""A ladder's document and its logs, made by hand, with names that try to break out of a page."""

import math

NASTY = "</script><img src=x onerror=alert(1)><!--\u2028"
FRAMES = 400


def log_of(name, scale):
    scores = [scale * (60 + 20 * math.sin(i / 15)) for i in range(FRAMES)]
    features = {
        "score": {"direction": "higher", "range": [0, 100], "unit": "dB"},
        "motion": {"direction": None, "range": [None, None], "unit": ""},
    }
    segments = [
        {"kind": "matched", "distorted": [0, 200], "reference": [0, 200]},
        {"kind": "frozen", "distorted": [200, 240], "reference": [199, 200]},
        {"kind": "matched", "distorted": [240, FRAMES], "reference": [240, FRAMES]},
    ]
    frames = [{"frameNum": i, "metrics": {"score": x, "motion": 1.0}} for i, x in enumerate(scores)]
    return {
        "version": "vqa-harness 0.1.0",
        "frames": frames,
        "vqa_harness": {
            "inputs": {"distorted": {"name": name, "rate": "25", "width": 96, "height": 64}},
            "metrics": {"metric": {"features": features}},
            "frame_times": [i / 25 for i in range(FRAMES)],
            "alignment": {"model": "content", "segments": {"count": 3, "list": segments}},
            "warnings": [NASTY],
        },
    }


def ladder_of(names):
    rungs = [
        {
            "series": NASTY if i % 2 else "x264",
            "file": name,
            "width": 96,
            "height": 64 if i < 4 else 128,
            "setting": f"crf {20 + i}",
            "bitrate": 200e3 * 1.7**i,
            "frames": FRAMES,
            "pooled": {"score": {"mean": 40.0 + 9 * i}},
            "log": f"{i}.json",
        }
        for i, name in enumerate(names)
    ]
    series = {"x264": [0, 2, 4], NASTY: [1, 3, 5]}
    return {
        "schema": 1,
        "kind": "ladder",
        "settings": {"pool": "mean", "method": "pchip"},
        "features": {"score": {"direction": "higher", "unit": "dB"}},
        "sources": [
            {
                "name": NASTY,
                "rungs": rungs,
                "series": series,
                "curves": {"score": {n: {"rungs": m, "notes": []} for n, m in series.items()}},
                "comparisons": [],
                "hulls": {"score": {"rungs": [0, 1, 3, 5], "steps": [], "picks": []}},
            }
        ],
        "aggregate": [],
        "failed": [],
    }
