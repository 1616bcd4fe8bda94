package difftest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testserver"
)

// Clients of the remote desktop protocol come back to the server that their cookie has, as
// with the reference, and others are balanced, by what the cookie has if they are told to;
// all that whether the packet comes whole or in pieces.
func TestRemoteDesktops(t *testing.T) {
	const conf = "global\n nbthread 1\ndefaults\n mode tcp\n timeout connect 30s\n timeout client 1m\n timeout server 1m\n" +
		"frontend ready\n bind fd@4\n mode http\n monitor-uri /ready\n" +
		"frontend fe\n bind fd@3\n tcp-request inspect-delay 20s\n tcp-request content accept if RDP_COOKIE\n default_backend be\n" +
		"backend be\n WAY\n"
	var servers string
	var cookies []string
	for i, name := range []string{"a", "b", "c"} {
		at := netip.MustParseAddrPort(testserver.TCP(t, func(c net.Conn) {
			_, _ = io.WriteString(c, name)
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}))
		servers += fmt.Sprintf(" server %s %s%s\n", name, at, []string{"", "", " disabled"}[i])
		ip := at.Addr().As4()
		var port [2]byte
		binary.BigEndian.PutUint16(port[:], at.Port())
		number := fmt.Sprintf("%d.%d", binary.NativeEndian.Uint32(ip[:]), binary.NativeEndian.Uint16(port[:]))
		for _, form := range []string{"msts=%s.0000", "msts=%s.", "MSTS=%s.0000", "msts=%s", "mstshash=%s.0000", "msts=x%s.0000", "msts=.%s.0000", "other=%s.0000"} {
			cookies = append(cookies, fmt.Sprintf(form, number))
		}
	}
	for _, way := range []string{"persist rdp-cookie", "persist rdp-cookie(other)", "persist rdp-cookie\n option persist", "balance rdp-cookie", "balance rdp-cookie(mstshash)\n hash-type consistent", "balance rdp-cookie(MSTS)\n persist rdp-cookie"} {
		play := func(s *subject) (got []string) {
			r, err := s.start(t.TempDir(), strings.Replace(conf, "WAY", way, 1)+servers, 0)
			if err != nil {
				t.Error(err)
				return nil
			}
			defer func() {
				if err := r.stop(); err != nil {
					t.Error(err)
				}
			}()
			for i, cookie := range cookies {
				c, err := net.Dial("tcp4", r.addr)
				if err != nil {
					t.Error(err)
					return got
				}
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				body := "\xe0\x00\x00\x00\x00\x00Cookie: " + cookie + "\r\n"
				packet := string([]byte{3, 0, 0, byte(5 + len(body)), byte(len(body))}) + body
				cut := i * 5 % len(packet)
				_, _ = io.WriteString(c, packet[:cut])
				time.Sleep(time.Millisecond)
				_, _ = io.WriteString(c, packet[cut:])
				answer, _ := io.ReadAll(io.LimitReader(c, 1))
				c.Close()
				got = append(got, cookie+" at "+string(answer))
			}
			return got
		}
		var want, got []string
		var both sync.WaitGroup
		both.Go(func() { want = play(&subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}) })
		both.Go(func() { got = play(&subject{"builtin", []string{build(t), "proxy"}}) })
		both.Wait()
		if !slices.Equal(want, got) {
			t.Errorf("%s:\nhaproxy %q\nbuiltin %q", way, want, got)
		}
	}
}

// The first packet of a remote desktop client, good and bad, whole and in pieces, says the same
// to the proxy as to the reference.
func TestDesktopCookies(t *testing.T) {
	before, rest, _ := strings.Cut(lookOn, "    log-format")
	_, rest, _ = strings.Cut(rest, "\n")
	bind, rest, _ := strings.Cut(rest, "    tcp-request content")
	_, behind, _ := strings.Cut(rest, "    default_backend")
	conf := before + `    log-format "seen %cp first=%[var(sess.f)] any=%[var(sess.a)] msts=%[var(sess.m)] count=%[var(sess.n)] of-msts=%[var(sess.c)]"
` + bind + `    tcp-request content set-var(sess.f) req.payload(0,1),hex
    tcp-request content reject if { rdp_cookie never }
    tcp-request content set-var(sess.a) req.rdp_cookie,hex
    tcp-request content set-var(sess.m) rdp_cookie(msts),hex
    tcp-request content set-var(sess.n) req.rdp_cookie_cnt
    tcp-request content set-var(sess.c) rdp_cookie_cnt(msts)
    default_backend` + behind
	const header = "\x03\x00\x00\x2a\x25\xe0\x00\x00\x00\x00\x00"
	const whole = header + "Cookie: msts=16777343.36895.0000\r\n"
	list := []passed{{"nothing", []string{""}}, {"another header", []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"}}, {"more behind", []string{whole + "\x01\x00\x08\x00"}}}
	for _, line := range []string{
		"Cookie: mstshash=me\r\n", "cOOKIE: MSTS=1.2.\r\n", "Cookie:msts=x\r\n", "Cookie:    msts=x\r\n", "Cookie : msts=x\r\n", "Cookie: msts =x\r\n",
		"Cookie: msts=\r\n", "Cookie: msts\r\n", "Cookie: msts\n=x\r\n", "Cookie: msts=x\n", "Cookie: msts=x\ny\r\n", "Cookie: msts=x\ry\r\n", "Cookie: msts=x\r", "Cookie: =x\r\n", "Cookie: \r\n",
		"Cookie: msts=x=y\r\n", "Cookie: mst=x\r\n", "Cookie: mstsx=x\r\n", "Cookie:\r\n", "Cookie: a=b; msts=c\r\n", "X: 1\r\nCookie: msts=x\r\n", "Cookie: msts=" + strings.Repeat("y", 90) + "\r\n",
	} {
		list = append(list, passed{line, []string{header + line}}, passed{"in other headers " + line, []string{"\x05\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00" + line}})
	}
	for at := 1; at < len(whole); at++ {
		list = append(list, passed{fmt.Sprintf("cut at %d", at), []string{whole[:at]}})
		if at%4 == 0 {
			list = append(list, passed{fmt.Sprintf("in two at %d", at), []string{whole[:at], whole[at:]}})
		}
	}
	seenAlike(t, conf, list)
}
