package spec

// RetryOn is a set of failures after which a request is sent again.
type RetryOn uint32

// Failures (configuration manual, "retry-on"). From RetryStatus on come those that are
// statuses, in the order of RetryStatuses.
const (
	RetryConnFailure RetryOn = 1 << iota
	RetryEmptyResponse
	RetryJunkResponse
	RetryResponseTimeout
	RetryStatus
)

// RetryFastOpen are the failures that requests have to be sent again after which come with
// the first packet of a connection: whether that was refused shows only afterwards.
const RetryFastOpen = RetryConnFailure | RetryEmptyResponse | RetryResponseTimeout

// RetryStatuses are those that may be a failure.
func RetryStatuses() []int { return []int{401, 403, 404, 408, 425, 500, 501, 502, 503, 504} }
