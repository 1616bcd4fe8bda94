package sample

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"

	"bench/proxy/txn"
)

// hashConvs are digests that spread, and keep no secret (configuration manual, section
// 7.3.1). Those of 32 bits can be stirred once more, by an argument of 1.
func hashConvs() []Conv {
	stirred := func(name, doc string, f func([]byte) uint32) Conv {
		return Conv{Row: Row{Name: name, Usage: "([<avalanche>])", params: "|i", Doc: doc}, In: txn.Bin, Out: txn.Int, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			h := f(v.B)
			if a[0].Int != 0 {
				h = avalanche(h)
			}
			v.SetInt(int64(h))
			return true
		}}
	}
	return []Conv{
		stirred("crc32", "The CRC-32 of zlib.", crc32.ChecksumIEEE),
		stirred("crc32c", "The CRC-32 of Castagnoli.", func(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }),
		stirred("djb2", "The hash of Daniel J. Bernstein.", djb2),
		stirred("sdbm", "The hash of sdbm.", sdbm),
		stirred("wt6", "The hash of Willy Tarreau.", wt6),
		{Row: Row{Name: "xxh32", Usage: "([<seed>])", params: "|i", Doc: "The 32-bit hash of xxHash."}, In: txn.Bin, Out: txn.Int, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			v.SetInt(int64(xxh32(v.B, uint32(a[0].Int))))
			return true
		}},
		{Row: Row{Name: "xxh64", Usage: "([<seed>])", params: "|i", Doc: "The 64-bit hash of xxHash, as a signed number."}, In: txn.Bin, Out: txn.Int, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			v.SetInt(int64(xxh64(v.B, uint64(a[0].Int))))
			return true
		}},
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func djb2(b []byte) uint32 {
	h := uint32(5381)
	for _, c := range b {
		h = h*33 + uint32(c)
	}
	return h
}

func sdbm(b []byte) uint32 {
	return sdbmOn(0, b)
}

// wt6 keeps two halves that are rotated by amounts taken from each other.
func wt6(b []byte) uint32 {
	h0, h1 := uint32(0xa53c965a), uint32(0x5ca6953a)
	s0, s1 := 6, 18
	for _, c := range b {
		h0 = ^(h0 ^ uint32(c))
		h1 = ^(h1 + uint32(c))
		h0, h1 = bits.RotateLeft32(h1, s0), bits.RotateLeft32(h0, s1)
		t := (h0>>16 ^ h1) & 0xffff
		s0, s1 = int(t&31), int(t>>11)
	}
	return h0 ^ h1
}

// avalanche lets every bit depend on all (Bob Jenkins, "full avalanche"), and spreads
// the result as consistent hashing does.
func avalanche(a uint32) uint32 {
	a += 0x7ed55d16 + a<<12
	a = a ^ 0xc761c23c ^ a>>19
	a += 0x165667b1 + a<<5
	a = (a + 0xd3a2646c) ^ a<<9
	a += 0xfd7046c5 + a<<3
	return (a ^ 0xb55a4f09 ^ a>>16) * 3221225473
}

// The primes of xxHash.
const (
	p32a, p32b, p32c, p32d, p32e = 2654435761, 2246822519, 3266489917, 668265263, 374761393

	p64a, p64b, p64c, p64d, p64e = 11400714785074694791, 14029467366897019727, 1609587929392839161, 9650029242287828579, 2870177450012600261
)

func xxh32(b []byte, seed uint32) uint32 {
	n := uint32(len(b))
	h := seed + p32e
	if len(b) >= 16 {
		v := [4]uint32{seed, seed, seed, seed}
		v[0] += p32a
		v[0] += p32b
		v[1] += p32b
		v[3] -= p32a
		for ; len(b) >= 16; b = b[16:] {
			for i := range v {
				v[i] = bits.RotateLeft32(v[i]+binary.LittleEndian.Uint32(b[4*i:])*p32b, 13) * p32a
			}
		}
		h = bits.RotateLeft32(v[0], 1) + bits.RotateLeft32(v[1], 7) + bits.RotateLeft32(v[2], 12) + bits.RotateLeft32(v[3], 18)
	}
	h += n
	for ; len(b) >= 4; b = b[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(b)*p32c, 17) * p32d
	}
	for _, c := range b {
		h = bits.RotateLeft32(h+uint32(c)*p32e, 11) * p32a
	}
	h = (h ^ h>>15) * p32b
	h = (h ^ h>>13) * p32c
	return h ^ h>>16
}

func xxh64(b []byte, seed uint64) uint64 {
	n := uint64(len(b))
	h := seed + p64e
	round := func(acc, in uint64) uint64 { return bits.RotateLeft64(acc+in*p64b, 31) * p64a }
	if len(b) >= 32 {
		v := [4]uint64{seed, seed, seed, seed}
		v[0] += p64a
		v[0] += p64b
		v[1] += p64b
		v[3] -= p64a
		for ; len(b) >= 32; b = b[32:] {
			for i := range v {
				v[i] = round(v[i], binary.LittleEndian.Uint64(b[8*i:]))
			}
		}
		h = bits.RotateLeft64(v[0], 1) + bits.RotateLeft64(v[1], 7) + bits.RotateLeft64(v[2], 12) + bits.RotateLeft64(v[3], 18)
		for i := range v {
			h = (h^round(0, v[i]))*p64a + p64d
		}
	}
	h += n
	for ; len(b) >= 8; b = b[8:] {
		h = bits.RotateLeft64(h^round(0, binary.LittleEndian.Uint64(b)), 27)*p64a + p64d
	}
	if len(b) >= 4 {
		h = bits.RotateLeft64(h^uint64(binary.LittleEndian.Uint32(b))*p64a, 23)*p64b + p64c
		b = b[4:]
	}
	for _, c := range b {
		h = bits.RotateLeft64(h^uint64(c)*p64e, 11) * p64a
	}
	h = (h ^ h>>33) * p64b
	h = (h ^ h>>29) * p64c
	return h ^ h>>32
}
