package h1

import (
	"strings"
	"testing"

	"bench/proxy/message"
)

// one is a case of the corpus: a head, and the reason it must be refused for (nil:
// accepted). In relaxed mode the reason may be another one, or none.
type one struct {
	name, raw string
	want      *Error
	relaxed   *Error
}

const post = "POST / HTTP/1.1\r\nHost: a\r\n"

// requests is the corpus of request heads that two implementations could read
// differently, with neighbours that must pass.
var requests = []one{
	// Line ends.
	{"plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", nil, nil},
	{"bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", nil, nil},
	{"mixed line ends", "GET / HTTP/1.1\r\nHost: a\nA: b\r\n\n", nil, nil},
	{"bare CR in the request line", "GET / HTTP/1.1\rHost: a\r\n\r\n", ErrVersion, ErrVersion},
	{"bare CR in a value", post + "A: b\rc\r\n\r\n", ErrBareCR, ErrBareCR},
	{"bare CR hiding a field", post + "A: b\rContent-Length: 5\r\n\r\n", ErrBareCR, ErrBareCR},
	{"CR CR LF", post + "A: b\r\r\n\r\n", ErrBareCR, ErrBareCR},
	{"CR at line start", post + "\rA: b\r\n\r\n", ErrBareCR, ErrBareCR},
	{"CR in a name", post + "A\rB: b\r\n\r\n", ErrNoColon, ErrNoColon},
	{"empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", nil, nil},
	{"LF first", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", nil, nil},
	{"bare CR first", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", ErrBareCR, ErrBareCR},
	{"blank line with blanks", "GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n", ErrFold, ErrFold},
	// Folding and blanks.
	{"folding with a space", post + "A: b\r\n c\r\n\r\n", ErrFold, ErrFold},
	{"folding with a tab", post + "A: b\r\n\tc\r\n\r\n", ErrFold, ErrFold},
	{"folded Transfer-Encoding", post + "Transfer-Encoding:\r\n chunked\r\n\r\n", ErrFold, ErrFold},
	{"blank before the first field", "POST / HTTP/1.1\r\n Host: a\r\n\r\n", ErrFold, ErrFold},
	{"space before the colon", post + "Content-Length : 5\r\n\r\n", ErrNameSpace, ErrNameSpace},
	{"tab before the colon", post + "Transfer-Encoding\t: chunked\r\n\r\n", ErrNameSpace, ErrNameSpace},
	{"no blank after the colon", post + "A:b\r\n\r\n", nil, nil},
	{"blanks around a value", post + "A: \t b \t\r\n\r\n", nil, nil},
	{"empty value", post + "A:\r\n\r\n", nil, nil},
	// Names.
	{"empty name", post + ": b\r\n\r\n", ErrNameEmpty, ErrNameEmpty},
	{"no colon", post + "Foo\r\n\r\n", ErrNoColon, ErrNoColon},
	{"NUL in a name", post + "A\x00: b\r\n\r\n", ErrName, ErrName},
	{"quote in a name", post + "\"Content-Length\": 5\r\n\r\n", ErrName, nil},
	{"non-ASCII name", post + "Content-L\xc3\xa9ngth: 5\r\n\r\n", ErrName, nil},
	{"parenthesis in a name", post + "A(b): c\r\n\r\n", ErrName, nil},
	{"all token characters", post + "!#$%&'*+-.^_`|~09az: b\r\n\r\n", nil, nil},
	{"underscore variant of a name", post + "Content_Length: 5\r\n\r\n", nil, nil},
	// Values.
	{"NUL in a value", post + "A: b\x00c\r\n\r\n", ErrValue, ErrValue},
	{"control character in a value", post + "A: b\x01\r\n\r\n", ErrValue, ErrValue},
	{"DEL in a value", post + "A: b\x7f\r\n\r\n", ErrValue, ErrValue},
	{"vertical tab in a value", post + "Transfer-Encoding:\x0bchunked\r\n\r\n", ErrValue, ErrValue},
	{"control character in a long value", post + "A: " + strings.Repeat("x", 37) + "\x1f\r\n\r\n", ErrValue, ErrValue},
	{"tab in a value", post + "A: b\tc\r\n\r\n", nil, nil},
	{"obs-text in a value", post + "A: caf\xe9\r\n\r\n", nil, nil},
	// Request line.
	{"empty method", " / HTTP/1.1\r\nHost: a\r\n\r\n", ErrMethod, ErrMethod},
	{"control character in the method", "G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n", ErrMethod, ErrMethod},
	{"tab after the method", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", ErrMethod, ErrMethod},
	{"TLS record", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ErrMethod, ErrMethod},
	{"method alone", "GET\r\n\r\n", ErrMethod, ErrMethod},
	{"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", ErrHTTP09, ErrHTTP09},
	{"HTTP/0.9", "GET /\r\n\r\n", ErrHTTP09, ErrHTTP09},
	{"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", ErrVersion, ErrVersion},
	{"tab in the target", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", ErrTarget, ErrTarget},
	{"NUL in the target", "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", ErrTarget, ErrTarget},
	{"DEL in the target", "GET /aaaaaaa\x7f HTTP/1.1\r\nHost: a\r\n\r\n", ErrTarget, ErrTarget},
	{"non-ASCII target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", ErrTarget, nil},
	{"fragment in the target", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", ErrTarget, nil},
	{"several spaces", "GET  /  HTTP/1.1\r\nHost: a\r\n\r\n", nil, nil},
	{"space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", ErrVersion, ErrVersion},
	{"lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n", ErrVersion, ErrVersion},
	{"two-digit minor version", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", ErrVersion, ErrVersion},
	{"missing minor version", "GET / HTTP/1\r\nHost: a\r\n\r\n", ErrVersion, ErrVersion},
	{"signed version", "GET / HTTP/+1.1\r\nHost: a\r\n\r\n", ErrVersion, ErrVersion},
	{"version 2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", ErrVersionMajor, ErrVersionMajor},
	{"version 0.9 written out", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", ErrVersionMajor, ErrVersionMajor},
	{"version 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", nil, nil},
	{"second request line", "GET / HTTP/1.1\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", ErrNameSpace, ErrNameSpace},
	// Targets.
	{"absolute", "GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", nil, nil},
	{"absolute, no path", "GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n", nil, nil},
	{"absolute, other case", "GET http://A/x HTTP/1.1\r\nHost: a\r\n\r\n", nil, nil},
	{"absolute, default port", "GET http://a:80/x HTTP/1.1\r\nHost: a\r\n\r\n", nil, nil},
	{"absolute, https default port", "GET https://a/x HTTP/1.1\r\nHost: a:443\r\n\r\n", nil, nil},
	{"absolute, wrong default port", "GET https://a/x HTTP/1.1\r\nHost: a:80\r\n\r\n", ErrHostMismatch, nil},
	{"absolute, scheme without a default port", "GET foo://a:80/x HTTP/1.1\r\nHost: a\r\n\r\n", ErrHostMismatch, nil},
	{"absolute, other host", "GET http://a/x HTTP/1.1\r\nHost: b\r\n\r\n", ErrHostMismatch, nil},
	{"absolute, other port", "GET http://a:81/x HTTP/1.1\r\nHost: a\r\n\r\n", ErrHostMismatch, nil},
	{"absolute without Host", "GET http://a/x HTTP/1.1\r\n\r\n", ErrHostMissing, nil},
	{"absolute, empty authority", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", ErrTargetAuthority, ErrTargetAuthority},
	{"absolute, user information", "GET http://u@a/x HTTP/1.1\r\nHost: a\r\n\r\n", ErrTargetAuthority, ErrTargetAuthority},
	{"absolute, bad port", "GET http://a:x/ HTTP/1.1\r\nHost: a\r\n\r\n", ErrTargetAuthority, ErrTargetAuthority},
	{"absolute, bad scheme", "GET ht*p://a/ HTTP/1.1\r\nHost: a\r\n\r\n", ErrTargetForm, ErrTargetForm},
	{"scheme only", "GET http:a HTTP/1.1\r\nHost: a\r\n\r\n", ErrTargetForm, ErrTargetForm},
	{"relative target", "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", ErrTargetForm, ErrTargetForm},
	{"URL in a query", "GET /?u=http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", nil, nil},
	{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", nil, nil},
	{"GET *", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", ErrTargetForm, ErrTargetForm},
	{"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", nil, nil},
	{"CONNECT, Host without port", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", nil, nil},
	{"CONNECT, other host", "CONNECT a:443 HTTP/1.1\r\nHost: b:443\r\n\r\n", ErrHostMismatch, nil},
	{"CONNECT with a length", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 5\r\n\r\n", nil, nil},
	{"CONNECT with two lengths", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", ErrLengthDiffers, ErrLengthDiffers},
	{"CONNECT, chunked", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nTransfer-Encoding: chunked\r\n\r\n", ErrCodingConnect, ErrCodingConnect},
	{"CONNECT without port", "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", ErrTargetAuthority, ErrTargetAuthority},
	{"CONNECT to a path", "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", ErrTargetForm, ErrTargetForm},
	{"CONNECT to a URL", "CONNECT http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", ErrTargetAuthority, ErrTargetAuthority},
	{"GET to an authority", "GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", ErrTargetForm, ErrTargetForm},
	// Host.
	{"no Host", "GET / HTTP/1.1\r\n\r\n", ErrHostMissing, nil},
	{"no Host in 1.0", "GET / HTTP/1.0\r\n\r\n", nil, nil},
	{"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", nil, nil},
	{"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", ErrHostRepeated, nil},
	{"two equal Hosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", ErrHostRepeated, nil},
	{"list in Host", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", ErrHost, nil},
	{"path in Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", ErrHost, nil},
	{"user in Host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", ErrHost, nil},
	{"port only in Host", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", ErrHost, nil},
	{"port too large in Host", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", ErrHost, nil},
	{"IPv6 in Host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", nil, nil},
	{"unclosed IPv6 in Host", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", ErrHost, nil},
	{"bad percent in Host", "GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", ErrHost, nil},
	// Content-Length.
	{"length", post + "Content-Length: 5\r\n\r\n", nil, nil},
	{"length zero", post + "Content-Length: 0\r\n\r\n", nil, nil},
	{"leading zeros", post + "Content-Length: 005\r\n\r\n", nil, nil},
	{"largest length", post + "Content-Length: 9223372036854775807\r\n\r\n", nil, nil},
	{"length one too large", post + "Content-Length: 9223372036854775808\r\n\r\n", ErrLengthOverflow, ErrLengthOverflow},
	{"length wraps 64 bits", post + "Content-Length: 18446744073709551617\r\n\r\n", ErrLengthOverflow, ErrLengthOverflow},
	{"very long length", post + "Content-Length: " + strings.Repeat("9", 60) + "\r\n\r\n", ErrLengthOverflow, ErrLengthOverflow},
	{"negative length", post + "Content-Length: -1\r\n\r\n", ErrLength, ErrLength},
	{"signed length", post + "Content-Length: +5\r\n\r\n", ErrLength, ErrLength},
	{"hexadecimal length", post + "Content-Length: 0x5\r\n\r\n", ErrLength, ErrLength},
	{"fractional length", post + "Content-Length: 5.0\r\n\r\n", ErrLength, ErrLength},
	{"underscore in length", post + "Content-Length: 1_0\r\n\r\n", ErrLength, ErrLength},
	{"blank inside length", post + "Content-Length: 1 0\r\n\r\n", ErrLength, ErrLength},
	{"empty length", post + "Content-Length:\r\n\r\n", ErrLength, ErrLength},
	{"equal lengths", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", nil, nil},
	{"list of equal lengths", post + "Content-Length: 5, 5\r\n\r\n", nil, nil},
	{"different lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", ErrLengthDiffers, ErrLengthDiffers},
	{"list of different lengths", post + "Content-Length: 5,6\r\n\r\n", ErrLengthDiffers, ErrLengthDiffers},
	{"third length differs", post + "Content-Length: 5, 5\r\nContent-Length: 5, 0\r\n\r\n", ErrLengthDiffers, ErrLengthDiffers},
	{"trailing comma in length", post + "Content-Length: 5,\r\n\r\n", ErrLength, ErrLength},
	{"leading comma in length", post + "Content-Length: ,5\r\n\r\n", ErrLength, ErrLength},
	{"empty second length", post + "Content-Length: 5\r\nContent-Length:\r\n\r\n", ErrLength, ErrLength},
	// Transfer-Encoding.
	{"chunked", post + "Transfer-Encoding: chunked\r\n\r\n", nil, nil},
	{"chunked in other case", post + "transfer-encoding: ChUnKeD\r\n\r\n", nil, nil},
	{"length then coding", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", ErrLengthAndCoding, ErrLengthAndCoding},
	{"coding then length", post + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", ErrLengthAndCoding, ErrLengthAndCoding},
	{"coding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", ErrCodingHTTP10, ErrCodingHTTP10},
	{"chunked twice", post + "Transfer-Encoding: chunked, chunked\r\n\r\n", ErrCodingRepeated, ErrCodingRepeated},
	{"chunked in two fields", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", ErrCodingRepeated, ErrCodingRepeated},
	{"gzip before chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n", ErrCodingUnknown, ErrCodingUnknown},
	{"gzip field before chunked", post + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", ErrCodingUnknown, ErrCodingUnknown},
	{"gzip after chunked", post + "Transfer-Encoding: chunked, gzip\r\n\r\n", ErrCodingNotLast, ErrCodingNotLast},
	{"identity after chunked", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", ErrCodingNotLast, ErrCodingNotLast},
	{"identity", post + "Transfer-Encoding: identity\r\n\r\n", ErrCodingNotLast, ErrCodingNotLast},
	{"xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n", ErrCodingNotLast, ErrCodingNotLast},
	{"chunked with a parameter", post + "Transfer-Encoding: chunked;q=1\r\n\r\n", ErrCodingNotLast, ErrCodingNotLast},
	{"quoted chunked", post + "Transfer-Encoding: \"chunked\"\r\n\r\n", ErrCodingNotLast, ErrCodingNotLast},
	{"chunked in two words", post + "Transfer-Encoding: chunked foo\r\n\r\n", ErrCodingNotLast, ErrCodingNotLast},
	{"empty coding", post + "Transfer-Encoding:\r\n\r\n", ErrCoding, ErrCoding},
	{"empty element after chunked", post + "Transfer-Encoding: chunked,\r\n\r\n", nil, nil},
	{"only empty elements", post + "Transfer-Encoding: , ,\r\n\r\n", ErrCodingNotLast, ErrCodingNotLast},
	{"empty element before chunked", post + "Transfer-Encoding: , chunked\r\n\r\n", ErrCodingUnknown, ErrCodingUnknown},
	{"comma before chunked", post + "Transfer-Encoding: ,chunked\r\n\r\n", ErrCodingUnknown, ErrCodingUnknown},
	{"empty elements after chunked", post + "Transfer-Encoding: chunked,,\r\n\r\n", ErrCodingNotLast, ErrCodingNotLast},
	{"empty elements around chunked", post + "Transfer-Encoding: , ,chunked, ,\r\n\r\n", ErrCodingNotLast, ErrCodingNotLast},
	{"empty field before chunked", post + "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n", nil, nil},
	{"comma field before chunked", post + "Transfer-Encoding: ,\r\nTransfer-Encoding: chunked\r\n\r\n", ErrCodingUnknown, ErrCodingUnknown},
	// Bodies in HTTP/1.0.
	{"GET with a length in 1.0", "GET / HTTP/1.0\r\nContent-Length: 2\r\n\r\n", ErrBodyHTTP10, ErrBodyHTTP10},
	{"HEAD with a length in 1.0", "HEAD / HTTP/1.0\r\nContent-Length: 2\r\n\r\n", ErrBodyHTTP10, ErrBodyHTTP10},
	{"DELETE with a length in 1.0", "DELETE / HTTP/1.0\r\nContent-Length: 2\r\n\r\n", ErrBodyHTTP10, ErrBodyHTTP10},
	{"GET chunked in 1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", ErrBodyHTTP10, ErrBodyHTTP10},
	{"GET with length zero in 1.0", "GET / HTTP/1.0\r\nContent-Length: 0\r\n\r\n", nil, nil},
	{"GET with a length in 1.1", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", nil, nil},
	{"OPTIONS with a length in 1.0", "OPTIONS / HTTP/1.0\r\nContent-Length: 2\r\n\r\n", nil, nil},
	// Upgrades.
	{"websocket without a key", post + "Connection: upgrade\r\nUpgrade: WebSocket\r\n\r\n", ErrWebSocketKey, ErrWebSocketKey},
	{"websocket among others without a key", post + "Connection: upgrade\r\nUpgrade: h2c\r\nUpgrade: x, websocket\r\n\r\n", ErrWebSocketKey, ErrWebSocketKey},
	{"websocket with a short key", post + "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n", ErrWebSocketKey, ErrWebSocketKey},
	{"websocket with a key", post + "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", nil, nil},
	{"websocket not listed", post + "Upgrade: websocket\r\n\r\n", nil, nil},
	{"empty field before chunked", post + "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n", nil, nil},
	// Sizes.
	{"101 fields", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: b\r\n", 100) + "\r\n", nil, nil},
	{"102 fields", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: b\r\n", 101) + "\r\n", ErrTooManyFields, ErrTooManyFields},
	{"large head", post + "A: " + strings.Repeat("x", 15360-len(post)-7) + "\r\n\r\n", nil, nil},
	{"head one byte too large", post + "A: " + strings.Repeat("x", 15360-len(post)-6) + "\r\n\r\n", ErrHeadTooLarge, ErrHeadTooLarge},
	{"endless field", post + "A: " + strings.Repeat("x", 15360), ErrHeadTooLarge, ErrHeadTooLarge},
	{"endless target", "GET /" + strings.Repeat("x", 15360), ErrHeadTooLarge, ErrHeadTooLarge},
	{"endless empty lines", strings.Repeat("\r\n", 8000), ErrHeadTooLarge, ErrHeadTooLarge},
}

func TestRequestCorpus(t *testing.T) {
	for _, c := range requests {
		t.Run(c.name, func(t *testing.T) {
			for _, relaxed := range []bool{false, true} {
				lim := DefaultLimits()
				lim.Relaxed = relaxed
				want := c.want
				if relaxed {
					want = c.relaxed
				}
				var p Parser
				var req message.Request
				buf := []byte(c.raw + "NEXT")
				n, err := p.Request(&req, buf, &lim)
				if err != want {
					t.Errorf("relaxed %v: %v, want %v", relaxed, err, want)
					continue
				}
				if err == nil && n != len(c.raw) {
					t.Errorf("relaxed %v: length %d, want %d", relaxed, n, len(c.raw))
				}
				if err != nil && (n != 0 || p.ErrPos() < 0 || p.ErrPos() >= len(buf)) {
					t.Errorf("relaxed %v: length %d, error position %d", relaxed, n, p.ErrPos())
				}
			}
		})
	}
}

const ok200 = "HTTP/1.1 200 OK\r\n"

// responses is the corpus of response heads (to a GET).
var responses = []one{
	{"plain", ok200 + "Content-Length: 2\r\n\r\n", nil, nil},
	{"no reason", "HTTP/1.1 200 \r\n\r\n", nil, nil},
	{"no reason, no space", "HTTP/1.1 200\r\n\r\n", nil, nil},
	{"bare LF", "HTTP/1.1 200 OK\nA: b\n\n", nil, nil},
	{"reason with obs-text", "HTTP/1.1 200 D\xe9j\xe0\tvu\r\n\r\n", nil, nil},
	{"not HTTP", "HELLO\r\n\r\n", ErrStatusLine, ErrStatusLine},
	{"ICY", "ICY 200 OK\r\n\r\n", ErrStatusLine, ErrStatusLine},
	{"empty lines first", "\r\n\nHTTP/1.1 200 OK\r\n\r\n", nil, nil},
	{"bare CR first", "\rHTTP/1.1 200 OK\r\n\r\n", ErrStatusLine, ErrStatusLine},
	{"blank first", " HTTP/1.1 200 OK\r\n\r\n", ErrStatusLine, ErrStatusLine},
	{"empty lines first, endless", strings.Repeat("\r\n", 8000), ErrHeadTooLarge, ErrHeadTooLarge},
	{"lower-case version", "http/1.1 200 OK\r\n\r\n", ErrStatusLine, ErrStatusLine},
	{"version 2.0", "HTTP/2.0 200 OK\r\n\r\n", ErrVersionMajor, ErrVersionMajor},
	{"version without minor", "HTTP/2 200 OK\r\n\r\n", ErrStatusLine, ErrStatusLine},
	{"two spaces", "HTTP/1.1  200 OK\r\n\r\n", ErrStatusCode, ErrStatusCode},
	{"status of two digits", "HTTP/1.1 99 OK\r\n\r\n", ErrStatusCode, ErrStatusCode},
	{"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", ErrStatusCode, ErrStatusCode},
	{"status below 100", "HTTP/1.1 099 OK\r\n\r\n", ErrStatusCode, ErrStatusCode},
	{"signed status", "HTTP/1.1 +20 OK\r\n\r\n", ErrStatusCode, ErrStatusCode},
	{"status 999", "HTTP/1.1 999 OK\r\n\r\n", nil, nil},
	{"control character in the reason", "HTTP/1.1 200 O\x00K\r\n\r\n", ErrStatusLine, ErrStatusLine},
	{"bare CR in the reason", "HTTP/1.1 200 O\rSet-Cookie: a\r\n\r\n", ErrStatusLine, ErrStatusLine},
	{"folding", ok200 + "A: b\r\n c\r\n\r\n", ErrFold, ErrFold},
	{"space before the colon", ok200 + "Content-Length : 2\r\n\r\n", ErrNameSpace, ErrNameSpace},
	{"control character in a value", ok200 + "A: \x02\r\n\r\n", ErrValue, ErrValue},
	{"different lengths", ok200 + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n", ErrLengthDiffers, ErrLengthDiffers},
	{"overflowing length", ok200 + "Content-Length: 99999999999999999999\r\n\r\n", ErrLengthOverflow, ErrLengthOverflow},
	{"length beside coding", ok200 + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", ErrLengthAndCoding, nil},
	{"coding in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ErrCodingHTTP10, nil},
	{"gzip", ok200 + "Transfer-Encoding: gzip\r\n\r\n", ErrCodingNotLast, ErrCodingNotLast},
	{"gzip, chunked", ok200 + "Transfer-Encoding: gzip, chunked\r\n\r\n", ErrCodingUnknown, ErrCodingUnknown},
	{"chunked twice", ok200 + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", ErrCodingRepeated, ErrCodingRepeated},
	{"empty element before chunked", ok200 + "Transfer-Encoding: ,chunked\r\n\r\n", ErrCodingUnknown, ErrCodingUnknown},
	{"101 to websocket without an accept", "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", ErrWebSocketAccept, ErrWebSocketAccept},
	{"101 to websocket", "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n", nil, nil},
	{"bad length on 204", "HTTP/1.1 204 No Content\r\nContent-Length: x\r\n\r\n", nil, nil},
	{"bad length on 304", "HTTP/1.1 304 Not Modified\r\nContent-Length: x\r\n\r\n", ErrLength, ErrLength},
}

func TestResponseCorpus(t *testing.T) {
	for _, c := range responses {
		t.Run(c.name, func(t *testing.T) {
			for _, relaxed := range []bool{false, true} {
				lim := DefaultLimits()
				lim.Relaxed = relaxed
				want := c.want
				if relaxed {
					want = c.relaxed
				}
				var p Parser
				var resp message.Response
				n, err := p.Response(&resp, []byte(c.raw+"NEXT"), message.MethodGet, &lim)
				if err != want || err == nil && n != len(c.raw) {
					t.Errorf("relaxed %v: %d %v, want %v", relaxed, n, err, want)
				}
			}
		})
	}
}
