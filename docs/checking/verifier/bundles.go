package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
)

const bundleFormat = "subsidy-audit-bundle/1"

var (
	membersOf = map[string][]string{
		"year":       {"bundle.json", "checkpoint", "leaves", "events.ndjson", "awards.ndjson"},
		"enterprise": {"bundle.json", "checkpoint", "events.ndjson", "awards.ndjson", "seal"},
	}
	sealed = []string{"bundle.json", "checkpoint", "events.ndjson", "awards.ndjson"}
)

type bundle struct {
	*fields
	v          *verdict
	members    map[string]*zip.File
	keys       []*key
	kind       string
	policy     string
	year, size int64
	checkpoint *checkpoint
	leaves     []byte
	present    []bool
	roots      map[int64]hash
	identities map[string]int64
	closings   map[int64]*closing
	parts      map[int64]*parts
	part       []*part
	rank       int
}

// part is an enterprise's part of the bundle's year.
type part struct {
	code  string
	lines []awardLine
}

func verifyBundle(archive *zip.Reader, keys []*key, witnesses int) (*verdict, error) {
	b := &bundle{
		v: &verdict{}, members: map[string]*zip.File{}, keys: keys, roots: map[int64]hash{},
		identities: map[string]int64{}, closings: map[int64]*closing{}, parts: map[int64]*parts{},
	}
	for _, file := range archive.File {
		if b.members[file.Name] != nil {
			return nil, fmt.Errorf("%s stands twice in the archive", file.Name)
		}
		b.members[file.Name] = file
	}
	if err := b.readHead(); err != nil {
		return nil, err
	}
	if err := b.openCheckpoint(witnesses); err != nil {
		return nil, err
	}
	if b.kind == "year" {
		if err := b.readLeaves(); err != nil {
			return nil, err
		}
	} else if err := b.checkSeal(); err != nil {
		return nil, err
	}
	if err := b.readEvents(); err != nil {
		return nil, err
	}
	return b.v, b.conclude()
}

func (b *bundle) read(name string) ([]byte, error) {
	if b.members[name] == nil {
		return nil, fmt.Errorf("the bundle holds no %s", name)
	}
	file, err := b.members[name].Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, lineBytesMax+1))
	if err == nil && len(raw) > lineBytesMax {
		err = fmt.Errorf("%s is too large", name)
	}
	return raw, err
}

func (b *bundle) readHead() error {
	raw, err := b.read("bundle.json")
	if err != nil {
		return err
	}
	f, err := objectOf(raw)
	if err != nil {
		return err
	}
	b.fields, b.kind, b.policy, b.year, b.size = f, f.text("kind"), f.text("policy"), f.whole("year"), f.whole("size")
	for _, name := range []string{"format", "period", "budget", "sharing", "factor"} {
		f.text(name)
	}
	if f.err != nil {
		return f.err
	}
	wanted := membersOf[b.kind]
	if f.text("format") != bundleFormat || wanted == nil {
		return errors.New("bundle.json: not a form that this program reads")
	}
	if len(b.members) != len(wanted) {
		return fmt.Errorf("the bundle should hold %s", strings.Join(wanted, ", "))
	}
	for _, name := range wanted {
		if b.members[name] == nil {
			return fmt.Errorf("the bundle holds no %s", name)
		}
	}
	return nil
}

func (b *bundle) openCheckpoint(witnesses int) error {
	raw, err := b.read("checkpoint")
	if err != nil {
		return err
	}
	c, signers, err := openCheckpoint(string(raw), b.keys)
	if err != nil {
		return err
	}
	if c.size != b.size {
		return fmt.Errorf("the checkpoint is of %d events, the bundle says %d", c.size, b.size)
	}
	if b.checkpoint = c; !namesOf(signers)[c.origin] {
		b.v.fault("the log %s did not sign its checkpoint with any of the given keys", c.origin)
	}
	if witnesses > 0 && len(namesOf(signers)) < 1+witnesses {
		b.v.fault("%d witnesses are asked for", witnesses)
	}
	return nil
}

func (b *bundle) readLeaves() error {
	file, err := b.members["leaves"].Open()
	if err != nil {
		return err
	}
	defer file.Close()
	if b.leaves, err = io.ReadAll(io.LimitReader(file, b.size*sha256.Size+1)); err != nil {
		return err
	}
	if int64(len(b.leaves)) != b.size*sha256.Size {
		return fmt.Errorf("leaves: there are not %d hashes", b.size)
	}
	b.present = make([]bool, b.size)
	t := &tree{}
	for at := 0; at < len(b.leaves); at += sha256.Size {
		t.push(hash(b.leaves[at : at+sha256.Size]))
		b.roots[t.size] = t.root()
	}
	if t.root() != b.checkpoint.root {
		b.v.fault("the leaves do not lead to the root that was signed")
	}
	return nil
}

func (b *bundle) checkSeal() error {
	body := bundleFormat + "\n"
	for _, name := range sealed {
		file, err := b.members[name].Open()
		if err != nil {
			return err
		}
		digest := sha256.New()
		_, err = io.Copy(digest, file)
		file.Close()
		if err != nil {
			return err
		}
		body += fmt.Sprintf("%s %x\n", name, digest.Sum(nil))
	}
	raw, err := b.read("seal")
	if err != nil {
		return err
	}
	n, err := parseNote(string(raw))
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	if n.body != body {
		b.v.fault("the seal is not of this bundle: something in it was changed")
	} else if len(n.signers(b.keys, b.checkpoint)) == 0 {
		b.v.fault("the seal is not signed by any of the given keys")
	}
	return nil
}

// eachLine reads the objects of a member, one a line.
func (b *bundle) eachLine(name string, take func(*fields) error) error {
	file, err := b.members[name].Open()
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, lineBytesMax+1) // a longer line is never held
	for {
		part, err := lines.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			return fmt.Errorf("%s has a line that is too long", name)
		}
		if err != nil && err != io.EOF {
			return err
		}
		if len(part) == 0 {
			return nil
		}
		f, err := objectOf(append([]byte(nil), part...)) // the reader writes over its own
		if err == nil {
			err = take(f)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}

func (b *bundle) readEvents() error {
	var events []*event
	err := b.eachLine("events.ndjson", func(f *fields) error {
		e, err := parseEvent(f)
		if err != nil {
			return err
		}
		if len(events) > 0 && events[0].originator != e.originator {
			b.finish(events)
			events = nil
		}
		if e.version != int64(len(events)+1) {
			b.v.fault("position %d: version %d of %s is missing, or stands elsewhere", e.position, len(events)+1, e.originator)
		}
		events = append(events, e)
		b.place(e)
		return nil
	})
	if len(events) > 0 {
		b.finish(events)
	}
	return err
}

// place holds an event against the log.
func (b *bundle) place(e *event) {
	if !strings.Contains(e.originator, ":") && !e.withheld {
		identity := e.state.text("source") + "\x1f" + e.state.text("event_id")
		if b.identities[identity] != 0 {
			b.v.fault("position %d: another event has the same source and id", e.position)
		}
		b.identities[identity] = e.position
	}
	if b.kind == "enterprise" {
		b.placeProved(e)
		return
	}
	at := e.position - 1
	if e.withheld || at >= b.size {
		b.v.fault("position %d: the event is withheld, or the log has no such position", e.position)
		return
	}
	if b.present[at] {
		b.v.fault("position %d: the event stands twice", e.position)
	}
	b.present[at] = true
	if !bytes.Equal(b.leaves[at*sha256.Size:(at+1)*sha256.Size], e.leaf[:]) {
		b.v.fault("position %d: the event is not the one that was logged", e.position)
	}
}

func (b *bundle) placeProved(e *event) {
	if !included(e.leaf, e.position-1, b.size, e.path, b.checkpoint.root) {
		b.v.fault("position %d: the event is not in the log", e.position)
	}
	code, _ := b.values["enterprise"].(string)
	isOwn := e.originator == code || e.originator == "policy:"+b.policy
	isSettlement := false
	if rest, ok := strings.CutPrefix(e.originator, "settlement:"); ok {
		policy, _, ok := policyYear(rest)
		isSettlement = ok && policy == b.policy
	}
	policy, _, of, ok := owner(e.originator)
	isAccount := ok && policy == b.policy && of == code
	if !isOwn && !isSettlement && !isAccount || e.withheld && !isSettlement {
		b.v.fault("position %d: an event of %s does not belong here", e.position, e.originator)
	}
}

// ranks are what must stand before what; other originators stand anywhere.
func rankOf(originator string) int {
	kind, _, hasKind := strings.Cut(originator, ":")
	if !hasKind {
		return 3
	}
	return map[string]int{"policy": 1, "settlement": 2, "account": 4}[kind]
}

// finish follows an originator whose events have all been read.
func (b *bundle) finish(events []*event) {
	originator, position := events[0].originator, events[0].position
	if rank := rankOf(originator); rank > 0 && rank < b.rank {
		b.v.fault("position %d: %s stands out of order", position, originator)
	} else {
		b.rank = max(b.rank, rank)
	}
	if rest, ok := strings.CutPrefix(originator, "settlement:"); ok {
		if policy, year, ok := policyYear(rest); ok && policy == b.policy {
			b.followSettlement(year, events)
		}
	}
	if policy, year, code, ok := owner(originator); ok && policy == b.policy {
		b.followAccount(year, code, events)
	}
}

func (b *bundle) followAccount(year int64, code string, events []*event) {
	a, c := newAccount(), b.closings[year]
	for _, e := range events {
		if e.withheld {
			continue
		}
		f := e.state
		if f.text("policy") != b.policy || f.whole("year") != year || f.text("enterprise") != code {
			b.v.fault("position %d: %s stands in the account of %s %d", e.position, e.kind, code, year)
			continue
		}
		isPart := e.kind == "AwardsSettled"
		switch {
		case c == nil:
			b.v.fault("position %d: the year %d is not closed", e.position, year)
		case isPart && (e.version != 1 || e.position < c.first || e.position >= c.position):
			b.v.fault("position %d: the part does not stand just before the closing", e.position)
		case !isPart && e.position < c.position:
			b.v.fault("position %d: %s stands before the closing", e.position, e.kind)
		}
		isClosed := func(into int64) bool { return b.closings[into] != nil && b.closings[into].position < e.position }
		if err := a.take(e, isClosed); err != nil {
			b.v.fault("position %d: %s %d: %s: %v", e.position, code, year, e.kind, err)
		}
		if isPart && c != nil {
			b.takePart(year, code, e, c)
		}
	}
}

func (b *bundle) takePart(year int64, code string, e *event, c *closing) {
	lines, err := linesOf(e.state)
	if err != nil {
		b.v.fault("position %d: %v", e.position, err)
		return
	}
	if b.parts[year] == nil {
		b.parts[year] = newParts(c.first)
	}
	p := b.parts[year]
	if b.kind == "year" && e.position != p.next {
		b.v.fault("position %d: the part of an enterprise in %d was to stand at %d", e.position, year, p.next)
	}
	p.add(code, lines, e.position)
	for _, line := range lines {
		if line.gross-line.withheld-line.reduction != line.payable {
			b.v.fault("position %d: %s %s does not add up", e.position, code, line.measure)
		}
	}
	if year == b.year {
		b.part = append(b.part, &part{code, lines})
	}
}

func (b *bundle) conclude() error {
	for at, present := range b.present {
		if !present {
			b.v.fault("position %d: the event is missing", at+1)
		}
	}
	for year, c := range b.closings {
		if root, given := b.roots[c.state.whole("log_size")]; b.kind == "year" && (!given || hexText(root) != c.state.text("log_root")) {
			b.v.fault("the closing of %d names another root of the log", year)
		}
		if b.kind == "year" {
			p := b.parts[year]
			if p == nil {
				p = newParts(c.first)
			}
			p.compare(year, c, b.v)
		}
	}
	c := b.closings[b.year]
	if c == nil {
		b.v.remarks = append(b.v.remarks, fmt.Sprintf("%d is not closed: its budget, factor and rows of awards follow from the policy, and were not checked", b.year))
		if b.values["closed"] != nil {
			b.v.fault("%d is not closed, the bundle says it is", b.year)
		}
		return b.eachLine("awards.ndjson", func(f *fields) error { _, err := awardRow(f); return err })
	}
	if b.values["closed"] != c.position {
		b.v.fault("%d was closed at %d, the bundle says %v", b.year, c.position, b.values["closed"])
	}
	if b.kind == "enterprise" {
		if err := b.checkLog(c); err != nil {
			return err
		}
	}
	if err := b.checkHead(c); err != nil {
		return err
	}
	return b.checkRows()
}

// checkLog holds the log that the closing names against the one that was signed.
func (b *bundle) checkLog(c *closing) error {
	root, ok := unhash(c.state.text("log_root"))
	path := b.hashes("log_path")
	if b.err != nil {
		return b.err
	}
	if !ok || !continues(c.state.whole("log_size"), b.size, root, b.checkpoint.root, path) {
		b.v.fault("the closing of %d names another log", b.year)
	}
	return nil
}

func (b *bundle) checkHead(c *closing) error {
	pots, err := potsOf(c.state)
	if err != nil {
		return err
	}
	figures := map[string]string{
		"budget": printFen(c.state.whole("budget_fen")), "sharing": printFen(c.state.whole("sharing_fen")), "factor": factorOf(pots),
	}
	for name, figure := range figures {
		if b.text(name) != figure {
			b.v.fault("%s is %s, the bundle says %s", name, figure, b.text(name))
		}
	}
	if period := b.text("period"); period != "life" && period != fmt.Sprint(b.year) {
		b.v.fault("%d is not paid from the budget of %s", b.year, period)
	}
	stated := b.listOr("pots")
	if len(c.state.listOr("pots")) == 0 {
		pots = nil
	}
	if b.err != nil {
		return b.err
	}
	if len(stated) != len(pots) {
		b.v.fault("the pots are not those of the closing")
		return nil
	}
	byName := map[any][]any{}
	for _, each := range stated {
		parts, _ := each.([]any)
		if len(parts) != 3 {
			return errors.New("bundle.json: pots: not [pot, budget, sharing] as text")
		}
		byName[fmt.Sprintf("%T %v", parts[0], parts[0])] = parts
	}
	for _, p := range pots {
		parts := byName["string "+p.name]
		if parts == nil || parts[1] != printFen(p.has) || parts[2] != printFen(p.sharing) {
			b.v.fault("the pot %s is not as the closing has it", p.name)
		}
	}
	return nil
}

func awardRow(f *fields) (string, error) {
	text := fmt.Sprintf("%q %q %d: %d %d %d %d", f.text("enterprise"), f.text("measure"), f.whole("year"),
		f.fen("gross"), f.fen("withheld"), f.fen("reduction"), f.fen("payable"))
	return text, f.err
}

// checkRows holds the ledger's rows of awards against the parts of the closed year, one for one.
func (b *bundle) checkRows() error {
	settled := map[string]int{}
	for _, p := range b.part {
		for _, line := range p.lines {
			settled[fmt.Sprintf("%q %q %d: %d %d %d %d", p.code, line.measure, line.awardYear, line.gross, line.withheld, line.reduction, line.payable)]++
		}
	}
	err := b.eachLine("awards.ndjson", func(f *fields) error {
		text, err := awardRow(f)
		if settled[text]--; err == nil && settled[text] < 0 {
			b.v.fault("%s: was not settled", text)
		}
		return err
	})
	for text, left := range settled {
		if left > 0 {
			b.v.fault("%s: the bundle has no such row", text)
		}
	}
	return err
}
