package result

// History is history.json: a measure over many recorded runs, with the changes in it.
type History struct {
	Version  int              `json:"version"` // of this record: 1
	Tool     Tool             `json:"tool"`
	Scenario string           `json:"scenario"`
	Runs     []HistoryRun     `json:"runs"` // in order of time
	Measures []HistoryMeasure `json:"measures"`
	Warnings []string         `json:"warnings,omitempty"`
}

// HistoryRun is one recorded run.
type HistoryRun struct {
	Dir       string `json:"dir"`
	Label     string `json:"label"` // given at run time, else the commit, else the folder
	StartedAt string `json:"startedAt"`
	Verdict   string `json:"verdict"`
}

// HistoryMeasure is one measure over the runs.
type HistoryMeasure struct {
	Name   string     `json:"name"`
	Load   string     `json:"load,omitempty"`
	Cell   string     `json:"cell,omitempty"`
	Unit   string     `json:"unit"`
	Values []*float64 `json:"values"` // one a run; nil where it is not known
	// Changes are the change points found; Refused says why none were looked for.
	Changes []ChangePoint `json:"changes"`
	Refused string        `json:"refused,omitempty"`
}

// ChangePoint is a run from which on a measure has another level.
type ChangePoint struct {
	Run           int     `json:"run"` // index of the first run of the new level
	Before        float64 `json:"before"`
	After         float64 `json:"after"`
	ChangePercent float64 `json:"changePercent"`
	P             float64 `json:"p"`
	Worse         bool    `json:"worse"`
}
