package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Keys, signed notes, checkpoints and cosignatures (C2SP).

const (
	algorithmEd25519     = 1
	algorithmCosignature = 4
	noteBytesMax         = 65_536
	signaturesMax        = 100
)

var (
	sizeForm  = regexp.MustCompile(`^(?:0|[1-9][0-9]{0,18})$`)
	proofForm = regexp.MustCompile(`^proof ([0-9]{1,19}) ([0-9]{1,19})((?: [A-Za-z0-9+/]{43}=)*)$`)
)

type keyEnd struct {
	size  int64
	root  hash
	paths map[int64][]hash
}

type key struct {
	name      string
	algorithm byte
	public    []byte
	end       *keyEnd
}

func (k *key) id() []byte {
	sum := sha256.Sum256(append(append([]byte(k.name+"\n"), k.algorithm), k.public...))
	return sum[:4]
}

func isName(text string) bool {
	blank := func(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f || r == '+' }
	return text != "" && strings.IndexFunc(text, blank) < 0
}

func parseKey(text string) (*key, error) {
	wrong := fmt.Errorf("not a key: %.80q", text)
	name, rest, _ := strings.Cut(strings.TrimSpace(text), "+")
	id, rest, _ := strings.Cut(rest, "+")
	encoded, end, ended := strings.Cut(rest, "@")
	raw, ok := unbase64(encoded)
	if !ok || !isName(name) || len(raw) != 1+ed25519.PublicKeySize {
		return nil, wrong
	}
	k := &key{name: name, algorithm: raw[0], public: raw[1:]}
	if k.algorithm != algorithmEd25519 && k.algorithm != algorithmCosignature || hex.EncodeToString(k.id()) != id {
		return nil, wrong
	}
	if ended {
		size, root, _ := strings.Cut(end, ":")
		raw, ok := unbase64(root)
		number, err := strconv.ParseInt(size, 10, 64)
		if !ok || len(raw) != sha256.Size || err != nil || !sizeForm.MatchString(size) {
			return nil, wrong
		}
		k.end = &keyEnd{number, hash(raw), map[int64][]hash{}}
	}
	return k, nil
}

// parseKeys reads keys, one a line, and the lines of proofs that lead to their ends.
func parseKeys(text string) ([]*key, error) {
	var keys []*key
	type proof struct {
		first, end int64
		path       []hash
	}
	var proofs []proof
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		parts := proofForm.FindStringSubmatch(line)
		if parts == nil {
			k, err := parseKey(line)
			if err != nil {
				return nil, err
			}
			keys = append(keys, k)
			continue
		}
		first, firstErr := strconv.ParseInt(parts[1], 10, 64)
		end, endErr := strconv.ParseInt(parts[2], 10, 64)
		if firstErr != nil || endErr != nil {
			return nil, fmt.Errorf("not a proof: %.80q", line)
		}
		p := proof{first: first, end: end}
		for _, each := range strings.Fields(parts[3]) {
			raw, err := base64.StdEncoding.DecodeString(each)
			if err != nil || len(raw) != sha256.Size {
				return nil, fmt.Errorf("not a proof: %.80q", line)
			}
			p.path = append(p.path, hash(raw))
		}
		proofs = append(proofs, p)
	}
	for _, p := range proofs {
		for _, k := range keys {
			if k.end != nil && k.end.size == p.end {
				k.end.paths[p.first] = p.path
			}
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("no public key was given")
	}
	return keys, nil
}

type signature struct {
	name string
	id   []byte
	raw  []byte
}

func (k *key) owns(s signature) bool { return s.name == k.name && bytes.Equal(s.id, k.id()) }

func (k *key) verifies(body string, s signature) bool {
	if !k.owns(s) {
		return false
	}
	message, raw := []byte(body), s.raw
	if k.algorithm == algorithmCosignature {
		if len(raw) != 8+ed25519.SignatureSize {
			return false
		}
		time := binary.BigEndian.Uint64(raw)
		message, raw = fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", time, body), raw[8:]
	}
	return len(raw) == ed25519.SignatureSize && ed25519.Verify(k.public, message, raw)
}

// counts says whether a key's signature counts for what goes with a checkpoint; of a list there is none.
func (k *key) counts(c *checkpoint) bool {
	if k.end == nil {
		return true
	}
	if c == nil || c.size > k.end.size {
		return false
	}
	path, proven := k.end.paths[c.size]
	if c.size == 0 || c.size == k.end.size {
		path, proven = nil, true
	}
	return proven && continues(c.size, k.end.size, c.root, k.end.root, path)
}

type note struct {
	body       string
	signatures []signature
}

func parseNote(text string) (*note, error) {
	cut := strings.LastIndex(text, "\n\n")
	if len(text) > noteBytesMax || cut < 0 || !strings.HasSuffix(text, "\n") || cut+2 >= len(text) {
		return nil, fmt.Errorf("no note")
	}
	n := &note{body: text[:cut+1]}
	for _, line := range strings.Split(text[cut+2:len(text)-1], "\n") {
		rest, dashed := strings.CutPrefix(line, "— ")
		name, encoded, _ := strings.Cut(rest, " ")
		raw, ok := unbase64(encoded)
		if !dashed || !isName(name) || !ok || len(raw) < 5 {
			return nil, fmt.Errorf("not a signature line: %.80q", line)
		}
		n.signatures = append(n.signatures, signature{name, raw[:4], raw[4:]})
	}
	if len(n.signatures) > signaturesMax {
		return nil, fmt.Errorf("too many signatures")
	}
	return n, nil
}

// signers are the given keys that signed a note and count.
func (n *note) signers(keys []*key, c *checkpoint) []*key {
	var signers []*key
	for _, k := range keys {
		for _, s := range n.signatures {
			if k.verifies(n.body, s) && k.counts(c) {
				signers = append(signers, k)
				break
			}
		}
	}
	return signers
}

type checkpoint struct {
	origin string
	size   int64
	root   hash
}

func parseCheckpoint(body string) (*checkpoint, error) {
	lines := strings.Split(body, "\n")
	if len(lines) < 4 || lines[0] == "" || !sizeForm.MatchString(lines[1]) {
		return nil, fmt.Errorf("no checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	raw, encodingErr := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || encodingErr != nil || len(raw) != sha256.Size {
		return nil, fmt.Errorf("no checkpoint")
	}
	return &checkpoint{lines[0], size, hash(raw)}, nil
}

// openCheckpoint reads a checkpoint for which at least one given key counts, and says which do.
func openCheckpoint(text string, keys []*key) (*checkpoint, []*key, error) {
	n, err := parseNote(text)
	if err != nil {
		return nil, nil, err
	}
	c, err := parseCheckpoint(n.body)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range keys {
		owned, verified := false, false
		for _, s := range n.signatures {
			owned = owned || k.owns(s)
			verified = verified || k.verifies(n.body, s)
		}
		if owned && !verified {
			return nil, nil, fmt.Errorf("the signature of %s does not verify", k.name)
		}
	}
	signers := n.signers(keys, c)
	if len(signers) == 0 {
		return nil, nil, fmt.Errorf("the checkpoint is not signed by any of the given keys")
	}
	return c, signers, nil
}

func namesOf(keys []*key) map[string]bool {
	names := map[string]bool{}
	for _, k := range keys {
		names[k.name] = true
	}
	return names
}
