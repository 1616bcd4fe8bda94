package result

import "strconv"

// ComparisonFile is the name of the record in the folder of a comparison.
const ComparisonFile = "comparison.json"

// Words of a comparison, for a measure and for the whole.
const (
	Slower        = "SLOWER"    // a time, a rate or a cost is worse by more than the least effect
	Worse         = "WORSE"     // something that is counted is worse
	Better        = "BETTER"    // better by more than the least effect
	Same          = "same"      // the whole interval lies within the least effect
	Under5        = "under 5 %" // cleared: worse by less than five percent; see Under
	Undecided     = "unclear"   // neither; PairsNeeded says what it would take, where that is known
	Shown         = "shown"     // not gated: a figure without a verdict
	NotComparable = "NOT COMPARABLE"
)

// Limit is what a measure is cleared of, as a share: five percent, and more where the
// least effect that is asked for is great.
func Limit(minEffect float64) float64 { return max(0.05, 2.5*minEffect) }

// Under is the word for what is cleared of being worse by a limit: Under5 of 0.05. Only
// where the least effect is more than 2 % is the limit another one.
func Under(limit float64) string {
	return "under " + strconv.FormatFloat(limit*100, 'g', 3, 64) + " %"
}

// Comparison is comparison.json: what `bench compare` found.
type Comparison struct {
	Version   int    `json:"version"` // of this record: 1
	Tool      Tool   `json:"tool"`
	Command   string `json:"command"`
	StartedAt string `json:"startedAt"` // RFC 3339 with offset
	EndedAt   string `json:"endedAt"`
	Scenario  string `json:"scenario"`
	Seed      uint64 `json:"seed"`
	// Verdict is Slower, Worse, Better, Same, Under5, Unclear, Invalid, Partial or
	// NotComparable; Reason says why in one line.
	Verdict  string `json:"verdict"`
	Reason   string `json:"reason,omitempty"`
	ExitCode int    `json:"exitCode"`

	Base ComparisonSide `json:"base"`
	New  ComparisonSide `json:"new"`
	// Differs lists the facts in which the sides differ beyond what was asked for.
	Differs []ComparisonFact `json:"differs,omitempty"`
	// Interleaved reports that the runs of both sides alternated.
	Interleaved bool    `json:"interleaved"`
	Pairs       int     `json:"pairs"`     // that count
	MinEffect   float64 `json:"minEffect"` // 0.02 is two percent
	Alpha       float64 `json:"alpha"`
	Method      string  `json:"method"` // "sequential" or "fixed"
	// Confirmed speaks of the fresh pairs that repeated what looked worse; nil
	// without them.
	Confirmed *ComparisonConfirm `json:"confirmed,omitempty"`
	// Floor is the noise floor of the host, nil where it was not measured.
	Floor    *NoiseFloor       `json:"noiseFloor,omitempty"`
	Measures []ComparedMeasure `json:"measures"`
	// Runs are all runs in the order they were made.
	Runs     []ComparedRun `json:"runs"`
	Warnings []string      `json:"warnings,omitempty"`
}

// ComparisonSide is what stands on one side.
type ComparisonSide struct {
	Label    string   `json:"label"` // in a few words: "haproxy 2.6.12"
	Settings []string `json:"settings,omitempty"`
	Dir      string   `json:"dir,omitempty"` // of recorded results
	Proxy    Proxy    `json:"proxy"`
}

// ComparisonFact is something of which both sides should have the same.
type ComparisonFact struct {
	Name string `json:"name"`
	Base string `json:"base"`
	New  string `json:"new"`
	// Decisive facts, such as another scenario, allow no comparison without --force.
	Decisive bool `json:"decisive,omitempty"`
}

// ComparisonConfirm is the second look at measures that looked worse.
type ComparisonConfirm struct {
	Pairs    int      `json:"pairs"`
	Measures []string `json:"measures"` // that were looked at again
	Upheld   []string `json:"upheld"`   // that are worse there, too
}

// NoiseFloor is how small a change this host can tell, of each gated measure.
type NoiseFloor struct {
	MeasuredAt string `json:"measuredAt"`
	Host       string `json:"host"`
	CPU        string `json:"cpu"`
	Kernel     string `json:"kernel"`
	Scenario   string `json:"scenarioHash"`
	Pairs      int    `json:"pairs"`
	Invalid    int    `json:"invalid"` // pairs that had to be made again
	// Disturbed are pairs that other programs disturbed, and that count all the same
	// because that was asked for.
	Disturbed int                 `json:"disturbed,omitempty"`
	Measures  []NoiseFloorMeasure `json:"measures"`
}

// NoiseFloorMeasure is the noise of one measure between pairs of the same.
type NoiseFloorMeasure struct {
	Name string `json:"name"`
	// SD is the standard deviation of the logarithm of the ratio of a pair.
	SD float64 `json:"sd"`
	// Floor is the least change that so many pairs can tell, by number of pairs.
	Floor map[int]float64 `json:"floor"`
}

// ComparedMeasure is one line of a comparison.
type ComparedMeasure struct {
	Name  string `json:"name"`            // "response.p99", "cpu/request", "clients.response.p50"
	Load  string `json:"load,omitempty"`  // "" for all of them together
	Class string `json:"class,omitempty"` // of requests
	Cell  string `json:"cell,omitempty"`  // of the matrix
	Unit  string `json:"unit"`            // "us", "1", "/s", "bytes"
	Gated bool   `json:"gated"`
	// Base and New are the medians over the runs; Known is false where too few
	// runs had enough samples to state the measure.
	Base  float64 `json:"base"`
	New   float64 `json:"new"`
	Known bool    `json:"known"`
	// ChangePercent is the Hodges-Lehmann estimate of the change from Base to New;
	// Low and High bound it, nil where there are too few pairs for bounds. Of
	// counts that may be 0 it is the difference, and Unit says so.
	ChangePercent float64  `json:"changePercent"`
	Low           *float64 `json:"low"`
	High          *float64 `json:"high"`
	Verdict       string   `json:"verdict"`
	// PairsNeeded is about how many pairs would decide it, nine times in ten from
	// PairsNeededLow to PairsNeededHigh, which is 0 where that is beyond all that is
	// calculated. All are 0 where it is decided, or too few pairs were made to tell.
	PairsNeeded     int    `json:"pairsNeeded"`
	PairsNeededLow  int    `json:"pairsNeededLow,omitempty"`
	PairsNeededHigh int    `json:"pairsNeededHigh,omitempty"`
	Reason          string `json:"reason,omitempty"`
	// BaseValues and NewValues are the values of the pairs, in their order.
	BaseValues []float64 `json:"baseValues"`
	NewValues  []float64 `json:"newValues"`
}

// ComparedRun is one run of a comparison.
type ComparedRun struct {
	Pair    int    `json:"pair"` // from 1
	Side    string `json:"side"` // "base" or "new"
	Dir     string `json:"dir"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason,omitempty"`
	// LeftOut reports that the pair does not count, and Reason why.
	LeftOut bool `json:"leftOut,omitempty"`
	Confirm bool `json:"confirm,omitempty"` // of the second look
}
