package history

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bench/internal/result"
	"bench/scenarios/document"
	"bench/scenarios/measures"
)

// find lists the result folders in some folders: these themselves, or all below them,
// each once, without the runs of comparisons and of searches for a capacity.
func find(dirs []string) ([]string, error) {
	var all []string
	seen := make(map[string]bool)
	for _, dir := range dirs {
		root, err := filepath.EvalSymlinks(dir)
		if err == nil {
			root, err = filepath.Abs(root)
		}
		if err != nil {
			return nil, err
		}
		found := false
		err = filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
			switch {
			case err != nil && at == root:
				return err
			case err != nil || !d.IsDir():
				return nil // what may not be read has no results to show
			}
			if what := notRuns(at); what != "" {
				if at == root {
					return fmt.Errorf("%s is the folder of %s: its runs do not make a history", dir, what)
				}
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(at, "run.json")); err != nil {
				return nil
			}
			found = true
			if !seen[at] {
				seen[at] = true
				rel, err := filepath.Rel(root, at)
				if err != nil {
					return err
				}
				all = append(all, filepath.Join(dir, rel))
			}
			return fs.SkipDir
		})
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, fmt.Errorf("%s: no result folder, and none in it: there is no run.json", dir)
		}
	}
	return all, nil
}

// notRuns says of what a folder is whose runs belong to something else: the sides of a
// comparison, or rates that were only tried.
func notRuns(dir string) string {
	for file, what := range map[string]string{result.ComparisonFile: "a comparison", result.CapacityFile: "a search for a capacity"} {
		if _, err := os.Stat(filepath.Join(dir, file)); err == nil {
			return what
		}
	}
	return ""
}

// cell is a combination of the matrix without repeats.
type cell struct {
	vars map[string]string
	// name is as in the report, without repeat; "" without a matrix.
	name  string
	proxy result.Proxy
	// parts are the names of the cells that repeat it, as measures have them.
	parts []string
}

// read reads a run and its cells that count: what is INVALID or PARTIAL does not.
func read(dir string) (*run, error) {
	m, err := measures.Read(dir, nil)
	if err != nil {
		return nil, err
	}
	r := &run{Run: m}
	if r.start, err = time.Parse(time.RFC3339, m.Record.StartedAt); err != nil {
		return nil, errors.New("its record does not say when it started")
	}
	for _, c := range m.Record.Cells {
		if c.Verdict == result.Invalid || c.Verdict == result.Partial {
			continue
		}
		vars := maps.Clone(c.Vars)
		delete(vars, result.RepeatAxis)
		var names []string
		for _, axis := range m.Record.Axes {
			if v, ok := vars[axis.Name]; ok {
				names = append(names, axis.Name+"="+v)
			}
		}
		name, part := strings.Join(names, ","), c.Name
		if len(m.Record.Axes) == 0 {
			part = ""
		}
		i := slices.IndexFunc(r.cells, func(o *cell) bool { return o.name == name })
		if i < 0 {
			i = len(r.cells)
			r.cells = append(r.cells, &cell{vars: vars, name: name, proxy: c.Proxy})
		}
		r.cells[i].parts = append(r.cells[i].parts, part)
	}
	return r, nil
}

// machine is what a run was made on.
func (r *run) machine() (host, cpu, kernel string, cpus int) {
	text := func(key string) string { s, _ := r.Env[key].(string); return s }
	n, _ := r.Env["cpus"].(float64)
	return text("hostname"), text("cpuModel"), text("kernel"), int(n)
}

// work is the hash of what the run asked of its proxies.
func (r *run) work() string {
	if r.Record.Text != "" {
		if hash, err := document.WorkHash([]byte(r.Record.Text)); err == nil {
			return hash
		}
	}
	return r.Record.Hash
}

// drivers are those of all its cells, each once.
func (r *run) drivers() []string {
	var all []string
	for _, c := range r.Record.Cells {
		if d := c.Proxy.Driver; !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	return all
}

// each is something of the proxies of all cells but those of a reference, each once.
func (r *run) each(ref *reference, of func(*result.Proxy) string) []string {
	var all []string
	for _, c := range r.cells {
		if text := of(&c.proxy); text != "" && (ref == nil || !ref.is(c)) && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// factNames are what may differ between runs of a group, in the order they are told.
var factNames = []string{"proxy", "program", "settings", "reference", "bench", "host", "kernel"}

// facts of a run. Long hashes are cut.
func (r *run) facts(ref *reference) map[string]string {
	const short = 8
	_, _, kernel, _ := r.machine()
	facts := map[string]string{
		"kernel": kernel, "bench": strings.TrimSpace(r.Record.Tool.Version + " " + r.Record.Tool.Commit),
		"proxy":   strings.Join(r.each(ref, version), ", "),
		"program": strings.Join(r.each(ref, func(p *result.Proxy) string { return p.ProgramHash[:min(len(p.ProgramHash), short)] }), ", "),
	}
	if ref != nil {
		facts["reference"] = strings.Join(ref.proxies, ", ")
	}
	if sections, err := document.Sections([]byte(r.Record.Text)); err == nil {
		for _, s := range sections {
			if s.Key == "proxy" {
				sum := sha256.Sum256([]byte(s.Text))
				facts["settings"] = hex.EncodeToString(sum[:])[:short]
			}
		}
	}
	maps.DeleteFunc(facts, func(_, v string) bool { return v == "" })
	return facts
}

func version(p *result.Proxy) string { return strings.TrimSpace(p.Driver + " " + p.Version) }

// label is how a run is called: as it was at run time, by the commit, or by its folder.
func (r *run) label() string {
	const short = 12
	if r.Record.Label != "" {
		return r.Record.Label
	}
	if c := r.Record.Tool.Commit; c != "" {
		return c[:min(len(c), short)]
	}
	abs, err := filepath.Abs(r.Dir)
	if err != nil {
		abs = r.Dir
	}
	return filepath.Base(abs)
}
