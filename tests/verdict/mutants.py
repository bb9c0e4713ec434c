"""Wrong rules planted in the engine, one at a time: each has to be caught by the cases or the fuzzer.

    python3 tests/verdict/mutants.py check         every mutant's text stands once in its file (also a test)
    python3 tests/verdict/mutants.py run [NAME...]  builds each in a copy of the crate and judges it

A mutant is a file mutants/NAME.json: {"rule", "file", "was", "becomes"}. Nothing of it is in the crate:
`run` copies the sources, replaces the text, builds with the same target folder (so that only the crate
itself is compiled again) and asks judge.py. Ends with 1 if a mutant lives.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCRATCH = ROOT / "target" / "mutants"
NEEDED = ["Cargo.toml", "Cargo.lock", "build.rs", "src", "policies", "blueprints", "docs", "benches", "README.md"]
PAIRS = "1500"


def mutants():
    return {f.stem: json.loads(f.read_text()) for f in sorted((HERE / "mutants").glob("*.json"))}


def check():
    found, wrong = mutants(), []
    if len(found) < 12:
        wrong.append(f"{len(found)} mutants, twelve are wanted")
    for name, mutant in found.items():
        file = ROOT / mutant["file"]
        times = file.read_text().count(mutant["was"]) if file.exists() else 0
        if times != 1 or not mutant["file"].startswith("src/") or mutant["was"] == mutant["becomes"]:
            wrong.append(f"{name}: its text stands {times} times in {mutant['file']}")
    return wrong


def built(name, mutant):
    """The binary with the mutant in it."""
    copy = SCRATCH / "crate"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for needed in NEEDED:
        source = ROOT / needed
        if source.is_dir():
            shutil.copytree(source, copy / needed, copy_function=shutil.copyfile)  # new times: cargo looks at them
        elif source.exists():
            shutil.copyfile(source, copy / needed)
    if mutant:
        file = copy / mutant["file"]
        file.write_text(file.read_text().replace(mutant["was"], mutant["becomes"]))
    command = ["cargo", "build", "-q", "--offline", "--bin", "lakewright", "--target-dir", str(ROOT / "target")]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} does not compile:\n{done.stderr[-3000:]}")
    binary = SCRATCH / name
    shutil.copy2(ROOT / "target" / "debug" / "lakewright", binary)
    return binary


def judged(what, binary, *more):
    command = [sys.executable, str(HERE / "judge.py"), what, "--engine", str(binary), *more]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        return json.loads(done.stdout).get("wrong", 0), done.returncode
    except json.JSONDecodeError:
        return f"crashed: {done.stderr[-300:]}", done.returncode


def run(names):
    """Builds and judges; a mutant is caught if more is wrong than without it."""
    alive, usual = [], (0, 0)
    for name, mutant in [("unchanged", None)] + [(n, m) for n, m in mutants().items() if not names or n in names]:
        binary = built(name, mutant)
        by_hand, _ = judged("cases", binary)
        by_fuzzer, _ = judged("fuzz", binary, "--pairs", PAIRS, "--quick", "--show", "0")
        print(name, mutant["rule"] if mutant else "as it is", by_hand, by_fuzzer, sep=" | ", flush=True)
        binary.unlink()
        if mutant is None:
            usual = (by_hand, by_fuzzer)
        elif not any(isinstance(n, str) or n > u for n, u in zip((by_hand, by_fuzzer), usual)):
            alive.append(name)
    return [f"not caught: {name}" for name in alive]


if __name__ == "__main__":
    wrong = check() if sys.argv[1:] == ["check"] else run(sys.argv[2:])
    print("\n".join(wrong) if wrong else "all well")
    sys.exit(1 if wrong else 0)
