package reports

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bench/reports/page"
	"bench/reports/series"
)

// Report is a result folder, read and analysed.
type Report struct {
	Data  *series.Data
	Cells []*series.Analysis
}

// Load reads a result folder.
func Load(dir string) (*Report, error) {
	d, err := series.Open(dir)
	if err != nil {
		return nil, err
	}
	r := &Report{Data: d}
	for _, c := range d.Cells {
		r.Cells = append(r.Cells, series.Analyse(c))
	}
	return r, nil
}

// Formats lists what Render can write and the file of each in the result folder.
func Formats() map[string]string {
	return map[string]string{
		"html": "report.html", "md": "report.md", "json": "report.json", "junit": "junit.xml", "hlog": "hist.hlog", "csv": "seconds.csv", "requests": "requests.csv",
		"openmetrics": "metrics.om", "benchstat": "bench.txt", "badge": "badge.svg",
	}
}

// Render reads the result folder and writes the formats into it, all of them
// when none is named. It returns the files written. The same folder gives the
// same bytes, whenever and wherever it is rendered.
func Render(dir string, formats []string) ([]string, error) {
	r, err := Load(dir)
	if err != nil {
		return nil, err
	}
	return r.write(dir, formats)
}

func (r *Report) write(dir string, formats []string) ([]string, error) {
	if len(formats) == 0 {
		formats = []string{"html", "md", "junit", "hlog", "csv", "openmetrics", "benchstat", "badge"}
		if r.hasRequests() {
			formats = append(formats, "requests")
		}
	}
	var files []string
	for _, f := range formats {
		name, ok := Formats()[f]
		if !ok {
			return files, fmt.Errorf("unknown report format %q: it is one of %s", f, strings.Join(slices.Sorted(maps.Keys(Formats())), ", "))
		}
		var b bytes.Buffer
		if err := r.render(&b, f); err != nil {
			return files, fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			return files, err
		}
		files = append(files, name)
	}
	return files, nil
}

func (r *Report) render(b *bytes.Buffer, format string) error {
	switch format {
	case "html":
		files, err := r.attachments()
		if err != nil {
			return err
		}
		return page.Render(b, r.Data, r.Cells, files)
	case "md":
		return writeMarkdown(b, r)
	case "json":
		return writeJSON(b, r)
	case "junit":
		return writeJUnit(b, r)
	case "hlog":
		return writeHlog(b, r, second)
	case "requests":
		return writeRequests(b, r)
	case "openmetrics":
		return writeMetrics(b, r)
	case "benchstat":
		return writeBench(b, r)
	case "badge":
		return writeBadge(b, r)
	default:
		return writeCSV(b, r)
	}
}

// maxIntervals bounds the lines of the histogram log inside the page; the one
// in the folder has a line a second.
const maxIntervals = 360

// attachments are the files the page carries.
func (r *Report) attachments() ([]page.Attachment, error) {
	var table, log bytes.Buffer
	if err := writeCSV(&table, r); err != nil {
		return nil, err
	}
	var longest int64
	for _, a := range r.Cells {
		longest = max(longest, a.EndUs*int64(len(r.Cells)))
	}
	step := int64(second)
	for longest/step > maxIntervals {
		step += second
	}
	if err := writeHlog(&log, r, step); err != nil {
		return nil, err
	}
	return []page.Attachment{
		{Name: "run.json", Title: "the result, as recorded", Content: r.Data.RunJSON},
		{Name: "seconds.csv", Title: "one row a second", Content: table.Bytes()},
		{Name: "hist.hlog", Title: fmt.Sprintf("HdrHistogram log, one line for each %d s", step/second), Content: log.Bytes()},
	}, nil
}
