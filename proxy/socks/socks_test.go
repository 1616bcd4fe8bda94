package socks

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"
)

// wire is a socket that takes one byte at a time, and gives what it is told to.
type wire struct {
	sent  []byte
	comes [][]byte // what receives find, one after the other; nil: nothing now
	end   syscall.Errno
	full  bool
}

func (w *wire) send(p []byte) (int, syscall.Errno) {
	if w.full = !w.full; w.full {
		return 0, syscall.EAGAIN
	}
	w.sent = append(w.sent, p[0])
	return 1, 0
}

func (w *wire) recv(p []byte) (int, syscall.Errno) {
	if len(w.comes) == 0 {
		return 0, w.end
	}
	n := copy(p, w.comes[0])
	if w.comes[0] = w.comes[0][n:]; len(w.comes[0]) == 0 {
		w.comes = w.comes[1:]
	}
	if n == 0 {
		return 0, syscall.EAGAIN
	}
	return n, 0
}

// play goes on until the handshake waits for nothing any more.
func (h *Handshake) play(w *wire) error {
	for {
		if err := h.Play(w.send, w.recv); !errors.Is(err, ErrWait) {
			return err
		}
	}
}

func TestHandshake(t *testing.T) {
	const good = "\x00\x5a\x00\x00\x00\x00\x00\x00"
	tests := []struct {
		name, reply string
		end         syscall.Errno
		want        string
	}{
		{"granted", good, 0, ""},
		{"granted, with a version", "\x04\x5a\x01\x02\x03\x04\x05\x06", 0, ""},
		{"denied", "\x00\x5b\x00\x00\x00\x00\x00\x00", 0, "SOCKS4 Proxy deny the request"},
		{"ends", "", 0, "SOCKS4 Proxy read error during handshake"},
		{"cut", good[:7], 0, "SOCKS4 Proxy read error during handshake"},
		{"reset", good[:1], syscall.ECONNRESET, "SOCKS4 Proxy handshake aborted by server (Connection reset by peer)"},
	}
	for _, tt := range tests {
		for cut := range len(tt.reply) + 1 {
			h, ok := New(netip.MustParseAddrPort("10.1.2.3:8080"))
			if !ok {
				t.Fatal("no handshake")
			}
			w := &wire{end: tt.end, comes: [][]byte{nil, []byte(tt.reply[:cut]), []byte(tt.reply[cut:])}}
			got := ""
			if err := h.play(w); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("%s, cut at %d: %q, want %q", tt.name, cut, got, tt.want)
			}
			if want := "\x04\x01\x1f\x90\x0a\x01\x02\x03HAProxy\x00"; string(w.sent) != want {
				t.Errorf("said %q, want %q", w.sent, want)
			}
		}
	}
}

func TestNothingBehindTheAnswerIsTaken(t *testing.T) {
	h, _ := New(netip.MustParseAddrPort("[::ffff:10.1.2.3]:80"))
	w := &wire{comes: [][]byte{[]byte("\x00\x5a\x00\x00\x00\x00\x00\x00hello")}}
	if err := h.play(w); err != nil || string(w.comes[0]) != "hello" {
		t.Errorf("%v, left %q", err, w.comes)
	}
}

func TestOnlyIPv4(t *testing.T) {
	if _, ok := New(netip.MustParseAddrPort("[2001:db8::1]:80")); ok {
		t.Error("a handshake about IPv6")
	}
}
