"""Judges `lakewright access diff --pairs` by the oracle: the cases by hand, and the fuzzer.

    python3 tests/verdict/judge.py cases --engine target/debug/lakewright
    python3 tests/verdict/judge.py fuzz  --engine target/release/lakewright --pairs 100000
    python3 tests/verdict/judge.py fuzz  --pairs 1000          (no engine: what the generator covers)
    python3 tests/verdict/judge.py pair  --engine ... < pair.json

Prints what was counted as JSON; ends with 1 if a verdict is wrong, a witness does not replay, or something
that has to occur often enough does not. What is accepted as right stands in `settle`.
"""

import argparse
import collections
import copy
import json
import multiprocessing
import os
import re
import subprocess
import sys

import axioms
import by_hand
import evaluator as ev
import oracle
import pairs
import possible
import words

VERDICTS = ("broadened", "narrowed", "equivalent", "incomparable")
SLICE = 250
NO_AXIOMS = "--no-axioms"


def ask(engine, batch, flags=()):
    """The engine's answers to pairs, by id."""
    keys = ("id", "kind", "old", "new")
    text = "".join(json.dumps({k: p[k] for k in keys}) + "\n" for p in batch)
    command = [engine, "access", "diff", *flags, "--pairs", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=600)
    answers = {}
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        if "id" in answer:  # other lines say who speaks
            answers[answer["id"]] = answer
    missing = [p["id"] for p in batch if p["id"] not in answers]
    if missing:
        raise RuntimeError(f"no answer to {missing[:3]} (exit {done.returncode}): {done.stderr[-800:]}")
    return answers


def complete(pair, request):
    """A witness with the parts that documents of its kind do not ask for."""
    request = {**request, "context": request.get("context") or {}}
    asker = request.get("principal") or axioms.HOLDER
    asker = next(iter(asker.values())) if isinstance(asker, dict) else asker
    request["principal"] = ev.ANONYMOUS if asker == "anonymous" else asker
    if {k.lower(): v for k, v in request["context"].items()}.get("aws:principaltype") == "FederatedUser":
        # a user in a witness that stands for any may be one: its type says so, its ARN is of sts then
        request["principal"] = re.sub(r":iam::(\d{12}):user/", r":sts::\1:federated-user/", request["principal"])
    request["resource"] = request.get("resource") or ("arn:aws:iam::999999999999:role/any" if pair["kind"] == "trust" else "")
    return request


def held(pair, request):
    """A request of the oracle; of an identity's policy nothing is said of who holds it."""
    return {**request, "principal": axioms.HOLDER} if pair["kind"] == "identity" else request


def replays(pair, request, was, now):
    """Under which readings the request was denied before and is allowed after."""
    request = complete(pair, request)
    return [r for r in oracle.readings(pair) if ev.proves(pair["kind"], was, now, request, r)]


def by_axioms(pair, readings, wide=False):
    """The verdicts of the readings over the requests that can come."""
    return {possible.judge(pair, r) for r in readings if r.standing and (wide or not r.wide)}


def differing(some, others):
    """The questions on whose answer alone it hangs."""
    fields = {f for f in ev.Reading._fields for a in some for b in others if a._replace(**{f: getattr(b, f)}) == b}
    return "/".join(sorted(fields)) or "several questions"


def settle(pair, truth, answer, with_axioms=True):
    """(what kind of answer this is, what is wrong with it or None)."""
    given, readings = answer["verdict"], truth.verdicts
    said = set(readings.values())
    agreed = len(said) == 1 and truth.complete
    if given not in VERDICTS + ("undecided",):
        return "wrong", f"`{given}` is no verdict"
    if given == "undecided":
        if not answer.get("reason"):
            return "wrong", "undecided without a reason"
        if agreed and with_axioms and len(by_axioms(pair, readings)) > 1:
            return "undecided", None  # the readings agree only over requests that cannot come
        if agreed:
            return "wrong", f"undecided ({because(answer)}) where every reading says {said.pop()}"
        return "undecided", None
    gained, lost = answer.get("gained"), answer.get("lost")
    if given in ("broadened", "incomparable"):
        if not gained:
            return "wrong", f"{given} without a witness"
        if not replays(pair, gained, pair["old"], pair["new"]):
            return "wrong", "what is said to be gained is not"
    if given in ("narrowed", "incomparable"):
        if lost and not replays(pair, lost, pair["new"], pair["old"]):
            return "wrong", "what is said to be lost is not"
        if given == "incomparable" and not lost:
            return "wrong", "incomparable without two witnesses"
    for request in (gained, lost) if with_axioms and given != "equivalent" else ():
        why = request and axioms.impossible(complete(pair, request), axioms.asked(pair))
        if why:
            return "wrong", f"a witness that cannot come: {why}"
    if not truth.complete:
        for reading in readings:
            if reading.colon == "whole" and not reading.wide and reading.standing:
                more, less = truth.gained[reading], truth.lost[reading]
                if with_axioms:  # whether another request would do is not known then
                    more, less = (r if r and not axioms.impossible(held(pair, r), axioms.asked(pair)) else None for r in (more, less))
                if more and given in ("narrowed", "equivalent"):
                    return "wrong", f"{given}, but gained: {more}"
                if less and given == "broadened" and not answer["exact"] and answer.get("reason"):
                    return "sound, not exact", None
                if less and given in ("broadened", "equivalent"):
                    return "wrong", f"{given}, but lost: {less}"
                break
        return "with variables", None
    if agreed:
        if given in said:
            return "agreed", None
        if with_axioms and given == possible.judge(pair):
            return "agreed, by an axiom", None
        if with_axioms and not answer["exact"] and given in by_axioms(pair, readings):
            return "sound, not exact", None
        if with_axioms and given == possible.judge(pair, ev.Reading(standing=False)):
            return "wrong", f"who is granted to: {given}, but {possible.judge(pair)}"
        reading = next(iter(readings))
        return "wrong", f"{given}, but {said.pop()}: gained {truth.gained[reading]}, lost {truth.lost[reading]}"
    # a key of S3 may hold colons: that each of them ends a segment is nobody's reading, only counted
    settled = {r: v for r, v in readings.items() if r.standing and r.colon != "every"}
    sound = not answer["exact"] and answer.get("reason")
    for reading in settled:
        whole = settled[reading._replace(colon="whole")]
        if settled.get(reading._replace(colon="six"), whole) != whole:
            gains = [bool(truth.gained[r]) for r in settled]
            if sound and (given == "narrowed" and not any(gains) or given == "broadened" and all(gains)):
                return "sound, not exact", None
            return "wrong", f"{given}, though it hangs on what `*` does at a colon: {sorted(set(settled.values()))}"
    if with_axioms and given not in settled.values() and given in by_axioms(pair, settled, wide=True):
        return "agreed, by an axiom", None
    if given not in settled.values() and given in said:
        return "wrong", f"who is granted to: {given}, but {sorted(set(settled.values()))}"
    if with_axioms and by_axioms(pair, settled) == {given}:
        return "agreed, by an axiom", None
    gains = [r for r in settled if truth.gained[r] and not r.wide]
    if gains and given in ("narrowed", "equivalent"):
        differ = differing(gains, [r for r in settled if not truth.gained[r]])
        return "wrong", f"reading of {differ}: {given}, but gained: {truth.gained[gains[0]]}"
    said = {v: r for r, v in settled.items() if not r.wide}
    if answer["exact"] and len(said) > 1:
        differ = differing(*([r for r in settled if settled[r] == v] for v in list(said)[:2]))
        return "wrong", f"reading of {differ}: {given}, said to be exact, where the readings say {sorted(said)}"
    if given in settled.values():
        return "open question", None
    return "wrong", f"{given}, where the readings say {sorted(set(settled.values()))}"


# ------------------------------------------------------------------------------------------- fuzzer


def because(answer):
    reason = answer["reason"]
    return reason["kind"] if isinstance(reason, dict) else str(reason)[:60]


def count(stats, pair, truth):
    """What a pair exercises."""
    first = next(iter(truth.verdicts))
    stats["verdict"][truth.verdicts[first] if len(set(truth.verdicts.values())) == 1 else "hangs on a reading"] += 1
    stats["half"][pair["half"]] += 1
    stats["kind"][pair["kind"]] += 1
    elements, operators = set(), set()
    keys = set()
    for side in ("old", "new"):
        for _, s in ev.statements(pair[side]):
            elements |= {"Effect " + s["Effect"]} | {e for e in s if e.startswith("Not")}
            elements |= {"Principal"} if "Principal" in s else set()
            for operator, key, _ in ev.conditions(s):
                quantifier, base, if_exists = ev.parse_operator(operator)
                operators.add(base)
                operators |= {"..." + "IfExists"} if if_exists else set()
                operators |= {quantifier + ":"} if quantifier else set()
                keys.add(key.lower())
    stats["element"].update(elements)
    stats["operator"].update(operators)
    states = set()
    for request in (truth.gained[first], truth.lost[first]):
        if request:
            held = {k.lower(): v for k, v in request["context"].items()}
            for key in keys:
                value = held.get(key)
                states.add("absent" if value is None else "empty" if value in ("", []) else
                           "several values" if isinstance(value, list) and len(value) > 1 else "present")
    stats["key in a deciding request"].update(states)
    if not truth.complete:
        stats["other"]["with policy variables"] += 1


def run_slice(job):
    seed, start, size, engine, flags = job
    stats, wrong, judged = collections.defaultdict(collections.Counter), [], []
    for pair in pairs.generate(seed, size, start):
        try:
            truth = oracle.judge(pair)
        except words.TooMany:
            stats["other"]["too large for the oracle, left out"] += 1
            continue
        if pair["rewritten"] and set(truth.verdicts.values()) != {"equivalent"}:
            wrong.append((pair, "a rewrite is not equivalent: the oracle or the rewrite is wrong", None))
        judged.append((pair, truth))
        count(stats, pair, truth)
    if engine:
        answers = ask(engine, [p for p, _ in judged], flags)
        for pair, truth in judged:
            answer = answers[pair["id"]]
            kind, what = settle(pair, truth, answer, NO_AXIOMS not in flags)
            stats["answer"][kind] += 1
            if kind == "undecided":
                stats["undecided because"][because(answer)] += 1
            elif kind == "open question" and answer.get("exact"):
                stats["other"]["open question, called exact"] += 1
            if what:
                wrong.append((pair, what, answer))
    return {k: dict(v) for k, v in stats.items()}, wrong


def shortfalls(stats, total):
    """What has to occur more often. The bars are those of a full run, in proportion below it."""
    # of a small run half of its share is wanted: what is rare comes by chance
    scale = 1.0 if total >= 100_000 else total / 200_000
    out = [f"{v}: {stats['verdict'].get(v, 0)} of {total}" for v in VERDICTS if stats["verdict"].get(v, 0) < total / 10]
    wanted = {"operator": ["Null", "...IfExists", "ForAllValues:", "ForAnyValue:", *ev.OPERATORS],
              "element": ["Effect Allow", "Effect Deny", "Principal", "NotPrincipal", "NotAction", "NotResource"],
              "key in a deciding request": ["present", "absent", "empty", "several values"]}
    for group, names in wanted.items():
        out += [f"{n}: {stats[group].get(n, 0)}" for n in names if stats[group].get(n, 0) < 500 * scale]
    if stats["half"].get("generated", 0) < 0.45 * total:
        out.append(f"changes of generated policies: {stats['half'].get('generated', 0)} of {total}")
    return out


def fuzz(options):
    end = options.first + options.pairs
    jobs = [(options.seed, at, min(SLICE, end - at), options.engine, tuple(options.flag))
            for at in range(options.first, end, SLICE)]
    stats, wrong = collections.defaultdict(collections.Counter), []
    with multiprocessing.Pool(options.jobs) as pool:
        for done, (found, bad) in enumerate(pool.imap_unordered(run_slice, jobs), 1):
            for group, counts in found.items():
                stats[group].update(counts)
            wrong += bad
            if options.stop and len(wrong) >= options.stop:
                pool.terminate()
                break
            if done % 40 == 0:
                print(f"{done * SLICE} pairs, {len(wrong)} wrong", file=sys.stderr)
    total = sum(stats["verdict"].values())
    report = {"seed": options.seed, "pairs": total, "wrong": len(wrong),
              **{k: dict(sorted(v.items(), key=lambda i: -i[1])) for k, v in sorted(stats.items())}}
    report["too seldom"] = shortfalls(stats, total) if not options.stop or len(wrong) < options.stop else []
    for pair, what, answer in sorted(wrong, key=lambda w: len(json.dumps(w[0])))[:options.show]:
        if options.engine and answer and not options.quick:
            pair, what, answer = shrink(options.engine, pair, what, answer, tuple(options.flag))
        print(json.dumps({"wrong": what, "pair": pair, "answer": answer}), file=sys.stderr)
    print(json.dumps(report, indent=1))
    return 1 if wrong or report["too seldom"] else 0


def smaller(node):
    """Copies of a document with one thing less."""
    if isinstance(node, list):
        for i in range(len(node)):
            if len(node) > 1:
                yield node[:i] + node[i + 1:]
            for child in smaller(node[i]):
                yield node[:i] + [child] + node[i + 1:]
        if len(node) == 1 and isinstance(node[0], str):
            yield node[0]
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("Sid", "Condition") or key in ev.OPERATORS or ":" in key or ev.parse_operator(key)[1] in [*ev.OPERATORS, "Null"]:
                yield {k: v for k, v in node.items() if k != key}
            for child in smaller(value):
                if child not in ({}, []):
                    yield {**node, key: child}
    elif isinstance(node, str) and len(node) > 12 and node.startswith("arn:aws:s3:::") and node != "arn:aws:s3:::a":
        yield "arn:aws:s3:::a"


def verdict_on(engine, pair, flags):
    answer = ask(engine, [pair], flags)[pair["id"]]
    return settle(pair, oracle.judge(pair), answer, NO_AXIOMS not in flags) + (answer,)


def shrink(engine, pair, what, answer, flags, tries=250):
    """A smaller pair that is answered wrongly in the same way."""
    about = what.split(":")[0].split(" ")[0]
    progress = True
    while progress and tries > 0:
        progress = False
        for side in ("old", "new"):
            for child in smaller(pair[side]):
                if tries <= 0:
                    break
                tries -= 1
                candidate = {**copy.deepcopy(pair), side: child, "rewritten": False}
                try:
                    kind, found, given = verdict_on(engine, candidate, flags)
                except (words.TooMany, KeyError, AttributeError, TypeError, RuntimeError, AssertionError):
                    continue
                if kind == "wrong" and found.split(":")[0].split(" ")[0] == about:
                    pair, what, answer, progress = candidate, found, given, True
                    break
    return pair, what, answer


# -------------------------------------------------------------------------------------------- cases


def wrong_by_engine(case, answer, flags):
    if answer["verdict"] == "undecided" and case.get("may_be_undecided") and because(answer) == "token":
        return
    if answer["verdict"] != case["verdict"]:
        yield f"{case['verdict']} by hand ({case['why']}), the engine says {json.dumps(answer)}"
    elif case.get("axiom") and case["axiom"] not in json.dumps(answer.get("reason")):
        yield f"the axiom `{case['axiom']}` is not named: {json.dumps(answer)}"
    elif "tokens" not in case and not case.get("axiom"):
        kind, what = settle(case, oracle.judge(case), answer, NO_AXIOMS not in flags)
        if what:
            yield f"{what}: {json.dumps(answer)}"


def hand(options):
    found = list(by_hand.cases())
    answers = ask(options.engine, found, tuple(options.flag)) if options.engine else {}
    ids = [c["id"] for c in found]
    wrong = [f"{i}: twice" for i in set(ids) if ids.count(i) > 1]
    for case in found:
        wrong += [f"{case['id']}: {what}" for what in by_hand.wrong_by_hand(case)]
        if options.engine:
            wrong += [f"{case['id']}: {what}" for what in wrong_by_engine(case, answers[case["id"]], options.flag)]
    for line in wrong:
        print(line, file=sys.stderr)
    print(json.dumps({"cases": len(found) // 2, "run": len(found), "wrong": len(wrong)}))
    return 1 if wrong else 0


def one(options):
    pair = {"id": "1", "rewritten": False, **json.load(sys.stdin)}
    truth = oracle.judge(pair)
    for reading, value in truth.verdicts.items():
        print(reading, value, "\n  gained", truth.gained[reading], "\n  lost", truth.lost[reading])
    if options.engine:
        answer = ask(options.engine, [pair], tuple(options.flag))["1"]
        print(json.dumps(answer), settle(pair, truth, answer))
    return 0


def main():
    parser = argparse.ArgumentParser(description="Judges verdicts on policy documents.")
    parser.add_argument("what", choices=["fuzz", "cases", "pair"])
    parser.add_argument("--engine", help="the lakewright binary; without it only the oracle runs")
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--first", type=int, default=0, help="where in the seed's pairs to begin: a long run in parts")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--show", type=int, default=5, help="how many wrong answers are made small and shown")
    parser.add_argument("--quick", action="store_true", help="show wrong answers as they are")
    parser.add_argument("--stop", type=int, default=0, help="stop at so many wrong answers")
    parser.add_argument("--flag", action="append", default=[], help="a further argument for `access diff`")
    options = parser.parse_args()
    sys.exit({"fuzz": fuzz, "cases": hand, "pair": one}[options.what](options))


if __name__ == "__main__":
    main()
