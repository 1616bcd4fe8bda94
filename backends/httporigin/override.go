package httporigin

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"bench/internal/units"
)

// override is what a request's path says about its answer. Paths are made of
// pairs, in any order and number:
//
//	/status/503      that status
//	/bytes/1000      a body of this many bytes by Content-Length
//	/chunked/3000    a body of this many bytes in chunks
//	/close/1000      a body of this many bytes ended by closing
//	/delay/50ms      that latency
//	/interim/1000    so many 103 responses before it
//	/echo            the request as JSON; may only come last
//
// as in /status/404/delay/20ms/bytes/10. A path that does not begin with a pair
// overrides nothing; a query is not looked at.
type override struct {
	status   int // 0: as configured
	bytes    int64
	framing  Framing
	hasBytes bool
	delay    time.Duration
	hasDelay bool
	interim  int
	echo     bool
}

const (
	maxOverrideBytes = 1 << 40
	maxOverrideDelay = time.Hour
	maxInterim       = 100_000
)

// overrides tells cheaply whether a target may override anything: nearly all
// that do not are settled here.
func overrides(target []byte) bool {
	if len(target) < 4 || target[0] != '/' {
		return false
	}
	switch target[1] {
	case 's', 'b', 'c', 'd', 'e', 'i':
		return true
	}
	return false
}

// parseOverride reads a target. Values that make no sense are problems.
func parseOverride(target []byte) (o override, p problem) {
	path, _, _ := bytes.Cut(target, question)
	path = bytes.TrimSuffix(path, []byte("/"))
	for first := true; len(path) > 0; first = false {
		var key, value []byte
		key, path, _ = bytes.Cut(path[1:], []byte("/"))
		if string(key) == "echo" && len(path) == 0 {
			o.echo = true
			return o, p
		}
		if first && (!isOverride(key) || len(path) == 0) {
			return override{}, p
		}
		if !isOverride(key) {
			return o, bad(fmt.Sprintf("the path has %q where status, bytes, chunked, close, delay, interim or echo may stand", key))
		}
		value, path, _ = cutSegment(path)
		if err := o.set(string(key), string(value)); err != nil {
			return o, bad(err.Error())
		}
	}
	return o, p
}

func isOverride(key []byte) bool {
	switch string(key) {
	case "status", "bytes", "chunked", "close", "delay", "interim":
		return true
	}
	return false
}

// cutSegment takes the first segment off a path without leading slash; the
// rest keeps its slash.
func cutSegment(path []byte) (segment, rest []byte, more bool) {
	i := bytes.IndexByte(path, '/')
	if i < 0 {
		return path, nil, false
	}
	return path[:i], path[i:], true
}

func (o *override) set(key, value string) error {
	switch key {
	case "status":
		n, err := strconv.Atoi(value)
		if err != nil || n < 200 || n > 599 {
			return fmt.Errorf("invalid /status/%s: want 200 to 599", value)
		}
		o.status = n
	case "delay":
		d, err := units.ParseDuration(value)
		if err != nil || d < 0 || d > maxOverrideDelay {
			return fmt.Errorf("invalid /delay/%s: want a time like 50ms, at most 1h", value)
		}
		o.delay, o.hasDelay = d, true
	case "interim":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > maxInterim {
			return fmt.Errorf("invalid /interim/%s: want a number up to %d", value, maxInterim)
		}
		o.interim = n
	default:
		n, err := units.ParseSize(value)
		if err != nil || n > maxOverrideBytes {
			return fmt.Errorf("invalid /%s/%s: want a size like 1000 or 64KiB, at most 1024GiB", key, value)
		}
		o.bytes, o.hasBytes = n, true
		switch key {
		case "bytes":
			o.framing = ByLength
		case "chunked":
			o.framing = ByChunks
		case "close":
			o.framing = ByClose
		}
	}
	return nil
}
