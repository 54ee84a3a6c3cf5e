package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"
)

const receiptFormat = "subsidy-receipt/1"

type receipt struct {
	*fields
	v          *verdict
	code       string
	policy     string
	year       int64
	checkpoint *checkpoint
	account    []*event
	last       map[string]*event
}

func verifyReceipt(raw []byte, keys []*key, witnesses int) (*verdict, error) {
	if len(raw) > lineBytesMax {
		return nil, errors.New("the receipt is too large")
	}
	f, err := objectOf(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")))
	if err != nil {
		return nil, err
	}
	if f.values["format"] != receiptFormat {
		return nil, errors.New("neither a receipt nor a published list")
	}
	r := &receipt{fields: f, v: &verdict{}, code: f.text("enterprise"), policy: f.text("policy"), year: f.whole("year"), last: map[string]*event{}}
	for _, name := range []string{"name", "budget", "sharing", "factor", "checkpoint", "seal"} {
		f.text(name)
	}
	for _, name := range []string{"account", "list", "marks"} {
		f.object(name)
	}
	f.list("awards")
	f.list("events")
	if f.err != nil {
		return nil, f.err
	}
	c, signers, err := openCheckpoint(f.text("checkpoint"), keys)
	if err != nil {
		return nil, err
	}
	r.checkpoint = c
	if witnesses > 0 && len(namesOf(signers)) < 1+witnesses {
		r.v.fault("%d witnesses are asked for", witnesses)
	}
	if err := r.checkSeal(keys); err != nil {
		return nil, err
	}
	if err := r.takeEvents(); err != nil {
		return nil, err
	}
	return r.v, r.checkContents()
}

func (r *receipt) checkSeal(keys []*key) error {
	n, err := parseNote(r.text("seal"))
	if err != nil {
		return err
	}
	sealed := map[string]any{}
	for name, value := range r.values {
		if name != "marks" && name != "seal" {
			sealed[name] = value
		}
	}
	body := fmt.Sprintf("%s\n%s %s %d\n%s\n%s\n", receiptFormat, r.code, r.policy, r.year, digestOf(sealed), digestOf(r.object("marks")))
	if n.body != body {
		r.v.fault("the seal is not of this receipt: something in it was changed")
	}
	if len(n.signers(keys, r.checkpoint)) == 0 {
		r.v.fault("the seal is not signed by any of the given keys")
	}
	computed, marks := map[string]string{}, r.object("marks")
	marksOf(sealed, "", computed)
	for place, mark := range computed {
		if marks[place] != mark {
			r.v.fault("%s is not what the receipt was made with", place)
		}
	}
	if len(marks) != len(computed) {
		r.v.fault("there are marks of %d values, and %d values", len(marks), len(computed))
	}
	return nil
}

func (r *receipt) takeEvents() error {
	owned := fmt.Sprintf("account:%s:%d:%s", r.policy, r.year, r.code)
	for _, value := range r.list("events") {
		e, err := parseEvent(of(value))
		if err != nil {
			return err
		}
		if e.withheld || !included(e.leaf, e.position-1, r.checkpoint.size, e.path, r.checkpoint.root) {
			r.v.fault("the event at position %d is not in the log", e.position)
			continue
		}
		if e.originator != owned && e.originator != fmt.Sprintf("settlement:%s:%d", r.policy, r.year) {
			r.v.fault("an event of %s does not belong here", e.originator)
			continue
		}
		if e.originator == owned {
			r.account = append(r.account, e)
		}
		if before := r.last[e.kind]; before == nil || before.position < e.position {
			r.last[e.kind] = e
		}
	}
	return nil
}

func (r *receipt) checkContents() error {
	publication, closing, part := r.last["SettlementPublished"], r.last["SettlementClosed"], r.last["AwardsSettled"]
	if publication == nil || closing == nil || part == nil {
		r.v.fault("the receipt does not hold the publication, the closing and the enterprise's part")
		return nil
	}
	if publication.state.whole("number") != closing.state.whole("number") {
		r.v.fault("the list that was published is not the one that was closed")
	}
	lines, err := linesOf(part.state)
	if err != nil {
		return err
	}
	if err := r.checkAwards(lines); err != nil {
		return err
	}
	rows, err := r.checkList(publication.state, lines)
	if err != nil {
		return err
	}
	if err := r.checkDivision(closing.state, lines, rows); err != nil {
		return err
	}
	r.checkAccount()
	return nil
}

func (r *receipt) checkAwards(lines []awardLine) error {
	awards := r.list("awards")
	if len(awards) != len(lines) {
		r.v.fault("the awards of the receipt are not those that were settled")
	}
	stated := map[string]*fields{}
	for _, each := range awards {
		f := of(each)
		stated[fmt.Sprint(f.text("measure"), "\t", f.whole("award_year"))] = f
		if f.err != nil {
			return f.err
		}
	}
	for _, line := range lines {
		f := stated[fmt.Sprint(line.measure, "\t", line.awardYear)]
		if f == nil {
			r.v.fault("%s %d is missing", line.measure, line.awardYear)
			continue
		}
		for name, fen := range map[string]int64{"gross": line.gross, "withheld": line.withheld, "reduction": line.reduction, "payable": line.payable} {
			if f.values[name] != printFen(fen) {
				r.v.fault("%s %d: %s %s was settled, the receipt says %v", line.measure, line.awardYear, name, printFen(fen), f.values[name])
			}
		}
	}
	return nil
}

func (r *receipt) checkList(publication *fields, lines []awardLine) ([]*row, error) {
	listing := of(r.values["list"])
	root, lineCount := publication.textOr("list_root"), int64(0)
	if publication.values["list_lines"] != nil {
		lineCount = publication.whole("list_lines")
	}
	if root == "" || listing.text("root") != root || listing.whole("lines") != lineCount {
		r.v.fault("the list's root is not the published one")
	}
	rootHash, _ := unhash(root)
	var rows []*row
	for n, each := range append([]any{listing.values["head"]}, listing.list("rows")...) {
		f := of(each)
		line, number, path := f.text("line"), f.whole("number"), f.hashes("path")
		if f.err != nil {
			return nil, f.err
		}
		if !included(leafHash([]byte(line)), number, lineCount, path, rootHash) {
			r.v.fault("line %d does not stand in the published list", number)
		}
		if n == 0 {
			continue
		}
		parsed, err := parseRow([]byte(line))
		if err != nil {
			return nil, err
		}
		rows = append(rows, parsed)
	}
	if listing.err != nil {
		return nil, listing.err
	}
	var settled, listed []string
	for _, line := range lines {
		settled = append(settled, line.digested(""))
	}
	for _, each := range rows {
		listed = append(listed, each.settled().digested(""))
	}
	sort.Strings(settled)
	sort.Strings(listed)
	if !slices.Equal(settled, listed) {
		r.v.fault("the enterprise's lines in the list are not what was settled")
	}
	return rows, nil
}

func (r *receipt) checkDivision(closing *fields, lines []awardLine, rows []*row) error {
	pots, err := potsOf(closing)
	if err != nil {
		return err
	}
	figures := map[string]string{
		"budget": printFen(closing.whole("budget_fen")), "sharing": printFen(closing.whole("sharing_fen")), "factor": factorOf(pots),
	}
	for name, figure := range figures {
		if r.text(name) != figure {
			r.v.fault("%s is %s, the receipt says %s", name, figure, r.text(name))
		}
	}
	for _, line := range lines {
		due := line.gross - line.withheld
		for _, each := range rows {
			if each.measure == line.measure && each.awardYear == line.awardYear && each.hasBasis {
				due = each.due(potOf(pots, line.pot).share(each.basis, line.key(r.code)))
			}
		}
		if due != line.payable {
			r.v.fault("%s %d: %s was worked out, %s was settled", line.measure, line.awardYear, printFen(due), printFen(line.payable))
		}
	}
	return nil
}

func (r *receipt) checkAccount() {
	sort.SliceStable(r.account, func(i, j int) bool { return r.account[i].version < r.account[j].version })
	a := newAccount()
	for n, e := range r.account {
		if e.version != int64(n+1) {
			r.v.fault("version %d of the account is missing, or stands twice", n+1)
		}
		if err := a.take(e, func(int64) bool { return false }); err != nil {
			r.v.fault("position %d: %v", e.position, err)
		}
	}
	stated := r.object("account")
	for name, fen := range a.figures() {
		if stated[name] != printFen(fen) {
			r.v.fault("account: %s is %s, the receipt says %v", name, printFen(fen), stated[name])
		}
	}
}
