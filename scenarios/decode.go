package scenarios

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"bench/internal/nearest"
)

// scalar is a type that reads its own text.
type scalar interface{ setScalar(text string) error }

// decoder fills a Scenario from a tree, noting every fault and the place of
// every value by its path ("load[0].phases[1].rate").
type decoder struct {
	f   *faults
	pos map[string]Pos
	// keys holds the place of the key itself, where a fault is about the key.
	keys map[string]Pos
	// blocks holds where the text of literal blocks begins.
	blocks map[string]Pos
	// bad are the paths whose value could not be read: nothing more is said
	// about them.
	bad map[string]bool
}

func newDecoder(f *faults) *decoder {
	return &decoder{f: f, pos: map[string]Pos{}, keys: map[string]Pos{}, blocks: map[string]Pos{}, bad: map[string]bool{}}
}

// field is one key of a struct of the format.
type field struct {
	index    int
	key      string
	required bool
	fallback string // text that stands in for an absent key
	enum     []string
}

// fieldsOf reads the tags of a struct of the format.
func fieldsOf(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("yaml")
		if !ok {
			continue
		}
		key, option, _ := strings.Cut(tag, ",")
		f := field{index: i, key: key, required: option == "required", fallback: t.Field(i).Tag.Get("default")}
		if enum, ok := t.Field(i).Tag.Lookup("enum"); ok {
			f.enum = strings.Split(enum, ",")
		}
		all = append(all, f)
	}
	return all
}

// hasKeys tells whether a type is written as a mapping.
func hasKeys(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && len(fieldsOf(t)) > 0
}

func (d *decoder) fault(path string, at Pos, format string, args ...any) {
	d.bad[path] = true
	d.f.add(at, format, args...)
}

// decode fills v, which is settable, from n.
func (d *decoder) decode(n *node, v reflect.Value, path string) {
	d.pos[path] = n.pos
	if n.block.Line > 0 {
		d.blocks[path] = n.block
	}
	if n.bad {
		d.bad[path] = true
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if s, ok := reflect.TypeAssert[scalar](v.Addr()); ok && (n.kind == scalarNode || !hasKeys(v.Type())) {
		if n.kind != scalarNode {
			d.fault(path, n.pos, "%s wants a value, not %s", leaf(path), n.kind)
			return
		}
		d.defaults(v)
		if err := s.setScalar(n.text); err != nil {
			d.fault(path, n.pos, "%s: %s", leaf(path), printable(err.Error()))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Map:
		d.mapping(n, v, path)
	case reflect.Slice:
		d.list(n, v, path)
	default:
		if n.kind != scalarNode {
			d.fault(path, n.pos, "%s wants %s, not %s", leaf(path), wants(v.Kind()), n.kind)
			return
		}
		if !setBasic(v, n) {
			d.fault(path, n.pos, "%s wants %s, not %q", leaf(path), wants(v.Kind()), printable(n.text))
		}
	}
}

func (d *decoder) structure(n *node, v reflect.Value, path string) {
	d.defaults(v)
	fields := fieldsOf(v.Type())
	if n.kind != mapNode {
		d.fault(path, n.pos, "%s wants a mapping with keys such as %s, not %s", leaf(path), fields[0].key, n.kind)
		return
	}
	meant := map[string]bool{} // keys under other names
	for _, e := range n.entries {
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == e.key })
		if why := retired[join(path, e.key)]; i < 0 && why != "" {
			d.f.add(e.keyPos, "%s", why)
			continue
		}
		if i < 0 {
			meant[cmp.Or(synonym(e.key, keysOf(fields)), nearest.Word(e.key, keysOf(fields)))] = true
			d.f.add(e.keyPos, "unknown key %q%s%s", printable(e.key), in(path), didYouMean(e.key, keysOf(fields)))
			continue
		}
		at := join(path, e.key)
		d.keys[at] = e.keyPos
		if e.value.kind == nullNode {
			d.fault(at, e.keyPos, "%s has no value", e.key)
			continue
		}
		d.decode(e.value, v.Field(fields[i].index), at)
		if fields[i].enum != nil && !d.bad[at] {
			if text := fmt.Sprint(v.Field(fields[i].index).Interface()); !slices.Contains(fields[i].enum, text) {
				known := slices.DeleteFunc(slices.Clone(fields[i].enum), func(s string) bool { return s == "" })
				d.fault(at, e.value.pos, "%s cannot be %q%s", e.key, printable(text), didYouMean(text, known))
			}
		}
	}
	for _, f := range fields {
		if f.required && n.get(f.key) == nil {
			if meant[f.key] {
				d.bad[join(path, f.key)] = true // said already
				continue
			}
			d.fault(join(path, f.key), n.pos, "%s is missing%s", f.key, in(path))
		}
	}
}

// defaults gives the fields of a struct the text of their default tags.
func (d *decoder) defaults(v reflect.Value) {
	if v.Kind() != reflect.Struct {
		return
	}
	t := v.Type()
	for i := range t.NumField() {
		f := v.Field(i)
		if !f.CanSet() {
			continue
		}
		if f.Kind() == reflect.Struct {
			d.defaults(f)
		}
		text, ok := t.Field(i).Tag.Lookup("default")
		if !ok {
			continue
		}
		if s, ok := reflect.TypeAssert[scalar](f.Addr()); ok {
			if err := s.setScalar(text); err != nil {
				panic("scenarios: default of " + t.Name() + "." + t.Field(i).Name + ": " + err.Error())
			}
			continue
		}
		setBasic(f, &node{kind: scalarNode, text: text})
	}
}

func (d *decoder) mapping(n *node, v reflect.Value, path string) {
	if n.kind != mapNode {
		d.fault(path, n.pos, "%s wants a mapping, not %s", leaf(path), n.kind)
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range n.entries {
		at := join(path, e.key)
		d.keys[at] = e.keyPos
		value := reflect.New(v.Type().Elem()).Elem()
		d.decode(e.value, value, at)
		v.SetMapIndex(reflect.ValueOf(e.key), value)
	}
}

func (d *decoder) list(n *node, v reflect.Value, path string) {
	if n.kind != seqNode {
		d.fault(path, n.pos, "%s wants a list, not %s", leaf(path), n.kind)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		if item.kind == nullNode && v.Index(i).Kind() == reflect.Pointer {
			continue // a list of pointers knows null
		}
		d.decode(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

// setBasic reads a scalar into a string, bool, integer or float.
func setBasic(v reflect.Value, n *node) bool {
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.text)
		return true
	case reflect.Bool:
		if n.text != "true" && n.text != "false" {
			return false
		}
		v.SetBool(n.text == "true")
		return true
	case reflect.Int:
		i, err := strconv.ParseInt(n.text, 10, 32)
		v.SetInt(i)
		return err == nil
	case reflect.Uint64:
		u, err := strconv.ParseUint(n.text, 10, 64)
		v.SetUint(u)
		return err == nil
	case reflect.Float64:
		x, err := strconv.ParseFloat(n.text, 64)
		v.SetFloat(x)
		return err == nil && x-x == 0 // neither infinite nor not a number
	}
	panic("scenarios: no reader for " + v.Kind().String())
}

// wants names what a basic type accepts.
func wants(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Uint64:
		return "a whole number that is not negative"
	case reflect.Float64:
		return "a number"
	default:
		return "a text"
	}
}

func keysOf(fields []field) []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return keys
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// leaf is the last key of a path, as messages name the value.
func leaf(path string) string {
	if path == "" {
		return "a scenario"
	}
	return path[strings.LastIndexByte(path, '.')+1:]
}

// in is " in PATH", empty at the top.
func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}
