package hash

import "testing"

// The hashes are those of the reference, whose converters give these numbers.
func TestHashes(t *testing.T) {
	const long = "abcdefghijklmnopqrstuvwxyz0123456789"
	for _, c := range []struct {
		name      string
		got, want uint64
	}{
		{"crc32", uint64(CRC32([]byte("Wikipedia"))), 2913648686},
		{"crc32c", uint64(CRC32C([]byte("123456789"))), 3808858755},
		{"djb2", uint64(DJB2([]byte("abc"))), 193485963},
		{"sdbm", uint64(SDBM([]byte("abc"))), 807794786},
		{"sdbm in two parts", uint64(SDBMOn(SDBM([]byte("a")), []byte("bc"))), 807794786},
		{"wt6", uint64(WT6([]byte("abc"))), 2483038440},
		{"djb2, spread", uint64(Avalanche(DJB2([]byte("abc")))), 2235766107},
		{"xxh32 of nothing", uint64(XXH32(nil, 0)), 46947589},
		{"xxh64 of nothing", XXH64(nil, 0), 1<<64 - 1205034819632174695},
		{"xxh32 of a byte", uint64(XXH32([]byte("a"), 0)), 1426945110},
		{"xxh64 of a byte", XXH64([]byte("a"), 0), 1<<64 - 3292477735350538661},
		{"xxh32 of many", uint64(XXH32([]byte(long), 5)), 1543098167},
		{"xxh64 of many", XXH64([]byte(long), 5), 1<<64 - 3557087898108467863},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.name, c.got, c.want)
		}
	}
}
