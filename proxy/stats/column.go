package stats

import "iter"

// Column is one field of "show stat", for those who write it in another form.
type Column struct{ c *column }

// ColumnNamed finds a column by its name, those of modules included.
func ColumnNamed(name string) (Column, bool) {
	for _, list := range [][]column{columns, moduleColumns} {
		for i := range list {
			if list[i].name == name {
				return Column{&list[i]}, true
			}
		}
	}
	return Column{}, false
}

// ModuleColumns are those of protocols.
func ModuleColumns() []Column {
	list := make([]Column, len(moduleColumns))
	for i := range moduleColumns {
		list[i].c = &moduleColumns[i]
	}
	return list
}

// Name is the name of the column.
func (c Column) Name() string { return c.c.name }

// Doc describes it in a few words.
func (c Column) Doc() string { return c.c.doc }

// Counter tells whether it only grows.
func (c Column) Counter() bool { return c.c.tags[1] == 'C' }

// Number is its value in a row, and false if it has none, or none that is a number.
func (c Column) Number(r *Row) (float64, bool) { return c.c.value(r).number() }

func (v value) number() (float64, bool) {
	switch v.kind {
	case kindU32, kindU64:
		return float64(v.u), true
	case kindS32:
		return float64(v.n), true
	case kindFlt:
		return v.f, true
	case kindNone, kindStr:
	}
	return 0, false
}

// InfoNumber is a field of "show info" by its name, and false if there is none, or none
// that is a number.
func InfoNumber(i *Info, name string) (v float64, doc string, ok bool) {
	for k := range infoFields {
		if f := &infoFields[k]; f.name == name {
			v, ok := f.get(i).number()
			return v, f.doc, ok
		}
	}
	return 0, "", false
}

// Figures are the fields of a row that have a value, as a string or an int64.
func Figures(r *Row) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i := range columns {
			if v, ok := columns[i].value(r).plain(); ok && !yield(columns[i].name, v) {
				return
			}
		}
	}
}

// InfoFigures is Figures for the process.
func InfoFigures(i *Info) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for k := range infoFields {
			if v, ok := infoFields[k].get(i).plain(); ok && !yield(infoFields[k].name, v) {
				return
			}
		}
	}
}

func (v value) plain() (any, bool) {
	switch v.kind {
	case kindStr:
		return v.s, true
	case kindU32, kindU64:
		return int64(v.u), true
	case kindS32:
		return v.n, true
	case kindFlt:
		return v.f, true
	case kindNone:
	}
	return nil, false
}
