package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
	"bench/reports/words"
)

//go:embed page.tmpl
var pageSource string

//go:embed style.css
var styleSource string

//go:embed script.js
var scriptSource string

// download is a file offered at the end of the page: by its name in the result
// folder, or, where script runs, from the copy inside the page.
type download struct {
	Name, Title string
	Packed      string // deflated base64; empty when only the folder has it
}

// Attachment is a file to embed.
type Attachment struct {
	Name, Title string
	Content     []byte
}

// Render writes the page. cells must be the analyses of d's cells, in order.
func Render(w io.Writer, d *series.Data, cells []*series.Analysis, files []Attachment) error {
	series.EvenAxes(cells)
	v := newView(d, cells)
	for _, f := range files {
		v.Downloads = append(v.Downloads, download{f.Name, f.Title, deflate(f.Content)})
	}
	t, err := parse()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, v); err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

func newView(d *series.Data, cells []*series.Analysis) *view {
	run := d.Run
	hash := sha256.Sum256([]byte(scriptSource))
	v := &view{
		CSP: "default-src 'none'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
			"'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'",
		Style: template.CSS(styleSource), Script: template.JS(scriptSource),
		Verdict: verdictOf(run.Verdict), Scenario: series.OneLine(run.Scenario), Reason: series.OneLine(run.Reason),
		Trust: trust(d, cells), Tool: series.OneLine("bench " + run.Tool.Version),
	}
	v.Title = v.Verdict.Word + " " + cutText(v.Scenario, 80)
	for i, a := range cells {
		v.Cells = append(v.Cells, newCell(i, a))
	}
	switch len(cells) {
	case 0:
		v.Facts = []string{"no cell was run"}
	case 1:
		v.Facts = cellFacts(cells[0])
	default:
		v.Facts = matrixFacts(run, cells)
		v.Matrix = newMatrix(run, cells, v.Cells)
	}
	v.Facts = append(v.Facts, fmt.Sprintf("seed %d", run.Seed))
	if label := cutText(series.OneLine(run.Label), 60); label != "" {
		v.Facts = append(v.Facts, label)
	}
	v.Cards = cards(cells)
	if len(v.Cards) > 6 {
		v.Cards, v.MoreCards = v.Cards[:6], v.Cards[6:]
	}
	for _, a := range cells {
		v.Problems = append(v.Problems, words.NotCarried(a.Loads)...)
		for _, p := range words.Doubts(a.Trust.Doubts) {
			if text := series.OneLine(p); !slices.Contains(v.Problems, text) && text != v.Reason {
				v.Problems = append(v.Problems, text)
			}
		}
	}
	if run.Verdict == result.Partial && len(v.Problems) == 0 {
		v.Problems = []string{"the run was cut short: the quality of the measurement was not judged"}
	}
	const most = 3
	if len(v.Problems) > most+1 {
		v.Problems, v.MoreProblems = v.Problems[:most], v.Problems[most:]
	}
	v.warnings(d, cells)
	v.provenance(d, cells)
	return v
}

func (v *view) warnings(d *series.Data, cells []*series.Analysis) {
	add := func(prefix string, list []string) {
		for _, w := range list {
			if text := prefix + series.OneLine(w); !slices.Contains(v.Warnings, text) {
				v.Warnings = append(v.Warnings, text)
			}
		}
	}
	add("", d.Run.Warnings)
	add("", d.Notes)
	for _, a := range cells {
		prefix := ""
		if len(cells) > 1 {
			prefix = a.Name + ": "
		}
		add(prefix, a.Warnings)
	}
}

// provenance lists what another person needs to repeat the run.
func (v *view) provenance(d *series.Data, cells []*series.Analysis) {
	run := d.Run
	add := func(name, value string) {
		if value = series.OneLine(value); value != "" {
			v.Provenance = append(v.Provenance, fact{name, value})
		}
	}
	add("label", run.Label)
	add("command", run.Command)
	add("started", run.StartedAt)
	add("ended", run.EndedAt)
	add("side by side", run.SideBySide)
	add("seed", fmt.Sprint(run.Seed))
	add("scenario hash", run.Hash)
	add("tool", toolText(&run.Tool))
	seen := make(map[string]bool)
	for _, a := range cells {
		p := &a.Proxy
		prefix := ""
		if len(cells) > 1 {
			prefix = a.Name + ": "
		}
		text := fmt.Sprintf("%s %s", p.Driver, p.Version)
		if p.Build != "" {
			text += ", " + p.Build
		}
		if p.Poller != "" {
			text += ", poller " + p.Poller
		}
		if len(p.CPUs) > 0 {
			text += fmt.Sprintf(", on CPU %v", p.CPUs)
		}
		add(prefix+"proxy", text)
		add(prefix+"proxy command", p.Command)
		if config := series.Text(p.Config); config != "" && !seen[config] {
			seen[config] = true
			v.Folded = append(v.Folded, fact{prefix + "proxy configuration", config})
		}
	}
	if text := series.Text(run.Text); text != "" {
		v.Folded = append([]fact{{"scenario as resolved", text}}, v.Folded...)
	}
	v.environment(d.Env, "")
}

// environment lists env.json as it is nested, keys in order. Long texts fold.
func (v *view) environment(env map[string]any, prefix string) {
	for _, key := range slices.Sorted(maps.Keys(env)) {
		name := prefix + series.OneLine(key)
		switch x := env[key].(type) {
		case map[string]any:
			v.environment(x, name+" ")
		case string:
			if strings.ContainsRune(x, '\n') {
				v.Folded = append(v.Folded, fact{name, series.Text(x)})
			} else if x != "" {
				v.Provenance = append(v.Provenance, fact{name, series.OneLine(x)})
			}
		case float64:
			text := fmt.Sprint(x)
			if strings.HasSuffix(strings.ToLower(key), "bytes") {
				text = units.Bytes(x)
			} else if x == float64(int64(x)) {
				text = fmt.Sprint(int64(x))
			}
			v.Provenance = append(v.Provenance, fact{name, text})
		case nil:
		default:
			raw, err := json.Marshal(x)
			if err == nil {
				v.Provenance = append(v.Provenance, fact{name, series.OneLine(string(raw))})
			}
		}
	}
}

// toolText is which bench it was; not all builds know their commit.
func toolText(t *result.Tool) string {
	parts := []string{"bench " + t.Version}
	if t.Commit != "" {
		parts = append(parts, "commit "+t.Commit)
	}
	return strings.Join(append(parts, t.Go), ", ")
}
