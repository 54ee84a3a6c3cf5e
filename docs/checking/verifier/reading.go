package main

import (
	"errors"
	"fmt"
)

// verdict is what a file was found to be: faults make it NOT VERIFIED, an error says it could not be read.
type verdict struct {
	faults  []string
	count   int
	remarks []string
}

const faultsShown = 100

func (v *verdict) fault(form string, parts ...any) {
	if v.count++; v.count <= faultsShown {
		v.faults = append(v.faults, fmt.Sprintf(form, parts...))
	}
}

var errKind = errors.New("missing or not of its kind")

// fields reads the members of an object; the first that is not of its kind is remembered.
type fields struct {
	values map[string]any
	err    error
}

func (f *fields) miss(name string) {
	if f.err == nil {
		f.err = fmt.Errorf("%s: %w", name, errKind)
	}
}

func member[T any](f *fields, name string) T {
	value, ok := f.values[name].(T)
	if !ok {
		f.miss(name)
	}
	return value
}

func (f *fields) text(name string) string           { return member[string](f, name) }
func (f *fields) whole(name string) int64           { return member[int64](f, name) }
func (f *fields) list(name string) []any            { return member[[]any](f, name) }
func (f *fields) object(name string) map[string]any { return member[map[string]any](f, name) }

// wholeOr and listOr are of members that may be absent.
func (f *fields) listOr(name string) []any {
	if _, stated := f.values[name]; !stated {
		return nil
	}
	return f.list(name)
}

func (f *fields) textOr(name string) string {
	if f.values[name] == nil {
		return ""
	}
	return f.text(name)
}

func (f *fields) hashes(name string) []hash {
	var path []hash
	for _, each := range f.list(name) {
		text, _ := each.(string)
		h, ok := unhash(text)
		if !ok {
			f.miss(name)
		}
		path = append(path, h)
	}
	return path
}

func (f *fields) fen(name string) int64 {
	fen, ok := parseFen(f.text(name))
	if !ok {
		f.miss(name)
	}
	return fen
}

func objectOf(raw []byte) (*fields, error) {
	value, err := parseJSON(raw)
	if err != nil {
		return nil, err
	}
	values, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	return &fields{values: values}, nil
}

func of(value any) *fields {
	values, ok := value.(map[string]any)
	f := &fields{values: values}
	if !ok {
		f.miss("an object")
	}
	return f
}
