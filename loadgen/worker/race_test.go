//go:build race

package worker

// The race detector allocates for itself.
const raceDetector = true
