package doctor

import (
	"context"
	"os"
	"strings"
	"testing"
)

// The test binary is its own probe.
func TestMain(m *testing.M) {
	if os.Getenv("DOCTOR_PROBE") != "" {
		if err := ProbeNetem(); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestExamine(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCTOR_PROBE", "1")
	names := map[string]bool{}
	for _, f := range Examine(context.Background(), []string{self}) {
		names[f.Name] = true
		switch f.Grade {
		case OK:
			if f.Cost != "" || f.Remedy != "" {
				t.Errorf("what is there costs nothing: %+v", f)
			}
		case Limited, Missing:
			if f.Cost == "" || f.Remedy == "" {
				t.Errorf("neither cost nor remedy: %+v", f)
			}
		default:
			t.Errorf("grade of %+v", f)
		}
		if f.Found == "" {
			t.Errorf("nothing found: %+v", f)
		}
	}
	for _, want := range []string{"netem", "io_uring", "user namespaces", "open files", "clock source", "cores", "quiet now?", "haproxy"} {
		if !names[want] {
			t.Errorf("nothing is said of %s", want)
		}
	}
}

// A probe that ends badly says what is missing; one that cannot start tells
// of the namespaces.
func TestProbeOutcomes(t *testing.T) {
	if text, err := inNamespaces(context.Background(), []string{"sh", "-c", "echo no such thing >&2; exit 1"}, 0); err != nil || text != "no such thing" {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := inNamespaces(context.Background(), []string{"true"}, 0); err != nil || text != "" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := inNamespaces(context.Background(), []string{"no-such-program"}, 0); err == nil || !strings.HasPrefix(err.Error(), "not available") {
		t.Errorf("%v", err)
	}
}
