package result

// Verdicts of findings and certificates.
const (
	// Confirmed: what was asked is what happened, as exactly as can be told.
	Confirmed = "confirmed"
	// Mismatch: something else happened.
	Mismatch = "mismatch"
	// Inconclusive: too little happened to tell.
	Inconclusive = "inconclusive"
	// NoEffect: nothing came within reach of the fault, so that the run says nothing
	// about it.
	NoEffect = "no effect"
)

// Certificate is the ground truth about a fault, taken where it acted.
type Certificate struct {
	Verdict string `json:"verdict"` // the worst of the findings'; mismatch if it is not gone
	// Mechanism that carried the fault out: "userspace link", "nftables",
	// "SIGSTOP" ...
	Mechanism string    `json:"mechanism"`
	Findings  []Finding `json:"findings"`
	// Gone reports that the system was read back after the end and that nothing of
	// the fault was left.
	Gone bool `json:"gone"`
	// Capture is the file of the packets, relative to the result folder.
	Capture string `json:"capture,omitempty"`
}

// Finding is one thing a fault was asked for, and what was seen of it, in words.
type Finding struct {
	What     string `json:"what"`
	Verdict  string `json:"verdict"`
	Asked    string `json:"asked"`
	Achieved string `json:"achieved"`
	// Low and High bound the true share with 99 % confidence, where the figure is
	// a share.
	Low  *float64 `json:"low,omitempty"`
	High *float64 `json:"high,omitempty"`
	Note string   `json:"note,omitempty"`
}
