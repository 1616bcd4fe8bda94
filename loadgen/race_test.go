//go:build race

package loadgen

// The race detector allocates for itself.
const raceDetector = true
