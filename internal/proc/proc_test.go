package proc

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is its own guard and its own victim.
func TestMain(m *testing.M) {
	switch os.Getenv("PROC_TEST") {
	case "guard":
		if err := Guard(os.Stdin, nil); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	case "victim":
		victim()
	case "early victim":
		_, err := NewGroup(Options{
			Guard:   []string{"sh", "-c", "kill -9 $PPID; cat > $PROC_ORDERS.new; mv $PROC_ORDERS.new $PROC_ORDERS"},
			Journal: "/a/journal",
		})
		if err != nil {
			panic(err)
		}
		time.Sleep(time.Minute)
	case "tracer":
		tracer()
	}
	os.Exit(m.Run())
}

// victim is a run that is killed: it starts a child that starts a child in a
// session of its own, says where its directory is, and waits.
func victim() {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	if os.Setenv("PROC_TEST", "guard") != nil {
		os.Exit(3)
	}
	g, err := NewGroup(Options{Guard: []string{self}})
	if err != nil {
		panic(err)
	}
	dir, err := g.Dir("proc-test-")
	if err != nil {
		panic(err)
	}
	p, err := g.Start(Spec{Name: "child", Args: []string{"sh", "-c", "setsid sleep 60 & sleep 60"}})
	if err != nil {
		panic(err)
	}
	// The grandchild must be there before the victim is killed.
	for len(marked(g.mark)) < 3 {
		time.Sleep(time.Millisecond)
	}
	os.Stdout.WriteString(dir + " " + strconv.Itoa(p.PID()) + " " + g.mark + "\n")
	if os.Getenv("PROC_PANIC") != "" {
		panic("on purpose")
	}
	time.Sleep(time.Minute)
}

func group(t *testing.T) *Group {
	t.Helper()
	g, err := NewGroup(Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

func TestOutputAndStatus(t *testing.T) {
	g := group(t)
	var out bytes.Buffer
	p, err := g.Start(Spec{
		Name: "sh", Args: []string{"sh", "-c", "cat; echo $X; echo bad >&2; exit 3"},
		Env: []string{"X=yes"}, Stdin: []byte("in "), Stdout: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if p.ExitCode() != 3 || p.State() != "exit status 3" || out.String() != "in yes\n" || p.Output() != "bad" {
		t.Errorf("code %d, state %q, stdout %q, output %q", p.ExitCode(), p.State(), out.String(), p.Output())
	}
	if p.Running() {
		t.Error("running after Done")
	}
}

func TestMissingProgram(t *testing.T) {
	_, err := group(t).Start(Spec{Name: "thing", Args: []string{"no-such-program"}})
	if err == nil || !strings.HasPrefix(err.Error(), `thing: exec: "no-such-program"`) {
		t.Errorf("error %v", err)
	}
}

func TestCPUs(t *testing.T) {
	g := group(t)
	var out bytes.Buffer
	p, err := g.Start(Spec{Name: "sh", Args: []string{"grep", "Cpus_allowed_list", "/proc/self/status"}, CPUs: []int{0}, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if fields := strings.Fields(out.String()); len(fields) != 2 || fields[1] != "0" {
		t.Errorf("allowed: %q", out.String())
	}
	if _, err := g.Start(Spec{Name: "sh", Args: []string{"true"}, CPUs: []int{1000}}); err == nil ||
		!strings.Contains(err.Error(), "CPUs [1000] cannot be used") {
		t.Errorf("error %v", err)
	}
	// The next process is not affected by the one before.
	out.Reset()
	p, err = g.Start(Spec{Name: "sh", Args: []string{"grep", "Cpus_allowed_list", "/proc/self/status"}, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	own, err := os.ReadFile("/proc/self/status")
	if err != nil || !bytes.Contains(own, bytes.TrimSpace(out.Bytes())) {
		t.Errorf("allowed: %q, which is not ours (%v)", out.String(), err)
	}
}

// A child has a session of its own: an interrupt of the terminal's process
// group cannot reach it.
func TestOwnSession(t *testing.T) {
	p, err := group(t).Start(Spec{Name: "sleep", Args: []string{"sleep", "60"}})
	if err != nil {
		t.Fatal(err)
	}
	if pgid, err := syscall.Getpgid(p.PID()); err != nil || pgid != p.PID() {
		t.Errorf("process group %d of process %d (%v)", pgid, p.PID(), err)
	}
}

func TestStop(t *testing.T) {
	g := group(t)
	kind, err := g.Start(Spec{Name: "kind", Args: []string{"sh", "-c", "trap 'exit 5' TERM; echo; while :; do sleep 0.01; done"}})
	if err != nil {
		t.Fatal(err)
	}
	stubborn, err := g.Start(Spec{Name: "stubborn", Args: []string{"sh", "-c", "trap '' TERM; echo; while :; do sleep 0.01; done"}})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // the traps are set
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if kind.Stop(ctx, syscall.SIGTERM); kind.ExitCode() != 5 {
		t.Errorf("kind process: %s", kind.State())
	}
	short, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if stubborn.Stop(short, syscall.SIGTERM); stubborn.State() != "signal: killed" {
		t.Errorf("stubborn process: %s", stubborn.State())
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	g, err := NewGroup(Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := g.Dir("x-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Start(Spec{Name: "sh", Args: []string{"sh", "-c", "setsid sleep 60 & sleep 60"}}); err != nil {
		t.Fatal(err)
	}
	for len(marked(g.mark)) < 3 {
		time.Sleep(time.Millisecond)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if left := marked(g.mark); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("directory %s is left: %v", dir, err)
	}
	if _, err := g.Start(Spec{Name: "late", Args: []string{"true"}}); err == nil {
		t.Error("a closed group starts a process")
	}
	if _, err := g.Dir("late-"); err == nil {
		t.Error("a closed group makes a directory")
	}
	if err := g.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

// Whether the run is killed or panics, the kernel and the guard leave nothing.
func TestNothingSurvives(t *testing.T) {
	for _, how := range []string{"kill", "panic"} {
		t.Run(how, func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			c := exec.Command(self)
			c.Env = append(os.Environ(), "PROC_TEST=victim")
			if how == "panic" {
				c.Env = append(c.Env, "PROC_PANIC=1")
			}
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			line := make([]byte, 4096)
			n, err := out.Read(line)
			if err != nil {
				t.Fatal(err)
			}
			words := strings.Fields(string(line[:n]))
			if len(words) != 3 {
				t.Fatalf("the victim says %q", line[:n])
			}
			if how == "kill" {
				if err := c.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			if c.Wait() == nil {
				t.Fatal("the victim ended well")
			}
			gone := func() bool {
				_, err := os.Stat(words[0])
				return os.IsNotExist(err) && len(marked(words[2])) == 0
			}
			for deadline := time.Now().Add(5 * time.Second); !gone(); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					_, err := os.Stat(words[0])
					t.Fatalf("left: processes %v, directory %s (%v)", marked(words[2]), words[0], err)
				}
			}
		})
	}
}

// A guard knows what to undo however early the process is killed that it guards: here by
// the guard itself, as soon as that runs.
func TestGuardHasOrdersFromItsStart(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	orders := filepath.Join(t.TempDir(), "orders")
	c := exec.Command(self)
	c.Env = append(os.Environ(), "PROC_TEST=early victim", "PROC_ORDERS="+orders)
	if err := c.Run(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the victim was not killed: %v", err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		text, err := os.ReadFile(orders)
		if err != nil && time.Now().Before(deadline) {
			continue
		}
		if mark, rest, _ := strings.Cut(string(text), "\n"); !strings.HasPrefix(mark, "mark ") || rest != "journal /a/journal\n" {
			t.Errorf("the guard was told %q (%v)", text, err)
		}
		return
	}
}

func TestGuardOrders(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "guard: its input ended before it was told what to guard",
		"mark x\nnonsense\n":                `guard: unknown order "nonsense"`,
		"mark x\ndone\n":                    "",
		"mark 0a1b2c3d4e5f\n":               "",
		"mark 0a1b2c3d4e5f\njournal /a b\n": "cannot recover /a b",
	} {
		err := Guard(strings.NewReader(in), func(journal string) error { return errors.New("cannot recover " + journal) })
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("Guard(%q): %v, want %q", in, err, want)
		}
	}
}

func TestTail(t *testing.T) {
	tail := newTail(10)
	for _, s := range []string{"first line\n", "second\n", "third\n"} {
		if _, err := tail.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if got := tail.String(); got != "...\nthird" {
		t.Errorf("%q", got)
	}
}

func TestUsage(t *testing.T) {
	before, err := ReadUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// The time it takes to get some processor time is for the machine to say.
	after := before
	for end := time.Now().Add(10 * time.Second); after.CPUSeconds <= before.CPUSeconds && time.Now().Before(end); {
		if after, err = ReadUsage(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if after.CPUSeconds <= before.CPUSeconds || after.RSSBytes == 0 || after.FDs < 3 || after.Threads < 1 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if now, err := cpuClock(os.Getpid()); err != nil || now < after.CPUSeconds-after.EndedSeconds || now > after.CPUSeconds+10 {
		t.Errorf("the clock stands at %v after %+v, %v", now, after, err)
	}
	if _, err := cpuClock(1 << 22); err == nil {
		t.Error("a process that cannot be has a clock")
	}
	if all, err := IdleCPU(nil); err != nil || all <= 0 {
		t.Errorf("the machine was idle for %v s, %v", all, err)
	} else if first, err := IdleCPU([]int{0}); err != nil || first <= 0 || first > all+1 {
		t.Errorf("CPU 0 was idle for %v of %v s, %v", first, all, err)
	}
	if _, err := IdleCPU([]int{1 << 20}); err == nil {
		t.Error("a CPU that is not there was idle")
	}
	if _, err := ReadUsage(1 << 30); err == nil {
		t.Error("a process that cannot be is read")
	}
}

// Times of less than a tick of 10 ms are told, of a process with several threads.
func TestUsageIsFine(t *testing.T) {
	told := map[float64]bool{}
	for range 200 {
		u, err := ReadOwnUsage(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		told[u.CPUSeconds] = true
	}
	if len(told) < 50 {
		t.Errorf("200 readings tell only %d times apart", len(told))
	}
}
