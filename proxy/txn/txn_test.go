package txn

import (
	"net/netip"
	"testing"

	"bench/proxy/message"
)

func TestSteps(t *testing.T) {
	s := Between(StepContent, StepBackend)
	for step, want := range map[Step]bool{StepConnection: false, StepSession: false, StepContent: true, StepRequest: true, StepBackend: true, StepServer: false, StepLog: false} {
		if s.Has(step) != want {
			t.Errorf("%s: %v", step, s.Has(step))
		}
	}
	if s != At(StepContent)|At(StepRequest)|At(StepBackend) {
		t.Errorf("%b", s)
	}
	if got, want := Between(StepResponse, StepLog).String(), "rules of responses, logs"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		text string
		kind Kind
		back string
	}{{"10.1.2.3", IPv4, "10.1.2.3"}, {"::ffff:10.1.2.3", IPv4, "10.1.2.3"}, {"2001:db8::1", IPv6, "2001:db8::1"}} {
		var v Value
		if !v.SetIP(netip.MustParseAddr(c.text)) || v.Kind != c.kind || v.IP().String() != c.back {
			t.Errorf("%s: %+v, %s", c.text, v, v.IP())
		}
	}
	var v Value
	if v.SetIP(netip.Addr{}) {
		t.Error("an address that is none was taken")
	}
}

// A variable is a copy, and its memory serves the next ones.
func TestVars(t *testing.T) {
	var names Names
	a, b := names.Slot(ScopeTxn, "a"), names.Slot(ScopeTxn, "b")
	if names.Slot(ScopeTxn, "a") != a || a == b || names.Slot(ScopeSession, "b") != 0 {
		t.Error("slots are not what names are given")
	}
	var vars Vars
	if vars.Get(b).Kind != None {
		t.Error("a variable is set before it was")
	}
	text := []byte("text")
	vars.Set(b, &Value{Kind: Str, B: text})
	text[0] = 'n'
	if v := vars.Get(b); v.Kind != Str || string(v.B) != "text" {
		t.Errorf("%+v", v)
	}
	vars.Set(a, &Value{Kind: Int, Lo: 5})
	if v := vars.Get(a); v.Kind != Int || v.Lo != 5 {
		t.Errorf("%+v", v)
	}
	vars.Unset(a)
	vars.Unset(99)
	if vars.Get(a).Kind != None || vars.Get(b).Kind != Str {
		t.Error("the wrong variable was forgotten")
	}
	v := Value{Kind: Str, B: []byte("more")}
	if n := testing.AllocsPerRun(100, func() { vars.Reset(); vars.Set(b, &v) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if vars.Reset(); vars.Get(b).Kind != None {
		t.Error("a variable has outlived its scope")
	}
}

func TestCaptures(t *testing.T) {
	var c Captures
	if _, ok := c.Get(1); ok {
		t.Error("something was kept before anything was")
	}
	c.Put(1, 3, []byte("abcdef"))
	if b, ok := c.Get(1); !ok || string(b) != "abc" {
		t.Errorf("%q", b)
	}
	list := c.AppendTo(nil, 3)
	if len(list) != 3 || list[0] != nil || string(list[1]) != "abc" || list[2] != nil {
		t.Errorf("%q", list)
	}
	text := []byte("xyz")
	if n := testing.AllocsPerRun(100, func() { c.Reset(); c.Put(1, 3, text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if c.Reset(); c.AppendTo(nil, 2)[1] != nil {
		t.Error("a capture has outlived its message")
	}
}

// What one transaction has kept is not there for the next one.
func TestReset(t *testing.T) {
	x := Txn{Req: &message.Request{}, Status: 200, LogLevel: 3, Rule: 7, Final: true, URI: []byte("/")}
	for _, sc := range []Scope{ScopeTxn, ScopeRequest, ScopeResponse} {
		x.Variables(sc).Set(0, &Value{Kind: Int, Lo: 1})
	}
	x.ReqCaptures.Put(0, 9, []byte("a"))
	x.ResCaptures.Put(0, 9, []byte("a"))
	x.Reset()
	for _, sc := range []Scope{ScopeTxn, ScopeRequest, ScopeResponse} {
		if x.Variables(sc).Get(0).Kind != None {
			t.Errorf("a variable of scope %d is left", sc)
		}
	}
	_, req := x.ReqCaptures.Get(0)
	_, res := x.ResCaptures.Get(0)
	if req || res || x.Req != nil || x.Status != 0 || x.LogLevel != 0 || x.Rule != 0 || x.Final || x.URI != nil || x.Session != nil {
		t.Errorf("left: %+v", x)
	}
	if x.Variables(ScopeSession) != nil {
		t.Error("a session without variables has some")
	}
}
