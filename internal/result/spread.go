package result

// Spread is one figure over the repetitions of one combination of the matrix. It is
// derived from the timeline by reports.Complete.
type Spread struct {
	// Combination is that of the other axes, "" where there are none.
	Combination string `json:"combination,omitempty"`
	Measure     string `json:"measure"`
	Unit        string `json:"unit"`  // "us", "/s", "1"
	Runs        int    `json:"runs"`  // all repetitions
	Known       int    `json:"known"` // those of which the figure is known
	// Median, Lowest and Highest are of those.
	Median  float64 `json:"median"`
	Lowest  float64 `json:"lowest"`
	Highest float64 `json:"highest"`
	// Low and High are the 99 % interval of the mean, nil where one run is known.
	Low  *float64 `json:"low"`
	High *float64 `json:"high"`
}
