package h2

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

const upgrade = "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// A request for a websocket waits until it is known whether the server takes an extended CONNECT,
// and is sent by one that does.
func TestUpgradesWaitForSettings(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   []http2.Setting
		taken bool
	}{
		{"it does", []http2.Setting{{ID: http2.SettingEnableConnectProtocol, Val: 1}}, true},
		{"it does not", nil, false},
	} {
		a := newAsker(t)
		e := &a.ex[0]
		if n, ok := e.Transfer([]byte(upgrade)); n != 0 || !ok {
			t.Fatalf("%s: %d bytes taken (%v) before anything is known of the server", c.name, n, ok)
		}
		a.expect(c.name+", unknown", nil)
		_ = http2.NewFramer(&a.in, nil).WriteSettings(c.set...)
		a.feed(1000)
		if n, ok := e.Transfer([]byte(upgrade)); ok != c.taken || ok && n != len(upgrade) {
			t.Errorf("%s: %d bytes taken (%v)", c.name, n, ok)
		}
		if c.taken {
			a.expect(c.name, []string{extended(1)})
		}
	}
}

// What one exchange asks for is not mixed up with what the one before on the same object did.
func TestUpgradesOneAfterTheOther(t *testing.T) {
	a := newAsker(t)
	_ = http2.NewFramer(&a.in, nil).WriteSettings(http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1})
	a.feed(1000)
	e := &a.ex[0]
	for _, id := range []string{"1", "3"} {
		e.Begin(&a.conn, a)
		if _, ok := e.Transfer([]byte(upgrade)); !ok {
			t.Fatal("the request was not taken")
		}
		a.expect("stream "+id, []string{extended(int(id[0] - '0'))})
		e.Finish()
		a.frames()
	}
}

func extended(id int) string {
	return string(rune('0'+id)) + " :method=CONNECT :scheme=https :authority=a :path=/chat :protocol=websocket"
}

// expect compares what has been sent since the last time, but for the key of websockets.
func (a *asker) expect(what string, want []string) {
	a.t.Helper()
	got := a.frames()
	for i := range got {
		got[i], _, _ = strings.Cut(got[i], " sec-websocket-key=")
	}
	if !slices.Equal(got, want) {
		a.t.Errorf("%s: sent %q, want %q", what, got, want)
	}
}
