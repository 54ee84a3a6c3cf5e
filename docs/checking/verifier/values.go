package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON as every reader sees it alike. encoding/json takes the last of two equal keys, floats and half
// characters, so the text is read here: values are nil, bool, int64, string, []any and map[string]any.

const (
	wholeMax = 1<<53 - 1
	depthMax = 200
)

type reader struct {
	text  string
	at    int
	depth int
	max   int64
}

func parseJSON(raw []byte) (any, error) { return parseWithin(raw, wholeMax) }

// parseState reads a stored state, whose sums may be as large as the ledger's whole numbers.
func parseState(raw []byte) (any, error) { return parseWithin(raw, math.MaxInt64) }

func parseWithin(raw []byte, max int64) (any, error) {
	if !utf8.Valid(raw) {
		return nil, fmt.Errorf("not in UTF-8")
	}
	r := &reader{text: string(raw), max: max}
	r.skipBlanks()
	value, err := r.value()
	if err != nil {
		return nil, fmt.Errorf("not JSON as a ledger writes it, at byte %d: %w", r.at, err)
	}
	r.skipBlanks()
	if r.at != len(r.text) {
		return nil, fmt.Errorf("something stands behind the JSON value")
	}
	return value, nil
}

func (r *reader) skipBlanks() {
	for r.at < len(r.text) && strings.IndexByte(" \t\n\r", r.text[r.at]) >= 0 {
		r.at++
	}
}

func (r *reader) take(token string) bool {
	if strings.HasPrefix(r.text[r.at:], token) {
		r.at += len(token)
		return true
	}
	return false
}

func (r *reader) value() (any, error) {
	if r.depth++; r.depth > depthMax {
		return nil, fmt.Errorf("nested too deeply")
	}
	defer func() { r.depth-- }()
	if r.at == len(r.text) {
		return nil, fmt.Errorf("it ends")
	}
	switch c := r.text[r.at]; {
	case c == '{':
		return r.object()
	case c == '[':
		return r.array()
	case c == '"':
		return r.str()
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	case r.take("null"):
		return nil, nil
	case r.take("true"):
		return true, nil
	case r.take("false"):
		return false, nil
	}
	return nil, fmt.Errorf("no value")
}

func (r *reader) object() (any, error) {
	values := map[string]any{}
	r.at++
	r.skipBlanks()
	if r.take("}") {
		return values, nil
	}
	for {
		r.skipBlanks()
		if r.at == len(r.text) || r.text[r.at] != '"' {
			return nil, fmt.Errorf("no key")
		}
		key, err := r.str()
		if err != nil {
			return nil, err
		}
		if _, twice := values[key]; twice {
			return nil, fmt.Errorf("%q is written more than once", key)
		}
		r.skipBlanks()
		if !r.take(":") {
			return nil, fmt.Errorf("no colon")
		}
		r.skipBlanks()
		if values[key], err = r.value(); err != nil {
			return nil, err
		}
		r.skipBlanks()
		if r.take("}") {
			return values, nil
		}
		if !r.take(",") {
			return nil, fmt.Errorf("no comma")
		}
	}
}

func (r *reader) array() (any, error) {
	values := []any{}
	r.at++
	r.skipBlanks()
	if r.take("]") {
		return values, nil
	}
	for {
		r.skipBlanks()
		value, err := r.value()
		if err != nil {
			return nil, err
		}
		values = append(values, value)
		r.skipBlanks()
		if r.take("]") {
			return values, nil
		}
		if !r.take(",") {
			return nil, fmt.Errorf("no comma")
		}
	}
}

func (r *reader) number() (any, error) {
	start := r.at
	r.take("-")
	digits := r.at
	for r.at < len(r.text) && r.text[r.at] >= '0' && r.text[r.at] <= '9' {
		r.at++
	}
	text := r.text[start:r.at]
	if r.at == digits || r.text[digits] == '0' && (r.at > digits+1 || digits > start) {
		return nil, fmt.Errorf("%s is no whole number", text)
	}
	if r.at < len(r.text) && strings.IndexByte(".eE", r.text[r.at]) >= 0 {
		return nil, fmt.Errorf("a fraction")
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number > r.max || number < -r.max {
		return nil, fmt.Errorf("%s is too large", text)
	}
	return number, nil
}

var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (r *reader) str() (string, error) {
	var out strings.Builder
	for r.at++; r.at < len(r.text); {
		c := r.text[r.at]
		r.at++
		switch {
		case c == '"':
			return out.String(), nil
		case c < 0x20:
			return "", fmt.Errorf("a control character")
		case c != '\\':
			out.WriteByte(c)
		case r.at == len(r.text):
			return "", fmt.Errorf("it ends")
		case r.text[r.at] == 'u':
			letter, err := r.escaped()
			if err != nil {
				return "", err
			}
			out.WriteRune(letter)
		default:
			plain, known := escapes[r.text[r.at]]
			if !known {
				return "", fmt.Errorf("no escape")
			}
			out.WriteByte(plain)
			r.at++
		}
	}
	return "", fmt.Errorf("it ends")
}

func (r *reader) escaped() (rune, error) {
	first, err := r.unit()
	if err != nil || !utf16.IsSurrogate(first) {
		return first, err
	}
	if !r.take("\\") || r.at == len(r.text) || r.text[r.at] != 'u' {
		return 0, fmt.Errorf("half a character")
	}
	second, err := r.unit()
	if err != nil {
		return 0, err
	}
	if letter := utf16.DecodeRune(first, second); letter != utf8.RuneError {
		return letter, nil
	}
	return 0, fmt.Errorf("half a character")
}

func (r *reader) unit() (rune, error) {
	if r.at+5 > len(r.text) {
		return 0, fmt.Errorf("it ends")
	}
	raw, err := hex.DecodeString(r.text[r.at+1 : r.at+5])
	if err != nil {
		return 0, fmt.Errorf("no escape")
	}
	r.at += 5
	return rune(raw[0])<<8 | rune(raw[1]), nil
}

// --- canonical JSON, digests and marks ---------------------------------------------------------------

func canonical(out *strings.Builder, value any) {
	switch v := value.(type) {
	case nil:
		out.WriteString("null")
	case bool:
		out.WriteString(strconv.FormatBool(v))
	case int64:
		out.WriteString(strconv.FormatInt(v, 10))
	case string:
		quote(out, v)
	case []any:
		out.WriteByte('[')
		for n, part := range v {
			if n > 0 {
				out.WriteByte(',')
			}
			canonical(out, part)
		}
		out.WriteByte(']')
	case map[string]any:
		out.WriteByte('{')
		for n, key := range sortedKeys(v) {
			if n > 0 {
				out.WriteByte(',')
			}
			quote(out, key)
			out.WriteByte(':')
			canonical(out, v[key])
		}
		out.WriteByte('}')
	}
}

func sortedKeys[V any](values map[string]V) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func quote(out *strings.Builder, text string) {
	short := map[byte]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	out.WriteByte('"')
	for i := 0; i < len(text); i++ {
		if escape, known := short[text[i]]; known {
			out.WriteString(escape)
		} else if text[i] < 0x20 {
			fmt.Fprintf(out, `\u%04x`, text[i])
		} else {
			out.WriteByte(text[i])
		}
	}
	out.WriteByte('"')
}

func digestOf(value any) string {
	var out strings.Builder
	canonical(&out, value)
	return hexOfSum([]byte(out.String()))
}

func hexOfSum(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func marksOf(value any, place string, marks map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for key, part := range v {
			name := strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
			marksOf(part, place+"/"+name, marks)
		}
		if len(v) > 0 {
			return
		}
	case []any:
		for n, part := range v {
			marksOf(part, fmt.Sprintf("%s/%d", place, n), marks)
		}
		if len(v) > 0 {
			return
		}
	}
	marks[place] = digestOf(value)[:8]
}

// --- bytes written as text ---------------------------------------------------------------------------

func unhex(text string) ([]byte, bool) {
	raw, err := hex.DecodeString(text)
	return raw, err == nil && text == strings.ToLower(text)
}

func unhash(text string) (hash, bool) {
	raw, ok := unhex(text)
	if !ok || len(raw) != sha256.Size {
		return hash{}, false
	}
	return hash(raw), true
}

// unbase64 takes no second spelling of the same bytes.
func unbase64(text string) ([]byte, bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	return raw, err == nil && base64.StdEncoding.EncodeToString(raw) == text
}

func printFen(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s%d.%02d", sign, fen/100, fen%100)
}

func parseFen(text string) (int64, bool) {
	digits := strings.TrimPrefix(text, "-")
	point := len(digits) - 3
	if point < 1 || digits[point] != '.' || len(text) > 40 {
		return 0, false
	}
	digits = digits[:point] + digits[point+1:]
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
	}
	fen, err := strconv.ParseInt(digits, 10, 64)
	if strings.HasPrefix(text, "-") {
		fen = -fen
	}
	return fen, err == nil
}
