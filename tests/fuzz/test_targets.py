"""A short fuzz of every target, by random changes of right inputs; the long one is ``tests.fuzz.run``."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

ROUNDS = {"bundle": 60, "policy": 40}
ROUNDS_ELSE = 1_500


def changed(chance: random.Random, seed: bytes) -> bytes:
    """A seed with a few bytes changed, cut out or doubled."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        until = min(len(data), at + chance.randint(0, 12))
        kind = chance.randrange(4)
        if kind == 0:
            data[at:until] = chance.randbytes(until - at)
        elif kind == 1:
            del data[at:until]
        elif kind == 2:
            data[at:at] = data[at:until]
        else:
            data[at:at] = chance.choice(
                [b'"', b"{", b"}", b":", b"\\", b"\xff", b"0" * 30, b"\n", b",", b"&a"]
            )
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_inputs_are_told_what_is_wrong_and_break_nothing(name: str) -> None:
    chance = random.Random(7)
    found = list(seeds(name))
    for seed in found:
        TARGETS[name](seed)
    for _ in range(ROUNDS.get(name, ROUNDS_ELSE)):
        TARGETS[name](changed(chance, chance.choice(found)))
