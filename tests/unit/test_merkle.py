"""The Merkle tree: the published vectors, an implementation nobody here wrote, and wrong proofs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InclusionProof, InmemoryTree, verify_inclusion

from domain.log.merkle import (
    EMPTY_ROOT,
    Node,
    ProofError,
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_path,
    leaf_hash,
    root_at,
    root_of,
)

VECTORS = {
    "": "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "00": "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "10": "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "2021": "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "3031": "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "40414243": "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "5051525354555657": "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "606162636465666768696a6b6c6d6e6f": "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
"""Certificate Transparency's reference inputs, each with the root once it is appended."""
ROOTS = list(VECTORS.values())
H01, H23 = ROOTS[1], "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
H47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
H67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
H45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
L1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
L4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
INCLUSION: list[tuple[int, int, list[str]]] = [
    (0, 1, []),
    (0, 8, [L1, H23, H47]),
    (5, 8, [L4, H67, ROOTS[3]]),
    (2, 3, [H01]),
    (1, 5, [ROOTS[0], H23, L4]),
]
CONSISTENCY: list[tuple[int, int, list[str]]] = [
    (1, 1, []),
    (1, 8, [L1, H23, H47]),
    (6, 8, [H45, H67, ROOTS[3]]),
    (2, 5, [H23, L4]),
]
ENTRIES = st.lists(st.binary(max_size=40), min_size=1, max_size=70)


def nodes(leaves: Sequence[bytes]) -> Node:
    """Full subtrees, worked out from the definition."""
    return lambda level, index: root_of(leaves[index << level : (index + 1) << level])


def reference() -> list[bytes]:
    return [leaf_hash(bytes.fromhex(entry)) for entry in VECTORS]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of([]) == root_at(0, nodes([])) == EMPTY_ROOT


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_roots(size: int) -> None:
    leaves = reference()[:size]

    assert root_of(leaves).hex() == root_at(size, nodes(leaves)).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_the_published_inclusion_proofs(index: int, size: int, path: list[str]) -> None:
    leaves = reference()

    assert [each.hex() for each in inclusion_path(index, size, nodes(leaves))] == path
    check_inclusion(
        leaves[index], index, size, [bytes.fromhex(each) for each in path], bytes.fromhex(ROOTS[size - 1])
    )


@pytest.mark.parametrize(("first", "second", "path"), CONSISTENCY)
def test_the_published_consistency_proofs(first: int, second: int, path: list[str]) -> None:
    old, new = bytes.fromhex(ROOTS[first - 1]), bytes.fromhex(ROOTS[second - 1])

    assert [each.hex() for each in consistency_path(first, second, nodes(reference()))] == path
    check_consistency(first, second, old, new, [bytes.fromhex(each) for each in path])


def independent(entries: Sequence[bytes]) -> InmemoryTree:
    """The same tree in pymerkle."""
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    return tree


def rooted(tree: InmemoryTree, size: int) -> bytes:
    """A root as pymerkle gives it."""
    return bytes(tree.get_root(size))


@settings(deadline=None)
@given(ENTRIES, st.data())
def test_roots_and_inclusion_proofs_are_those_of_pymerkle(entries: list[bytes], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(entries)))
    index = data.draw(st.integers(0, size - 1))
    leaves, tree = [leaf_hash(entry) for entry in entries], independent(entries)
    node = nodes(leaves)

    path = inclusion_path(index, size, node)

    theirs = tree.prove_inclusion(index + 1, size)
    assert root_at(size, node) == root_of(leaves[:size]) == rooted(tree, size)
    assert [leaves[index], *path] == theirs.path
    ours = InclusionProof("sha256", True, size, index + 1, theirs.rule, [leaves[index], *path])
    verify_inclusion(leaves[index], root_at(size, node), ours, index=index + 1, size=size)
    check_inclusion(leaves[index], index, size, theirs.path[1:], rooted(tree, size))


@settings(deadline=None)
@given(ENTRIES, st.data())
def test_consistency_proofs_lead_from_root_to_root_of_pymerkle(
    entries: list[bytes], data: st.DataObject
) -> None:
    second = data.draw(st.integers(1, len(entries)))
    first = data.draw(st.integers(1, second))
    tree = independent(entries)

    path = consistency_path(first, second, nodes([leaf_hash(entry) for entry in entries]))

    check_consistency(first, second, rooted(tree, first), rooted(tree, second), path)


def spoilt(path: Sequence[bytes]) -> list[list[bytes]]:
    """Every proof that is off by one thing: a bit, a hash less, a hash more, two swapped."""
    found = [[*path, EMPTY_ROOT], [EMPTY_ROOT, *path]]
    for at, each in enumerate(path):
        flipped = bytes([each[0] ^ 1]) + each[1:]
        found += [[*path[:at], flipped, *path[at + 1 :]], [*path[:at], *path[at + 1 :]]]
    for at, (one, two) in enumerate(pairwise(path)):
        found.append([*path[:at], two, one, *path[at + 2 :]])
    return found


@pytest.mark.parametrize("size", range(1, 20))
def test_no_spoilt_inclusion_proof_holds(size: int) -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(size)]
    root = root_of(leaves)
    for index, leaf in enumerate(leaves):
        path = inclusion_path(index, size, nodes(leaves))
        check_inclusion(leaf, index, size, path, root)
        wrong = [(leaf, index, each, root) for each in spoilt(path)]
        wrong += [(leaf, other, path, root) for other in range(-1, size + 1) if other != index]
        wrong += [(EMPTY_ROOT, index, path, root), (leaf, index, path, EMPTY_ROOT)]
        for spoilt_leaf, at, proof, to in wrong:
            with pytest.raises(ProofError):
                check_inclusion(spoilt_leaf, at, size, proof, to)


@pytest.mark.parametrize("second", range(1, 18))
def test_no_spoilt_consistency_proof_holds(second: int) -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(second)]
    new = root_of(leaves)
    for first in range(1, second + 1):
        old = root_of(leaves[:first])
        path = consistency_path(first, second, nodes(leaves))
        check_consistency(first, second, old, new, path)
        wrong = [(old, new, each) for each in spoilt(path)]
        wrong += [(EMPTY_ROOT, new, path), (old, EMPTY_ROOT, path)]
        for one, two, proof in wrong:
            with pytest.raises(ProofError):
                check_consistency(first, second, one, two, proof)


def test_a_tree_is_no_prefix_of_a_smaller_one_nor_anything_but_nothing_the_empty_one() -> None:
    some = leaf_hash(b"x")
    for first, second in ((2, 1), (-1, 1)):
        with pytest.raises(ProofError):
            check_consistency(first, second, some, some, [])
    check_consistency(0, 1, EMPTY_ROOT, some, [])
    with pytest.raises(ProofError):
        check_consistency(0, 1, some, some, [])
