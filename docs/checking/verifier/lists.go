package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	listFormat   = "subsidy-public-list/1"
	markDigits   = 8
	lineBytesMax = 4_000_000
	proofMax     = 1 << 30
)

var (
	columns    = []string{"number", "code", "name", "town", "size", "sector", "article", "measure", "title", "award_year", "pot", "gross", "withheld", "basis", "reduction", "payable"}
	proofNames = map[string]bool{"root": true, "note": true, "marks": true, "published": true, "lines": true, "position": true}
)

type row struct {
	number, awardYear, gross, withheld, reduction, payable, basis int64
	code, measure, pot                                            string
	hasBasis                                                      bool
}

func parseRow(raw []byte) (*row, error) {
	value, err := parseJSON(raw)
	if err != nil {
		return nil, err
	}
	parts, ok := value.([]any)
	if !ok || len(parts) != len(columns) {
		return nil, errors.New("not an award")
	}
	f := &fields{values: map[string]any{}}
	for n, name := range columns {
		f.values[name] = parts[n]
	}
	for _, name := range []string{"name", "town", "size", "sector", "article", "title"} {
		f.text(name)
	}
	r := &row{
		number: f.whole("number"), awardYear: f.whole("award_year"), gross: f.whole("gross"), withheld: f.whole("withheld"),
		reduction: f.whole("reduction"), payable: f.whole("payable"),
		code: f.text("code"), measure: f.text("measure"), pot: f.text("pot"),
	}
	if r.hasBasis = f.values["basis"] != nil; r.hasBasis {
		r.basis = f.whole("basis")
	}
	return r, f.err
}

// settled is a line as the digest of a list reads it.
func (r *row) settled() awardLine {
	return awardLine{r.measure, r.awardYear, r.gross, r.withheld, r.reduction, r.payable, r.pot}
}

func (r *row) due(share int64) int64 {
	if r.withheld != 0 && r.basis == r.gross {
		share -= r.withheld
	}
	return max(share, 0)
}

type list struct {
	head  *fields
	pots  []pot
	rows  []*row
	proof *fields
	tree  tree
	marks strings.Builder
}

func isList(raw []byte) bool {
	first, rest, _ := bytes.Cut(raw, []byte("\n"))
	return bytes.Contains(first, []byte(`"`+listFormat+`"`)) || bytes.HasPrefix(rest, []byte("["))
}

func verifyList(raw []byte, keys []*key, witnesses int) (*verdict, error) {
	v, l := &verdict{}, &list{}
	lines := bytes.Split(raw, []byte("\n"))
	if last := len(lines) - 1; len(lines[last]) == 0 {
		lines = lines[:last]
	}
	for n, line := range lines {
		if err := l.take(n, line, v); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	if l.head == nil || l.proof == nil {
		return nil, errors.New("the list has no head, or no proof on its last line")
	}
	if err := l.checkProof(keys, witnesses, v); err != nil {
		return nil, err
	}
	l.checkSums(v)
	l.checkPayments(v)
	return v, nil
}

func (l *list) take(n int, line []byte, v *verdict) error {
	limit := lineBytesMax
	if bytes.HasPrefix(line, []byte("{")) {
		limit = proofMax
	}
	if len(line) > limit {
		return errors.New("too long")
	}
	plain, mark := line, []byte("\xef\xbb\xbf")
	if n == 0 {
		plain = bytes.TrimPrefix(plain, mark)
	}
	plain = bytes.TrimSuffix(plain, []byte("\r"))
	if len(plain) != len(line) {
		v.fault("line %d: an editor changed it", n+1)
	}
	if l.proof != nil {
		return errors.New("something stands after the proof")
	}
	value, err := parseJSON(plain)
	if err != nil {
		return err
	}
	if object, ok := value.(map[string]any); ok && n > 0 {
		return l.takeProof(object)
	}
	leaf := leafHash(plain)
	l.tree.push(leaf)
	l.marks.WriteString(hex.EncodeToString(leaf[:])[:markDigits])
	if n == 0 {
		return l.takeHead(value)
	}
	r, err := parseRow(plain)
	l.rows = append(l.rows, r)
	return err
}

func (l *list) takeProof(object map[string]any) error {
	f := &fields{values: object}
	for _, name := range []string{"root", "note", "marks"} {
		f.text(name)
	}
	f.whole("lines")
	f.whole("position")
	if _, stated := object["published"]; stated {
		f.text("published")
	}
	l.proof = f
	return f.err
}

func (l *list) takeHead(value any) error {
	f := of(value)
	if f.err == nil && f.text("format") != listFormat {
		return errors.New("not the head of a list")
	}
	for _, name := range []string{"policy", "title", "document", "digest"} {
		f.text(name)
	}
	for _, name := range []string{"year", "number", "known", "budget", "sharing", "gross", "withheld", "payable", "enterprises", "awards"} {
		f.whole(name)
	}
	f.list("mask")
	named := f.list("columns")
	if len(named) != len(columns) {
		f.miss("columns")
	}
	for n := range min(len(named), len(columns)) {
		if named[n] != columns[n] {
			f.miss("columns")
		}
	}
	for _, each := range f.list("pots") {
		parts, _ := each.([]any)
		if len(parts) != 3 {
			f.miss("pots")
			continue
		}
		name, isText := parts[0].(string)
		has, hasOk := parts[1].(int64)
		sharing, sharingOk := parts[2].(int64)
		if !isText || !hasOk || !sharingOk {
			f.miss("pots")
		}
		l.pots = append(l.pots, pot{name: name, has: has, sharing: sharing})
	}
	l.head = f
	return f.err
}

func (l *list) checkProof(keys []*key, witnesses int, v *verdict) error {
	n, err := parseNote(l.proof.text("note"))
	if err != nil {
		return fmt.Errorf("the proof's note: %w", err)
	}
	computed := l.tree.root()
	root := hex.EncodeToString(computed[:])
	body := fmt.Sprintf("%s\n%s %d %d\n%d %s\n%d\n", listFormat, l.head.text("policy"), l.head.whole("year"),
		l.head.whole("number"), l.tree.size, root, l.proof.whole("position"))
	if published := l.proof.textOr("published"); l.proof.values["published"] != nil {
		body += published + "\n"
	}
	if n.body != body {
		v.fault("the note that was signed is not of this list")
	}
	signers := n.signers(keys, nil)
	if len(signers) == 0 {
		v.fault("the list is not signed by any of the given keys")
	}
	if witnesses > 0 && len(namesOf(signers)) < 1+witnesses {
		v.fault("%d witnesses are asked for: they sign checkpoints", witnesses)
	}
	if l.proof.text("root") != root || l.proof.whole("lines") != l.tree.size {
		v.fault("the lines do not lead to the root that the proof names")
	}
	if l.proof.text("marks") != l.marks.String() {
		v.fault("the proof's marks are not those of the lines")
	}
	for _, name := range sortedKeys(l.proof.values) {
		if !proofNames[name] {
			v.fault("%s is no part of the proof", name)
		}
	}
	return nil
}

func (l *list) checkSums(v *verdict) {
	sums := map[string]int64{"awards": int64(len(l.rows))}
	var digested strings.Builder
	for n, r := range l.rows {
		if r.number != int64(n+1) {
			v.fault("award %d stands where award %d should", r.number, n+1)
		}
		if r.gross-r.withheld-r.reduction != r.payable {
			v.fault("award %d does not add up", n+1)
		}
		sums["gross"] += r.gross
		sums["withheld"] += r.withheld
		sums["sharing"] += r.basis
		sums["payable"] += r.payable
		digested.WriteString(r.settled().digested(r.code))
	}
	for _, name := range []string{"gross", "withheld", "sharing", "payable", "awards"} {
		if l.head.whole(name) != sums[name] {
			v.fault("the awards come to %s %d, the head says %d", name, sums[name], l.head.whole(name))
		}
	}
	for _, each := range l.head.list("mask") {
		if each == "code" {
			return
		}
	}
	if hexOfSum([]byte(digested.String())) != l.head.text("digest") {
		v.fault("the list's digest is not the one that its head names")
	}
}

func (l *list) checkPayments(v *verdict) {
	shares := map[*row]int64{}
	bases, sharers := map[string][]int64{}, map[string][]*row{}
	for _, r := range l.rows {
		if r.basis != 0 {
			bases[r.pot] = append(bases[r.pot], r.basis)
			sharers[r.pot] = append(sharers[r.pot], r)
		}
	}
	has, left, budgets, budget := map[string]int64{}, map[string]int64{}, map[string]bool{}, int64(0)
	for _, p := range l.pots {
		var sharing int64
		for _, basis := range bases[p.name] {
			sharing += basis
		}
		if sharing != p.sharing {
			v.fault("the awards of pot %q come to %d, the head says %d", p.name, sharing, p.sharing)
		}
		name, _, _ := strings.Cut(p.name, "/")
		if !budgets[name] {
			budgets[name], budget = true, budget+p.has
		} else if p.has != max(left[name], 0) {
			v.fault("pot %q has %d, those before it leave %d", p.name, p.has, left[name])
		}
		left[name] = p.has - p.sharing
		has[p.name] = p.has
	}
	if budget != l.head.whole("budget") {
		v.fault("the budgets come to %d, the head says %d", budget, l.head.whole("budget"))
	}
	for name, rows := range sharers {
		for n, share := range apportion(bases[name], has[name]) {
			shares[rows[n]] = share
		}
	}
	for n, r := range l.rows {
		due := r.gross - r.withheld
		if r.hasBasis && r.basis == 0 {
			due = 0
		} else if r.hasBasis {
			due = r.due(shares[r])
		}
		if due != r.payable {
			v.fault("award %d: %s was worked out, the list says %s", n+1, printFen(due), printFen(r.payable))
		}
	}
}
