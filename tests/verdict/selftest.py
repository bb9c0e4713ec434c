"""The judge judged: representatives against every string there is, and requests at random.

`python3 tests/verdict/selftest.py [SEED [ROUNDS]]` compares, for random small patterns, the ways of matching that
`words.py` finds with those of every string up to seven letters, and for random pairs the verdict of
`oracle.py` with thousands of requests drawn at random, each evaluated on its own.
"""

import itertools
import random
import sys

import evaluator as ev
import oracle
import pairs
import words as w


def patterns(seed, rounds):
    dice = random.Random(seed)
    for _ in range(rounds):
        colon = dice.choice(["whole", "six", "strict", "every"])
        head = "arn:" if colon != "whole" else ""
        texts = [head + "".join(dice.choice("ab*?:") for _ in range(dice.randint(0, 4))) for _ in range(dice.randint(1, 4))]
        globs = [w.tokens([(t, True)], colon=colon) for t in texts]

        def ways(candidates):
            return {tuple(ev.resource_matches([(t, True)], c, colon) for t in texts) for c in candidates}

        found = ways(w.words([(g, False) for g in globs]))
        written_out = ways(head + "".join(c) for n in range(7) for c in itertools.product("abx:", repeat=n))
        assert written_out <= found, (texts, colon, written_out - found)
    return rounds


def requests(seed, rounds, draws=400):
    """No request at random may contradict a verdict."""
    dice = random.Random(seed)
    checked = 0
    for pair in pairs.generate(seed, rounds):
        try:
            truth = oracle.judge(pair)
        except w.TooMany:
            continue
        reading = ev.Reading(wide=True)  # values at random need not parse
        got, gone = truth.gained[reading], truth.lost[reading]
        for _ in range(draws):
            request = pairs.random_request(dice, pair)
            if not got:
                assert not ev.proves(pair["kind"], pair["old"], pair["new"], request), (pair, request)
            if not gone:
                assert not ev.proves(pair["kind"], pair["new"], pair["old"], request), (pair, request)
            checked += 1
    return checked


if __name__ == "__main__":
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 150
    print(f"{patterns(seed, rounds)} sets of patterns, {requests(seed, 2 * rounds)} requests at random: nothing contradicts")
