package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"bench/reports/capacity"
	"bench/reports/internal/fixture"
	"bench/reports/series"
)

func TestCapacityPage(t *testing.T) {
	for _, name := range fixture.Capacities() {
		r := fixture.Capacity(name)
		files := []Attachment{{Name: "capacity.json", Title: "everything, for programs"}}
		page, err := Capacity(r, files)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Capacity(fixture.Capacity(name), files)
		if err != nil || !bytes.Equal(page, again) {
			t.Errorf("%s: the same result gives other bytes", name)
		}
		picture, err := CapacityPicture(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"NaN", "Inf", "ZgotmplZ", "<script", "no value", "<i>|", "<b>\u202e", "</script><b>", "<script>alert", "\x1b", "\u202e"} {
			if bytes.Contains(page, []byte(bad)) || bytes.Contains(picture, []byte(bad)) {
				t.Errorf("%s: the page or the picture holds %q", name, bad)
			}
		}
		for d := xml.NewDecoder(bytes.NewReader(picture)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: the picture is no XML: %v", name, err)
			}
		}
		if name == "found" {
			golden(t, "testdata/capacity.html", page)
			golden(t, "testdata/capacity.svg", picture)
		}
	}
}

// Every trial is a mark in the chart of all rates, and every figure in the table is that
// of the record.
func TestCapacityPageShowsAllTrials(t *testing.T) {
	r := fixture.Capacity("found")
	plots := capacityPlots(r, &r.CapacityPoint)
	if len(plots) != 2 || len(plots[0].Dots) != len(r.Trials) || len(plots[1].Dots) >= len(r.Trials) {
		t.Fatalf("%d charts", len(plots))
	}
	for _, p := range plots {
		for _, d := range p.Dots {
			if d.X < 0 || d.X > 100 || d.Y < 0 || d.Y > 100 {
				t.Errorf("%s: a mark at %v, %v", p.Title, d.X, d.Y)
			}
		}
		if p.Knee == nil || p.Limit == nil || len(p.Lines) != 2 || len(p.Legend) != 4 {
			t.Errorf("%s: %+v", p.Title, p)
		}
	}
	page, err := Capacity(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := series.OneLine(string(page))
	for i := range r.Trials {
		for _, cell := range capacity.Row(&r.Trials[i])[:6] {
			if !strings.Contains(text, "<td>"+strings.ReplaceAll(cell, "<", "&lt;")+"</td>") && !strings.Contains(text, ">"+cell+"</th>") {
				t.Errorf("trial %d: no cell %q", i+1, cell)
			}
		}
	}
	for _, want := range []string{"395/s", "388/s to 402/s", "maxconn", "server web/s1 maxconn 4", "For 1\u202f000/s", "2 events of the scenario left out"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestScalingPlot(t *testing.T) {
	if p := scalingPlot(fixture.Capacity("driver")); p != nil {
		t.Error("values that are no numbers have a chart")
	}
	r := fixture.Capacity("threads")
	p := scalingPlot(r)
	if p == nil || len(p.Dots) != len(r.Points) || len(p.Lines) != 5 {
		t.Fatalf("%+v", p)
	}
	r.Scaling = nil
	if p := scalingPlot(r); p == nil || len(p.Dots) != len(r.Points) || len(p.Lines) != 1 {
		t.Errorf("without a law: %+v", p)
	}
}
