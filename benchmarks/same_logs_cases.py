"""The command lines of `same_logs.py`, each by its name.

A case runs in a folder of its own name and may read what earlier cases have written. ``{clips}`` is
the folder of `same_logs_clips`.
"""

from __future__ import annotations

PAIR = "-r {clips}/reference.mkv {clips}/distorted.mp4"
DROPPED = "-r {clips}/reference.mkv {clips}/dropped.mp4"
RECUT = "-r {clips}/bikes.mkv {clips}/recut.mp4"
TENBIT = "-r {clips}/tenbit_reference.mkv {clips}/tenbit.mp4"
RUNGS = " ".join(f"{{clips}}/rungs/{c}_crf{q}.mp4" for c in ("x264", "x265") for q in (20, 28, 36))
NO_REFERENCE = "-m niqe -m brisque -m siti -m blockiness -m blurriness"
WITH_REFERENCE = "-m psnr -m ssim -m ms_ssim -m ssim_ffmpeg -m xpsnr -m strred"
MODELS = "model=vmaf_v0.6.1+vmaf_v0.6.1neg+vmaf_4k_v0.6.1"

RUN = {
    "run-no-reference": f"{NO_REFERENCE} -o log.json {{clips}}/distorted.mp4",
    "run-no-reference-csv": f"{NO_REFERENCE} -o log.csv {{clips}}/distorted.mp4",
    "run-no-reference-xml": f"{NO_REFERENCE} -o log.xml {{clips}}/distorted.mp4",
    "run-tenbit-no-reference": f"{NO_REFERENCE} -o log.json {{clips}}/tenbit.mp4",
    "run-with-reference": f"{WITH_REFERENCE} -m vmaf {NO_REFERENCE} -o log.json {PAIR}",
    "run-with-reference-csv": f"{WITH_REFERENCE} -m vmaf -o log.csv {PAIR}",
    "run-with-reference-xml": f"{WITH_REFERENCE} -m vmaf -o log.xml {PAIR}",
    "run-tenbit": f"{WITH_REFERENCE} -m vmaf -o log.json {TENBIT}",
    "run-tenbit-reference": "-m psnr -m vmaf -o log.json -r {clips}/tenbit_reference.mkv"
    " {clips}/distorted.mp4",
    "run-clipvqa": "-o log.json {clips}/distorted.mp4",
    "run-clipvqa-windows": "-m clipvqa:window=0.4,hop=0.2,explain=true,batch=2 -o log.json"
    " {clips}/bikes.mkv",
    "run-skvideo": "-m viideo -m bliinds -o log.json {clips}/large.mp4",
    "run-carphone": "-m psnr -m ssim -m strred -m viideo -m niqe -o log.json"
    " -r {clips}/carphone.mkv {clips}/carphone_bad.mkv",
    "run-vmaf-neg": f"-m vmaf:model=vmaf_v0.6.1neg -o log.json {PAIR}",
    "run-vmaf-models": f"-m vmaf:{MODELS} -o log.json {PAIR}",
    "run-vmaf-no-model": f"-m vmaf:model=vmaf_v9 -o log.json {PAIR}",
    # one thread: with several, libvmaf itself orders its features as they happen to end
    "run-vmaf-features": "-m vmaf:features=float_ssim+cambi+ciede,subsample=5,threads=1 -m psnr"
    f" -o log.json {PAIR}",
    "run-scaled": "-m psnr -m vmaf -m xpsnr -o log.json -r {clips}/reference.mkv {clips}/small.mp4",
    "run-scaled-down": "-m psnr -m ssim --scale-to dist -o log.json -r {clips}/reference.mkv"
    " {clips}/small.mp4",
    "run-scaled-to": "-m psnr --scale-to 240x136 -o log.json " + PAIR,
    "run-square": "-m psnr -o log.json -r {clips}/reference.mkv {clips}/square.mp4",
    "run-square-pad": "-m psnr --fit pad -o log.json -r {clips}/reference.mkv {clips}/square.mp4",
    "run-letterbox": "-m psnr -m niqe --crop auto -o log.json -r {clips}/reference.mkv"
    " {clips}/letterbox.mp4",
    "run-deinterlaced": f"-m psnr --deinterlace both -o log.json {PAIR}",
    "run-rates": "-m psnr --fps-policy match-ref -o log.json -r {clips}/reference.mkv"
    " {clips}/faster.mp4",
    "run-varying": "-m psnr -m niqe -o log.json -r {clips}/reference.mkv {clips}/varying.mkv",
    "run-damaged": "-m niqe -m siti -o log.json {clips}/damaged.mkv",
    "run-damaged-skip": "-m psnr --on-corrupt skip --align index -o log.json"
    " -r {clips}/reference.mkv {clips}/damaged.mkv",
    "run-still": "-m niqe -m brisque -m clipvqa -o log.json {clips}/still.png",
    "run-black": "-m niqe -m blurriness -o log.json {clips}/black.mkv",
    **{
        f"run-align-{mode}": f"-m psnr -m ssim --align {mode} -o log.json {DROPPED}"
        for mode in ("auto", "index", "time", "content")
    },
    **{
        f"run-recut-{mode}": f"-m psnr -m vmaf --align {mode} -o log.json {RECUT}"
        for mode in ("auto", "time", "content")
    },
    "run-tail-repeat": f"-m psnr --align index --tail repeat -o log.json {RECUT}",
    "run-tail-error": f"-m psnr --align index --tail error {RECUT}",
    "run-strict": f"-m psnr --strict {DROPPED}",
    "run-to-stdout": "-m niqe -o - {clips}/distorted.mp4",
    "run-json": f"-m psnr --json - {PAIR}",
    "run-several": "-m psnr -m niqe -o . -r {clips}/reference.mkv {clips}/distorted.mp4"
    " {clips}/text.mp4 {clips}/small.mp4",
    "run-missing": "-m psnr -r {clips}/reference.mkv nowhere.mp4",
    "run-no-metric": "-m psnrr {clips}/distorted.mp4",
    "run-no-partner": "-m psnr {clips}/distorted.mp4",
    "run-bad-value": f"-m psnr --align sideways {PAIR}",
    "run-too-small": "-m bliinds {clips}/distorted.mp4",
}
GATE = "--config {clips}/gate.toml --cache-dir ../gate-cache"
LOGS = "../run-with-reference/log.json"
OTHER: dict[str, str] = {
    "align": "align {clips}/recut.mp4 -r {clips}/bikes.mkv",
    "align-json": "align --json - {clips}/recut.mp4 -r {clips}/bikes.mkv",
    "align-dropped": "align --json - --align time {clips}/dropped.mp4 -r {clips}/reference.mkv",
    "gate-accept": f"gate {GATE} --baseline baseline.json --update-baseline",
    "gate-outputs": f"gate {GATE} --baseline ../gate-accept/baseline.json --junit gate.xml"
    " --json gate.json --markdown gate.md --github",
    "gate-quiet": f"gate {GATE} --baseline ../gate-accept/baseline.json --quiet",
    "gate-passes": "gate --no-cache --rule 'ssim.mean >= 0.8' --rule 'niqe.mean <= 30'"
    " --json - --reference {clips}/reference.mkv {clips}/distorted.mp4",
    "gate-log": f"gate --rule 'vmaf.p5 >= 50' --rule 'psnr_y.min max_drop 0.1' --log {LOGS}"
    f" --baseline {LOGS} --json -",
    "gate-bad-rule": "gate --rule 'vmaf.mean >= 101' {clips}/distorted.mp4",
    "gate-schema": "gate --schema",
    "ladder": f"ladder -r {{clips}}/reference.mkv -m psnr -m vmaf {RUNGS} -o out --report"
    " --target-bitrate 100,300 --target-quality vmaf=60,80 --jnd psnr_y=0.5",
    "ladder-again": f"ladder -r {{clips}}/reference.mkv -m psnr -m vmaf {RUNGS} -o ../ladder/out"
    " --json -",
    "ladder-no-reference": f"ladder -m niqe -m clipvqa --group none {RUNGS} --json -",
    "ladder-config": "ladder --config {clips}/ladder.toml -o out",
    "ladder-encode": "ladder -r {clips}/reference.mkv -m psnr -o out --height 90,180"
    " --encode libx264:preset=veryfast,crf=24+34+44",
    # quiet: what is encoded at once ends in any order
    "ladder-encode-jobs": "ladder -r {clips}/reference.mkv -m psnr -o out --jobs 2 --quiet"
    " --encode libsvtav1:preset=12,crf=30+45+60 --encode libx264:bitrate=60+120+240 --report",
    "ladder-failing": "ladder -r {clips}/reference.mkv -m psnr --group none"
    " {clips}/rungs/x264_crf20.mp4 {clips}/square.mp4",
    "bench": "bench --table {clips}/opinions.csv --reference-column reference -m niqe -m psnr"
    " --no-cache --bootstrap 50 --json bench.json --markdown bench.md --scatter plots",
    "bench-random": "bench --table {clips}/opinions.csv --split random --repeats 4 -m brisque"
    " --cache-dir ../bench-cache --json -",
    "bench-cross": "bench --table {clips}/opinions.csv -m brisque --cross srocc"
    " --cache-dir ../bench-cache",
    "bench-list": "bench --list",
    "bench-list-one": "bench --list lsvq",
    "compare": f"compare ../run-scaled/log.json {LOGS}",
    "compare-json": f"compare {LOGS} ../run-tenbit/log.json --worst 3 --json -",
    "compare-xml": "compare ../run-with-reference-xml/log.xml ../run-with-reference-csv/log.csv",
    "compare-no-feature": "compare ../run-clipvqa/log.json ../run-scaled/log.json",
    "report": "report ../run-with-reference/log.json ../run-align-content/log.json -o report.html"
    " --distorted {clips} --reference {clips} --title 'Two clips'",
    "report-clipvqa": "report ../run-clipvqa-windows/log.json -o report.html",
    "report-ladder": "report ../ladder-config/out/ladder.json -o report.html",
    "metrics": "metrics",
    "metrics-json": "metrics --json -",
    "metrics-one": "metrics vmaf",
    "plugins": "plugins",
    "clipvqa-info": "clipvqa info",
    "version": "--version",
    "no-command": "scroe {clips}/distorted.mp4",
}
COMMANDS = ("run", "align", "gate", "compare", "bench", "ladder", "report", "metrics", "plugins")
OF_CLIPVQA = ("train", "distill", "evaluate", "import-checkpoint", "info")
HELP = {
    "help": "--help",
    **{f"help-{command}": f"{command} --help" for command in (*COMMANDS, "warmup", "clipvqa")},
    **{f"help-clipvqa-{command}": f"clipvqa {command} --help" for command in OF_CLIPVQA},
}
CASES: dict[str, str] = {
    **{name: f"run {arguments}" for name, arguments in RUN.items()},
    **OTHER,
    **HELP,
}
"""Name to arguments, in the order they run."""
