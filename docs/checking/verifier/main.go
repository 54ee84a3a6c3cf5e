// Command verifier checks what a subsidy ledger hands out: audit bundles, receipts and published lists.
//
// It was written from docs/formats.en.md and shares no code with the ledger nor with the verifier in
// Python. It does not carry out a policy's rules, so it does not work out which awards follow from the
// facts; of a closed year it holds everything to what was settled.
package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	exitVerified = iota
	exitFaults
	exitUnreadable
)

// options are what the reader gives: keys, and how many witnesses must have signed.
type options struct {
	keys      []*key
	witnesses int
}

func verify(path string, o options) (v *verdict, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			v, err = nil, fmt.Errorf("damaged: %v", recovered)
		}
	}()
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err == nil {
		return verifyBundle(archive, o.keys, o.witnesses)
	}
	if !errors.Is(err, zip.ErrFormat) {
		return nil, err
	}
	if isList(raw) {
		return verifyList(raw, o.keys, o.witnesses)
	}
	return verifyReceipt(raw, o.keys, o.witnesses)
}

func exitOf(v *verdict, err error) int {
	switch {
	case err != nil:
		return exitUnreadable
	case v.count > 0:
		return exitFaults
	}
	return exitVerified
}

func report(out io.Writer, v *verdict, err error) {
	if err != nil {
		fmt.Fprintf(out, "NOT VERIFIED: %s\n", printable(err.Error()))
		return
	}
	for _, remark := range append(v.remarks, "which awards follow from the facts is the policy's, and was not worked out") {
		fmt.Fprintf(out, "· %s\n", printable(remark))
	}
	for _, fault := range v.faults {
		fmt.Fprintf(out, "! %s\n", printable(fault))
	}
	if v.count > 0 {
		fmt.Fprintf(out, "NOT VERIFIED: %d faults\n", v.count)
		return
	}
	fmt.Fprintln(out, "VERIFIED")
}

// printable is text that may come from a file, as one line that no terminal takes for a command.
func printable(text string) string {
	quoted := fmt.Sprintf("%+.1000q", text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

func main() {
	var keyTexts []string
	add := func(text string) error { keyTexts = append(keyTexts, text); return nil }
	flag.Func("key", "a public key that you trust", add)
	flag.Func("keys", "a file of keys that you trust, one a line, with their proofs", func(path string) error {
		raw, err := os.ReadFile(path)
		keyTexts = append(keyTexts, string(raw))
		return err
	})
	witnesses := flag.Int("witnesses", 0, "how many other keys must have signed")
	each := flag.Bool("each", false, "read names of files from standard input, and print the exit code of each")
	flag.Parse()
	keys, err := parseKeys(strings.Join(keyTexts, "\n"))
	o := options{keys, *witnesses}
	if err != nil || !*each && flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: verifier --key KEY FILE:", err)
		os.Exit(exitUnreadable)
	}
	if !*each {
		v, err := verify(flag.Arg(0), o)
		report(os.Stdout, v, err)
		os.Exit(exitOf(v, err))
	}
	names := bufio.NewScanner(os.Stdin)
	for names.Scan() {
		v, err := verify(names.Text(), o)
		why := ""
		if err != nil {
			why = err.Error()
		} else if len(v.faults) > 0 {
			why = v.faults[0]
		}
		fmt.Printf("%d\t%s\t%s\n", exitOf(v, err), names.Text(), printable(why))
	}
}
