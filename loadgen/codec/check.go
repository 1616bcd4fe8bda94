package codec

// Integrity asks that what passed is checked: requests by the origin, answers by the
// generator. The target has to be a mock origin, or a proxy before some.
type Integrity struct {
	// Except lists what the proxy may change; see [integrity.ParseExceptions].
	Except []string `json:"except,omitempty"`
	// Source reports that a download of protocol tcp comes from a mock origin of mode
	// source, whose bytes are known.
	Source bool `json:"source,omitempty"`
}

// Check is what the check of an answer came to.
type Check uint8

const (
	Unchecked    Check = iota // nobody said what it should be
	Intact                    // it is what was sent, and so was the request
	WrongRequest              // the origin received another request
	WrongAnswer               // the answer is not the one that was sent
)

// Explainer is a Session that can say where a message differs from what was sent.
type Explainer interface {
	// Explain is called when the check of an answer has found a difference, before
	// anything else is read or written. o is a copy.
	Explain(o *Order) Difference
}

// Difference is where two messages differ, in words.
type Difference struct {
	Part          string
	Offset        int64 // within the part's text; -1 where it is not known
	Expected, Got []byte
}

// MaxShown bounds the bytes that are shown where there is nothing to compare with.
const MaxShown = 64
