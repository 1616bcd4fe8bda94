package hub

import (
	"strings"
	"testing"
	"time"

	"bench/internal/hosts/wire"
)

// A host that has a token of its own joins by it and by nothing else, also when it was made
// while the hub runs; with it nobody joins by another name, or orders.
func TestTokensOfTheirOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := NewToken(TokenOptions{Store: dir, Host: "gen1"}); err == nil || !strings.Contains(err.Error(), "not the store of a hub") {
		t.Errorf("without a hub: %v", err)
	}
	h, said := start(t, dir)
	if err := h.Reached(h.Listens()); err != nil {
		t.Fatal(err)
	}
	token := func(o TokenOptions) *wire.Address {
		t.Helper()
		o.Store = dir
		a, err := NewToken(o)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	refused := func(a *wire.Address, client, why string) {
		t.Helper()
		nc, err := wire.Connect(a, wire.Options{Name: client})
		if err == nil {
			nc.Close()
			t.Errorf("%s is let in", client)
			return
		}
		said.wait(t, why)
	}
	all := h.JoinAddress(h.Listens())
	connect(t, all, wire.ClientOfHost("gen1"))
	first := token(TokenOptions{Host: "gen1", Lifetime: time.Hour})
	if left := time.Until(first.Expiry); left < 50*time.Minute || left > time.Hour || first.URL != "nats://"+h.Listens() {
		t.Errorf("good for %v, at %s", left, first.URL)
	}
	connect(t, first, wire.ClientOfHost("gen1"))
	connect(t, all, wire.ClientOfHost("gen2"))
	refused(first, wire.ClientOfHost("gen2"), "its token is that of host gen1")
	refused(first, wire.ClientOfRun("r1"), `its token is for "join"`)
	refused(all, wire.ClientOfHost("gen1"), "host gen1 has a token of its own")

	second := token(TokenOptions{Host: "gen1"})
	connect(t, second, wire.ClientOfHost("gen1"))
	refused(first, wire.ClientOfHost("gen1"), "its token is not of this hub, or was renewed")

	run := token(TokenOptions{Lifetime: time.Hour})
	connect(t, run, wire.ClientOfRun("r1"))
	connect(t, h.RunAddress(h.Listens()), wire.ClientOfRun("r2"))
	refused(run, wire.ClientOfHost("gen3"), `its token is for "run"`)

	short := token(TokenOptions{Host: "gen4", Lifetime: time.Second})
	short.Expiry = time.Time{} // whatever the client says of it
	time.Sleep(1100 * time.Millisecond)
	refused(short, wire.ClientOfHost("gen4"), "its token has expired")
	connect(t, all, wire.ClientOfHost("gen4"))

	for _, bad := range []TokenOptions{{Store: dir, Host: "a.b"}, {Store: dir, Host: "*"}, {Store: dir, Host: "gen1", Lifetime: -1}} {
		if a, err := NewToken(bad); err == nil {
			t.Errorf("%+v: %s", bad, a)
		}
	}
}
