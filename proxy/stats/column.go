package stats

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
