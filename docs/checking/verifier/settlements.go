package main

import (
	"fmt"
	"slices"
	"strings"
)

// closing is how a year was closed.
type closing struct {
	position, first int64
	state           *fields
}

var frozen = []string{
	"number", "lines_digest", "known", "appropriation_fen", "carried_fen", "spent_fen", "budget_fen", "sharing_fen",
	"cut_remainder", "cut_key", "payable_fen", "outside_fen", "awards", "enterprises", "budgets", "pots",
}

// asText is a member as canonical JSON; an array that an earlier version lacks is empty.
func asText(f *fields, name string) string {
	value := f.values[name]
	if value == nil && (name == "budgets" || name == "pots") {
		value = []any{}
	}
	var out strings.Builder
	canonical(&out, value)
	return out.String()
}

// followSettlement follows the steps of a year of the bundle's policy.
func (b *bundle) followSettlement(year int64, events []*event) {
	var proposal, publication *event
	number, open, upheld := int64(0), map[string]bool{}, false
	complete := b.kind == "year"
	for _, e := range events {
		if e.withheld {
			continue
		}
		f := e.state
		if f.text("policy") != b.policy || f.whole("year") != year {
			b.v.fault("position %d: %s does not belong to the settlement of %d", e.position, e.kind, year)
			continue
		}
		if e.kind == "OpenMattersAcknowledged" {
			if digestOfMatters(f) != f.text("digest") {
				b.v.fault("position %d: the matters that were acknowledged do not come to their digest", e.position)
			}
			if f.err != nil {
				b.v.fault("position %d: %v", e.position, f.err)
			}
			continue
		}
		if e.kind == "BankStatementRecorded" {
			if b.closings[year] == nil && complete {
				b.v.fault("position %d: a bank statement before %d was closed", e.position, year)
			}
			continue
		}
		if b.closings[year] != nil {
			b.v.fault("position %d: %s after %d was closed", e.position, e.kind, year)
			continue
		}
		switch e.kind {
		case "SettlementProposed":
			if complete && f.whole("number") != number+1 || f.whole("known") != e.position-1 {
				b.v.fault("position %d: the proposal has another number, or is of another moment", e.position)
			}
			number, proposal, publication, upheld = f.whole("number"), e, nil, false
		case "SettlementPublished":
			if proposal == nil || publication != nil {
				if complete {
					b.v.fault("position %d: a list was published that was not proposed", e.position)
				}
			} else if f.whole("number") != number || f.text("lines_digest") != proposal.state.text("lines_digest") {
				b.v.fault("position %d: the list that was published is not the one that was proposed", e.position)
			}
			publication = e
		case "ObjectionRaised":
			open[f.text("objection")] = true
		case "ObjectionResolved":
			if !open[f.text("objection")] {
				b.v.fault("position %d: the objection is not open", e.position)
			}
			delete(open, f.text("objection"))
			upheld = upheld || f.text("outcome") == "upheld"
		case "SettlementClosed":
			b.close(year, e, proposal, publication)
			if len(open) > 0 || upheld {
				b.v.fault("position %d: %d was closed over an objection", e.position, year)
			}
		default:
			b.v.fault("position %d: %s is no step of a settlement", e.position, e.kind)
		}
		if f.err != nil {
			b.v.fault("position %d: %v", e.position, f.err)
		}
	}
}

// digestOfMatters is over the matters that an acknowledgement names, in order of their kinds.
func digestOfMatters(f *fields) string {
	lines := map[string]string{}
	kinds := []string{}
	for _, each := range f.list("matters") {
		parts, _ := each.([]any)
		if len(parts) != 6 {
			f.miss("matters")
			return ""
		}
		kind, isText := parts[0].(string)
		if !isText {
			f.miss("matters")
			return ""
		}
		line, told := []string{}, 5
		if kind == "refusal" {
			told = 1
		}
		for _, part := range parts[:told] {
			line = append(line, fmt.Sprint(part))
		}
		if _, known := lines[kind]; !known {
			kinds = append(kinds, kind)
		}
		lines[kind] += strings.Join(line, "\t") + "\n"
	}
	slices.Sort(kinds)
	var digested strings.Builder
	fmt.Fprintf(&digested, "%s\t%d\n", f.text("policy"), f.whole("year"))
	for _, kind := range kinds {
		digested.WriteString(lines[kind])
	}
	return hexOfSum([]byte(digested.String()))
}

func (b *bundle) close(year int64, e, proposal, publication *event) {
	f := e.state
	if proposal == nil || publication == nil {
		b.v.fault("position %d: %d was closed without a published list", e.position, year)
	} else {
		if publication.state.whole("number") != f.whole("number") {
			b.v.fault("position %d: another list was closed than was published", e.position)
		}
		for _, name := range frozen {
			if asText(f, name) != asText(proposal.state, name) {
				b.v.fault("position %d: %s is not the proposal's", e.position, name)
			}
		}
	}
	if f.whole("log_size") != e.position-1 {
		b.v.fault("position %d: the closing is of a log of another size", e.position)
	}
	b.closings[year] = &closing{e.position, f.whole("first_position"), f}
}

// parts are the enterprises' parts of a closed year, summed up in their order.
type parts struct {
	next                         int64
	digested                     strings.Builder
	awards, enterprises, payable int64
	measures                     map[string]*measureSum
}

type measureSum struct {
	year                             int64
	measure                          string
	gross, withheld, payable, awards int64
}

func newParts(first int64) *parts { return &parts{next: first, measures: map[string]*measureSum{}} }

func (p *parts) add(code string, lines []awardLine, position int64) {
	p.next = position + 1
	if len(lines) > 0 {
		p.enterprises++
	}
	for _, line := range lines {
		p.digested.WriteString(line.digested(code))
		p.awards++
		p.payable += line.payable
		name := fmt.Sprintf("%012d %s", line.awardYear, line.measure)
		sum := p.measures[name]
		if sum == nil {
			sum = &measureSum{year: line.awardYear, measure: line.measure}
			p.measures[name] = sum
		}
		sum.gross, sum.withheld = sum.gross+line.gross, sum.withheld+line.withheld
		sum.payable, sum.awards = sum.payable+line.payable, sum.awards+1
	}
}

// compare holds the parts against what the closing says of them.
func (p *parts) compare(year int64, c *closing, v *verdict) {
	rows := []any{}
	for _, name := range sortedKeys(p.measures) {
		s := p.measures[name]
		rows = append(rows, []any{s.year, s.measure, s.gross, s.withheld, s.payable, s.awards})
	}
	computed := &fields{values: map[string]any{
		"lines_digest": hexOfSum([]byte(p.digested.String())), "payable_fen": p.payable, "awards": p.awards,
		"enterprises": p.enterprises, "measures": rows,
	}}
	names := sortedKeys(computed.values)
	differs := func(name string) bool { return asText(computed, name) != asText(c.state, name) }
	if at := slices.IndexFunc(names, differs); at >= 0 {
		v.fault("the parts of %d come to another %s than its closing says", year, names[at])
	}
}
