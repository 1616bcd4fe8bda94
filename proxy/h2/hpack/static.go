package hpack

import "bench/proxy/message"

// Pseudo says which pseudo-header field a name is (RFC 9113 §8.3).
type Pseudo uint8

// The pseudo-header fields of requests and responses. Unknown is any other name that
// begins with a colon.
const (
	NoPseudo Pseudo = iota
	Authority
	Method
	Path
	Scheme
	Status
	Protocol // RFC 8441
	Unknown
)

// pseudoOf classifies a name.
func pseudoOf(name []byte) Pseudo {
	if len(name) == 0 || name[0] != ':' {
		return NoPseudo
	}
	switch string(name) {
	case ":authority":
		return Authority
	case ":method":
		return Method
	case ":path":
		return Path
	case ":scheme":
		return Scheme
	case ":status":
		return Status
	case ":protocol":
		return Protocol
	}
	return Unknown
}

// staticTable is RFC 7541, appendix A. Index 0 is not used.
var staticTable = func() (t [62]Field) {
	for i, f := range [...][2]string{
		1: {":authority"}, 2: {":method", "GET"}, 3: {":method", "POST"}, 4: {":path", "/"}, 5: {":path", "/index.html"},
		6: {":scheme", "http"}, 7: {":scheme", "https"}, 8: {":status", "200"}, 9: {":status", "204"}, 10: {":status", "206"},
		11: {":status", "304"}, 12: {":status", "400"}, 13: {":status", "404"}, 14: {":status", "500"}, 15: {"accept-charset"},
		16: {"accept-encoding", "gzip, deflate"}, 17: {"accept-language"}, 18: {"accept-ranges"}, 19: {"accept"},
		20: {"access-control-allow-origin"}, 21: {"age"}, 22: {"allow"}, 23: {"authorization"}, 24: {"cache-control"},
		25: {"content-disposition"}, 26: {"content-encoding"}, 27: {"content-language"}, 28: {"content-length"},
		29: {"content-location"}, 30: {"content-range"}, 31: {"content-type"}, 32: {"cookie"}, 33: {"date"}, 34: {"etag"},
		35: {"expect"}, 36: {"expires"}, 37: {"from"}, 38: {"host"}, 39: {"if-match"}, 40: {"if-modified-since"},
		41: {"if-none-match"}, 42: {"if-range"}, 43: {"if-unmodified-since"}, 44: {"last-modified"}, 45: {"link"},
		46: {"location"}, 47: {"max-forwards"}, 48: {"proxy-authenticate"}, 49: {"proxy-authorization"}, 50: {"range"},
		51: {"referer"}, 52: {"refresh"}, 53: {"retry-after"}, 54: {"server"}, 55: {"set-cookie"},
		56: {"strict-transport-security"}, 57: {"transfer-encoding"}, 58: {"user-agent"}, 59: {"vary"}, 60: {"via"},
		61: {"www-authenticate"},
	} {
		name, value := []byte(f[0]), []byte(f[1])
		t[i] = Field{Name: name, Value: value, ID: message.Lookup(name), Pseudo: pseudoOf(name)}
	}
	return t
}()

// staticNames are the indices of the names that have no HeaderID.
var staticNames = func() map[string]uint8 {
	m := map[string]uint8{}
	for i := len(staticTable) - 1; i > 0; i-- {
		if f := &staticTable[i]; f.ID == message.Other {
			m[string(f.Name)] = uint8(i)
		}
	}
	return m
}()

// staticIDs are the indices of the names that have one; 0: the table has it not.
var staticIDs = func() (t [256]uint8) {
	for i := len(staticTable) - 1; i > 0; i-- {
		if f := &staticTable[i]; f.ID != message.Other {
			t[f.ID] = uint8(i)
		}
	}
	return t
}()

// staticStatus are the indices of the statuses the table has, 0 for others.
func staticStatus(status int) byte {
	switch status {
	case 200:
		return 8
	case 204:
		return 9
	case 206:
		return 10
	case 304:
		return 11
	case 400:
		return 12
	case 404:
		return 13
	case 500:
		return 14
	}
	return 0
}
