"""Proofs that a line stands in a published list, without reading the whole list for each.

A published list never changes, so the roots of its blocks are worked out once and kept for as
long as the process runs: 32 bytes and a key for every 256 lines.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from domain.log.merkle import inclusion_path, root_of
from domain.policy.rulebook import Rulebook
from domain.settlement.public_list import award_line, head_line, leaf_of_line
from domain.settlement.year import SettledLine, Settlement
from ledger.policies.versions import rulebook
from ledger.projections.settlements import lines_listed
from ledger.settlement.published import must_be_published, name_awards
from ledger.store.rows import Rows

LEVEL = 8
BLOCK = 1 << LEVEL
LISTS_MAX = 8
"""Lists of which the blocks are kept."""

Key = tuple[str, str, int]


class Proved(NamedTuple):
    """A line of the list, its number among the leaves (the head's is 0), and its path to the root."""

    line: str
    number: int
    path: list[bytes]


class _Blocks(NamedTuple):
    firsts: list[Key]
    """The key of the first award in each block; of the first, which begins with the head, the lowest."""
    roots: list[bytes]
    lines: int


_blocks_by_root: OrderedDict[tuple[str, str], _Blocks] = OrderedDict()


class ListTree:
    """The tree over a published list's lines."""

    def __init__(self, rows: Rows, state: Settlement) -> None:
        self.rows, self.state = rows, state
        self.known: int = state.present_proposal().known
        self.book: Rulebook = rulebook(rows, state.policy, self.known)
        self.mask = self.book.of_year(state.year).procedure.mask
        self.head = head_line(self.book, state.year, state.present_proposal())
        self.loaded: dict[int, list[bytes]] = {}
        self.blocks = self._blocks()

    def head_proof(self) -> Proved:
        """The head and its path."""
        return Proved(self.head, 0, inclusion_path(0, self.blocks.lines, self._node))

    def proofs(self, code: str) -> list[Proved]:
        """The lines of one enterprise, each with its path."""
        proofs = []
        block = max(bisect_right(self.blocks.firsts, (code, "", 0)) - 1, 0)
        for number, line, text in self._lines_from(block):
            if line.code > code:
                break
            if line.code == code:
                proofs.append(Proved(text, number, inclusion_path(number, self.blocks.lines, self._node)))
        return proofs

    def _lines_from(self, block: int) -> Iterator[tuple[int, SettledLine, str]]:
        """Awards from the beginning of a block on: number, award and line."""
        first = max(block * BLOCK, 1)
        lines = lines_listed(self.rows, self.state.policy, self.state.year, self.blocks.firsts[block])
        for number, award in enumerate(name_awards(self.rows, lines, self.known, BLOCK), first):
            yield number, award.line, award_line(self.book, self.mask, number, award)

    def _node(self, level: int, index: int) -> bytes:
        if level >= LEVEL:
            roots = self.blocks.roots[index << level - LEVEL : index + 1 << level - LEVEL]
            return root_of(roots)
        block, within = index << level >> LEVEL, (index << level) % BLOCK
        return root_of(self._leaves(block)[within : within + (1 << level)])

    def _leaves(self, block: int) -> list[bytes]:
        if block not in self.loaded:
            leaves = [leaf_of_line(self.head)] if block == 0 else []
            lines = islice(self._lines_from(block), BLOCK - len(leaves))
            self.loaded[block] = leaves + [leaf_of_line(text) for _, _, text in lines]
        return self.loaded[block]

    def _blocks(self) -> _Blocks:
        root = self.state.present_publication().list_root or ""
        blocks = _blocks_by_root.get((self.state.policy, root))
        if blocks is None:
            blocks = self._read_blocks()
            must_be_published(self.state, root_of(blocks.roots).hex(), blocks.lines)
            _blocks_by_root[self.state.policy, root] = blocks
            while len(_blocks_by_root) > LISTS_MAX:
                _blocks_by_root.popitem(last=False)
        return blocks

    def _read_blocks(self) -> _Blocks:
        """The blocks of the list, in one pass."""
        firsts: list[Key] = [("", "", 0)]
        roots, leaves, size = list[bytes](), [leaf_of_line(self.head)], 1
        lines = lines_listed(self.rows, self.state.policy, self.state.year)
        for number, award in enumerate(name_awards(self.rows, lines, self.known), 1):
            if len(leaves) == BLOCK:
                roots.append(root_of(leaves))
                leaves = []
                firsts.append(award.line[:3])
            leaves.append(leaf_of_line(award_line(self.book, self.mask, number, award)))
            size += 1
        roots.append(root_of(leaves))
        return _Blocks(firsts, roots, size)
