// Package slowdown makes the engine slower by a known amount of processor time for each
// request, to find out whether a comparison notices. It is there in builds with the tag
// "slowdown" alone:
//
//	go build -tags slowdown -ldflags '-X bench/internal/slowdown.perRequest=50us' ./cmd/bench
//
// In others, Request is empty and leaves no instruction behind.
package slowdown
