package runner

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"bench/scenarios/document"
	"bench/scenarios/driver"
	"bench/scenarios/format"
)

// program is what a driver starts.
type program struct {
	path string // as it was found; "" where the driver starts none of a known kind
	// command is the program, or a copy of it, and its first words.
	command []string
}

// findProgram looks up the program of a proxy; self is the command of this one. One that
// is not there is left to the driver, which says so.
func findProgram(p *format.Proxy, self []string) (*program, error) {
	name := p.Binary
	switch p.Driver {
	case "builtin":
		if name == "" {
			return &program{path: self[0], command: slices.Clone(self)}, nil
		}
	case "haproxy", "nginx":
		name = cmp.Or(name, p.Driver)
	default:
		return &program{}, nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return &program{command: []string{name}}, nil
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	return &program{path: path, command: []string{name}}, nil
}

// MissingProgram is an error where the program of a proxy cannot be run. What takes many
// runs asks before the first of them, instead of finding out in the middle.
func MissingProgram(doc *document.Document, elsewhere bool) error {
	for i := range doc.Cells {
		c := &doc.Cells[i]
		if c.Obstacle != "" {
			continue
		}
		if p := &c.Scenario.Proxy; !elsewhere || p.OnHost == "" {
			if err := missing(p); err != nil {
				return err
			}
		}
		for j := range c.Scenario.Companions {
			p := c.Scenario.Companions[j].AsProxy(c.Scenario)
			if err := missing(&p); err != nil {
				return err
			}
		}
	}
	return nil
}

// missing is an error where the program of one proxy cannot be run.
func missing(p *format.Proxy) error {
	name := p.Binary
	switch p.Driver {
	case "haproxy", "nginx":
		name = cmp.Or(name, p.Driver)
	case "exec":
		name = p.Command[0]
		if strings.Contains(name, "{{") {
			return nil // known when it runs
		}
	case "external":
		return nil
	}
	if name == "" {
		return nil // this program
	}
	if err := driver.Find(p.Driver, name); err != nil {
		return fail(exitLost, err)
	}
	return nil
}

// newDriver is the driver of a proxy; words are the command line of driver exec, filled
// in.
func newDriver(p *format.Proxy, from *program, words []string, o driver.Options) driver.Driver {
	switch p.Driver {
	case "haproxy":
		return driver.NewHAProxy(from.command[0], o)
	case "nginx":
		return driver.NewNginx(from.command[0], o)
	case "exec":
		return driver.NewExec(words, p.ReloadSignal, o)
	case "external":
		o.Stats = p.Stats.Socket
		return driver.NewExternal(p.PID, o)
	}
	return driver.NewBuiltin(slices.Clone(from.command), o)
}

// copyTo puts a copy of the program into a directory, to be started in its place.
func (p *program) copyTo(dir string) error {
	if p.path == "" {
		return nil
	}
	to := filepath.Join(dir, "program-"+filepath.Base(p.path))
	if err := copyFile(p.path, to); err != nil {
		return fmt.Errorf("a copy of %s: %w", p.path, err)
	}
	p.command[0] = to
	const run = 1 // X_OK; a file system mounted noexec says no
	if err := syscall.Access(to, run); err != nil {
		return fmt.Errorf("a copy of %s cannot be run from %s: %w: name a directory that allows it in TMPDIR", p.path, dir, err)
	}
	return nil
}

// copyFile writes the bytes anew: a link, or blocks shared with the original, would
// share its pages.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	// A process that is started meanwhile would hold the copy open for writing for a
	// moment, and a file that is written cannot be run (ETXTBSY).
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	// Without the methods by which io.Copy would let the file system share blocks.
	_, err = io.Copy(struct{ io.Writer }{out}, struct{ io.Reader }{in})
	return errors.Join(err, out.Close())
}

// hash is the SHA-256 of the program in hex, "" without one.
func (p *program) hash() (string, error) {
	if p.path == "" {
		return "", nil
	}
	f, err := os.Open(p.path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
