package difftest

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/tlsio"
)

// wireCase is what a client says in records of its own up to the end of a handshake.
type wireCase struct {
	name  string
	first string // at once
	drip  bool   // byte by byte
	then  string // behind the first that the server says
	fin   bool   // and ends its side
	// differs is what the engine does instead, as crypto/tls does.
	differs string
}

// unlike are the cases that differ, for a version or both: "open" is that the hello is served.
var unlike = map[string]string{
	"a warning first": "open", "a warning within": "open", "four warnings first": "open", "four warnings within": "open",
	"an empty record first": "refused", "an empty record within": "refused", // there are none such (RFC 8446 §5.1)
	"record of version 0200": "open", "record of version 0400": "open", // it is not to be looked at
	"an extension twice": "refused", // it has to be (RFC 8446 §4.2)
	// It is in clear, so that it may be anybody's.
	"1.3, a warning behind": "hello more refused", "1.3, a warning then": "hello more refused", "1.3, four warnings behind": "hello more refused", "1.3, four warnings then": "hello more refused",
	"1.3, extension of early data alone": "refused", "1.3, early data": "refused",
}

// helloWith is a hello with one more extension, in front of the others, or with last behind them.
func helloWith(hello string, last bool, id uint16, extension string) string {
	const header = 5 + 4
	body := tlsio.Reader{B: []byte(hello[header:])}
	body.Take(2 + 32)
	body.Take(int(body.Byte()))
	body.Take(int(body.Uint16()))
	body.Take(int(body.Byte()))
	at := len(hello) - len(body.B) // of the extensions, their length first
	extensions := hello[at+2:]
	more := string(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, id), uint16(len(extension)))) + extension
	if last {
		extensions += more
	} else {
		extensions = more + extensions
	}
	message := hello[header:at] + string(binary.BigEndian.AppendUint16(nil, uint16(len(extensions)))) + extensions
	n := len(message)
	message = hello[5:6] + string([]byte{byte(n >> 16), byte(n >> 8), byte(n)}) + message
	return hello[:3] + string(binary.BigEndian.AppendUint16(nil, uint16(len(message)))) + message
}

// offeringKey is the extension for a session of TLS 1.3 that nobody knows, with an identity of
// n bytes.
func offeringKey(n int) string {
	identity := string(binary.BigEndian.AppendUint16(nil, uint16(n))) + strings.Repeat("t", n) + "\x00\x00\x00\x01"
	binder := "\x20" + strings.Repeat("b", 32)
	return string(binary.BigEndian.AppendUint16(nil, uint16(len(identity)))) + identity + string(binary.BigEndian.AppendUint16(nil, uint16(len(binder)))) + binder
}

func wireCases() (list []wireCase) {
	old := recordedHello(aes128)
	now := recordedHello(func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 })
	other := recordedHello(func(c *tls.Config) {
		c.MinVersion, c.CurvePreferences = tls.VersionTLS13, []tls.CurveID{tls.X25519MLKEM768, tls.CurveP384}
	})
	const (
		longest = 16384
		cancel  = "\x15\x03\x03\x00\x02\x01\x5a" // a warning: user_canceled
		change  = "\x14\x03\x03\x00\x01\x01"
	)
	key := func(hello string, n int) string { // with PSK modes
		return inRecords(helloWith(helloWith(hello, false, 45, "\x01\x01"), true, 41, offeringKey(n)), longest)
	}
	for _, h := range []struct{ name, hello string }{{"1.2", old}, {"1.3", now}} {
		served := map[string]string{"1.2": "hello certificate key done open", "1.3": "hello more open"}[h.name]
		add := func(c wireCase) {
			c.differs = unlike[c.name]
			if own := unlike[h.name+", "+c.name]; own != "" {
				c.differs = own
			}
			if c.differs == "open" {
				c.differs = served
			}
			c.name = h.name + ", " + c.name
			list = append(list, c)
		}
		add(wireCase{name: "whole", first: h.hello})
		add(wireCase{name: "byte by byte", first: h.hello, drip: true})
		for _, n := range []int{1, 2, 3, 4, 5, 9, 100} {
			add(wireCase{name: fmt.Sprintf("in records of %d", n), first: inRecords(h.hello, n)})
		}
		add(wireCase{name: "in records of 1, byte by byte", first: inRecords(h.hello, 1), drip: true})
		for name, record := range map[string]string{
			"an empty record": "\x16\x03\x01\x00\x00", "data": "\x17\x03\x01\x00\x01x", "no data": "\x17\x03\x01\x00\x00", "a change of ciphers": change, "a warning": cancel,
			"four warnings": strings.Repeat(cancel, 4), "twenty warnings": strings.Repeat(cancel, 20), "internal_error": "\x15\x03\x01\x00\x02\x02\x50", "close_notify": "\x15\x03\x01\x00\x02\x01\x00",
			"half an alert": "\x15\x03\x01\x00\x01\x01", "no alert": "\x15\x03\x01\x00\x00", "a heartbeat": "\x18\x03\x01\x00\x03\x01\x40\x00", "a record of type 99": "\x63\x03\x01\x00\x01x",
		} {
			add(wireCase{name: name + " first", first: record + h.hello})
			at := 5 + 20
			add(wireCase{name: name + " within", first: inRecords(h.hello[:at], longest) + record + inRecords(h.hello[:5]+h.hello[at:], longest)})
			add(wireCase{name: name + " behind", first: h.hello + record})
			add(wireCase{name: name + " then", first: h.hello, then: record})
			add(wireCase{name: name + " then, and the end", first: h.hello, then: record, fin: true})
		}
		for _, v := range []string{"\x03\x00", "\x03\x03", "\x03\x04", "\x03\x99", "\x02\x00", "\x04\x00", "\x13\x03"} {
			add(wireCase{name: fmt.Sprintf("record of version %x", v), first: h.hello[:1] + v + h.hello[3:]})
		}
		add(wireCase{name: "twice", first: h.hello + h.hello})
		add(wireCase{name: "again then", first: h.hello, then: h.hello})
		add(wireCase{name: "HelloRequest then", first: h.hello, then: "\x16\x03\x03\x00\x04\x00\x00\x00\x00"})
		add(wireCase{name: "forty changes of ciphers then", first: h.hello, then: strings.Repeat(change, 40)})
		add(wireCase{name: "garbage then", first: h.hello, then: "\x16\x03\x03\x00\x40" + strings.Repeat("\xee", 64)})
		add(wireCase{name: "sealed garbage then", first: h.hello, then: change + "\x17\x03\x03\x00\x40" + strings.Repeat("\xee", 64)})
		add(wireCase{name: "Finished then", first: h.hello, then: change + "\x16\x03\x03\x00\x28" + strings.Repeat("\xee", 40)})
		add(wireCase{name: "too long a record then", first: h.hello, then: "\x16\x03\x03\xff\xff" + strings.Repeat("x", 0xffff)})
		add(wireCase{name: "the end then", first: h.hello, fin: true})
		add(wireCase{name: "cut", first: h.hello[:len(h.hello)-1], fin: true})
		add(wireCase{name: "the last byte missing", first: h.hello[:len(h.hello)-1]})
		add(wireCase{name: "an extension twice", first: helloWith(helloWith(h.hello, false, 999, "x"), false, 999, "x")})
		add(wireCase{name: "an unknown extension", first: helloWith(h.hello, false, 999, "x")})
		for _, n := range []int{0, 1, 1000, 16000, 60000} {
			add(wireCase{name: fmt.Sprintf("ticket of %d bytes", n), first: inRecords(helloWith(h.hello, false, 35, strings.Repeat("t", n)), longest)})
			add(wireCase{name: fmt.Sprintf("unknown extension of %d bytes", n), first: inRecords(helloWith(h.hello, false, 999, strings.Repeat("t", n)), longest)})
			if n > 0 {
				add(wireCase{name: fmt.Sprintf("session of %d bytes", n), first: key(h.hello, n)})
			}
		}
		add(wireCase{name: "extension of early data alone", first: helloWith(h.hello, false, 42, "")})
		add(wireCase{name: "early data", first: key(helloWith(h.hello, false, 42, ""), 100) + "\x17\x03\x03\x00\x40" + strings.Repeat("\xee", 64)})
	}
	return append(list,
		wireCase{name: "of SSL 2", first: "\x80\x1f\x01\x03\x01\x00\x06\x00\x00\x00\x10\x00\x00\x2f\x00\xc0\x09" + strings.Repeat("c", 16)},
		wireCase{name: "too long a record", first: "\x16\x03\x01\x48\x01" + strings.Repeat("x", 0x4801)},
		wireCase{name: "a record of 18432 bytes", first: "\x16\x03\x01\x48\x00" + strings.Repeat("x", 0x4800)},
		wireCase{name: "a message of 16 MiB", first: "\x16\x03\x01\x00\x04\x01\xff\xff\xff"},
		wireCase{name: "a message of 128 KiB", first: "\x16\x03\x01\x00\x04\x01\x02\x00\x00", differs: "refused"}, // 64 KiB are enough
		wireCase{name: "ServerHelloDone", first: "\x16\x03\x01\x00\x04\x0e\x00\x00\x00"},
		wireCase{name: "HelloRequest", first: "\x16\x03\x01\x00\x04\x00\x00\x00\x00"},
		wireCase{name: "Finished", first: "\x16\x03\x01\x00\x10\x14\x00\x00\x0c" + strings.Repeat("f", 12)},
		wireCase{name: "nothing", fin: true},
		wireCase{name: "another group", first: other},
		wireCase{name: "another group, byte by byte", first: other, drip: true},
		wireCase{name: "another group, the same hello again", first: other, then: other},
		wireCase{name: "another group, a change of ciphers and the same hello again", first: other, then: change + other},
		wireCase{name: "another group, internal_error then", first: other, then: "\x15\x03\x01\x00\x02\x02\x50"},
		wireCase{name: "another group, the end then", first: other, fin: true},
	)
}

// messageNames are what a server says of its own in a handshake.
var messageNames = map[byte]string{2: "hello", 4: "ticket", 11: "certificate", 12: "key", 13: "request", 14: "done", 22: "status"}

// wireHeard is what a server says in clear, once for each kind, and whether it goes on listening.
// flight is called when the client is to go on.
func wireHeard(conn net.Conn, flight func()) string {
	var said []string
	say := func(word string) {
		if len(said) == 0 || said[len(said)-1] != word {
			said = append(said, word)
		}
	}
	head := make([]byte, 5)
	for {
		_, err := io.ReadFull(conn, head)
		var body []byte
		if err == nil {
			body = make([]byte, binary.BigEndian.Uint16(head[3:]))
			_, err = io.ReadFull(conn, body)
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return strings.Join(append(said, "open"), " ")
		case err != nil:
			return strings.Join(append(said, "refused"), " ")
		}
		switch head[0] {
		case recordHandshake:
			for r := (tlsio.Reader{B: body}); len(r.B) > 0 && !r.Bad; {
				kind, size := r.Byte(), r.Take(3)
				r.Take(int(size[0])<<16 | int(size[1])<<8 | int(size[2]))
				say(messageNames[kind])
				if kind == 14 {
					flight()
				}
			}
		case recordCCS:
			flight() // the rest is sealed
		case recordData:
			say("more")
			flight()
		}
	}
}

func (k *wireCase) play(addr string) (string, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	write := func(text string) {
		for len(text) > 0 {
			n := len(text)
			if k.drip {
				n = 1
			}
			if _, err := io.WriteString(conn, text[:n]); err != nil {
				return // it is refused
			}
			text = text[n:]
		}
	}
	const patience = 3 * time.Second
	_ = conn.SetDeadline(time.Now().Add(patience))
	write(k.first)
	goOn := sync.OnceFunc(func() {
		write(k.then)
		if k.fin {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
	})
	if k.fin && k.then == "" {
		goOn()
	}
	return wireHeard(conn, goOn), nil
}

// A client that says anything before, within or behind its hello, in whatever pieces, is answered
// as by the reference, and goes on or not as there.
func TestBeginningsOfTLSLikeReference(t *testing.T) {
	certs := t.TempDir()
	makeFiles(t, certs)
	cases := wireCases()
	results := [2][]string{make([]string, len(cases)), make([]string, len(cases))}
	var both sync.WaitGroup
	for i, s := range []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}} {
		both.Go(func() {
			r, err := s.start(t.TempDir(), scannedConf("crt "+certs+"/site"), 0)
			if err != nil {
				t.Error(err)
				return
			}
			var all sync.WaitGroup
			places := make(chan struct{}, 100)
			for n := range cases {
				places <- struct{}{}
				all.Go(func() {
					defer func() { <-places }()
					got, err := cases[n].play(r.addr)
					if err != nil {
						t.Errorf("%s: %s: %v", s.name, cases[n].name, err)
					}
					results[i][n] = got
				})
			}
			all.Wait()
			if err := r.stop(); err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
		})
	}
	both.Wait()
	for n, k := range cases {
		want, got := results[0][n], results[1][n]
		switch {
		case k.differs == "" && got != want:
			t.Errorf("%s:\n\thaproxy: %s\n\tbuiltin: %s", k.name, want, got)
		case k.differs != "" && got != k.differs:
			t.Errorf("%s: differs, but not as announced\n\thaproxy: %s\n\tbuiltin: %s", k.name, want, got)
		case k.differs != "" && got == want:
			t.Errorf("%s: no longer differs: %s", k.name, got)
		}
	}
}
