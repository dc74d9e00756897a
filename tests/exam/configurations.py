"""Configurations as they should be, with a value of every kind: what is made hostile."""

GATE = """schema = 1
metrics = ["psnr"]
rules = ["psnr_y.mean >= 10", "psnr_y.p5 >= 5", "align.dropped <= 0"]
baseline = "baseline.json"
[align]
mode = "auto"
tail = "error"
[[case]]
name = "one"
distorted = "1.mp4"
reference = "0.mp4"
[[case]]
name = "two"
distorted = "2.mp4"
reference = "0.mp4"
[[rule]]
value = "psnr_y.mean"
max_drop = 0.5
severity = "warn"
cases = ["one"]
"""
LADDER = """schema = 1
metrics = ["psnr"]
[compare]
pool = "mean"
method = "pchip"
min_overlap = 0.5
not_monotone = "pareto"
target_kbps = [500, 1000]
target_quality = { psnr_y = [30, 33] }
[[source]]
name = "clip"
reference = "0.mp4"
[[source.series]]
name = "x264"
rungs = ["1.mp4", "2.mp4"]
"""
