package result

// CapacityFile is the name of the record in the folder of a search for a capacity.
const CapacityFile = "capacity.json"

// Capacity is capacity.json: the highest rate at which an objective holds.
type Capacity struct {
	Version    int      `json:"version"` // of this record: 1
	Tool       Tool     `json:"tool"`
	Command    string   `json:"command"`
	StartedAt  string   `json:"startedAt"`
	EndedAt    string   `json:"endedAt"`
	Scenario   string   `json:"scenario"`
	Text       string   `json:"scenarioText"`
	Hash       string   `json:"scenarioHash"`
	Seed       uint64   `json:"seed"`
	Objectives []string `json:"objectives"`
	// Limits are the same, taken apart; what was got stands with the trials.
	Limits    []Objective `json:"limits"`
	Load      string      `json:"load"`      // whose rate is searched
	Precision float64     `json:"precision"` // 0.03 is three percent
	Verdict   string      `json:"verdict"`
	Reason    string      `json:"reason,omitempty"`
	ExitCode  int         `json:"exitCode"`
	CapacityPoint
	// Axis is the axis of which every value was searched, and Points what it came
	// to there; empty without one.
	Axis   string          `json:"axis,omitempty"`
	Points []CapacityPoint `json:"points,omitempty"`
	// Scaling is the law fitted through the points, nil where it was refused, and
	// then ScalingRefused says why.
	Scaling        *Scaling `json:"scaling,omitempty"`
	ScalingRefused string   `json:"scalingRefused,omitempty"`
	// Need is how many it takes for the rate that was asked about: of the axis, or
	// without one of equal systems side by side. It is nil without such a question, and
	// where it cannot be answered NeedRefused says why.
	Need        *ScalingNeed `json:"need,omitempty"`
	NeedRefused string       `json:"needRefused,omitempty"`
	Warnings    []string     `json:"warnings,omitempty"`
}

// CapacityPoint is the outcome of one search.
type CapacityPoint struct {
	Value string `json:"value,omitempty"` // of the axis
	// Rate is the highest at which the objectives hold, in requests a second; Low and
	// High bound it. High is nil where the search ended without a rate at which they fail.
	Rate  float64  `json:"rate"`
	Low   float64  `json:"low"`
	High  *float64 `json:"high"`
	Known bool     `json:"known"`
	// Verdict and ExitCode are those of this search, and Reason why it is not PASS.
	Verdict  string `json:"verdict"`
	ExitCode int    `json:"exitCode"`
	Reason   string `json:"reason,omitempty"`
	// Doubt says which bound rests on trials that the machine may have broken.
	Doubt string `json:"doubt,omitempty"`
	// Seconds is how long the search took.
	Seconds float64 `json:"seconds"`
	// LimitedBy is what gave way first.
	LimitedBy *CapacityLimit `json:"limitedBy,omitempty"`
	Trials    []Trial        `json:"trials"`
	Proxy     Proxy          `json:"proxy"`
}

// CapacityLimit names what gave way first, with the evidence for it.
type CapacityLimit struct {
	// What: "proxy cpu", "cpu quota", "origin", "maxconn", "queue", "descriptors",
	// "ports", "network", "generator" or "unknown".
	What string `json:"what"`
	// Name is the part that did, as the configuration names it: "server web/s1 maxconn 4".
	Name     string   `json:"name,omitempty"`
	Evidence []string `json:"evidence"` // sentences with figures
}

// Trial is one load at one rate.
type Trial struct {
	Number   int      `json:"number"` // from 1
	Rate     float64  `json:"rate"`   // asked for, a second
	Got      float64  `json:"got"`    // good responses a second
	Seconds  float64  `json:"seconds"`
	Response Latency  `json:"response"`
	Failed   uint64   `json:"failed"`
	Held     bool     `json:"held"`
	Broken   []string `json:"broken,omitempty"` // objectives that did not hold
	// BreaksAfterSeconds is when a delay that grows would have passed the limit; 0
	// where it does not grow.
	BreaksAfterSeconds float64 `json:"breaksAfterSeconds,omitempty"`
	Invalid            string  `json:"invalid,omitempty"` // why it does not count
	// Doubt says what else may have broken it; it counts together with others only.
	Doubt string `json:"doubt,omitempty"`
}

// Scaling is the Universal Scalability Law through capacities: X(N) = Gamma N / (1 +
// Alpha (N-1) + Beta N (N-1)). Bounds are those of profile likelihood, at 95 %.
type Scaling struct {
	Gamma     float64 `json:"gamma"` // the rate of one
	GammaLow  float64 `json:"gammaLow"`
	GammaHigh float64 `json:"gammaHigh"`
	Alpha     float64 `json:"alpha"` // contention, 0 to 1
	AlphaLow  float64 `json:"alphaLow"`
	AlphaHigh float64 `json:"alphaHigh"`
	Beta      float64 `json:"beta"` // coherence
	BetaLow   float64 `json:"betaLow"`
	BetaHigh  float64 `json:"betaHigh"`
	// Largest is the greatest N that was measured; LeftOut are those at which the
	// generator was the limit.
	Largest float64   `json:"largest"`
	LeftOut []float64 `json:"leftOut,omitempty"`
	// AmdahlP is the p of the F test against Amdahl's law, that is, Beta 0.
	AmdahlP float64 `json:"amdahlP"`
	// Peak is where more brings less, with bounds; nil where none can be said to be
	// within what was measured, and NoPeak says why.
	Peak     *float64 `json:"peak,omitempty"`
	PeakLow  *float64 `json:"peakLow,omitempty"`
	PeakHigh *float64 `json:"peakHigh,omitempty"`
	NoPeak   string   `json:"noPeak,omitempty"`
	// LackOfFitP is the p of the test whether the points lie further from the curve
	// than chance allows, nil where that cannot be tested; Doubt says so where they do.
	LackOfFitP *float64 `json:"lackOfFitP,omitempty"`
	Doubt      string   `json:"doubt,omitempty"`
	// Curve is the fit with its bounds, up to twice the largest point.
	Curve []ScalingPoint `json:"curve"`
}

// ScalingPoint is one point of the fitted curve.
type ScalingPoint struct {
	N    float64 `json:"n"`
	Rate float64 `json:"rate"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// ScalingNeed is how many it takes for a rate.
type ScalingNeed struct {
	Rate float64 `json:"rate"`
	N    int     `json:"n"` // by the curve
	// Low and High are by the bounds of the curve; High is nil where its lower bound
	// never reaches the rate, and Reason says so.
	Low  int  `json:"low"`
	High *int `json:"high"`
	// Spare is High and one more, so that one may fail; nil where that cannot be said.
	Spare  *int   `json:"spare"`
	Reason string `json:"reason,omitempty"`
}
