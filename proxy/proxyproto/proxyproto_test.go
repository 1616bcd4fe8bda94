package proxyproto

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

const buffer = 16384

func v4() *About {
	return &About{Source: netip.MustParseAddrPort("10.1.2.3:4567"), Destination: netip.MustParseAddrPort("192.0.2.1:443"), Authority: []byte("example.com"), UniqueID: []byte("id-1")}
}

func TestVersion1(t *testing.T) {
	v6 := &About{Source: netip.MustParseAddrPort("[2001:db8::1]:1"), Destination: netip.MustParseAddrPort("[::1]:65535")}
	for _, tt := range []struct {
		a    *About
		want string
	}{
		{v4(), "PROXY TCP4 10.1.2.3 192.0.2.1 4567 443\r\n"},
		{v6, "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"},
		{&About{Source: v4().Source, Destination: v6.Destination}, "PROXY UNKNOWN\r\n"},
		{&About{}, "PROXY UNKNOWN\r\n"},
	} {
		got := Append1(nil, tt.a)
		if string(got) != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
		var h Header
		if n, err := Parse(append(got, "GET /"...), buffer, &h); n != len(got) || err != nil || h.Version != 1 {
			t.Errorf("%q: %d, %v", got, n, err)
		}
		if !strings.Contains(tt.want, "UNKNOWN") && (h.Source != tt.a.Source || h.Destination != tt.a.Destination) {
			t.Errorf("%q: %+v", got, h)
		}
	}
}

// What clients choose does not make a header longer than it says it is: behind it a server
// would take the rest for the beginning of the connection.
func TestNoRoomInVersion2(t *testing.T) {
	for _, n := range []int{255, 16300, 16340, 16384, 65500, 65535, 70000} {
		a := v4()
		a.UniqueID, a.Authority = []byte(strings.Repeat("u", 100)), []byte(strings.Repeat("a", n))
		a.TLS = &TLS{Version: "TLSv1.3", Cipher: "TLS_AES_128_GCM_SHA256", CN: strings.Repeat("c", n)}
		b := Append2(nil, a, SSL|CertCN|SSLCipher|Authority|UniqueID)
		if size := fixedSize + int(b[14])<<8 + int(b[15]); size != len(b) || len(b) > buffer {
			t.Errorf("values of %d bytes: it says %d bytes and has %d", n, size, len(b))
		}
		if !strings.Contains(string(b), string(a.UniqueID)) && n > buffer {
			t.Errorf("values of %d bytes: what has room is not said", n)
		}
	}
}

func TestVersion2(t *testing.T) {
	mixed := &About{Source: v4().Source, Destination: netip.MustParseAddrPort("[2001:db8::1]:80")}
	for name, tt := range map[string]struct {
		a    *About
		opt  Options
		want string // in hexadecimal, behind the signature
	}{
		"plain":   {v4(), 0, "2111000c" + "0a010203" + "c0000201" + "11d701bb"},
		"local":   {&About{Source: v4().Source, Destination: v4().Destination, Local: true}, 0, "2011000c" + "0a010203" + "c0000201" + "11d701bb"},
		"mixed":   {mixed, 0, "21210024" + "00000000000000000000ffff0a010203" + "20010db8000000000000000000000001" + "11d70050"},
		"unknown": {&About{}, 0, "21000000"},
		"extras":  {v4(), Authority | UniqueID, "21110021" + "0a010203" + "c0000201" + "11d701bb" + "02000b" + hex.EncodeToString([]byte("example.com")) + "050004" + hex.EncodeToString([]byte("id-1"))},
		"no TLS":  {v4(), SSL, "21110014" + "0a010203" + "c0000201" + "11d701bb" + "2000050000000000"},
	} {
		got := Append2(nil, tt.a, tt.opt)
		if want := hex.EncodeToString(signature) + tt.want; hex.EncodeToString(got) != want {
			t.Errorf("%s: %x, want %s", name, got, want)
		}
	}
	a := v4()
	a.ALPN, a.TLS = "h2", &TLS{Version: "TLSv1.3", Cipher: "TLS_AES_128_GCM_SHA256", CN: "me", SigAlg: "SHA256", KeyAlg: "EC256", Certificate: true}
	b := Append2(nil, a, SSL|CertCN|SSLCipher|CertSig|CertKey|Authority|CRC32C|UniqueID)
	var h Header
	if n, err := Parse(b, buffer, &h); n != len(b) || err != nil {
		t.Fatalf("%d of %d, %v", n, len(b), err)
	}
	if h.Version != 2 || h.Source != a.Source || h.Destination != a.Destination || string(h.Authority) != "example.com" || string(h.UniqueID) != "id-1" {
		t.Errorf("%+v", h)
	}
	const checksumType = fixedSize + 12
	for i := fixedSize; i < len(b); i++ { // whatever bit is wrong: never taken for right
		if i == checksumType {
			continue // then there is none
		}
		b[i] ^= 1
		if _, err := Parse(b, buffer, &h); err == nil {
			t.Errorf("byte %d is wrong, and nobody notices", i)
		}
		b[i] ^= 1
	}
}

// A header that is not complete is waited for, whatever it breaks off at.
func TestPieces(t *testing.T) {
	for _, whole := range [][]byte{Append1(nil, v4()), Append2(nil, v4(), CRC32C|Authority), []byte("PROXY UNKNOWN and what you like\r\n")} {
		var h Header
		for i := range whole {
			if n, err := Parse(whole[:i], buffer, &h); n != 0 || err != nil {
				t.Fatalf("%q: %d, %v", whole[:i], n, err)
			}
		}
		if n, err := Parse(append(slices.Clip(whole), "more"...), buffer, &h); n != len(whole) || err != nil {
			t.Errorf("%q: %d, %v", whole, n, err)
		}
	}
}

func TestRefused(t *testing.T) {
	v2 := func(rest string) string { return string(signature) + rest }
	for _, tt := range []struct {
		text string
		want error
	}{
		{"GET / HTTP/1.1\r\n\r\n", ErrNone},
		{"PROXI TCP4", ErrNone},
		{"\r\n\r\nGET", ErrNone},
		{"PROXY TCP4 1.2.3.4 1.2.3.5 1\r\n", ErrInvalid},
		{"PROXY TCP4 1.2.3.4 1.2.3.5 1 2 3\r\n", ErrInvalid},
		{"PROXY TCP4 1.2.3.4 1.2.3.5 1 65536\r\n", ErrInvalid},
		{"PROXY TCP4 1.2.3.4 ::1 1 2\r\n", ErrInvalid},
		{"PROXY TCP6 1.2.3.4 1.2.3.5 1 2\r\n", ErrInvalid},
		{"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", ErrInvalid},
		{"PROXY UDP4 1.2.3.4 1.2.3.5 1 2\r\n", ErrInvalid},
		{"PROXY TCP4 1.2.3.4 1.2.3.5 1 2\n", ErrInvalid},
		{"PROXY " + strings.Repeat("x", maxLine), ErrInvalid},
		{v2("\x31\x11\x00\x00"), ErrNone},
		{v2("\x22\x11\x00\x00"), ErrInvalid},
		{v2("\x21\x11\x00\x04abcd"), ErrInvalid},
		{v2("\x21\x21\x00\x0c" + strings.Repeat("x", 12)), ErrInvalid},
		{v2("\x21\x11\x00\x0e" + strings.Repeat("x", 14)), ErrInvalid},
		{v2("\x21\x11\x00\x0f" + strings.Repeat("x", 12) + "\x02\x00\x09"), ErrInvalid},
		{v2("\x21\x11\x00\x10" + strings.Repeat("x", 12) + "\x03\x00\x01a"), ErrInvalid},
		{v2("\x21\x11\x00\x13" + strings.Repeat("x", 12) + "\x03\x00\x04abcd"), ErrChecksum},
		{v2("\x21\x11\xff\xff"), ErrTooLong},
	} {
		var h Header
		if n, err := Parse([]byte(tt.text), buffer, &h); n != 0 && err == nil || !errors.Is(err, tt.want) {
			t.Errorf("%q: %d, %v, want %v", tt.text, n, err, tt.want)
		}
	}
}

// What is of no use to us is passed over: other families, and what the sender says of
// itself.
func TestPassedOver(t *testing.T) {
	for _, rest := range []string{"\x20\x11\x00\x02xx", "\x20\x00\x00\x00", "\x21\x31\x00\xd8" + strings.Repeat("u", 216), "\x21\x12\x00\x0c" + strings.Repeat("x", 12), "\x21\x11\x00\x12" + strings.Repeat("x", 12) + "\xee\x00\x03abc"} {
		var h Header
		b := append([]byte(nil), signature...)
		b = append(b, rest...)
		if n, err := Parse(b, buffer, &h); n != len(b) || err != nil {
			t.Errorf("%x: %d of %d, %v", rest, n, len(b), err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Append1(nil, v4()))
	f.Add(Append2(nil, v4(), CRC32C|Authority|UniqueID|SSL))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Header
		n, err := Parse(b, buffer, &h)
		if n < 0 || n > len(b) || n > 0 && err == nil && h.Version == 0 {
			t.Fatalf("%d of %d bytes, %+v, %v", n, len(b), h, err)
		}
	})
}

// Values have the length that the reference takes at most, and none more.
func TestLongValues(t *testing.T) {
	for n, want := range map[int]error{maxAuthority: nil, maxAuthority + 1: ErrInvalid} {
		a := v4()
		a.Authority = []byte(strings.Repeat("a", n))
		var h Header
		if _, err := Parse(Append2(nil, a, Authority), buffer, &h); !errors.Is(err, want) || want == nil && string(h.Authority) != string(a.Authority) {
			t.Errorf("authority of %d bytes: %v", n, err)
		}
	}
	for n, want := range map[int]error{maxUniqueID: nil, maxUniqueID + 1: ErrInvalid} {
		a := v4()
		a.UniqueID = []byte(strings.Repeat("u", n))
		var h Header
		if _, err := Parse(Append2(nil, a, UniqueID), buffer, &h); !errors.Is(err, want) || want == nil && string(h.UniqueID) != string(a.UniqueID) {
			t.Errorf("identifier of %d bytes: %v", n, err)
		}
	}
}
