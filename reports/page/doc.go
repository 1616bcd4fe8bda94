// Package page renders a result folder as one HTML file: everything inline,
// charts drawn as SVG on this side, so that it is complete without script and
// prints crisply; a small script adds cursor, zoom and switches. What is shown
// and which numbers are true is decided in package series. No clock, locale or
// map order may enter: the same folder gives the same bytes.
package page
