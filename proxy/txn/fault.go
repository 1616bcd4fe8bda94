package txn

// Fault is what has gone wrong with a connection, by the numbers that "fc_err" has in the
// reference.
type Fault uint8

// Faults. Those not named here never occur in this engine.
const (
	NoFault        Fault = 0
	ProxyEmpty     Fault = 11
	ProxyError     Fault = 12
	ProxyTimeout   Fault = 13
	ProxyTruncated Fault = 14
	ProxyNone      Fault = 15
	ProxyInvalid   Fault = 16
	CIPEmpty       Fault = 18
	CIPTimeout     Fault = 20
	CIPTruncated   Fault = 21
	CIPMagic       Fault = 22
	CIPProtocol    Fault = 23
	TLSClosed      Fault = 24
	TLSBroken      Fault = 25
	TLSTimeout     Fault = 26
	TLSAuthority   Fault = 30
	TLSUntrusted   Fault = 31
	TLSOtherName   Fault = 32 // than "verifyhost" wants
	TLSOtherSNI    Fault = 33 // than was asked for
	TLSHandshake   Fault = 34
	faultsEnd      Fault = 35
)

var faultTexts = [faultsEnd]string{
	NoFault:        "Success",
	ProxyEmpty:     "Connection closed while waiting for PROXY protocol header",
	ProxyError:     "Connection error while waiting for PROXY protocol header",
	ProxyTimeout:   "Timeout while waiting for PROXY protocol header",
	ProxyTruncated: "Truncated PROXY protocol header received",
	ProxyNone:      "Received something which does not look like a PROXY protocol header",
	ProxyInvalid:   "Received an invalid PROXY protocol header",
	CIPEmpty:       "Connection closed while waiting for NetScaler Client IP header",
	CIPTimeout:     "Timeout while waiting for a NetScaler Client IP header",
	CIPTruncated:   "Truncated NetScaler Client IP header received",
	CIPMagic:       "Received an invalid NetScaler Client IP magic number",
	CIPProtocol:    "Received an unhandled protocol in the NetScaler Client IP header",
	TLSClosed:      "Connection closed during SSL handshake",
	TLSBroken:      "Connection error during SSL handshake",
	TLSTimeout:     "Timeout during SSL handshake",
	TLSAuthority:   "SSL client CA chain cannot be verified",
	TLSUntrusted:   "SSL client certificate not trusted",
	TLSOtherName:   "Server presented an SSL certificate different from the configured one",
	TLSOtherSNI:    "Server presented an SSL certificate different from the expected one",
	TLSHandshake:   "SSL handshake failure",
}

// String is what logs say of it.
func (f Fault) String() string { return faultTexts[f] }
