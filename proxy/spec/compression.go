package spec

import "bench/proxy/compress"

// Compression is what a proxy says about encoding responses.
type Compression struct {
	// Algorithms to offer, the preferred one first; none: those of the other side count.
	Algorithms []compress.Algorithm
	// Types are beginnings of the content types to encode; none: those of the other side
	// count, and if there are none either, all types are.
	Types []string
	// Offload: servers are not told which codings clients take.
	Offload bool
}
