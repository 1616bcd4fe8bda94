package process_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testserver"
	"bench/proxy/varint"
)

// A liar is a peer that says what no peer ought to. Our process and the reference hear the
// same of it, and afterwards their tables have to be the same, what they have said to it,
// and whether they have hung up.

const liarTables = `
backend ip
  stick-table type ip size 200 expire 1h peers all store gpc0,server_id,conn_cur,bytes_in_cnt,http_req_rate(24h)
backend str
  stick-table type string len 10 size 200 expire 1h peers all store gpt0
backend int
  stick-table type integer size 200 peers all store gpc(3),gpt(2)
backend bin
  stick-table type binary len 4 size 200 expire 1h peers all store gpc1
backend app
  stick-table type string len 10 size 200 expire 1h peers all
  stick on path
  server s1 127.0.0.1:1
  server s2 127.0.0.1:1
`

var liarTableNames = []string{"ip", "str", "int", "bin", "app"}

// twin is one of the two that hear a liar.
type twin struct {
	name, peers, stats string
}

// twins starts our process and the reference, whose only peer is the test.
func twins(t *testing.T) [2]*twin {
	t.Helper()
	dir := t.TempDir()
	var all [2]*twin
	for i, program := range []string{reference(t), os.Args[0]} {
		w := &twin{name: []string{"haproxy", "builtin"}[i], peers: testpeer.FreeAddr(t)}
		w.stats = filepath.Join(dir, w.name)
		text := fmt.Sprintf("global\n  stats socket %s level admin\n  localpeer me\n  nbthread 1\ndefaults\n  mode http\n  timeout client 10s\n  timeout server 10s\n  timeout connect 5s\n"+
			"peers all\n  peer me %s\n  peer liar %s\nfrontend f\n  bind %s\n%s", w.stats, w.peers, testpeer.Refusing(t), testpeer.FreeAddr(t), liarTables)
		conf := w.stats + ".cfg"
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, "-db", "-f", conf)
		cmd.Args[0] = "haproxy"
		testpeer.Start(t, cmd)
		all[i] = w
	}
	for _, w := range all {
		waitLong(t, w.name+" to answer", func() bool { return strings.Contains(ask(w.stats, "show table"), "app") })
	}
	return all
}

// tables are those of a twin, without what need not be the same.
func (w *twin) tables() string {
	out := ""
	for _, name := range liarTableNames {
		lines := strings.Split(strings.TrimSpace(volatile.ReplaceAllString(ask(w.stats, "show table "+name), "")), "\n")
		slices.Sort(lines[1:])
		out += strings.Join(lines, "\n") + "\n"
	}
	return out
}

// told is what a twin has said to a liar: what it has acknowledged last of each table, how
// often it has confirmed, the errors, and how it ended.
func (w *twin) told(t *testing.T, pieces [][]byte, quiet time.Duration) string {
	c, err := net.DialTimeout("tcp", w.peers, 10*time.Second)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, "HAProxyS 2.1\nme\nliar 1 1\n"); err != nil {
		t.Error(err)
		return ""
	}
	var said [4]byte
	if _, err := io.ReadFull(c, said[:]); err != nil || string(said[:]) != "200\n" {
		t.Errorf("%s greets by %q, %v", w.name, said[:], err)
		return ""
	}
	for _, p := range pieces {
		if _, err := c.Write(p); err != nil {
			break // it has hung up
		}
		if len(pieces) > 1 {
			time.Sleep(time.Millisecond)
		}
	}
	var got []byte
	buf := make([]byte, 64<<10)
	end := "stays"
	for {
		_ = c.SetReadDeadline(time.Now().Add(quiet))
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		if err == nil {
			continue
		}
		if e := net.Error(nil); !errors.As(err, &e) || !e.Timeout() {
			end = "hangs up"
		}
		break
	}
	acked := map[uint64]uint32{}
	var others []string
	for len(got) >= 2 {
		class, kind := got[0], got[1]
		got = got[2:]
		var body []byte
		if kind >= 128 {
			n, rest, ok := varint.Read(got)
			if !ok || uint64(len(rest)) < n {
				break
			}
			body, got = rest[:n], rest[n:]
		}
		switch {
		case class == 10 && kind == 132:
			id, rest, _ := varint.Read(body)
			acked[id] = binary.BigEndian.Uint32(rest)
		case class == 0 && kind == 3, class == 1:
			others = append(others, fmt.Sprintf("%d.%d", class, kind))
		}
	}
	return fmt.Sprintf("acknowledges %v, says %v, %s", acked, others, end)
}

// The wire, as a liar writes it.

func number(values ...uint64) (b []byte) {
	for _, v := range values {
		b = varint.Append(b, v)
	}
	return b
}

func said(class, kind byte, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return slices.Concat([]byte{class, kind}, number(uint64(len(body))), body)
}

func text(s string) []byte { return append(number(uint64(len(s))), s...) }

func four(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

const (
	ofInt, ofIP, ofString, ofBinary = 2, 4, 6, 7
	// Bits of types of data.
	withServerID, withGPT0, withGPC0, withConnCnt, withConnCur, withReqRate, withBytesIn, withGPC1, withServerKey = 1 << 0, 1 << 1, 1 << 2, 1 << 4, 1 << 6, 1 << 10, 1 << 13, 1 << 17, 1 << 19
	withGPT, withGPC                                                                                              = 1 << 22, 1 << 23
)

// defines is a definition; more are the parameters of its data.
func defines(id uint64, name string, keyType, keyLength, data uint64, more ...uint64) []byte {
	return said(10, 130, number(id), text(name), number(keyType, keyLength, data), number(append([]uint64{3600_000}, more...)...))
}

var (
	gpcOnly = defines(1, "ip", ofIP, 4, withGPC0)
	texts   = defines(2, "str", ofString, 11, withGPT0)
	arrays  = defines(3, "int", ofInt, 4, withGPT|withGPC, 22, 2, 23, 3)
	raw     = defines(4, "bin", ofBinary, 4, withGPC1)
	apps    = defines(5, "app", ofString, 11, withServerID|withServerKey)
)

// ip is an entry of a table of addresses.
func ip(last byte, values ...uint64) []byte {
	return append([]byte{10, 0, 0, last}, number(values...)...)
}

// updates is an entry under a number.
func updates(n uint32, entry ...[]byte) []byte {
	return said(10, 128, append([][]byte{four(n)}, entry...)...)
}

func next(entry ...[]byte) []byte { return said(10, 129, entry...) }

// lie is what a liar says, by what is wrong with it.
type lie struct {
	name  string
	bytes []byte
	// The reference makes something else of it, for this reason.
	why string
	// The reference does not survive it: ours has to, and to hang up.
	fatal bool
}

var lies = []lie{
	{name: "nothing", bytes: slices.Concat(gpcOnly, updates(7, ip(1, 5)), next(ip(2, 6)), texts, updates(1, text("a"), number(3)), arrays, updates(2, four(77), number(1, 2, 3, 4, 5)), raw, updates(3, []byte{1, 2, 3, 4}, number(9)))},
	{name: "an entry before any definition", bytes: updates(1, ip(3, 1))},
	{name: "a next entry before any definition", bytes: next(ip(3, 1))},
	{name: "a switch to what is not defined", bytes: slices.Concat(gpcOnly, said(10, 131, number(9)), updates(1, ip(4, 1)))},
	{name: "switches", bytes: slices.Concat(gpcOnly, texts, said(10, 131, number(1)), updates(1, ip(5, 1)), said(10, 131, number(2)), updates(1, text("b"), number(1)))},
	{name: "one number for two tables", bytes: slices.Concat(gpcOnly, defines(1, "bin", ofBinary, 4, withGPC1), gpcOnly, texts, said(10, 131, number(1)), next(ip(6, 8)))},
	{name: "one number for two tables, the other way round", bytes: slices.Concat(defines(1, "bin", ofBinary, 4, withGPC1), gpcOnly, defines(1, "bin", ofBinary, 4, withGPC1), texts, said(10, 131, number(1)), next(ip(7, 8)))},
	{name: "a table that nobody knows", bytes: slices.Concat(gpcOnly, defines(1, "nothing", ofIP, 4, withGPC0), updates(1, ip(8, 1)))},
	{name: "a name that begins another", bytes: slices.Concat(defines(1, "i", ofIP, 4, withGPC0), updates(1, ip(8, 2)), defines(1, "ipp", ofIP, 4, withGPC0), updates(1, ip(8, 2)), defines(1, "", ofIP, 4, withGPC0), updates(1, ip(8, 2)))},
	{name: "another type of keys", bytes: slices.Concat(defines(1, "ip", ofInt, 4, withGPC0), updates(1, ip(9, 1)))},
	{name: "a type of keys that there is not", bytes: slices.Concat(defines(1, "ip", 6000, 4, withGPC0), updates(1, ip(9, 1)))},
	{name: "another length of keys", bytes: slices.Concat(defines(2, "str", ofString, 10, withGPT0), updates(1, text("c"), number(1)))},
	{name: "a redefinition with other data", bytes: slices.Concat(gpcOnly, updates(9, ip(10, 5)), defines(1, "ip", ofIP, 4, withServerID|withGPC0), next(ip(11, 1, 5)), defines(1, "ip", ofIP, 4, withConnCnt|withGPC0), next(ip(12, 6, 5)))},
	{name: "a redefinition under another number", bytes: slices.Concat(gpcOnly, updates(9, ip(10, 5)), defines(77, "ip", ofIP, 4, withGPC0), next(ip(13, 1)), said(10, 131, number(1)), next(ip(14, 1)), said(10, 131, number(77)), next(ip(15, 1)))},
	{name: "types of data that nobody knows", bytes: slices.Concat(defines(1, "ip", ofIP, 4, withGPC0|1<<40|1<<63), updates(1, ip(16, 5, 6, 7)))},
	{name: "types of data that are not kept", bytes: slices.Concat(defines(1, "ip", ofIP, 4, withGPT0|withGPC0|withConnCnt|withBytesIn), updates(1, ip(17, 1, 2, 3, 4)))},
	{name: "current connections", bytes: slices.Concat(defines(1, "ip", ofIP, 4, withGPC0|withConnCur), updates(1, ip(18, 1, 2)))},
	{name: "data missing at the end", bytes: slices.Concat(defines(1, "ip", ofIP, 4, withGPC0|withBytesIn), updates(1, ip(19, 1)), next(ip(19, 1, 2))), why: "the reference believes as much of an entry as there is"},
	{name: "more than the data", bytes: slices.Concat(gpcOnly, updates(1, ip(20, 1, 2, 3, 4, 5)), next(ip(21, 1)))},
	{name: "an entry without its key", bytes: slices.Concat(gpcOnly, updates(1), next(ip(22, 1)))},
	{name: "half a number", bytes: slices.Concat(gpcOnly, said(10, 128, []byte{0, 0}), next(ip(22, 1)))},
	{name: "half a key", bytes: slices.Concat(gpcOnly, updates(1, []byte{10, 0}), next(ip(22, 1)))},
	{name: "numbers that wrap", bytes: slices.Concat(gpcOnly, updates(0xfffffffe, ip(23, 1)), next(ip(24, 1)), next(ip(25, 1)), next(ip(26, 1)))},
	{name: "the number zero", bytes: slices.Concat(gpcOnly, updates(0, ip(27, 1)))},
	{name: "values that are too large", bytes: slices.Concat(defines(1, "ip", ofIP, 4, withServerID|withGPC0|withBytesIn), updates(1, ip(28, 1<<32+5, 1<<40+6, 1<<63)), next(ip(29, 1<<64-1, 1<<64-1, 1<<64-1)))},
	{name: "a number longer than 64 bits", bytes: slices.Concat(gpcOnly, updates(1, ip(30), bytes.Repeat([]byte{0xff}, 8), []byte{5}))},
	{name: "numbers that could be shorter", bytes: slices.Concat(gpcOnly, updates(1, ip(31), []byte{0xff, 0x80, 0x80, 0x00}))},
	{name: "rates", bytes: slices.Concat(defines(1, "ip", ofIP, 4, withReqRate, 10, 86400_000), updates(1, ip(32, 0, 100, 0)), next(ip(33, 1000, 1<<32+7, 0)), next(ip(34, 200_000_000, 9, 9)))},
	{name: "rates without their period", bytes: slices.Concat(said(10, 130, number(1), text("ip"), number(ofIP, 4, withReqRate)), updates(1, ip(35, 0, 50, 0)))},
	{name: "rates with the period of another", bytes: slices.Concat(defines(1, "ip", ofIP, 4, withReqRate, 11, 86400_000), updates(1, ip(36, 0, 50, 0)))},
	{name: "rates whose period is cut off", bytes: slices.Concat(defines(1, "ip", ofIP, 4, withReqRate, 10), updates(1, ip(37, 0, 50, 0)))},
	{name: "arrays without their length", bytes: slices.Concat(said(10, 130, number(3), text("int"), number(ofInt, 4, withGPC)), updates(1, four(1), number(1, 2, 3)))},
	{name: "arrays with the length of another", bytes: slices.Concat(defines(3, "int", ofInt, 4, withGPC, 22, 3), updates(1, four(2), number(1, 2, 3)))},
	{name: "longer arrays", bytes: slices.Concat(defines(3, "int", ofInt, 4, withGPC, 23, 6), updates(1, four(3), number(1, 2, 3, 4, 5, 6)))},
	{name: "shorter arrays", bytes: slices.Concat(defines(3, "int", ofInt, 4, withGPC|withGPT, 22, 1, 23, 1), updates(1, four(4), number(7, 8)))},
	{name: "empty arrays", bytes: slices.Concat(defines(3, "int", ofInt, 4, withGPC|withGPT, 22, 0, 23, 0), updates(1, four(5)))},
	{name: "the first elements of arrays by their old names", bytes: slices.Concat(defines(3, "int", ofInt, 4, withGPT0|withGPC0|withGPC1), updates(1, four(6), number(7, 8, 9)))},
	{name: "a definition of nothing", bytes: said(10, 130)},
	{name: "a definition that is cut off", bytes: slices.Concat(said(10, 130, number(1), text("ip"), number(ofIP)), updates(1, ip(38, 1)))},
	{name: "a name longer than the definition", bytes: slices.Concat(said(10, 130, number(1, 200), []byte("ip")), updates(1, ip(38, 1)))},
	{name: "an empty text", bytes: slices.Concat(texts, updates(1, text(""), number(1)), next(text("d"), number(1))), why: "no rule makes an entry without a key"},
	{name: "a text that is too long", bytes: slices.Concat(texts, updates(1, text("0123456789abcdef"), number(4)), next(text("0123456789"), number(5)), next(text("01234567890"), number(6)))},
	{name: "a text with a zero in it", bytes: slices.Concat(texts, updates(1, text("ab\x00cd"), number(4)))},
	{name: "a text that begins with a zero", bytes: slices.Concat(texts, updates(1, text("\x00cd"), number(4))), why: "no rule makes an entry without a key"},
	{name: "a text with anything", bytes: slices.Concat(texts, updates(1, text("\x01 =\\\xff\n"), number(4)))},
	{name: "a text longer than the message", bytes: slices.Concat(texts, updates(1, number(200), []byte("abc")), next(text("e"), number(1)))},
	{name: "a text of any length", bytes: slices.Concat(texts, updates(1, bytes.Repeat([]byte{0xff}, 9), []byte{1, 'a'}), next(text("e"), number(1)))},
	{name: "times to live", bytes: slices.Concat(gpcOnly, said(10, 133, four(1), four(3600_000), ip(39, 1)), said(10, 134, four(60_000), ip(40, 1)), said(10, 134, four(0xffffffff), ip(41, 1)))},
	{name: "half a time to live", bytes: slices.Concat(gpcOnly, said(10, 133, four(1), []byte{0, 0}), next(ip(42, 1)))},
	{name: "acknowledgements", bytes: slices.Concat(said(10, 132, number(1), four(1)), said(10, 132, number(99), four(1)), said(10, 132, number(0), four(1)), said(10, 132, number(2), four(0xffffffff)), gpcOnly, next(ip(43, 1)))},
	{name: "half an acknowledgement", bytes: slices.Concat(said(10, 132, number(1), []byte{0, 0}), gpcOnly, next(ip(44, 1)))},
	{name: "an acknowledgement of nothing", bytes: slices.Concat(said(10, 132), gpcOnly, next(ip(44, 1)))},
	{name: "servers", bytes: slices.Concat(apps, updates(1, text("/a"), number(1), said2(1, "s1")), next(text("/b"), number(2), said2(2, "s2")), next(text("/c"), number(1), []byte{1, 1}), next(text("/d"), number(1), []byte{0}))},
	{name: "a server by a place that is empty", bytes: slices.Concat(apps, updates(1, text("/e"), number(1), []byte{1, 9}), next(text("/f"), number(1), said2(1, "s1")))},
	{name: "a server at place 0", bytes: slices.Concat(apps, updates(1, text("/g"), number(1), []byte{1, 0}), next(text("/h"), number(1), said2(1, "s1"))), why: "the reference believes as much of an entry as there is"},
	{name: "a server at place 129", bytes: slices.Concat(apps, updates(1, text("/i"), number(1), said2(129, "s1")), next(text("/h"), number(1), said2(1, "s1"))), fatal: true},
	{name: "a server without a name", bytes: slices.Concat(apps, updates(1, text("/k"), number(1), said2(3, "")), next(text("/l"), number(1), []byte{1, 3})), why: "an empty name is none"},
	{name: "a server that takes another's place", bytes: slices.Concat(apps, updates(1, text("/m"), number(1), said2(1, "s1")), next(text("/n"), number(2), said2(1, "s2")), next(text("/o"), number(2), []byte{1, 1}))},
	{name: "a name longer than its piece", bytes: slices.Concat(apps, updates(1, text("/p"), number(1), []byte{3, 1, 200, 's'}), next(text("/q"), number(1), said2(1, "s1"))), why: "the reference believes as much of an entry as there is"},
	{name: "a piece longer than the message", bytes: slices.Concat(apps, updates(1, text("/p"), number(1), []byte{200, 1, 2, 's', '1'}), next(text("/q"), number(1), said2(1, "s1"))), why: "the reference believes as much of an entry as there is"},
	{name: "more in a piece than the name", bytes: slices.Concat(apps, updates(1, text("/r"), number(1), []byte{6, 1, 2, 's', '1', 'x', 'y'}), next(text("/s"), number(1), said2(2, "s2")))},
	{name: "signs of life", bytes: append(bytes.Repeat([]byte{0, 4}, 3000), slices.Concat(gpcOnly, next(ip(45, 1)))...)},
	{name: "what was not asked for is finished", bytes: slices.Concat([]byte{0, 1, 0, 2, 0, 1}, gpcOnly, next(ip(46, 1)))},
	{name: "what was not taught is confirmed", bytes: slices.Concat([]byte{0, 3, 0, 3}, gpcOnly, next(ip(47, 1)))},
	{name: "control messages that there are not", bytes: slices.Concat([]byte{0, 5, 0, 77, 0, 127}, gpcOnly, next(ip(48, 1)))},
	{name: "control messages with a length", bytes: slices.Concat(said(0, 200, []byte("text")), gpcOnly, next(ip(49, 1)))},
	{name: "messages of tables that there are not", bytes: slices.Concat([]byte{10, 0, 10, 5}, said(10, 140, []byte("text")), said(10, 255, nil), gpcOnly, next(ip(50, 1)))},
	{name: "a class that there is not", bytes: slices.Concat([]byte{2, 0}, said(9, 130, []byte("text")), gpcOnly, next(ip(51, 1)))},
	{name: "the class that is kept", bytes: slices.Concat([]byte{255, 0}, gpcOnly, next(ip(52, 1)))},
	{name: "an error of the protocol", bytes: slices.Concat([]byte{1, 0}, gpcOnly, next(ip(53, 1)))},
	{name: "an error of size", bytes: slices.Concat([]byte{1, 1}, gpcOnly, next(ip(54, 1)))},
	{name: "a message of any length", bytes: slices.Concat(gpcOnly, []byte{10, 128}, number(100_000), []byte("abc"))},
	{name: "a length longer than 64 bits", bytes: slices.Concat(gpcOnly, []byte{10, 128}, bytes.Repeat([]byte{0xff}, 20), []byte("abc"))},
	{name: "a long message", bytes: slices.Concat(gpcOnly, said(10, 140, make([]byte, 15000)), next(ip(55, 1)))},
	{name: "empty messages", bytes: slices.Concat(gpcOnly, said(10, 128), said(10, 129), next(ip(56, 1)))},
}

// said2 is the name of a server at a place.
func said2(place uint64, name string) []byte {
	body := append(number(place), text(name)...)
	return append(number(uint64(len(body))), body...)
}

// tell says the same to both, and returns in what that differs which comes of it: where it
// does, once more with more patience. Unless it is strict, what both say does not
// count, nor what both end by hanging up.
func tell(t *testing.T, all [2]*twin, pieces [][]byte, strict bool) string {
	t.Helper()
	if compareTold(t, all, pieces, strict, 80*time.Millisecond) == "" {
		return ""
	}
	return compareTold(t, all, pieces, strict, time.Second)
}

func compareTold(t *testing.T, all [2]*twin, pieces [][]byte, strict bool, quiet time.Duration) string {
	t.Helper()
	var out [2]string
	var hungUp [2]bool
	var both sync.WaitGroup
	for i, w := range all {
		both.Go(func() {
			out[i] = w.told(t, pieces, quiet)
			if hungUp[i] = strings.HasSuffix(out[i], "hangs up"); !strict {
				out[i] = fmt.Sprint("hangs up: ", hungUp[i])
			}
			out[i] += "\n" + w.tables()
			for _, name := range liarTableNames {
				ask(w.stats, "clear table "+name)
			}
		})
	}
	both.Wait()
	if out[0] == out[1] || hungUp[0] && hungUp[1] && !strict {
		return ""
	}
	theirs, ours := strings.Split(out[0], "\n"), strings.Split(out[1], "\n")
	only := func(a, b []string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(a), func(l string) bool { return slices.Contains(b, l) }), "\n  ")
	}
	return fmt.Sprintf("haproxy only\n  %s\nbuiltin only\n  %s", only(theirs, ours), only(ours, theirs))
}

// A peer that lies is believed as much as the reference believes it.
func TestLiars(t *testing.T) {
	t.Parallel()
	all := twins(t)
	for _, lie := range lies {
		if lie.fatal {
			if got := all[1].told(t, [][]byte{lie.bytes}, 80*time.Millisecond); !strings.HasSuffix(got, "says [1.0], hangs up") {
				t.Errorf("%s: %s", lie.name, got)
			}
			continue
		}
		if problem := tell(t, all, [][]byte{lie.bytes}, true); (problem == "") != (lie.why == "") {
			t.Errorf("%s (%s): %s", lie.name, lie.why, problem)
		}
	}
	good := lies[0].bytes
	var single [][]byte
	for i := range good {
		single = append(single, good[i:i+1])
	}
	if problem := tell(t, all, single, true); problem != "" {
		t.Error("in single bytes: " + problem)
	}
}

// What a peer has said counts as far as it has come whole, wherever it is cut off.
func TestCutOff(t *testing.T) {
	t.Parallel()
	all := twins(t)
	whole := slices.Concat(apps, updates(1, text("/a"), number(1), said2(1, "s1")), next(text("/b"), number(1), []byte{1, 1}), lies[0].bytes)
	for n := range whole {
		for _, w := range all {
			c, err := net.Dial("tcp", w.peers)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = c.Write(append([]byte("HAProxyS 2.1\nme\nliar 1 1\n"), whole[:n]...))
			_ = c.(*net.TCPConn).CloseWrite()
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
		if n%8 == 0 || n == len(whole)-1 {
			if a, b := all[0].tables(), all[1].tables(); a != b {
				t.Fatalf("cut off behind %d bytes:\nhaproxy\n%s\nbuiltin\n%s", n, a, b)
			}
		}
	}
}

// What is said with mistakes at random is taken as the reference takes it: both hang up, or
// believe the same. Names of servers are left out, as the reference does not survive all
// that may be said of them.
func TestMumbling(t *testing.T) {
	t.Parallel()
	all := twins(t)
	corpus := slices.DeleteFunc(slices.Clone(lies), func(l lie) bool { return bytes.Contains(l.bytes, apps) || l.why != "" })
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 15))
		b := slices.Concat(gpcOnly, next(ip(byte(100+seed%100), seed)), corpus[r.IntN(len(corpus))].bytes)
		for range 1 + r.IntN(3) {
			if i := r.IntN(len(b)); r.IntN(3) == 0 {
				b[i] ^= 1 << r.IntN(8)
			} else {
				b[i] = byte(r.IntN(256))
			}
		}
		if problem := tell(t, all, [][]byte{b}, false); problem != "" {
			t.Errorf("seed %d: %x: %s", seed, b, problem)
		}
	}
}

var lastStatus = regexp.MustCompile(`id=l(\w+)\(.* last_status=(\w*)`)

// What peers have answered to a greeting is called as in the reference.
func TestStatusWords(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"200": "200\n", "300": "300\n", "501": "501\n", "502": "502\n", "503": "503\n", "504": "504\n", "777": "777\n", "crlf": "503\r\n",
		"end": "", "long": strings.Repeat("9", 40) + "\n", "minus": "-1\n", "low": "1\n",
	}
	dir := t.TempDir()
	var stats [2]string
	for i, program := range []string{reference(t), os.Args[0]} {
		stats[i] = filepath.Join(dir, []string{"haproxy", "builtin"}[i])
		text := fmt.Sprintf("global\n  stats socket %s level admin\n  localpeer me\ndefaults\n  mode http\n  timeout client 10s\npeers all\n  peer me %s\n", stats[i], testpeer.FreeAddr(t))
		for name, answer := range answers {
			text += "  peer l" + name + " " + testserver.TCP(t, func(c net.Conn) {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(time.Minute))
				_, err := c.Read(make([]byte, 1024))
				if _, failed := io.WriteString(c, answer); err == nil && failed == nil && answer == "200\n" {
					_, _ = io.Copy(io.Discard, c)
				}
			}) + "\n"
		}
		text += "frontend f\n  bind " + testpeer.FreeAddr(t) + "\nbackend b\n  stick-table type ip size 10 peers all\n"
		if err := os.WriteFile(stats[i]+".cfg", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, "-db", "-f", stats[i]+".cfg")
		cmd.Args[0] = "haproxy"
		testpeer.Start(t, cmd)
	}
	words := func(i int) string {
		var all []string
		for _, m := range lastStatus.FindAllStringSubmatch(ask(stats[i], "show peers"), -1) {
			all = append(all, m[1]+" "+m[2])
		}
		slices.Sort(all)
		return strings.Join(all, ", ")
	}
	defer func() { t.Logf("haproxy %s\nbuiltin %s", words(0), words(1)) }()
	waitLong(t, "the same words", func() bool { return strings.Contains(words(0), "200 ESTA") && words(0) == words(1) })
}
