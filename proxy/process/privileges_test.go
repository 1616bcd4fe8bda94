package process_test

import (
	"bytes"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"testing"
)

// TestPrivilegesAreDroppedOnAllThreads also proves that what needs the old
// rights, the pid file and the stats socket, happens before.
func TestPrivilegesAreDroppedOnAllThreads(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root has privileges to drop")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	s := newSite(t)
	jail := t.TempDir()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, strings.Replace(string(text), "global\n", fmt.Sprintf("global\n  chroot %s\n  uid %s\n  gid %s\n  ulimit-n 4096\n", jail, nobody.Uid, nobody.Gid), 1))
	for _, mode := range []string{"-D", "-D -W -S " + s.masterAddr} {
		if err := s.command(t, strings.Fields(mode)...).Run(); err != nil {
			t.Fatal(err)
		}
		pid, err := s.pid()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(mode, "-W") {
			if pid, err = strconv.Atoi(s.workers("# workers")[0]); err != nil {
				t.Fatal(err)
			}
		}
		proc := "/proc/" + strconv.Itoa(pid)
		if root, err := os.Readlink(proc + "/root"); err != nil || root != jail {
			t.Errorf("%s: root directory %q (%v), want %q", mode, root, err, jail)
		}
		tasks, err := os.ReadDir(proc + "/task")
		if err != nil || len(tasks) < 3 {
			t.Fatalf("%s: %d threads, %v", mode, len(tasks), err)
		}
		for _, task := range tasks {
			status, err := os.ReadFile(proc + "/task/" + task.Name() + "/status")
			if err != nil {
				continue // a thread that has ended
			}
			for name, want := range map[string]string{"Uid": nobody.Uid, "Gid": nobody.Gid} {
				line := fmt.Sprintf("\n%s:\t%s\t%s\t%s\t%s\n", name, want, want, want, want)
				if !bytes.Contains(status, []byte(line)) {
					t.Errorf("%s: thread %s has not %q", mode, task.Name(), line)
				}
			}
			if !bytes.Contains(status, []byte("\nGroups:\t \n")) && !bytes.Contains(status, []byte("\nGroups:\t\n")) {
				t.Errorf("%s: thread %s still has supplementary groups", mode, task.Name())
			}
		}
		limits, err := os.ReadFile(proc + "/limits")
		if err != nil || !strings.Contains(string(limits), "Max open files            4096 ") {
			t.Errorf("%s: limits (%v):\n%s", mode, err, limits)
		}
		tr := s.traffic()
		tr.settle(t)
		tr.end(t)
		p, err := s.pid()
		if err != nil {
			t.Fatal(err)
		}
		terminate(p)
		s.nothingLeft(t)
	}
}

// What takes privileges at each connection keeps them from being given up.
func TestPrivilegesAreKept(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root has privileges to drop")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	s := newSite(t)
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"  source 0.0.0.0 usesrc clientip\n  server s 127.0.0.1:1\n", "  source 0.0.0.0 interface lo\n  server s 127.0.0.1:1\n",
		"  server s 127.0.0.1:1 source 0.0.0.0 usesrc client\n", "  server s 127.0.0.1:1 namespace *\n",
	} {
		s.write(t, strings.Replace(string(text), "global\n", "global\n  uid "+nobody.Uid+"\n", 1)+"\nbackend privileged\n"+line)
		cmd := s.command(t, "-db")
		cmd.Stdout, cmd.Stderr = nil, nil
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "full privileges") {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
}
