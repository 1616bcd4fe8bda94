package process_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"bench/internal/testpeer"
)

var manyEntries = flag.Int("peers-entries", 100_000, "entries that peers teach each other in TestManyEntries")

var usedEntries = regexp.MustCompile(`used:(\d+)`)

// used is how many entries the only table has.
func used(stats string) int {
	m := usedEntries.FindStringSubmatch(ask(stats, "show table"))
	if m == nil {
		return -1
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// A process learns very many entries from the reference, which learns them from it again,
// and goes on serving meanwhile.
func TestManyEntries(t *testing.T) {
	haproxy := reference(t)
	dir := t.TempDir()
	names := []string{"theirs", "ours"}
	addr := map[string]string{"liar": testpeer.Refusing(t)}
	for _, n := range names {
		addr[n] = testpeer.FreeAddr(t)
	}
	web := testpeer.FreeAddr(t)
	stats := func(name string) string { return filepath.Join(dir, name) }
	start := func(name, program string) *exec.Cmd {
		front := "frontend f\n  bind " + web + "\n  monitor-uri /\n"
		if name != "ours" {
			front = ""
		}
		text := fmt.Sprintf("global\n  stats socket %s level admin\n  localpeer %s\n  nbthread 1\ndefaults\n  mode http\n  timeout client 10s\n  timeout server 10s\n  timeout connect 5s\n"+
			"peers all\n  peer ours %s\n  peer theirs %s\n  peer liar %s\n%sbackend int\n  stick-table type integer size 2m expire 1h peers all store gpc0\n",
			stats(name), name, addr["ours"], addr["theirs"], addr["liar"], front)
		conf := filepath.Join(dir, name+".cfg")
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, "-db", "-f", conf)
		cmd.Args[0] = "haproxy"
		testpeer.Start(t, cmd)
		return cmd
	}
	theirs := start("theirs", haproxy)
	waitLong(t, "the reference", func() bool { return used(stats("theirs")) == 0 })
	c, err := net.Dial("tcp", addr["theirs"])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() { _, _ = io.Copy(io.Discard, c) }()
	b := []byte("HAProxyS 2.1\ntheirs\nliar 1 1\n")
	b = append(b, defines(1, "int", ofInt, 4, withGPC0)...)
	for i := range *manyEntries {
		b = append(b, next(binary.BigEndian.AppendUint32(nil, uint32(i)), number(uint64(i)))...)
		if len(b) > 1<<16 {
			if _, err := c.Write(b); err != nil {
				t.Fatal(err)
			}
			b = b[:0]
		}
	}
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
	waitLong(t, "the reference to know all", func() bool { return used(stats("theirs")) == *manyEntries })
	_ = c.Close()

	began := time.Now()
	start("ours", os.Args[0])
	waitLong(t, "our process", func() bool { return used(stats("ours")) >= 0 })
	served := make(chan []time.Duration)
	learnt := make(chan struct{})
	go func() {
		var took []time.Duration
		defer func() { served <- took }()
		for {
			select {
			case <-learnt:
				return
			default:
			}
			at := time.Now()
			c, err := net.Dial("tcp", web)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
			took = append(took, time.Since(at))
			time.Sleep(5 * time.Millisecond)
		}
	}()
	waitLong(t, "our process to know all", func() bool { return used(stats("ours")) == *manyEntries })
	t.Logf("learnt within %v of the start", time.Since(began))
	_ = theirs.Process.Kill()
	_ = theirs.Wait()
	began = time.Now()
	start("theirs", haproxy)
	waitLong(t, "the reference to know all again", func() bool { return used(stats("theirs")) == *manyEntries })
	t.Logf("taught within %v of the start", time.Since(began))
	close(learnt)
	took := <-served
	slices.Sort(took)
	t.Logf("requests took %v in the middle, %v at most", took[len(took)/2], took[len(took)-1])
	for _, k := range []int{0, 1, *manyEntries / 2, *manyEntries - 1} {
		want := fmt.Sprintf("gpc0=%d\n", k)
		for _, name := range names {
			if out := ask(stats(name), fmt.Sprintf("show table int key %d", k)); !regexp.MustCompile(regexp.QuoteMeta(want)).MatchString(out) {
				t.Errorf("%s: %s", name, out)
			}
		}
	}
}
