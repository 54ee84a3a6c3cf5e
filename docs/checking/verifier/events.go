package main

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

const topicPrefix = "domain.events:"

// event is one event of a receipt or a bundle.
type event struct {
	position, version int64
	originator, kind  string
	leaf              hash
	path              []hash
	proved            bool
	withheld          bool
	state             *fields
}

func parseEvent(f *fields) (*event, error) {
	e := &event{position: f.whole("position"), version: f.whole("version"), originator: f.text("originator")}
	if e.position < 1 || e.version < 1 {
		f.miss("position")
	}
	if f.values["path"] != nil {
		e.path, e.proved = f.hashes("path"), true
	}
	if leaf, stated := f.values["leaf"]; stated {
		text, _ := leaf.(string)
		h, ok := unhash(text)
		if !ok {
			f.miss("leaf")
		}
		e.leaf, e.withheld = h, true
		return e, f.err
	}
	topic := f.text("topic")
	state, stateOk := unbase64(f.text("state"))
	salt, saltOk := unhex(f.text("salt"))
	if !stateOk || !saltOk {
		f.miss("state or salt")
	}
	if f.err != nil {
		return nil, f.err
	}
	e.leaf = leafHash(entryOf(salt, e.position, e.originator, e.version, topic, state))
	kind, known := strings.CutPrefix(topic, topicPrefix)
	if !known {
		return nil, fmt.Errorf("position %d: %q is no topic", e.position, topic)
	}
	e.kind = kind
	value, err := parseState(state)
	if err != nil {
		return nil, fmt.Errorf("position %d: the state is %w", e.position, err)
	}
	e.state = of(value)
	e.state.text("source")
	e.state.text("event_id")
	e.state.text("time")
	return e, e.state.err
}

// awardLine is one award of an enterprise's part of a closed year, in fen.
type awardLine struct {
	measure                                        string
	awardYear, gross, withheld, reduction, payable int64
	pot                                            string
}

func (l awardLine) digested(code string) string {
	text := fmt.Sprintf("%s\t%s\t%d\t%d\t%d\t%d\t%d", code, l.measure, l.awardYear, l.gross, l.withheld, l.reduction, l.payable)
	if l.pot != "" {
		text += "\t" + l.pot
	}
	return text + "\n"
}

func (l awardLine) key(code string) []string {
	return []string{code, l.measure, fmt.Sprintf("%04d", l.awardYear)}
}

// linesOf are the lines of an AwardsSettled.
func linesOf(state *fields) ([]awardLine, error) {
	var lines []awardLine
	for _, each := range state.list("lines") {
		parts, _ := each.([]any)
		if len(parts) != 6 && len(parts) != 7 {
			return nil, fmt.Errorf("lines: %w", errKind)
		}
		f := &fields{values: map[string]any{"pot": ""}}
		for n, name := range []string{"measure", "award_year", "gross", "withheld", "reduction", "payable", "pot"}[:len(parts)] {
			f.values[name] = parts[n]
		}
		lines = append(lines, awardLine{
			f.text("measure"), f.whole("award_year"), f.whole("gross"), f.whole("withheld"), f.whole("reduction"),
			f.whole("payable"), f.text("pot"),
		})
		if f.err != nil {
			return nil, f.err
		}
	}
	return lines, state.err
}

// potsOf are the pots of a proposal or a closing.
func potsOf(state *fields) ([]pot, error) {
	rows := state.listOr("pots")
	if len(rows) == 0 {
		only := []any{"", state.whole("budget_fen"), state.whole("sharing_fen"), int64(0), state.text("cut_remainder"), state.list("cut_key")}
		rows = []any{only}
	}
	var pots []pot
	for _, each := range rows {
		parts, _ := each.([]any)
		if len(parts) != 6 {
			return nil, fmt.Errorf("pots: %w", errKind)
		}
		f := &fields{values: map[string]any{}}
		for n, name := range []string{"pot", "has", "sharing", "payable", "remainder", "key"} {
			f.values[name] = parts[n]
		}
		remainder, ok := new(big.Int).SetString(f.text("remainder"), 10)
		if !ok {
			f.miss("cut_remainder")
		}
		p := pot{name: f.text("pot"), has: f.whole("has"), sharing: f.whole("sharing"), cutRemainder: remainder}
		for _, part := range f.list("key") {
			text, _ := part.(string)
			p.cutKey = append(p.cutKey, text)
		}
		if f.err != nil {
			return nil, f.err
		}
		pots = append(pots, p)
	}
	return pots, state.err
}

// potOf is a pot by its name; one that nothing shares reduces nothing.
func potOf(pots []pot, name string) *pot {
	for n := range pots {
		if pots[n].name == name {
			return &pots[n]
		}
	}
	return &pot{name: name, cutRemainder: big.NewInt(-1)}
}

// owner is whose account an originator names; the policy may hold colons, year and code do not.
func owner(originator string) (policy string, year int64, code string, ok bool) {
	rest, ok := strings.CutPrefix(originator, "account:")
	last := strings.LastIndex(rest, ":")
	if !ok || last < 0 {
		return "", 0, "", false
	}
	policy, year, ok = policyYear(rest[:last])
	return policy, year, rest[last+1:], ok
}

func policyYear(text string) (policy string, year int64, ok bool) {
	last := strings.LastIndex(text, ":")
	if last < 0 {
		return "", 0, false
	}
	year, err := strconv.ParseInt(text[last+1:], 10, 32)
	return text[:last], year, err == nil
}

func hexText(h hash) string { return hex.EncodeToString(h[:]) }
