package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/scenarios"
	"bench/scenarios/document"
)

// TestRunLeavesOthersAlone: a configuration with the sockets of a proxy that serves
// on this machine is refused before anything happens, by every command that would
// run it.
func TestRunLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "admin.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(shortRun, "maxconn 200", "stats socket "+socket+" level admin\n        pidfile "+dir+"/proxy.pid", 1)
	file := filepath.Join(dir, "s.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, driver := range []string{"haproxy", "builtin"} {
		for _, args := range [][]string{
			{"run", file, "--driver", driver, "-o", filepath.Join(dir, "r")},
			{"library", file, "--driver", driver, "-o", filepath.Join(dir, "l")},
		} {
			code, _, errs := command(t, "", args...)
			if code != exitUsage || !strings.Contains(errs, "proxy.config:3: stats socket "+socket) ||
				!strings.Contains(errs, "proxy.config:4: pidfile") || !strings.Contains(errs, "--allow-outside") {
				t.Errorf("%s with %s: exit code %d: %s", args[0], driver, code, errs)
			}
		}
	}
	if after, err := os.Stat(socket); err != nil || !os.SameFile(before, after) {
		t.Errorf("the socket was replaced (%v)", err)
	}
	if code, _, errs := command(t, "", "validate", file); code != exitPass || !strings.Contains(errs, "warning: proxy.config:3: stats socket "+socket) {
		t.Errorf("validate: exit code %d: %s", code, errs)
	}
	doc, err := scenarios.Find(file, document.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := staysInside(doc, true); err != nil {
		t.Errorf("allowed, and refused: %v", err)
	}
}
