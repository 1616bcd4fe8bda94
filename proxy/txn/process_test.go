package txn

import (
	"sync"
	"testing"
)

// A variable of the process is one for all who name it, and a copy of what it was set to.
func TestProcessVars(t *testing.T) {
	var names Names
	if names.Process.Find("a") != nil {
		t.Error("a variable that nobody has declared was found")
	}
	a := names.Process.Declare("a")
	if names.Process.Declare("a") != a || names.Process.Find("a") != a || names.Process.Declare("A") == a {
		t.Error("variables are not what their names say")
	}
	if v := a.Get(); v.Kind != None {
		t.Errorf("it is set before it was: %+v", v)
	}
	text := []byte("text")
	a.Set(&Value{Kind: Str, B: text})
	text[0] = 'n'
	if v := a.Get(); v.Kind != Str || string(v.B) != "text" {
		t.Errorf("%+v", v)
	}
	before := a.Get()
	a.Set(&Value{Kind: Int, Lo: 5})
	if v := a.Get(); v.Kind != Int || v.Lo != 5 || string(before.B) != "text" {
		t.Errorf("%+v, and before %+v", v, before)
	}
	a.Unset()
	if v := a.Get(); v.Kind != None {
		t.Errorf("it is set after it was forgotten: %+v", v)
	}
}

// Setting what is there already costs nothing.
func TestProcessVarsSetAgain(t *testing.T) {
	var p ProcessVars
	v, to := p.Declare("a"), Value{Kind: Str, B: []byte("the same")}
	v.Set(&to)
	if n := testing.AllocsPerRun(100, func() { v.Set(&to); _ = v.Get() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whoever reads sees one of the values that were set, whole.
func TestProcessVarsFromManyThreads(t *testing.T) {
	var p ProcessVars
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			mine := p.Declare("a")
			for n := range 500 {
				b := byte('a' + (i+n)%26)
				mine.Set(&Value{Kind: Str, Lo: uint64(b), B: []byte{b, b, b, b}})
				v := mine.Get()
				for _, c := range v.B {
					if uint64(c) != v.Lo {
						t.Errorf("%q with %d", v.B, v.Lo)
						return
					}
				}
			}
		})
	}
	all.Wait()
}
