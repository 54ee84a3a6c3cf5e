package main

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func readVectors(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "formats", "vectors", name+".json"))
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func hashesOf(t *testing.T, texts []string) []hash {
	t.Helper()
	hashes := []hash{}
	for _, text := range texts {
		h, ok := unhash(text)
		if !ok {
			t.Fatal(text)
		}
		hashes = append(hashes, h)
	}
	return hashes
}

func TestLeaves(t *testing.T) {
	var vectors []struct {
		Salt, Originator, Topic, State, Entry, Leaf string
		Position, Version                           int64
	}
	readVectors(t, "leaves", &vectors)
	for _, v := range vectors {
		salt, _ := unhex(v.Salt)
		entry := entryOf(salt, v.Position, v.Originator, v.Version, v.Topic, []byte(v.State))
		if hex.EncodeToString(entry) != v.Entry || hexText(leafHash(entry)) != v.Leaf {
			t.Error(v.Topic)
		}
		if _, err := parseState([]byte(v.State)); err != nil {
			t.Error(v.Topic, err)
		}
	}
}

func TestTrees(t *testing.T) {
	var vectors []struct {
		Entries     []string
		Root        string
		Inclusion   [][]string
		Consistency map[int64][]string
	}
	readVectors(t, "trees", &vectors)
	for size, v := range vectors {
		grown, root := &tree{}, hashesOf(t, []string{v.Root})[0]
		for n, entry := range v.Entries {
			raw, _ := unhex(entry)
			grown.push(leafHash(raw))
			path := hashesOf(t, v.Inclusion[n])
			if !included(leafHash(raw), int64(n), int64(size), path, root) {
				t.Error("inclusion", n, size)
			}
			if included(leafHash(raw), int64(n), int64(size), append(path, root), root) {
				t.Error("too long a path", n, size)
			}
		}
		if grown.root() != root {
			t.Error("root", size)
		}
		for first, texts := range v.Consistency {
			before := hashesOf(t, []string{vectors[first].Root})[0]
			if !continues(first, int64(size), before, root, hashesOf(t, texts)) {
				t.Error("consistency", first, size)
			}
		}
	}
}

func TestNotes(t *testing.T) {
	var v struct {
		Keys       []struct{ Vkey, Key_id string }
		Checkpoint struct{ Note string }
		Ended_key  string
		Proof_line string
	}
	readVectors(t, "notes", &v)
	var lines []string
	for _, each := range v.Keys {
		k, err := parseKey(each.Vkey)
		if err != nil || hex.EncodeToString(k.id()) != each.Key_id {
			t.Error(each.Vkey, err)
		}
		lines = append(lines, each.Vkey)
	}
	keys, _ := parseKeys(strings.Join(lines, "\n"))
	if _, signers, err := openCheckpoint(v.Checkpoint.Note, keys); err != nil || len(signers) != 2 {
		t.Error(signers, err)
	}
	ended, err := parseKeys(v.Ended_key + "\n" + v.Proof_line)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := openCheckpoint(v.Checkpoint.Note, ended); err != nil {
		t.Error(err)
	}
	var trees []struct{ Root string }
	readVectors(t, "trees", &trees)
	smaller := &checkpoint{"", 6, hashesOf(t, []string{trees[6].Root})[0]}
	if !ended[0].counts(smaller) || ended[0].counts(&checkpoint{"", 10, smaller.root}) || ended[0].counts(nil) {
		t.Error("the end of a key")
	}
	if ended[0].counts(&checkpoint{"", 6, ended[0].end.root}) || ended[0].counts(&checkpoint{"", 5, smaller.root}) {
		t.Error("what is not proven to lead to the end of a key")
	}
}

func TestValues(t *testing.T) {
	var v struct {
		Canonical []struct {
			Value         json.RawMessage
			Bytes, Digest string
		}
		Marks struct {
			Value json.RawMessage
			Marks map[string]string
		}
		Refused []struct{ Text string }
	}
	readVectors(t, "values", &v)
	for _, each := range v.Canonical {
		value, err := parseJSON(each.Value)
		var out strings.Builder
		canonical(&out, value)
		if err != nil || hex.EncodeToString([]byte(out.String())) != each.Bytes || digestOf(value) != each.Digest {
			t.Error(string(each.Value), err)
		}
	}
	value, _ := parseJSON(v.Marks.Value)
	marks := map[string]string{}
	marksOf(value, "", marks)
	for place, mark := range v.Marks.Marks {
		if marks[place] != mark || len(marks) != len(v.Marks.Marks) {
			t.Error(place, mark, marks)
		}
	}
	for _, each := range v.Refused {
		if _, err := parseJSON([]byte(each.Text)); err == nil {
			t.Error(each.Text)
		}
	}
}

func TestDivisions(t *testing.T) {
	var vectors []struct {
		Budget        int64
		Bases, Shares []int64
	}
	readVectors(t, "divisions", &vectors)
	for _, v := range vectors {
		if !slices.Equal(apportion(v.Bases, v.Budget), v.Shares) {
			t.Error(v)
		}
	}
}

func TestList(t *testing.T) {
	var v struct{ Key, File string }
	readVectors(t, "list", &v)
	keys, _ := parseKeys(v.Key)
	found, err := verifyList([]byte(v.File), keys, 0)
	if err != nil || found.count > 0 {
		t.Error(found, err)
	}
	found, err = verifyList([]byte(strings.Replace(v.File, "166667", "166668", 1)), keys, 0)
	if err != nil || found.count == 0 {
		t.Error(found, err)
	}
}
