// Package hash holds the hashes that spread keys and keep no secret. Converters use
// them, and load balancing, where the same key must lead to the same server as in the
// reference.
package hash

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// CRC32 is the CRC-32 of zlib.
func CRC32(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

// CRC32C is the CRC-32 of Castagnoli.
func CRC32C(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// DJB2 is the hash of Daniel J. Bernstein.
func DJB2(b []byte) uint32 {
	h := uint32(5381)
	for _, c := range b {
		h = h*33 + uint32(c)
	}
	return h
}

// SDBM is the hash of sdbm.
func SDBM(b []byte) uint32 { return SDBMOn(0, b) }

// SDBMOn goes on with the hash of what comes before.
func SDBMOn(h uint32, b []byte) uint32 {
	for _, c := range b {
		h = uint32(c) + h<<6 + h<<16 - h
	}
	return h
}

// WT6 keeps two halves that are rotated by amounts taken from each other.
func WT6(b []byte) uint32 {
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

// Avalanche lets every bit depend on all (Bob Jenkins, "full avalanche"), and spreads
// the result as consistent hashing does.
func Avalanche(a uint32) uint32 {
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

// XXH32 is the 32-bit hash of xxHash.
func XXH32(b []byte, seed uint32) uint32 {
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

// XXH64 is the 64-bit hash of xxHash.
func XXH64(b []byte, seed uint64) uint64 {
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
