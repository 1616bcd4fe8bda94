package stats

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// What is written is what is read, and what goes on from it is written the same: every
// column of every kind of row.
func TestSavedCountersGoOn(t *testing.T) {
	const now = 5000 * nsPerSecond
	saved := Saved{}
	for i, name := range savedColumns {
		saved[name] = uint64(i + 1)
	}
	var f Frontend
	var b Backend
	var s Server
	var l Listener
	f.Resume(saved, now)
	b.Resume(saved, now)
	s.Resume(saved, now)
	l.Resume(saved)
	rows := []Row{
		{Type: RowFrontend, GUID: "f", HTTP: true, Totals: f.Totals(now)},
		{Type: RowListener, GUID: "l", HTTP: true, Totals: l.Totals()},
		{Type: RowServer, GUID: "s", HTTP: true, Totals: s.Totals(now), Server: ServerRow{
			Downs: saved["chkdown"], LastChange: int64(saved["lastchg"]), Check: CheckState{Enabled: true, Failed: saved["chkfail"]},
		}},
		{Type: RowServer, HTTP: true, Totals: s.Totals(now)},
		{Type: RowBackend, GUID: "b", HTTP: true, Totals: b.Totals(now), Backend: BackendRow{Servers: 1, Downs: saved["chkdown"], LastChange: int64(saved["lastchg"])}},
	}
	var text strings.Builder
	if err := WriteSaved(&text, all(rows)); err != nil {
		t.Fatal(err)
	}
	got, ok := ReadSaved(text.String(), func(n int, what string) { t.Errorf("%s %d is refused", what, n) })
	if !ok {
		t.Fatal("the file is refused")
	}
	if have := slices.Sorted(maps.Keys(got.Front)); !slices.Equal(have, []string{"f", "l"}) {
		t.Errorf("frontends and listeners are %v", have)
	}
	if have := slices.Sorted(maps.Keys(got.Back)); !slices.Equal(have, []string{"b", "s"}) {
		t.Errorf("backends and servers are %v", have)
	}
	// conn_tot of a listener is kept for the connections that it has, and not shown.
	missing := map[string]string{"f": "", "l": "conn_tot", "b": "", "s": ""}
	for letter, row := range map[string]Saved{"F": got.Front["f"], "L": got.Front["l"], "B": got.Back["b"], "S": got.Back["s"]} {
		for i := range columns {
			c := &columns[i]
			if !slices.Contains(savedColumns, c.name) || !strings.Contains(c.in, letter) || c.name == missing[strings.ToLower(letter)] {
				continue
			}
			if row[c.name] != saved[c.name] {
				t.Errorf("%s of a row of type %s is %d, want %d", c.name, letter, row[c.name], saved[c.name])
			}
		}
	}
}

func TestSavedFilesOfOthers(t *testing.T) {
	tests := []struct {
		name, text  string
		front, back map[string]Saved
		complaints  []string
		refused     bool
	}{
		{name: "empty"},
		{name: "comments and blank lines", text: "\n// all of it\n#fe guid,stot,\n\n// more\na,1,\n", front: map[string]Saved{"a": {"stot": 1}}},
		{name: "both sections", text: "#fe guid,stot,\na,1,\n#be guid,stot,\na,2,\n", front: map[string]Saved{"a": {"stot": 1}}, back: map[string]Saved{"a": {"stot": 2}}},
		{name: "unknown column", text: "#be guid,new,stot,\na,1,2,\n", back: map[string]Saved{"a": {"new": 1, "stot": 2}}},
		{name: "no number", text: "#fe guid,stot,bin,\na,x1,2,\n", front: map[string]Saved{"a": {"bin": 2}}},
		{name: "empty value", text: "#fe guid,stot,bin,\na,,2,\n", front: map[string]Saved{"a": {"bin": 2}}},
		{name: "too few and too many values", text: "#fe guid,stot,bin,\na,1\nb,1,2,3,4,\n", front: map[string]Saved{"a": {"stot": 1}, "b": {"stot": 1, "bin": 2}}},
		{name: "unknown section", text: "#fe guid,stot,\n#new guid,stot,\na,1,\n"},
		{name: "bad identifier", text: "#fe guid,stot,\na b,1,\nb,2,\n", front: map[string]Saved{"b": {"stot": 2}}, complaints: []string{"line 2"}},
		{name: "bad header behind a good one", text: "#fe guid,stot,\na,1,\n#be\nb,1,\n#be stot,\n", front: map[string]Saved{"a": {"stot": 1}}, complaints: []string{"header line 3", "header line 5"}},
		{name: "garbage", text: "\x00\x01\n#fe guid,stot,\na,1,\n", refused: true},
		{name: "bad header", text: "#fe stot,\na,1,\n", refused: true},
		{name: "cut header", text: "#fe guid,sto", refused: true},
		{name: "cut value", text: "#fe guid,stot,\na,18446744073709551616,\nb,18446744073709551615", front: map[string]Saved{"a": {}, "b": {"stot": 1<<64 - 1}}},
		{name: "twice", text: "#fe guid,stot,\na,1,\na,2,\n", front: map[string]Saved{"a": {"stot": 2}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var complaints []string
			f, ok := ReadSaved(tt.text, func(n int, what string) { complaints = append(complaints, fmt.Sprint(what, " ", n)) })
			if refused := !ok && tt.text != ""; refused != tt.refused {
				t.Fatalf("refused: %v", refused)
			}
			if !slices.Equal(complaints, tt.complaints) {
				t.Errorf("complaints are %q", complaints)
			}
			if tt.refused {
				return
			}
			for _, side := range []struct{ got, want map[string]Saved }{{f.Front, tt.front}, {f.Back, tt.back}} {
				if len(side.got)+len(side.want) > 0 && !reflect.DeepEqual(side.got, side.want) {
					t.Errorf("got %v, want %v", side.got, side.want)
				}
			}
		})
	}
}

func FuzzReadSaved(f *testing.F) {
	f.Add("#fe guid,stot,\na,1,\n\n#be guid,stot,lastsess,\nb,2,3,\n")
	f.Add("// nothing\n#x y,\n1,2,\n")
	f.Fuzz(func(t *testing.T, text string) {
		saved, _ := ReadSaved(text, func(int, string) {})
		const now = 1000 * nsPerSecond
		for _, s := range saved.Back {
			var b Backend
			b.Resume(s, now)
			if v := b.Totals(now).LastSession; v < -1 || v > now/nsPerSecond {
				t.Errorf("the last session was %d seconds ago", v)
			}
		}
	})
}
