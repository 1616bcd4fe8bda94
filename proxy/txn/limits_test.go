package txn

import "testing"

// What variables take is given back when they are forgotten, and when their scope ends.
func TestLimits(t *testing.T) {
	l := &Limits{Txn: 300, Message: 190}
	if !l.On() || (&Limits{}).On() {
		t.Fatal("whether there are limits")
	}
	x := &Txn{}
	set := func(sc Scope, slot int, text string, want int64) {
		t.Helper()
		v := Value{Kind: Str, B: []byte(text)}
		if text == "" {
			v = Value{Kind: Int, Lo: 1}
		}
		l.Set(x, sc, x.Variables(sc), slot, &v)
		if l.held.Load() != want {
			t.Errorf("%d bytes are held, want %d", l.held.Load(), want)
		}
	}
	set(ScopeTxn, 3, "", 80)
	set(ScopeTxn, 3, "0123456789", 90)
	set(ScopeTxn, 3, "01234", 85)
	set(ScopeRequest, 0, "0123456789", 175)
	set(ScopeResponse, 0, "", 255)
	set(ScopeResponse, 1, "", 255) // no room among request and response
	set(ScopeTxn, 0, "", 255)      // no room in the transaction
	if x.ResVars.Get(1).Kind != None || x.Vars.Get(0).Kind != None {
		t.Error("a variable without room is set")
	}
	set(ScopeTxn, 3, "0123456789012345678901234567890123456789012345678901", 250)
	if x.Vars.Get(3).Kind != None {
		t.Error("a text without room is there, or some of it")
	}
	x.ReqVars.Unset(0)
	x.ReqVars.Unset(7)
	x.ReqVars.Unset(0)
	if got := l.held.Load(); got != 160 {
		t.Errorf("%d bytes are held behind a variable that was forgotten, want 160", got)
	}
	x.Reset()
	if got := l.held.Load(); got != 0 {
		t.Errorf("%d bytes are held behind the end of the transaction", got)
	}
	set(ScopeTxn, 3, "", 80)
}

// Variables of the process count from when they are named.
func TestLimitsOfTheProcess(t *testing.T) {
	var names Names
	a, b := names.Declare("a"), names.Declare("b")
	if names.Declare("a") != a {
		t.Error("a variable is not what its name says")
	}
	l := &names.Limits
	l.Global = 170
	l.SetShared(a, &Value{Kind: Str, B: []byte("0123456789")})
	if v := a.Get(); string(v.B) != "0123456789" {
		t.Errorf("%+v", v)
	}
	l.SetShared(b, &Value{Kind: Str, B: []byte("x")})
	if v := b.Get(); v.Kind != None {
		t.Errorf("a text without room is there: %+v", v)
	}
	l.SetShared(a, &Value{})
	l.SetShared(b, &Value{Kind: Str, B: []byte("x")})
	if v := b.Get(); string(v.B) != "x" || l.held.Load() != 161 {
		t.Errorf("%+v, %d bytes are held", v, l.held.Load())
	}
}
