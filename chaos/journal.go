package chaos

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Journal is the record of what a process has changed on the machine, written
// before each change. As long as the process lives it holds a lock on the file;
// whoever gets the lock later finds in the file what was left, and undoes it. It
// is safe for use by several goroutines.
type Journal struct {
	mu     sync.Mutex
	file   *os.File
	closed bool
	open   []*entry // in the order of the changes
	last   int
}

// entry is a change that has not been undone.
type entry struct {
	N    int  `json:"n"`
	Undo Undo `json:"undo"`
}

// line is one line of the file.
type line struct {
	Entry  *entry `json:"entry,omitempty"`
	Boot   string `json:"boot,omitempty"`   // of the machine, on the first line
	PID    int    `json:"pid,omitempty"`    // of the process, on the first line
	Undone int    `json:"undone,omitempty"` // number of an entry
}

const suffix = ".journal"

// OpenJournal begins a journal in the first of the directories that can be used.
func OpenJournal() (*Journal, error) {
	var file *os.File
	var errs []error
	for _, dir := range directories() {
		f, err := create(dir)
		for tries := 1; tries < 10 && errors.Is(err, fs.ErrNotExist); tries++ {
			if _, gone := os.Stat(filepath.Dir(dir)); gone != nil {
				break
			}
			f, err = create(dir) // whoever closed the last journal removed the directory
		}
		if err == nil {
			file = f
			break
		}
		errs = append(errs, err)
	}
	if file == nil {
		return nil, fmt.Errorf("journal: no directory can be used: %w", errors.Join(errs...))
	}
	j := &Journal{file: file}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", file.Name(), err), j.Close())
	}
	if err := j.write(line{Boot: bootID(), PID: os.Getpid()}); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

func create(dir string) (*os.File, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := own(dir); err != nil {
		return nil, err
	}
	return os.CreateTemp(dir, "*"+suffix)
}

// discard removes a journal, and the directory with the last one.
func discard(path string) error {
	err := os.Remove(path)
	_ = os.Remove(filepath.Dir(path)) // as long as there are others it stays
	return err
}

func bootID() string {
	text, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // without it every boot is the same
	return string(bytes.TrimSpace(text))
}

// Path of the file.
func (j *Journal) Path() string { return j.file.Name() }

func (j *Journal) write(l line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if _, err := j.file.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("journal %s: %w", j.file.Name(), err)
	}
	return nil
}

// Plan records the way back from a change, which may be made when Plan has
// returned without error. undo goes it; Close does if it was not called.
func (j *Journal) Plan(u Undo) (undo func() error, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, errors.New("journal: the run is over: nothing more is changed")
	}
	j.last++
	e := &entry{j.last, u}
	if err := j.write(line{Entry: e}); err != nil {
		return nil, err
	}
	j.open = append(j.open, e)
	return func() error { return j.undo(e) }, nil
}

func (j *Journal) undo(e *entry) error {
	j.mu.Lock()
	open := slices.Contains(j.open, e)
	j.mu.Unlock()
	if !open {
		return nil
	}
	if err := e.Undo.Do(); err != nil {
		return err // it stays open: Close tries again
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.open = slices.DeleteFunc(j.open, func(o *entry) bool { return o == e })
	return j.write(line{Undone: e.N})
}

// Close undoes what has not been, the last change first, and removes the file. If
// something cannot be undone the file stays for Reap.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	open := slices.Clone(j.open)
	j.mu.Unlock()
	var errs []error
	for _, e := range slices.Backward(open) {
		errs = append(errs, j.undo(e))
	}
	err := errors.Join(errs...)
	if err == nil {
		err = discard(j.file.Name())
	}
	return errors.Join(err, j.file.Close())
}

// Recover undoes what a journal says, once the process that wrote it is gone, and
// removes the file. It waits for that; without a file there is nothing to do.
func Recover(path string) ([]Undo, error) { return recoverFile(path, syscall.LOCK_EX) }

// errBusy is what recoverFile says of a journal whose process lives.
var errBusy = errors.New("its process is alive")

func recoverFile(path string, lock int) (done []Undo, err error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	defer file.Close()
	if err := syscall.Flock(int(file.Fd()), lock); errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errBusy
	} else if err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	if _, err := os.Lstat(path); err != nil {
		return nil, nil // somebody else was faster
	}
	open, err := read(file)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	var errs []error
	for _, e := range slices.Backward(open) {
		if err := e.Undo.Do(); err != nil {
			errs = append(errs, err)
		} else {
			done = append(done, e.Undo)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return done, err
	}
	return done, discard(path)
}

// read lists what a file leaves to undo: nothing if the machine was started again
// since, which undoes everything that is not a file.
func read(file *os.File) ([]*entry, error) {
	var open []*entry
	rebooted := false
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			if lines.Scan() {
				return nil, fmt.Errorf("unknown record: %w", err)
			}
			break // a last line that was cut short was not followed by its change
		}
		switch {
		case l.Boot != "":
			rebooted = l.Boot != bootID()
		case l.Entry != nil:
			if !rebooted || l.Entry.Undo.Dir != "" {
				open = append(open, l.Entry)
			}
		default:
			open = slices.DeleteFunc(open, func(e *entry) bool { return e.N == l.Undone })
		}
	}
	return open, lines.Err()
}

// Left is what a process that is gone has left behind.
type Left struct {
	Journal string
	Since   time.Time
	Undo    []Undo
}

// journals lists the files of all journals of this user. What others have put in
// the way of a directory is theirs.
func journals() ([]string, error) {
	var all []string
	for _, dir := range directories() {
		if own(dir) != nil {
			continue
		}
		files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	return all, nil
}

// Leftovers lists what Reap would undo.
func Leftovers() ([]Left, error) {
	files, err := journals()
	if err != nil {
		return nil, err
	}
	var all []Left
	for _, path := range files {
		file, err := os.Open(path)
		if err != nil {
			continue // it is being undone
		}
		if syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
			open, err := read(file)
			info, err2 := file.Stat()
			if err := errors.Join(err, err2); err != nil {
				return all, errors.Join(fmt.Errorf("journal %s: %w", path, err), file.Close())
			}
			left := Left{Journal: path, Since: info.ModTime()}
			for _, e := range open {
				left.Undo = append(left.Undo, e.Undo)
			}
			all = append(all, left)
		}
		file.Close()
	}
	return all, nil
}

// Reap undoes what processes that are gone have left behind, and lists it.
func Reap() ([]Undo, error) {
	files, err := journals()
	if err != nil {
		return nil, err
	}
	var all []Undo
	var errs []error
	for _, path := range files {
		done, err := recoverFile(path, syscall.LOCK_EX|syscall.LOCK_NB)
		all = append(all, done...)
		if !errors.Is(err, errBusy) {
			errs = append(errs, err)
		}
	}
	return all, errors.Join(errs...)
}
