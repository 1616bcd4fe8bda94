package difftest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

const trackBackends = `backend a
    server s1 127.0.0.1:ORIGIN check inter 200ms rise 1 fall 1
    server s2 127.0.0.1:ORIGIN check disabled
backend b
    server t1 127.0.0.1:1 track a/s1
    server t2 127.0.0.1:1 track t1 backup
    server t3 127.0.0.1:1 track a/s2
backend c
    server u1 127.0.0.1:1 track b/t2
    server u2 127.0.0.1:1
`

// TestTrack compares what becomes of servers that follow others.
func TestTrack(t *testing.T) {
	if tried(t) {
		return
	}
	var both []*checkedBy
	var origins []*origin
	kinds := []checkKind{{name: "a"}, {name: "b"}, {name: "c"}}
	for _, s := range []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}} {
		o, err := newOrigin([][]step{{closeNow()}}, awaitLimit, func() *cutter { return nil })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { o.stop() })
		c := newCheckedBy(t)
		for _, name := range []string{"a/s1", "a/s2", "b/t1", "b/t2", "b/t3", "c/u1", "c/u2"} {
			c.origins[name] = nil
		}
		c.start(t, s, fmt.Sprintf(checksConf, c.port())+strings.ReplaceAll(trackBackends, "ORIGIN", fmt.Sprint(o.port())))
		both, origins = append(both, c), append(origins, o)
	}
	for _, command := range []string{
		"", "set server a/s1 state maint", "set server b/t1 state drain", "set server a/s1 state ready", "set server b/t1 state ready",
		"set server a/s1 state drain", "set server b/t2 state maint", "set server a/s1 state ready", "set server b/t2 state ready",
		"set server b/t1 health down", "enable server a/s2", "die",
	} {
		var answers []string
		for i, c := range both {
			switch command {
			case "":
			case "die":
				origins[i].die()
			default:
				answers = append(answers, askTables(c.socket, command))
			}
		}
		if len(answers) == 2 && answers[0] != answers[1] {
			t.Errorf("%s: %q, want %q", command, answers[1], answers[0])
		}
		sameFound(t, kinds, both[0], both[1])
		if t.Failed() {
			t.Fatalf("after %q", command)
		}
	}
	var want, got []string
	for deadline := time.Now().Add(awaitLimit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if want, got = both[0].messages(), both[1].messages(); slices.Equal(want, got) {
			return
		}
	}
	t.Errorf("messages\n--- haproxy\n%s\n--- builtin\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
}

// messages are those about states, by server, each server's in their order.
func (c *checkedBy) messages() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := slices.Clone(c.said)
	slices.SortStableFunc(list, func(a, b string) int {
		name := func(s string) string { s, _, _ = strings.Cut(strings.TrimPrefix(s, "Backup "), " is"); return s }
		return strings.Compare(name(a), name(b))
	})
	return list
}
