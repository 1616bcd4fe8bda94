package sample

import (
	"bench/proxy/hash"
	"bench/proxy/txn"

	"github.com/zeebo/xxh3"
)

// hashConvs are digests that spread, and keep no secret (configuration manual, section
// 7.3.1). Those of 32 bits can be stirred once more, by an argument of 1.
func hashConvs() []Conv {
	stirred := func(name, doc string, f func([]byte) uint32) Conv {
		return Conv{Row: Row{Name: name, Usage: "([<avalanche>])", params: "|i", Doc: doc}, In: txn.Bin, Out: txn.Int, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			h := f(v.B)
			if a[0].Int != 0 {
				h = hash.Avalanche(h)
			}
			v.SetInt(int64(h))
			return true
		}}
	}
	return []Conv{
		stirred("crc32", "The CRC-32 of zlib.", hash.CRC32),
		stirred("crc32c", "The CRC-32 of Castagnoli.", hash.CRC32C),
		stirred("djb2", "The hash of Daniel J. Bernstein.", hash.DJB2),
		stirred("sdbm", "The hash of sdbm.", hash.SDBM),
		stirred("wt6", "The hash of Willy Tarreau.", hash.WT6),
		{Row: Row{Name: "xxh32", Usage: "([<seed>])", params: "|i", Doc: "The 32-bit hash of xxHash."}, In: txn.Bin, Out: txn.Int, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			v.SetInt(int64(hash.XXH32(v.B, uint32(a[0].Int))))
			return true
		}},
		{Row: Row{Name: "xxh64", Usage: "([<seed>])", params: "|i", Doc: "The 64-bit hash of xxHash, as a signed number."}, In: txn.Bin, Out: txn.Int, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			v.SetInt(int64(hash.XXH64(v.B, uint64(a[0].Int))))
			return true
		}},
		{Row: Row{Name: "xxh3", Usage: "([<seed>])", params: "|i", Doc: "The 64-bit hash XXH3 of xxHash, as a signed number."}, In: txn.Bin, Out: txn.Int, fn: func(_ *Context, a []Arg, v *txn.Value) bool {
			v.SetInt(int64(xxh3.HashSeed(v.B, uint64(a[0].Int))))
			return true
		}},
	}
}
