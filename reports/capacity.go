package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bench/internal/result"
	"bench/reports/capacity"
	"bench/reports/page"
	"bench/reports/series"
)

// IsCapacity reports whether dir is such a folder.
func IsCapacity(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, result.CapacityFile))
	return err == nil
}

// WriteCapacity writes the record of a search into dir, and renders it there.
func WriteCapacity(dir string, r *result.Capacity) ([]string, error) {
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", result.CapacityFile, err)
	}
	if err := os.WriteFile(filepath.Join(dir, result.CapacityFile), append(raw, '\n'), 0o644); err != nil {
		return nil, err
	}
	names, err := RenderCapacity(dir, nil)
	return append([]string{result.CapacityFile}, names...), err
}

// ReadCapacity reads a record and makes its texts safe to show.
func ReadCapacity(dir string) (*result.Capacity, error) {
	file := filepath.Join(dir, result.CapacityFile)
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no %s, so this is not the folder of a search for a capacity", dir, result.CapacityFile)
	}
	if err != nil {
		return nil, err
	}
	r := new(result.Capacity)
	if err := json.Unmarshal(raw, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if r.Version != 1 {
		return nil, fmt.Errorf("%s: a record of version %d; this bench reads version 1", file, r.Version)
	}
	series.Clean(r)
	return r, nil
}

// RenderCapacity writes page, picture and Markdown beside the record in dir, or those of
// them that are named: html, svg, md. The same record gives the same bytes.
func RenderCapacity(dir string, formats []string) ([]string, error) {
	r, err := ReadCapacity(dir)
	if err != nil {
		return nil, err
	}
	known := []string{"svg", "md", "html"}
	for _, f := range formats {
		if !slices.Contains(known, f) {
			return nil, fmt.Errorf("a capacity cannot be written as %q: its formats are %s", f, strings.Join(known, ", "))
		}
	}
	const html, svg, md = "capacity.html", "capacity.svg", "capacity.md"
	var names []string
	for _, f := range []struct {
		name   string
		render func() ([]byte, error)
	}{
		{svg, func() ([]byte, error) { return page.CapacityPicture(r) }},
		{md, func() ([]byte, error) { return capacity.Markdown(r, svg) }},
		{html, func() ([]byte, error) {
			return page.Capacity(r, []page.Attachment{
				{Name: result.CapacityFile, Title: "everything, for programs"},
				{Name: md, Title: "for a comment on a change"},
				{Name: svg, Title: "the chart as a picture"},
			})
		}},
	} {
		if len(formats) > 0 && !slices.Contains(formats, strings.TrimPrefix(filepath.Ext(f.name), ".")) {
			continue
		}
		text, err := f.render()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f.name), text, 0o644)
		}
		if err != nil {
			return names, fmt.Errorf("%s: %w", f.name, err)
		}
		names = append(names, f.name)
	}
	return names, nil
}
