// Package junit writes JUnit XML, as CI servers read it. What is a case, and what
// became of it, is for others.
package junit

import (
	"encoding/xml"
	"io"

	"bench/reports/series"
)

// Suites is a whole file.
type Suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Skipped  int      `xml:"skipped,attr,omitempty"`
	Suites   []Suite  `xml:"testsuite"`
}

// Suite is a group of cases.
type Suite struct {
	Name     string `xml:"name,attr"`
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr,omitempty"`
	Time     string `xml:"time,attr"` // seconds
	Stamp    string `xml:"timestamp,attr,omitempty"`
	Cases    []Case `xml:"testcase"`
}

// Case is one thing that was judged. At most one of its results is set; without any it
// held.
type Case struct {
	Class   string  `xml:"classname,attr"`
	Name    string  `xml:"name,attr"`
	Failure *Result `xml:"failure"` // it did not hold
	Error   *Result `xml:"error"`   // it could not be judged
	Skipped *Result `xml:"skipped"` // it did not apply
}

// Result is what became of a case.
type Result struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// Add adds a suite, and counts its cases.
func (all *Suites) Add(s Suite) {
	all.Suites = append(all.Suites, s)
	all.Tests, all.Failures, all.Errors, all.Skipped = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors, all.Skipped+s.Skipped
}

// Add adds a case, and counts it.
func (s *Suite) Add(c Case) {
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Error != nil {
		s.Errors++
	}
	if c.Skipped != nil {
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

// Write writes the file.
func (all *Suites) Write(w io.Writer) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// Text drops what XML 1.0 cannot hold; the encoder escapes the rest.
func Text(s string) string { return series.OneLine(s) }
