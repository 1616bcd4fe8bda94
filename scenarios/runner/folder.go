package runner

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"bench/internal/units"
)

// Names of the files of a result folder.
const (
	fileRun      = "run.json"
	fileScenario = "scenario.resolved.yaml"
	fileEnv      = "env.json"
	fileTimeline = "timeline.jsonl"
	fileEvents   = "events.jsonl"
	fileCounters = "counters.jsonl"
	fileErrors   = "errors.jsonl"
)

// folder writes a result folder. Tables grow line by line; everything else
// appears whole or not at all.
type folder struct {
	dir    string
	tables map[string]*table
	made   []string // directories that did not exist before, innermost first
	// outdated are files of an earlier state of the run that could not be replaced.
	outdated []string
}

// table is a file of JSON lines.
type table struct {
	mu    sync.Mutex
	f     *os.File
	w     *bufio.Writer
	err   error // the first failed write
	lines bool  // there is one
}

// newFolder makes the directory, which must be empty or not exist; a fresh one must not
// exist, and takes a number behind its name where it does.
func newFolder(dir string, fresh bool) (*folder, error) {
	d := &folder{dir: dir, tables: map[string]*table{}}
	at := filepath.Clean(dir)
	if fresh {
		at = filepath.Dir(at)
	}
	for ; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(at); !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			break
		}
		d.made = append(d.made, at)
	}
	if fresh {
		if err := d.makeFresh(); err != nil {
			return nil, fmt.Errorf("result folder: %w", err)
		}
		dir = d.dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("result folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("result folder: %w", err)
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("result folder: %s is not empty; choose another with -o", dir)
	}
	for _, name := range []string{fileTimeline, fileEvents, fileCounters, fileErrors} {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("result folder: %w", err), d.remove())
		}
		d.tables[name] = &table{f: f, w: bufio.NewWriterSize(f, 64<<10)}
	}
	return d, nil
}

// mostFresh bounds the numbers that are tried.
const mostFresh = 1000

// makeFresh makes a directory that did not exist: another run may begin in the same
// second.
func (d *folder) makeFresh() error {
	name := filepath.Clean(d.dir)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	for n := 1; ; n++ {
		d.dir = name
		if n > 1 {
			d.dir = fmt.Sprintf("%s-%d", name, n)
		}
		err := os.Mkdir(d.dir, 0o755)
		if err == nil {
			d.made = append([]string{d.dir}, d.made...)
			return nil
		}
		if !errors.Is(err, fs.ErrExist) || n == mostFresh {
			return err
		}
	}
}

// path is where a file of the folder is, for those who write it themselves.
func (d *folder) path(name string) string { return filepath.Join(d.dir, name) }

// line appends one record to a table.
func (d *folder) line(name string, record any) error {
	t := d.tables[name]
	text, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		_, t.err = t.w.Write(append(text, '\n'))
		t.lines = true
	}
	return storage(t.err)
}

// holds reports whether a table has a line.
func (d *folder) holds(name string) bool {
	t := d.tables[name]
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lines
}

// flush writes out what tables hold back, so that a full disk is noticed while
// the run goes on.
func (d *folder) flush() error {
	var all error
	for _, t := range d.tables {
		t.mu.Lock()
		if t.err == nil {
			t.err = t.w.Flush()
		}
		all = errors.Join(all, storage(t.err))
		t.mu.Unlock()
	}
	return all
}

// json writes a record as a file of its own.
func (d *folder) json(name string, record any) error {
	text, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return d.write(name, append(text, '\n'))
}

// write puts a file in place in one step.
func (d *folder) write(name string, text []byte) error {
	f, err := os.CreateTemp(d.dir, "."+name+".*")
	if err != nil {
		return storage(err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(d.dir, name))
	}
	if err != nil {
		if _, there := os.Stat(filepath.Join(d.dir, name)); there == nil {
			d.outdated = append(d.outdated, name)
		}
		return storage(errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// append adds the lines of another folder's tables, which are ended by it.
func (d *folder) append(from *folder) error {
	if err := from.close(); err != nil {
		return err
	}
	for name, t := range d.tables {
		f, err := os.Open(from.path(name))
		if err != nil {
			return storage(err)
		}
		t.mu.Lock()
		n, err := io.Copy(t.w, f)
		t.lines = t.lines || n > 0
		t.err = errors.Join(t.err, err)
		err = t.err
		t.mu.Unlock()
		if err := errors.Join(err, f.Close()); err != nil {
			return storage(err)
		}
	}
	return nil
}

// close ends the tables.
func (d *folder) close() error {
	all := d.flush()
	for _, t := range d.tables {
		all = errors.Join(all, storage(t.f.Close()))
	}
	d.tables = map[string]*table{}
	return all
}

// remove takes back what was written: a run that has measured nothing leaves
// nothing.
func (d *folder) remove() error {
	for _, t := range d.tables {
		_ = t.f.Close() // what it held is of no use
	}
	d.tables = map[string]*table{}
	for _, name := range []string{fileRun, fileScenario, fileEnv, fileTimeline, fileEvents, fileCounters, fileErrors} {
		if err := os.Remove(filepath.Join(d.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return storage(err)
		}
	}
	for _, dir := range d.made {
		switch err := os.Remove(dir); {
		case errors.Is(err, syscall.ENOTEMPTY), errors.Is(err, fs.ErrNotExist): // another run's, begun meanwhile
			return nil
		case err != nil:
			return storage(err)
		}
	}
	return nil
}

// full reports whether an error is that of a disk which takes no more.
func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// kept says what is in the folder and what is missing for it to be whole.
func (d *folder) kept() string {
	var kept, missing []string
	for _, name := range []string{fileRun, fileTimeline, fileEvents, fileCounters, fileErrors, fileScenario, fileEnv} {
		info, err := os.Stat(filepath.Join(d.dir, name))
		switch {
		case err != nil || info.Size() == 0 && name == fileRun:
			missing = append(missing, name)
		case info.Size() > 0:
			kept = append(kept, fmt.Sprintf("%s (%s)", name, units.Bytes(float64(info.Size()))))
		}
	}
	text := "nothing was kept"
	if len(kept) > 0 {
		text = "kept in " + d.dir + ": " + strings.Join(kept, ", ")
	}
	if len(missing) > 0 {
		text += "; not written: " + strings.Join(missing, ", ")
	}
	if len(d.outdated) > 0 {
		text += "; not brought up to date: " + strings.Join(d.outdated, ", ")
	}
	return text
}

// storage says in plain words that the result folder cannot take more.
func storage(err error) error {
	if err == nil {
		return nil
	}
	if full(err) {
		return fmt.Errorf("the disk of the result folder is full: %w", err)
	}
	return fmt.Errorf("result folder: %w", err)
}
