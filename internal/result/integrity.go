package result

// Integrity reports whether what passed arrived as it was sent, over the whole run of a
// load, warm-up included. Each request that has ended is either checked or unchecked.
type Integrity struct {
	Checked uint64 `json:"checked"` // those that differed included
	// Requests are those of which the origin received something else, Answers those
	// of which the client did.
	Requests uint64 `json:"requestMismatches"`
	Answers  uint64 `json:"answerMismatches"`
	// Unchecked ended without an answer that says what it should be: the proxy's own,
	// another server's, or none at all.
	Unchecked uint64 `json:"unchecked"`
	// Differences are the first ones.
	Differences []Difference `json:"differences,omitempty"`
}

// Mismatch sums up both directions.
func (i *Integrity) Mismatch() uint64 { return i.Requests + i.Answers }

// Add adds what another part of the run came to.
func (i *Integrity) Add(o *Integrity) {
	i.Checked += o.Checked
	i.Requests += o.Requests
	i.Answers += o.Answers
	i.Unchecked += o.Unchecked
	i.Differences = append(i.Differences, o.Differences...)
}

// Directions of a message.
const (
	DirectionRequest = "request"
	DirectionAnswer  = "answer"
)

// Difference is one message that did not arrive as it was sent.
type Difference struct {
	Load      string `json:"load"`
	ID        uint64 `json:"id"` // the request's number
	AtUs      int64  `json:"atUs"`
	Direction string `json:"direction"`
	// Part of the message that differs, in words.
	Part string `json:"part"`
	// Offset of the first byte that differs, within the canonical text of the head or
	// within the body; -1 where it is not known.
	Offset int64 `json:"offset"`
	// Expected and Got are what stands there and about there, as a Go string shows it.
	Expected string `json:"expected,omitempty"`
	Got      string `json:"got,omitempty"`
}
