package codec

import "bench/internal/result"

// Cause is a result.Cause as an index, for counting without a map.
type Cause uint8

const (
	CauseNone Cause = iota // not failed
	CauseRefused
	CauseConnect
	CauseResetBefore
	CauseResetAfter
	CauseTruncated
	CauseTimeout
	CauseProxy5xx
	CauseOrigin5xx
	CauseStatus4xx
	CauseStatus
	CauseHeader
	CauseBody
	CauseError
	CauseDenied
	CauseReadOnly
	CauseUnavailable
	CauseConflict
	CauseProtocol
	CauseLocal
	Causes
)

func (c Cause) String() string {
	return [Causes]string{
		"", result.CauseRefused, result.CauseConnect, result.CauseResetBefore, result.CauseResetAfter,
		result.CauseTruncated, result.CauseTimeout, result.CauseProxy5xx, result.CauseOrigin5xx,
		result.CauseStatus4xx, result.CauseStatus, result.CauseHeader, result.CauseBody,
		result.CauseError, result.CauseDenied, result.CauseReadOnly, result.CauseUnavailable, result.CauseConflict,
		result.CauseProtocol, result.CauseLocal,
	}[c]
}
