package loadgen

import (
	"syscall"

	"bench/internal/result"
)

// cause is a result.Cause as an index, for counting without a map.
type cause uint8

const (
	causeNone cause = iota // not failed
	causeRefused
	causeConnect
	causeResetBefore
	causeResetAfter
	causeTruncated
	causeTimeout
	causeProxy5xx
	causeOrigin5xx
	causeStatus4xx
	causeStatus
	causeHeader
	causeBody
	causeError
	causeDenied
	causeReadOnly
	causeUnavailable
	causeConflict
	causeProtocol
	causeLocal
	causes
)

func (c cause) String() string {
	return [causes]string{
		"", result.CauseRefused, result.CauseConnect, result.CauseResetBefore, result.CauseResetAfter,
		result.CauseTruncated, result.CauseTimeout, result.CauseProxy5xx, result.CauseOrigin5xx,
		result.CauseStatus4xx, result.CauseStatus, result.CauseHeader, result.CauseBody,
		result.CauseError, result.CauseDenied, result.CauseReadOnly, result.CauseUnavailable, result.CauseConflict,
		result.CauseProtocol, result.CauseLocal,
	}[c]
}

// causeCounts counts by cause.
type causeCounts [causes]uint64

func (c *causeCounts) total() (n uint64) {
	for _, v := range c {
		n += v
	}
	return n
}

// names is c as reports hold it, nil when empty.
func (c *causeCounts) names() map[string]uint64 {
	var m map[string]uint64
	for i, v := range c {
		if v == 0 {
			continue
		}
		if m == nil {
			m = make(map[string]uint64)
		}
		m[cause(i).String()] = v
	}
	return m
}

func (c *causeCounts) add(o *causeCounts) {
	for i, v := range o {
		c[i] += v
	}
}

// connectCause sorts the error of a connect.
func connectCause(e syscall.Errno) cause {
	switch e {
	case syscall.ECONNREFUSED, syscall.ENOENT: // ENOENT: a unix socket nobody listens on
		return causeRefused
	case syscall.EADDRNOTAVAIL, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return causeLocal
	}
	return causeConnect
}

// statusCause sorts an answer whose status is not a good one.
func statusCause(status int, origin bool) cause {
	switch {
	case status >= 500 && origin:
		return causeOrigin5xx
	case status >= 500:
		return causeProxy5xx
	case status >= 400:
		return causeStatus4xx
	}
	return causeStatus
}
