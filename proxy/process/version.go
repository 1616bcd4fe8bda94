package process

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"

	"bench/internal/poller"
	"bench/proxy/certs"
	"bench/proxy/config"
)

// version is the answer to -v.
func (p *process) version() string {
	return fmt.Sprintf("HAProxy version %s %s - bench's compatible engine\nRunning on: %s\n", p.Version, p.Date, system())
}

func system() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return runtime.GOOS + " " + runtime.GOARCH
	}
	var words []string
	for _, b := range [][]byte{u.Sysname[:], u.Release[:], u.Version[:], u.Machine[:]} {
		words = append(words, unix.ByteSliceToString(b))
	}
	return strings.Join(words, " ")
}

// details is the answer to -vv.
func (p *process) details() string {
	var b strings.Builder
	b.WriteString(p.version())
	fmt.Fprintf(&b, "Build options :\n  TARGET  = %s-%s\n  CC      = %s\n", runtime.GOOS, runtime.GOARCH, runtime.Version())
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if strings.HasPrefix(s.Key, "vcs.") || s.Key == "-race" {
				fmt.Fprintf(&b, "  %s = %s\n", s.Key, s.Value)
			}
		}
	}
	b.WriteString("\nFeature list :")
	for _, f := range config.SystemEnv(p.Version).Features {
		b.WriteString(" +" + f)
	}
	b.WriteString("\n\nDefault settings :\n  bufsize = 16384, maxrewrite = 1024, maxpollevents = 200\n\n")
	fmt.Fprintf(&b, "Built with multi-threading support (default=%d).\n\n", runtime.NumCPU())
	b.WriteString(certs.Details() + "\n")
	b.WriteString("Available polling systems :\n")
	total, usable, best := 0, 0, "none"
	var granted strings.Builder
	for _, m := range poller.Mechanisms() {
		total++
		result := "OK"
		features, err := m.Features()
		if len(features) > 0 {
			fmt.Fprintf(&granted, "%s uses: %s.\n", m.Name, strings.Join(features, ", "))
		}
		if err != nil {
			result = "failed: " + err.Error()
		} else if usable++; usable == 1 {
			best = m.Name
		}
		fmt.Fprintf(&b, "%11s : pref=%d,  test result %s\n", m.Name, m.Pref, result)
	}
	fmt.Fprintf(&b, "Total: %d (%d usable), will use %s.\n%s\n", total, usable, best, granted.String())
	b.WriteString("Available multiplexer protocols :\n         h2 : mode=HTTP  side=FE\n         h1 : mode=HTTP  side=FE|BE\n       none : mode=TCP   side=FE|BE\n")
	return b.String()
}
