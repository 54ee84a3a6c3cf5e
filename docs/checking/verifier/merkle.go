package main

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// The tree of RFC 9162, section 2.1, and the log's leaves.

type hash [sha256.Size]byte

func leafHash(entry []byte) hash {
	return sha256.Sum256(append([]byte{0}, entry...))
}

func nodeHash(left, right hash) hash {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

// tree is a root over leaves that come one by one.
type tree struct {
	size  int64
	peaks []hash
}

func (t *tree) push(leaf hash) {
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.peaks) - 1
		leaf = nodeHash(t.peaks[last], leaf)
		t.peaks = t.peaks[:last]
	}
	t.peaks = append(t.peaks, leaf)
	t.size++
}

func (t *tree) root() hash {
	if len(t.peaks) == 0 {
		return sha256.Sum256(nil)
	}
	root := t.peaks[len(t.peaks)-1]
	for n := len(t.peaks) - 2; n >= 0; n-- {
		root = nodeHash(t.peaks[n], root)
	}
	return root
}

// included says whether a leaf stands at an index of a tree (section 2.1.3.2).
func included(leaf hash, index, size int64, path []hash, root hash) bool {
	if index < 0 || index >= size {
		return false
	}
	fn, sn, computed := index, size-1, leaf
	for _, sibling := range path {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			computed = nodeHash(sibling, computed)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			computed = nodeHash(computed, sibling)
		}
		fn, sn = fn>>1, sn>>1
	}
	return sn == 0 && computed == root
}

// continues says whether one tree is the beginning of another (section 2.1.4.2).
func continues(first, second int64, firstRoot, secondRoot hash, path []hash) bool {
	if first < 0 || first > second {
		return false
	}
	if first == second {
		return len(path) == 0 && firstRoot == secondRoot
	}
	if first == 0 {
		return len(path) == 0 && firstRoot == sha256.Sum256(nil)
	}
	steps := path
	if bits.OnesCount64(uint64(first)) == 1 {
		steps = append([]hash{firstRoot}, path...)
	}
	if len(steps) == 0 {
		return false
	}
	fn, sn := first-1, second-1
	for fn&1 == 1 {
		fn, sn = fn>>1, sn>>1
	}
	older, newer := steps[0], steps[0]
	for _, sibling := range steps[1:] {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			older, newer = nodeHash(sibling, older), nodeHash(sibling, newer)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			newer = nodeHash(newer, sibling)
		}
		fn, sn = fn>>1, sn>>1
	}
	return sn == 0 && older == firstRoot && newer == secondRoot
}

func entryOf(salt []byte, position int64, originator string, version int64, topic string, state []byte) []byte {
	entry := append([]byte{}, salt...)
	entry = binary.BigEndian.AppendUint64(entry, uint64(position))
	entry = binary.BigEndian.AppendUint64(entry, uint64(version))
	for _, text := range []string{originator, topic} {
		entry = binary.BigEndian.AppendUint32(entry, uint32(len(text)))
		entry = append(entry, text...)
	}
	return append(entry, state...)
}
