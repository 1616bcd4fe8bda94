package cmdline_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bench/proxy/process/cmdline"
)

func TestParse(t *testing.T) {
	tests := []struct {
		line string
		want cmdline.Options
	}{
		{"-f a -f b -- c d", cmdline.Options{Files: []string{"a", "b", "c", "d"}}},
		{"-f a -- -c", cmdline.Options{Files: []string{"a", "-c"}}},
		{"-c -V -f a", cmdline.Options{Role: cmdline.Check, Verbose: true, Files: []string{"a"}}},
		{"-D -p pid -sf 1 2 3 -f a", cmdline.Options{Daemon: true, PIDFile: "pid", Old: cmdline.Finish, OldPIDs: []int{1, 2, 3}, Files: []string{"a"}}},
		{"-f a -sf", cmdline.Options{Old: cmdline.Finish, Files: []string{"a"}}},
		{"-st 7 -db -f a", cmdline.Options{Old: cmdline.Terminate, OldPIDs: []int{7}, Foreground: true, Files: []string{"a"}}},
		{"-sf 0 -f a", cmdline.Options{Old: cmdline.Finish, Files: []string{"a"}}},
		{"-Ws -S /m,level,user -S 127.0.0.1:1 -f a", cmdline.Options{MasterWorker: true, Systemd: true, MasterCLI: []string{"/m,level,user", "127.0.0.1:1"}, Files: []string{"a"}}},
		{"-x /s -n 10 -N 5 -m 64 -L me -C /d -f a", cmdline.Options{Socket: "/s", MaxConn: 10, ProxyMaxConn: 5, MemoryMB: 64, LocalPeer: "me", Directory: "/d", Files: []string{"a"}}},
		{"-de -dp -du -dS -dR -dG -dV -dr -dL -dW -dD -d -q -f a", cmdline.Options{
			NoEpoll: true, NoPoll: true, NoIOUring: true, NoSplice: true, NoReusePort: true, NoGetAddrInfo: true, NoServerVerify: true,
			IgnoreResolve: true, DumpLibraries: true, ZeroWarning: true, Diagnostics: true, Debug: true, Quiet: true, Files: []string{"a"},
		}},
		{"-dM0x50,no-merge -dI -dk -ds -f a", cmdline.Options{Memory: []string{"0x50", "no-merge"}, Files: []string{"a"}}},
		{"-dKall,cfg -f a", cmdline.Options{KeywordDumps: []string{"all", "cfg"}, Files: []string{"a"}}},
		{"-cc true", cmdline.Options{Role: cmdline.Condition, Condition: "true"}},
		{"-v nonsense", cmdline.Options{Role: cmdline.Version}},
		{"-f a -vv", cmdline.Options{Role: cmdline.Details, Files: []string{"a"}}},
		{"-dMhelp", cmdline.Options{Role: cmdline.DebugHelp, Memory: []string{"help"}}},
	}
	for _, tt := range tests {
		got, err := cmdline.Parse(strings.Fields(tt.line))
		if err != nil {
			t.Errorf("%s: %v", tt.line, err)
			continue
		}
		if diff := cmp.Diff(&tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.line, diff)
		}
	}
}

// A list of pids may come as one word, quoted by the caller's shell.
func TestPIDsInOneWord(t *testing.T) {
	got, err := cmdline.Parse([]string{"-f", "a", "-sf", "1 2\n3"})
	if err != nil || !slices.Equal(got.OldPIDs, []int{1, 2, 3}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		line, want string
		usage      bool
	}{
		{"", "", true},
		{"-h", "", true},
		{"--help", "", true},
		{"-c", "", true},
		{"-", `unexpected word "-"`, true},
		{"a.cfg", `unexpected word "a.cfg"`, true},
		{"-zz -f a", "unknown option -zz", true},
		{"-Dx -f a", "unknown option -Dx", true},
		{"-f", "-f needs a configuration file or directory", true},
		{"-x -c -f a", "-x needs the path", true},
		{"-n 1k -f a", `-n: "1k" is not a number of connections`, false},
		{"-m -1 -f a", `-m: "-1" is not a number of megabytes`, false},
		{"-sf 1 x -f a", `-sf: "x" is not a process id`, false},
		{"-dK -f a", "-dK takes classes", true},
	}
	for _, tt := range tests {
		_, err := cmdline.Parse(strings.Fields(tt.line))
		bad, ok := errors.AsType[*cmdline.Error](err)
		if !ok {
			t.Errorf("%q: error %v", tt.line, err)
			continue
		}
		if !strings.Contains(bad.Msg, tt.want) || tt.want == "" && bad.Msg != "" || bad.Usage != tt.usage {
			t.Errorf("%q: %q (usage %v), want %q (usage %v)", tt.line, bad.Msg, bad.Usage, tt.want, tt.usage)
		}
	}
}

// TestUsageNamesEveryOption keeps the text and the parser in step.
func TestUsageNamesEveryOption(t *testing.T) {
	text := cmdline.Usage("haproxy")
	for option := range strings.FieldsSeq("-f -- -C -c -cc -v -vv -V -q -D -W -Ws -S -p -sf -st -x -n -N -m -L -d -db -dW -dD -de -dp -du -dS -dR -dG -dr -dV -dK -dL -dM") {
		if !strings.Contains(text, option) {
			t.Errorf("the usage does not name %s", option)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"-f a -D -p pid -sf 1 2 -x s", "-c -V -- a b", "-Ws -S m,level,admin -f a", "-dM,help", "-cc true", "-sf -st 1 -f a", "-n 1 -N 2 -m 3 -f a",
	} {
		f.Add(strings.ReplaceAll(line, " ", "\x00"))
	}
	f.Fuzz(func(t *testing.T, line string) {
		o, err := cmdline.Parse(strings.Split(line, "\x00"))
		if err != nil {
			if _, ok := errors.AsType[*cmdline.Error](err); !ok || o != nil {
				t.Errorf("error %T %v with options %v", err, err, o)
			}
			return
		}
		for _, pid := range o.OldPIDs {
			if pid <= 0 {
				t.Errorf("pid %d would signal a group", pid)
			}
		}
		if o.MaxConn < 0 || o.ProxyMaxConn < 0 || o.MemoryMB < 0 {
			t.Errorf("negative limit in %+v", o)
		}
		if o.Role == cmdline.Run && len(o.Files) == 0 {
			t.Error("nothing to run")
		}
	})
}
