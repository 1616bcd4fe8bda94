package format

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"bench/internal/nearest"
	"bench/scenarios/source"
)

// scalar is a type that reads its own text.
type scalar interface{ setScalar(text string) error }

// Decoder fills a Scenario from a tree, noting every fault and the place of
// every value by its path ("load[0].phases[1].rate").
type Decoder struct {
	Faults *source.Faults
	Pos    map[string]source.Pos
	// Keys holds the place of the key itself, where a fault is about the key.
	Keys map[string]source.Pos
	// Blocks holds where the text of literal blocks begins.
	Blocks map[string]source.Pos
	// Bad are the paths whose value could not be read: nothing more is said
	// about them.
	Bad map[string]bool
}

// NewDecoder begins to decode; what is wrong goes to f.
func NewDecoder(f *source.Faults) *Decoder {
	return &Decoder{Faults: f, Pos: map[string]source.Pos{}, Keys: map[string]source.Pos{}, Blocks: map[string]source.Pos{}, Bad: map[string]bool{}}
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

// hasKeys reports whether a type is written as a mapping.
func hasKeys(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && len(fieldsOf(t)) > 0
}

func (d *Decoder) fault(path string, at source.Pos, format string, args ...any) {
	d.Bad[path] = true
	d.Faults.Add(at, format, args...)
}

// Decode fills v, which is settable, from n.
func (d *Decoder) Decode(n *source.Node, v reflect.Value, path string) {
	d.Pos[path] = n.Pos
	if n.Block.Line > 0 {
		d.Blocks[path] = n.Block
	}
	if n.Bad {
		d.Bad[path] = true
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if s, ok := reflect.TypeAssert[scalar](v.Addr()); ok && (n.Kind == source.ScalarNode || !hasKeys(v.Type())) {
		if n.Kind != source.ScalarNode {
			d.fault(path, n.Pos, "%s wants a value, not %s", Leaf(path), n.Kind)
			return
		}
		d.defaults(v)
		if err := s.setScalar(n.Text); err != nil {
			d.fault(path, n.Pos, "%s: %s", Leaf(path), source.Printable(err.Error()))
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
		if n.Kind != source.ScalarNode {
			d.fault(path, n.Pos, "%s wants %s, not %s", Leaf(path), wants(v.Kind()), n.Kind)
			return
		}
		if !setBasic(v, n) {
			d.fault(path, n.Pos, "%s wants %s, not %q", Leaf(path), wants(v.Kind()), source.Printable(n.Text))
		}
	}
}

func (d *Decoder) structure(n *source.Node, v reflect.Value, path string) {
	d.defaults(v)
	fields := fieldsOf(v.Type())
	if n.Kind != source.MapNode {
		d.fault(path, n.Pos, "%s wants a mapping with keys such as %s, not %s", Leaf(path), fields[0].key, n.Kind)
		return
	}
	meant := map[string]bool{} // keys under other names
	for _, e := range n.Entries {
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == e.Key })
		if why := retired[join(path, e.Key)]; i < 0 && why != "" {
			d.Faults.Add(e.KeyPos, "%s", why)
			continue
		}
		if i < 0 {
			meant[cmp.Or(source.Synonym(e.Key, keysOf(fields)), nearest.Word(e.Key, keysOf(fields)))] = true
			d.Faults.Add(e.KeyPos, "unknown key %q%s%s", source.Printable(e.Key), in(path), source.DidYouMean(e.Key, keysOf(fields)))
			continue
		}
		at := join(path, e.Key)
		d.Keys[at] = e.KeyPos
		if e.Value.Kind == source.NullNode {
			d.fault(at, e.KeyPos, "%s has no value", e.Key)
			continue
		}
		d.Decode(e.Value, v.Field(fields[i].index), at)
		if fields[i].enum != nil && !d.Bad[at] {
			if text := fmt.Sprint(v.Field(fields[i].index).Interface()); !slices.Contains(fields[i].enum, text) {
				known := slices.DeleteFunc(slices.Clone(fields[i].enum), func(s string) bool { return s == "" })
				d.fault(at, e.Value.Pos, "%s cannot be %q%s", e.Key, source.Printable(text), source.DidYouMean(text, known))
			}
		}
	}
	for _, f := range fields {
		if f.required && n.Get(f.key) == nil {
			if meant[f.key] {
				d.Bad[join(path, f.key)] = true // said already
				continue
			}
			d.fault(join(path, f.key), n.Pos, "%s is missing%s", f.key, in(path))
		}
	}
}

// defaults gives the fields of a struct the text of their default tags.
func (d *Decoder) defaults(v reflect.Value) {
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
		setBasic(f, &source.Node{Kind: source.ScalarNode, Text: text})
	}
}

func (d *Decoder) mapping(n *source.Node, v reflect.Value, path string) {
	if n.Kind != source.MapNode {
		d.fault(path, n.Pos, "%s wants a mapping, not %s", Leaf(path), n.Kind)
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range n.Entries {
		at := join(path, e.Key)
		d.Keys[at] = e.KeyPos
		value := reflect.New(v.Type().Elem()).Elem()
		d.Decode(e.Value, value, at)
		v.SetMapIndex(reflect.ValueOf(e.Key), value)
	}
}

func (d *Decoder) list(n *source.Node, v reflect.Value, path string) {
	if n.Kind != source.SeqNode {
		d.fault(path, n.Pos, "%s wants a list, not %s", Leaf(path), n.Kind)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items)))
	for i, item := range n.Items {
		if item.Kind == source.NullNode && v.Index(i).Kind() == reflect.Pointer {
			continue // a list of pointers knows null
		}
		d.Decode(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

// setBasic reads a scalar into a string, bool, integer or float.
func setBasic(v reflect.Value, n *source.Node) bool {
	switch v.Kind() {
	case reflect.String:
		v.SetString(n.Text)
		return true
	case reflect.Bool:
		if n.Text != "true" && n.Text != "false" {
			return false
		}
		v.SetBool(n.Text == "true")
		return true
	case reflect.Int:
		i, err := strconv.ParseInt(n.Text, 10, 32)
		v.SetInt(i)
		return err == nil
	case reflect.Uint64:
		u, err := strconv.ParseUint(n.Text, 10, 64)
		v.SetUint(u)
		return err == nil
	case reflect.Float64:
		x, err := strconv.ParseFloat(n.Text, 64)
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

// Leaf is the last key of a path, as messages name the value.
func Leaf(path string) string {
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

// TopKeys are the keys of a scenario.
func TopKeys() []string { return keysOf(fieldsOf(reflect.TypeFor[Scenario]())) }

// ArgKeys are the keys of the arguments of events.
func ArgKeys() []string { return keysOf(fieldsOf(reflect.TypeFor[EventArgs]())) }
