"""The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1.1), and the checks of its proofs.

Nothing is invented here: a leaf is hashed as SHA-256(0x00 || entry), an inner node as
SHA-256(0x01 || left || right), and a tree of n leaves splits at the largest power of two
below n. All hashes are 32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""Gives the hash of the full subtree over leaves ``[index << level, (index + 1) << level)``."""


class ProofError(ValueError):
    """A proof that does not hold."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(first: bytes, second: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + first + second).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes, straight from the definition; for small trees and tests."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(root_of(leaves[:k]), root_of(leaves[k:]))


def split(size: int) -> int:
    """The largest power of two below a size of two or more."""
    return 1 << (size - 1).bit_length() - 1


def subtree_root(start: int, end: int, node: Node) -> bytes:
    """The root over leaves ``[start, end)``, where ``start`` is aligned as RFC 6962 splits."""
    size = end - start
    if size & (size - 1) == 0 and start % size == 0:
        level = size.bit_length() - 1
        return node(level, start >> level)
    k = split(size)
    return node_hash(subtree_root(start, start + k, node), subtree_root(start + k, end, node))


def root_at(size: int, node: Node) -> bytes:
    """The root of the first ``size`` leaves, from the full subtrees kept of them."""
    return subtree_root(0, size, node) if size else EMPTY_ROOT


def inclusion_path(index: int, size: int, node: Node) -> list[bytes]:
    """The proof that leaf ``index`` is in the tree of ``size`` leaves (PATH of RFC 6962)."""
    if not 0 <= index < size:
        raise ProofError(f"there is no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        k = split(end - start)
        if index < start + k:
            path.append(subtree_root(start + k, end, node))
            end = start + k
        else:
            path.append(subtree_root(start, start + k, node))
            start += k
    return path[::-1]


def consistency_path(first: int, second: int, node: Node) -> list[bytes]:
    """The proof that the tree of ``first`` leaves is a prefix of the tree of ``second`` (PROOF)."""
    if not 0 < first <= second:
        raise ProofError(f"no consistency proof leads from {first} to {second} leaves")
    path: list[bytes] = []
    start, end, from_first = 0, second, True
    while first != end - start:
        k = split(end - start)
        if first <= k:
            path.append(subtree_root(start + k, end, node))
            end = start + k
        else:
            path.append(subtree_root(start, start + k, node))
            start, first, from_first = start + k, first - k, False
    if not from_first:
        path.append(subtree_root(start, end, node))
    return path[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2).

    Raises:
        ProofError: for a proof of the wrong length.
    """
    if not 0 <= index < size:
        raise ProofError(f"there is no leaf {index} in a tree of {size}")
    fn, sn, root = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            raise ProofError("the inclusion proof is too long")
        if fn & 1 or fn == sn:
            root = node_hash(sibling, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node_hash(root, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ProofError("the inclusion proof is too short")
    return root


class Growing:
    """A root over leaves that come one by one; holds one hash for each level, never the leaves."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def push(self, leaf: bytes) -> None:
        """Take the next leaf's hash."""
        peak, number = leaf, self.size
        while number & 1:
            peak = node_hash(self._peaks.pop(), peak)
            number >>= 1
        self._peaks.append(peak)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf hash stands at an index of the tree with that root.

    Raises:
        ProofError: where it does not.
    """
    if root_from_inclusion(leaf, index, size, path) != root:
        raise ProofError(f"leaf {index} is not in the tree of {size} leaves with this root")


def check_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that one tree is a prefix of another (RFC 9162 section 2.1.4.2).

    Raises:
        ProofError: where it is not.
    """
    if first > second or first < 0:
        raise ProofError(f"a tree of {first} leaves is no prefix of one of {second}")
    if first == second or first == 0:
        wrong = first_root != (second_root if first == second else EMPTY_ROOT)
        if path or wrong:
            raise ProofError("trees of one size have different roots, or the proof is too long")
        return
    steps = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not steps or _roots_from(first, second, steps) != (first_root, second_root):
        raise ProofError(f"the tree of {first} leaves is no prefix of the one of {second}")


def _roots_from(first: int, second: int, steps: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The two roots that a consistency proof leads to."""
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = steps[0]
    for sibling in steps[1:]:
        if sn == 0:
            raise ProofError("the consistency proof is too long")
        if fn & 1 or fn == sn:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ProofError("the consistency proof is too short")
    return old, new
