package tty

import (
	"strings"
	"testing"
)

// Lines are as wide as they may be in cells of the terminal, of which some characters
// take two, and nothing of a text is lost.
func TestWrapTextCountsCells(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"one two three", 7, "one two|three"},
		{"one two three", 6, "one|two|three"},
		{"日本語日本語", 6, "日本語|日本語"},
		{"日本語", 5, "日本|語"},
		{"日本 語", 5, "日本|語"},
		{"takes 1\u202f000 pairs", 9, "takes|1\u202f000|pairs"},
		{"a/long/path", 7, "a/long/|path"},
		{"abcdefgh", 3, "abc|def|gh"},
		{"  blanks   around ", 0, "blanks   around"},
	} {
		if got := strings.Join(Wrap(c.text, c.width), "|"); got != c.want {
			t.Errorf("%q in %d cells: %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

// Columns give way only as far as they can: none becomes narrower than its least width
// or its head, whatever that costs.
func TestColumnsKeepTheirLeastWidth(t *testing.T) {
	columns := []Column{{Head: "n", Right: true}, {Head: "text", Wraps: true, Least: 9}, {Head: "a longer head", Wraps: true}}
	rows := [][]string{{"10", "some words that wrap", "others that wrap"}}
	want := strings.Join([]string{
		" n  text       a longer head",
		"10  some       others that",
		"    words      wrap",
		"    that wrap",
	}, "\n")
	if got := strings.Join(Table(columns, rows, 10), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// One cell does not take a whole terminal: where it ends early it says so. In a pipe
// nothing is left out.
func TestLongCellsEndWithAMark(t *testing.T) {
	text := strings.TrimSpace(strings.Repeat("word ", 50))
	columns := []Column{{Head: "text", Wraps: true}}
	lines := Table(columns, [][]string{{text}}, 10)
	if len(lines) != 1+mostLines || !strings.HasSuffix(lines[mostLines], "~") {
		t.Errorf("%d lines, the last %q; want %d, marked", len(lines), lines[len(lines)-1], 1+mostLines)
	}
	if lines := Table(columns, [][]string{{text}}, 0); len(lines) != 2 || lines[1] != text {
		t.Errorf("in a pipe: %q", lines)
	}
}
