package result

// Verdicts of a claim and of a certificate.
const (
	// Confirmed: what was asked is what happened, within the claim's interval.
	Confirmed = "confirmed"
	// Mismatch: something else happened.
	Mismatch = "mismatch"
	// Inconclusive: too little happened to tell, or the measure was disturbed.
	Inconclusive = "inconclusive"
)

// Certificate is the ground truth about a fault, taken where it acted.
type Certificate struct {
	Verdict string `json:"verdict"` // the worst of the claims'; mismatch if it is not gone
	// Mechanism that carried the fault out: "userspace link", "nftables",
	// "SIGSTOP" ...
	Mechanism string  `json:"mechanism"`
	Claims    []Claim `json:"claims"`
	// Gone tells that the system was read back after the end and that nothing of
	// the fault was left.
	Gone bool `json:"gone"`
	// Notes are in words: what was disturbed, what the mechanism cannot do.
	Notes []string `json:"notes,omitempty"`
	// Capture is the file of the packets, relative to the result folder.
	Capture string `json:"capture,omitempty"`
}

// Claim is one thing a fault was asked for, and what was measured of it.
type Claim struct {
	What  string  `json:"what"` // "loss", "delay p50", "packets" ...
	Unit  string  `json:"unit"` // "%" (a share, 0 to 1), "us", "1", "bit/s"
	Asked float64 `json:"asked"`
	Got   float64 `json:"got"`
	// Low and High bound what confirms the claim: a 99 % interval where chance
	// plays a part, a tolerance otherwise.
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	Samples uint64  `json:"samples"`
	Verdict string  `json:"verdict"`
}

// Judge sets the verdict of a claim: at least need samples must be behind it.
func (c *Claim) Judge(need uint64) {
	switch {
	case c.Samples < need:
		c.Verdict = Inconclusive
	case c.Got >= c.Low && c.Got <= c.High:
		c.Verdict = Confirmed
	default:
		c.Verdict = Mismatch
	}
}

// Conclude sets the verdict of the certificate from its claims.
func (c *Certificate) Conclude() {
	c.Verdict = Confirmed
	for i := range c.Claims {
		switch v := c.Claims[i].Verdict; {
		case v == Mismatch:
			c.Verdict = Mismatch
		case v == Inconclusive && c.Verdict == Confirmed:
			c.Verdict = Inconclusive
		}
	}
	if !c.Gone {
		c.Verdict = Mismatch
	} else if len(c.Claims) == 0 {
		c.Verdict = Inconclusive
	}
}
