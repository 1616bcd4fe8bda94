package message

// Method is a known request method. Methods are case-sensitive (RFC 9110 §9.1).
type Method uint8

// The methods the engine treats specially; every other token is MethodOther.
const (
	MethodOther Method = iota
	MethodOptions
	MethodGet
	MethodHead
	MethodPost
	MethodPut
	MethodDelete
	MethodTrace
	MethodConnect
	MethodPatch
)

// LookupMethod classifies a method token.
func LookupMethod(b []byte) Method {
	switch string(b) {
	case "GET":
		return MethodGet
	case "POST":
		return MethodPost
	case "HEAD":
		return MethodHead
	case "PUT":
		return MethodPut
	case "DELETE":
		return MethodDelete
	case "OPTIONS":
		return MethodOptions
	case "PATCH":
		return MethodPatch
	case "CONNECT":
		return MethodConnect
	case "TRACE":
		return MethodTrace
	}
	return MethodOther
}

// Idempotent reports whether a request with this method may be sent again after
// a failure whose effect on the server is unknown (RFC 9110 §9.2.2).
func (m Method) Idempotent() bool {
	switch m {
	case MethodGet, MethodHead, MethodPut, MethodDelete, MethodOptions, MethodTrace:
		return true
	case MethodOther, MethodPost, MethodConnect, MethodPatch:
		return false
	}
	return false
}
