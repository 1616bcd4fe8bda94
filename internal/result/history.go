package result

// History is history.json: measures over many recorded runs, with the changes in them.
type History struct {
	Version int    `json:"version"` // of this record: 1
	Tool    Tool   `json:"tool"`
	Command string `json:"command"`
	// Reference is the cell by which values were divided, as it was asked for:
	// "driver=haproxy"; "" where they are as they were measured.
	Reference string `json:"reference,omitempty"`
	// Groups are the runs of one scenario on one host and processor, the latest last.
	// Nothing is compared across groups.
	Groups []HistoryGroup `json:"groups"`
	// LeftOut are the folders that count nowhere.
	LeftOut  []HistoryLeftOut `json:"leftOut,omitempty"`
	Warnings []string         `json:"warnings,omitempty"`
}

// HistoryGroup is runs that may be held against each other: proxies of the same drivers
// had the same to do on the same machine.
type HistoryGroup struct {
	Scenario string `json:"scenario"`
	// Work is the hash, SHA-256 in hex, of what the scenario asks of the proxy: all but
	// the proxy itself and how it is judged.
	Work     string           `json:"workHash"`
	Drivers  []string         `json:"drivers"`
	Host     string           `json:"host"`
	CPU      string           `json:"cpu"`
	CPUs     int              `json:"cpus"`
	Runs     []HistoryRun     `json:"runs"` // in order of their start
	Measures []HistoryMeasure `json:"measures"`
}

// HistoryRun is one recorded run.
type HistoryRun struct {
	Dir       string `json:"dir"`
	Label     string `json:"label"` // given at run time, else the commit, else the folder
	StartedAt string `json:"startedAt"`
	Verdict   string `json:"verdict"`
	// Facts are what may differ between runs of a group, by name: "kernel", "bench",
	// "proxy" (its version), "program" and "settings" (hashes of it and of its part of
	// the scenario) and, with a reference, "reference".
	Facts map[string]string `json:"facts"`
}

// HistoryLeftOut is a folder that does not count.
type HistoryLeftOut struct {
	Dir     string `json:"dir"`
	Verdict string `json:"verdict,omitempty"` // "" where the folder could not be read
	Reason  string `json:"reason"`
}

// HistoryMeasure is one measure over the runs.
type HistoryMeasure struct {
	Name  string `json:"name"`
	Load  string `json:"load,omitempty"`
	Class string `json:"class,omitempty"`
	Cell  string `json:"cell,omitempty"`
	// Unit is that of the values: "us", "1", "%", "/s", "bytes", or "ratio" where
	// they were divided by the reference's.
	Unit         string `json:"unit"`
	MoreIsBetter bool   `json:"moreIsBetter,omitempty"`
	// Values are one a run; nil where it is not known.
	Values []*float64 `json:"values"`
	// Unknown says why the last value is nil that is.
	Unknown string `json:"unknown,omitempty"`
	// Changes are the change points found; Refused says why none were looked for.
	Changes []ChangePoint `json:"changes"`
	Refused string        `json:"refused,omitempty"`
}

// Known is how many values are known.
func (m *HistoryMeasure) Known() int {
	n := 0
	for _, v := range m.Values {
		if v != nil {
			n++
		}
	}
	return n
}

// ChangePoint is a run from which on a measure has another level.
type ChangePoint struct {
	Run   int    `json:"run"` // index of the first run of the new level
	Label string `json:"label"`
	// Before and After are the medians of the levels on both sides.
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	// ChangePercent is nil where Before is 0.
	ChangePercent *float64 `json:"changePercent"`
	P             float64  `json:"p"`
	Worse         bool     `json:"worse"`
	// With are the facts that changed with the same run: "kernel 6.1.0 → 6.8.0".
	With []string `json:"with,omitempty"`
}
