// Package driver starts, reloads and stops the proxy under test as an operator
// would: by command line, signals and the stats socket, never from inside.
package driver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"bench/internal/proc"
)

// Driver is one way of running a proxy, or of observing one that runs already. The calls of one driver follow one
// another: Prepare once, Start once and again after the process was killed, Reload
// at will, Stop at last. Stop may come at any time and leaves no process behind.
type Driver interface {
	// Prepare writes the configuration and checks it as far as the proxy can.
	// An error about the configuration is a *ConfigError.
	Prepare(ctx context.Context) error
	// Start starts the proxy and returns when it serves. An error of a proxy
	// that ended is a *ExitError.
	Start(ctx context.Context) (*Generation, error)
	// Reload puts a new process in the place of the present one and returns
	// when the new one serves. The old one goes on until its sessions are
	// over; Done says when it is gone. A proxy whose process stays returns the
	// generation it had.
	Reload(ctx context.Context) (*Generation, error)
	// ReloadBroken orders a reload with a configuration that is wrong, which must
	// leave the present process as it is. An error is a driver that cannot, or a
	// proxy that took the configuration.
	ReloadBroken(ctx context.Context) error
	// Stop ends every process, kindly at first if ctx allows.
	Stop(ctx context.Context)
	// StatsSocket is the path of the runtime socket, "" if there is none.
	StatsSocket() string
	// Version is the proxy's version and how it was built.
	Version(ctx context.Context) (version, build string, err error)
	// Command is the command line of the first start, for the record.
	Command() string
}

// Generation is one process of the proxy; a reload begins the next.
type Generation struct {
	Number int // from 0
	// Process is what was started: the process that serves, or its master. It is nil
	// where others have started the proxy.
	Process *proc.Process
	// PID is the process that serves, by its own number; 0 if that is not known.
	PID int
	// gone is closed when the process that serves has ended, where that is not
	// Process.
	gone chan struct{}
	// measured and end are the process to be measured and what its end looks like,
	// where there is no Process.
	measured int
	end      string
}

// Measured is the process whose CPU time and memory, with those of its descendants, are
// the proxy's, and when it was started; 0 if there is none on this machine, and the zero
// time if it was before the run.
func (g *Generation) Measured() (pid int, started time.Time) {
	if g.Process == nil {
		return g.measured, time.Time{}
	}
	return g.Process.PID(), g.Process.Started()
}

// Ended is closed when what was started has ended, or what others have started.
func (g *Generation) Ended() <-chan struct{} {
	if g.Process == nil {
		return g.gone
	}
	return g.Process.Done()
}

// Exit is the error of a generation that has ended when it should not have.
func (g *Generation) Exit(driver string) *ExitError {
	if g.Process == nil {
		return &ExitError{Driver: driver, State: g.end}
	}
	return &ExitError{Driver: driver, State: g.Process.State(), Output: g.Process.Output()}
}

// Done is closed when the process that serves has ended.
func (g *Generation) Done() <-chan struct{} {
	if g.gone != nil {
		return g.gone
	}
	return g.Process.Done()
}

// Running reports whether the process that serves has not ended.
func (g *Generation) Running() bool {
	select {
	case <-g.Done():
		return false
	default:
		return true
	}
}

// Strategies of reloads, as operators choose them.
const (
	// Handover: the new process takes the listening sockets from the stats
	// socket of the old one, then asks it to finish (-x, -sf).
	Handover = "handover"
	// ReusePort: the new process binds beside the old one and asks it to finish
	// (-sf); connections the old one has not accepted are lost with its sockets.
	ReusePort = "reuseport"
	// Restart: the old process is stopped before the new one starts.
	Restart = "restart"
	// Master: a master process starts a new worker at SIGUSR2 (-W).
	Master = "master"
)

// complaint is the place of a fault as HAProxy writes it, "[path:12]", or nginx,
// "in path:12".
var complaint = regexp.MustCompile(`\[[^][]*:(\d+)\]|in /\S+:(\d+)$`)

// withLines puts under each complaint about a line of the configuration what
// that line says: the file itself is gone when the user reads the message.
func withLines(output, config string) string {
	lines := strings.Split(config, "\n")
	var b strings.Builder
	for line := range strings.SplitSeq(output, "\n") {
		b.WriteString(line + "\n")
		if m := complaint.FindStringSubmatch(line); m != nil {
			if n, err := strconv.Atoi(m[1] + m[2]); err == nil && n >= 1 && n <= len(lines) {
				fmt.Fprintf(&b, "%5d | %s\n", n, lines[n-1])
			}
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// Complaint is what a proxy says about its configuration.
type Complaint struct {
	Line int // of the configuration; 0: none in particular
	Text string
}

var (
	// alert is a message of HAProxy: "[ALERT]    (123) : config : parsing [path:12] : text",
	// some of which name no line.
	alert = regexp.MustCompile(`^\[(?:ALERT|WARNING)\] +\(\d+\) : (?:config : )?(?:parsing )?(?:\[[^][]*:(\d+)\](?: :)? )?(.*)$`)
	// emergency is one of nginx: "nginx: [emerg] text in path:12".
	emergency = regexp.MustCompile(`\[emerg\] (?:\d+#\d+: )?(.*?)(?: in /\S+:(\d+))?$`)
	// closing words say again that there was something.
	closing = regexp.MustCompile(`(?i)^(?:fatal errors found in|error\(s\) found in|some errors)`)
)

// Complaints takes what the proxy said apart.
func (e *ConfigError) Complaints() []Complaint {
	var all []Complaint
	for line := range strings.SplitSeq(e.Output, "\n") {
		var c Complaint
		if m := alert.FindStringSubmatch(line); m != nil && !strings.HasPrefix(line, "[WARNING]") {
			c.Line, _ = strconv.Atoi(m[1]) // "" is 0
			c.Text = m[2]
		} else if m := emergency.FindStringSubmatch(line); m != nil {
			c.Line, _ = strconv.Atoi(m[2])
			c.Text = m[1]
		}
		if c.Text != "" && !closing.MatchString(c.Text) {
			all = append(all, c)
		}
	}
	if all == nil {
		all = []Complaint{{Text: e.Output}}
	}
	return all
}

// Find is an error where the program of a driver is not there, or is none.
func Find(driver, program string) error {
	_, err := exec.LookPath(program)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("driver %s needs the program %s, which may not be run: %w", driver, program, err)
	}
	return fmt.Errorf("driver %s needs the program %s, which is not installed: %w", driver, program, err)
}

// ConfigError is a configuration the proxy refuses.
type ConfigError struct {
	Driver string
	Output string // what the proxy said
}

func (e *ConfigError) Error() string {
	if strings.TrimSpace(e.Output) == "" {
		return e.Driver + " refuses its configuration, without a word"
	}
	return fmt.Sprintf("%s refuses its configuration:\n%s", e.Driver, e.Output)
}

// ExitError is a proxy that ended when it should not have.
type ExitError struct {
	Driver string
	State  string // "exit status 1", "signal: killed"
	Output string // the end of what it said
}

func (e *ExitError) Error() string {
	text := fmt.Sprintf("the proxy (%s) ended unexpectedly: %s", e.Driver, e.State)
	if e.Output != "" {
		text += "\n" + e.Output
	}
	return text
}
