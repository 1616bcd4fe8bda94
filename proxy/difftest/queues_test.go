package difftest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// come is a request with these fields.
func come(fields ...string) farmOp {
	f := "X-Comes: 1\r\n"
	for _, x := range fields {
		f += x + "\r\n"
	}
	return farmOp{open: f}
}

func cli(command string) farmOp    { return farmOp{command: command} }
func ends(i int) farmOp            { return farmOp{end: i} }
func after(d time.Duration) farmOp { return farmOp{pause: d} }

func times(n int, op farmOp) (all []farmOp) {
	for range n {
		all = append(all, op)
	}
	return all
}

func sequence(parts ...any) (all []farmOp) {
	for _, p := range parts {
		switch p := p.(type) {
		case farmOp:
			all = append(all, p)
		case []farmOp:
			all = append(all, p...)
		}
	}
	return all
}

// queuePlays are what may happen to those who wait. BE is the backend; requests have numbers
// from 0.
func queuePlays() []farmPlay {
	const one, two = "server s0 ADDR cookie s0 maxconn 1", "server s0 ADDR cookie s0 maxconn 1\n server s1 ADDR cookie s1 maxconn 1"
	s0, s1 := "Cookie: SRV=s0", "Cookie: SRV=s1"
	class := func(n int) string { return fmt.Sprintf("X-Class: %d", n) }
	offset := func(n int) string { return fmt.Sprintf("X-Offset: %d", n) }
	plays := []farmPlay{
		{name: "maxconn is raised", lines: one, ops: sequence(times(6, come()), cli("set maxconn server BE/s0 3"), ends(0), ends(0))},
		{name: "maxconn is lowered to less than is used", lines: "server s0 ADDR maxconn 4", ops: sequence(times(8, come()), cli("set maxconn server BE/s0 2"), ends(0), ends(0), ends(0), ends(0), cli("set maxconn server BE/s0 1"), ends(0), ends(0), ends(0))},
		{name: "maxconn is lowered and raised again", lines: "server s0 ADDR maxconn 3", ops: sequence(times(7, come()), cli("set maxconn server BE/s0 1"), ends(0), cli("set maxconn server BE/s0 3"), ends(0), cli("set maxconn server BE/s0 2"), ends(1))},
		{name: "maxconn of one of two", lines: two, ops: sequence(times(7, come()), come(s1), cli("set maxconn server BE/s1 3"), ends(0), ends(0))},
		{name: "no number for maxconn", lines: one, ops: sequence(times(2, come()), cli("set maxconn server BE/s0 x"))},
		{name: "weight 0", lines: two, ops: sequence(times(2, come()), times(3, come(s0)), times(3, come()), cli("set server BE/s0 weight 0"), ends(0), ends(0), come(), come(s0), ends(0), ends(0))},
		{name: "weight 0 of all", lines: two, ops: sequence(times(6, come()), come(s1), cli("set server BE/s0 weight 0"), cli("set server BE/s1 weight 0"), ends(0), ends(0), come(), ends(0))},
		{name: "drain", lines: two, ops: sequence(times(5, come()), times(2, come(s0)), cli("set server BE/s0 state drain"), ends(0), ends(0), ends(0), come(s0), ends(0))},
		{name: "drain of all", lines: two, ops: sequence(times(5, come()), come(s1), cli("set server BE/s0 state drain"), cli("set server BE/s1 state drain"), ends(0), ends(0), come(), cli("set server BE/s1 state ready"), ends(0))},
		{name: "maintenance", lines: two, ops: sequence(times(3, come()), times(3, come(s0)), cli("set server BE/s0 state maint"), ends(0), ends(0), come(s0))},
		{name: "maintenance, redispatch", lines: two + "\n option redispatch", ops: sequence(times(3, come()), times(3, come(s0)), cli("set server BE/s0 state maint"), ends(0), ends(0), come(s0), ends(0))},
		{name: "maintenance, persist", lines: two + "\n option persist\n option redispatch", ops: sequence(times(2, come()), times(3, come(s0)), cli("set server BE/s0 state maint"), ends(0), ends(0), ends(0))},
		{name: "down", lines: "default-server check inter 1h\n " + two, ops: sequence(times(3, come()), times(3, come(s0)), cli("set server BE/s0 health down"), ends(0), ends(0), come(s0))},
		{name: "down, redispatch", lines: "default-server check inter 1h\n " + two + "\n option redispatch", ops: sequence(times(3, come()), times(3, come(s0)), cli("set server BE/s0 health down"), ends(0), ends(0), come(s0))},
		{name: "time in the queue", lines: one + "\n timeout queue 1500ms", ops: sequence(come(), come(), come(), after(2*time.Second), come(), ends(0))},
		{name: "time in the queue of a server", lines: two + "\n timeout queue 1500ms", ops: sequence(come(), come(), come(s1), come(), after(2*time.Second), come(s0), ends(0), ends(0))},
		{name: "sessions of a server are shut down", lines: two, ops: sequence(times(2, come()), times(2, come(s0)), times(3, come()), farmOp{command: "shutdown sessions server BE/s0", kills: "s0"}, ends(0), ends(0))},
		{name: "classes", lines: one, ops: sequence(come(), come(class(2047)), come(class(-2048)), come(class(0)), come(), come(class(5000)), come(class(-5000)), come(class(1)), come(class(-1)), ends(0), ends(0), ends(0))},
		{name: "offsets", lines: one, ops: sequence(come(), come(offset(400000)), come(offset(-400000)), come(offset(0)), come(), come(offset(1000)), come(offset(-1000)), ends(0), ends(0))},
		{name: "classes and offsets", lines: one, ops: sequence(come(), come(class(1), offset(-400000)), come(class(1)), come(class(0), offset(400000)), come(class(-1), offset(400000)), come(class(-1)), come(offset(-10000)), ends(0))},
		{name: "classes in both queues", lines: two, ops: sequence(times(2, come()), come(s0, class(1)), come(class(0)), come(s0, class(-1)), come(class(-2)), come(s1, class(3)), come(class(2)), come(s1), come(), ends(0), ends(0), ends(0), ends(0))},
		{name: "no place in the queue", lines: "server s0 ADDR cookie s0 maxconn 1 maxqueue 2\n server s1 ADDR cookie s1 maxconn 1", ops: sequence(times(2, come()), times(4, come(s0)), ends(0), come(s0), ends(0))},
		{name: "no place in the queue, redispatch", lines: "server s0 ADDR cookie s0 maxconn 1 maxqueue 2\n server s1 ADDR cookie s1 maxconn 1\n option redispatch", ops: sequence(times(2, come()), times(4, come(s0)), ends(0), come(s0), ends(0))},
	}
	for i := range plays {
		p := &plays[i]
		p.lines = "# " + p.name + "\n " + p.lines
		p.name = fmt.Sprintf("queue%d", i)
		fields := fmt.Sprintf("X-Backend: %s\r\n", p.name)
		p.lines += "\n cookie SRV\n http-request set-priority-class req.hdr(x-class) if { req.hdr(x-class) -m found }\n" +
			" http-request set-priority-offset req.hdr(x-offset) if { req.hdr(x-offset) -m found }"
		for n := range p.ops {
			op := &p.ops[n]
			if op.command = strings.ReplaceAll(op.command, "BE/", p.name+"/"); op.open != "" {
				op.open += fields
			}
		}
	}
	return plays
}

// What happens to those who wait while servers fill, empty, come, go and change is what
// happens to them in the reference.
func TestQueues(t *testing.T) { playFarms(t, queuePlays()) }
