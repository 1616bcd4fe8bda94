package proxyproto

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"testing"
)

const cipMagic = 0x12345678

// cipPacket is the beginning of a packet from one address to another one.
func cipPacket(src, dst string, options int) []byte {
	s, d := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	var p []byte
	if s.Addr().Is4() {
		p = make([]byte, 20+options)
		p[0], p[9] = 0x40|byte(len(p)/4), 6
		copy(p[12:], s.Addr().AsSlice())
		copy(p[16:], d.Addr().AsSlice())
	} else {
		p = make([]byte, 40)
		p[0], p[6] = 0x60, 6
		copy(p[8:], s.Addr().AsSlice())
		copy(p[24:], d.Addr().AsSlice())
	}
	tcp := make([]byte, 20)
	binary.BigEndian.PutUint16(tcp, s.Port())
	binary.BigEndian.PutUint16(tcp[2:], d.Port())
	return append(p, tcp...)
}

func cipOldHeader(magic uint32, p []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, magic)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
}

func cipNewHeader(magic uint32, p []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, magic)
	b = binary.BigEndian.AppendUint32(b, uint32(12+len(p)))
	b = binary.BigEndian.AppendUint16(b, 1)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(p))), p...)
}

func TestCIP(t *testing.T) {
	for _, c := range []struct {
		src, dst string
		options  int
	}{{"10.1.2.3:4567", "192.0.2.1:80", 0}, {"10.1.2.3:1", "192.0.2.1:65535", 40}, {"[2001:db8::1]:7", "[2001:db8::2]:443", 0}} {
		p := cipPacket(c.src, c.dst, c.options)
		for _, whole := range [][]byte{cipOldHeader(cipMagic, p), cipNewHeader(cipMagic, p)} {
			var h Header
			for i := range whole {
				if n, err := ParseCIP(whole[:i], cipMagic, buffer, &h); n != 0 || err != nil {
					t.Fatalf("%d of %d bytes: %d, %v", i, len(whole), n, err)
				}
			}
			n, err := ParseCIP(append(slices.Clip(whole), "more"...), cipMagic, buffer, &h)
			if n != len(whole) || err != nil || h.Source.String() != c.src || h.Destination.String() != c.dst || h.Version != 0 {
				t.Errorf("%s: %d of %d, %v, %+v", c.src, n, len(whole), err, h)
			}
		}
	}
}

func TestCIPRefused(t *testing.T) {
	v4, v6 := cipPacket("10.1.2.3:4567", "192.0.2.1:80", 0), cipPacket("[2001:db8::1]:7", "[2001:db8::2]:443", 0)
	changed := func(p []byte, at int, to byte) []byte {
		p = slices.Clone(p)
		p[at] = to
		return p
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"another number":             {cipOldHeader(cipMagic+1, v4), ErrMagic},
		"UDP":                        {cipOldHeader(cipMagic, changed(v4, 9, 17)), ErrProtocol},
		"UDP over IPv6":              {cipNewHeader(cipMagic, changed(v6, 6, 17)), ErrProtocol},
		"another version of IP":      {cipNewHeader(cipMagic, changed(v4, 0, 0x55)), ErrProtocol},
		"another type":               {changed(cipNewHeader(cipMagic, v4), 8, 0x11), ErrProtocol},
		"a header of IP too short":   {cipOldHeader(cipMagic, changed(v4, 0, 0x44)), ErrProtocol},
		"a header of IP too long":    {cipOldHeader(cipMagic, changed(v4, 0, 0x4f)), ErrProtocol},
		"no room for TCP":            {cipOldHeader(cipMagic, v4[:39]), ErrProtocol},
		"no room for TCP over IPv6":  {cipNewHeader(cipMagic, v6[:59]), ErrProtocol},
		"no room for IP":             {cipNewHeader(cipMagic, v4[:19]), ErrProtocol},
		"nothing":                    {append(cipNewHeader(cipMagic, nil), v4...), ErrProtocol},
		"longer than what is read":   {changed(cipOldHeader(cipMagic, v4), 4, 0x7f), ErrTooLong},
		"longer than can be counted": {changed(cipOldHeader(cipMagic, v4), 4, 0xff), ErrTooLong},
	} {
		var h Header
		if n, err := ParseCIP(c.b, cipMagic, buffer, &h); n != 0 || !errors.Is(err, c.want) || h.Source.IsValid() {
			t.Errorf("%s: %d, %v, %+v, want %v", name, n, err, h, c.want)
		}
	}
	var h Header
	if n, err := ParseCIP(cipOldHeader(cipMagic, v4), cipMagic, 47, &h); n != 0 || !errors.Is(err, ErrTooLong) {
		t.Errorf("one byte longer than the limit: %d, %v", n, err)
	}
	if n, err := ParseCIP(cipOldHeader(cipMagic, v4), cipMagic, 48, &h); n != 48 || err != nil {
		t.Errorf("as long as the limit: %d, %v", n, err)
	}
}
