package hpack

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"bench/proxy/message"
)

// read decodes a block and returns its fields, as text, up to the first error.
func read(d *Decoder, block []byte) (fields []string, err error) {
	d.Begin(bytes.Clone(block), make([]byte, MemoryFor(len(block), 1<<20)))
	var f Field
	for {
		more, err := d.Next(&f, true)
		if err != nil || !more {
			return fields, err
		}
		if want := message.Lookup(f.Name); f.ID != want {
			return nil, fmt.Errorf("%s has number %d, want %d", f.Name, f.ID, want)
		}
		if want := pseudoOf(f.Name); f.Pseudo != want {
			return nil, fmt.Errorf("%s is taken for pseudo-header field %d, want %d", f.Name, f.Pseudo, want)
		}
		fields = append(fields, string(f.Name)+"="+string(f.Value))
	}
}

// oracle is the same by golang.org/x/net.
func oracle(d *hpack.Decoder, block []byte) (fields []string, err error) {
	d.SetEmitFunc(func(f hpack.HeaderField) { fields = append(fields, f.Name+"="+f.Value) })
	if _, err = d.Write(block); err != nil {
		return fields, err
	}
	return fields, d.Close()
}

// differs tells of errors that only one of them reports: the oracle takes longer integers,
// and updates of an empty table anywhere, but no second update at the beginning (RFC 7541
// §4.2).
func differs(err, oracle error) bool {
	return errors.Is(err, ErrInteger) || errors.Is(err, ErrLateUpdate) ||
		err == nil && oracle != nil && strings.Contains(oracle.Error(), "MUST occur at the beginning")
}

func TestHuffman(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	check := func(text []byte) {
		t.Helper()
		coded := hpack.AppendHuffmanString(nil, string(text))
		dst := make([]byte, maxDecoded(len(coded)))
		n, ok := decodeHuffman(dst, coded)
		if !ok || !bytes.Equal(dst[:n], text) {
			t.Fatalf("%x decoded to %q, %v, want %q", coded, dst[:n], ok, text)
		}
	}
	check(nil)
	for c := range 256 {
		check([]byte{byte(c)})
		check(bytes.Repeat([]byte{byte(c)}, 17))
	}
	for range 2000 {
		text := make([]byte, rng.IntN(100))
		for i := range text {
			if text[i] = byte(rng.Uint32()); rng.IntN(4) > 0 {
				text[i] = ' ' + text[i]%95
			}
		}
		check(text)
	}
	for range 20000 { // mostly malformed
		coded := make([]byte, rng.IntN(12))
		for i := range coded {
			if coded[i] = byte(rng.Uint32()); rng.IntN(4) == 0 {
				coded[i] = 0xff
			}
		}
		want, err := hpack.HuffmanDecodeToString(coded)
		dst := make([]byte, maxDecoded(len(coded)))
		n, ok := decodeHuffman(dst, coded)
		if ok != (err == nil) || ok && string(dst[:n]) != want {
			t.Fatalf("%x decoded to %q, %v, want %q, %v", coded, dst[:n], ok, want, err)
		}
	}
}

// randomField is one that a table is likely to have, or not.
func randomField(rng *rand.Rand) hpack.HeaderField {
	if rng.IntN(2) == 0 {
		f := staticTable[1+rng.IntN(61)]
		return hpack.HeaderField{Name: string(f.Name), Value: string(f.Value), Sensitive: rng.IntN(8) == 0}
	}
	return hpack.HeaderField{
		Name:      fmt.Sprintf("x-%d", rng.IntN(40)),
		Value:     strings.Repeat("abc"[:rng.IntN(4)], rng.IntN(300)),
		Sensitive: rng.IntN(8) == 0,
	}
}

func TestDecodeLikeOracle(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 0))
		limit := []int{4096, 8192, 65536}[rng.IntN(3)]
		var out bytes.Buffer
		enc := hpack.NewEncoder(&out)
		enc.SetMaxDynamicTableSizeLimit(uint32(limit))
		var d Decoder
		d.Init(limit)
		ref := hpack.NewDecoder(4096, nil)
		ref.SetAllowedMaxDynamicTableSize(uint32(limit))
		for range 40 {
			if rng.IntN(6) == 0 {
				enc.SetMaxDynamicTableSize(uint32(rng.IntN(limit + 1)))
			}
			out.Reset()
			for range rng.IntN(30) {
				if err := enc.WriteField(randomField(rng)); err != nil {
					t.Fatal(err)
				}
			}
			block := bytes.Clone(out.Bytes())
			if rng.IntN(8) == 0 && len(block) > 0 {
				block[rng.IntN(len(block))] ^= 1 << rng.IntN(8)
			}
			want, wantErr := oracle(ref, block)
			got, err := read(&d, block)
			if differs(err, wantErr) {
				break
			}
			if (err == nil) != (wantErr == nil) || err == nil && strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Fatalf("seed %d: block %x: got %q, %v, want %q, %v", seed, block, got, err, want, wantErr)
			}
			if err != nil {
				break
			}
			if d.table.size > d.table.most || cap(d.table.text) > 2*max(d.table.most, limit) {
				t.Fatalf("seed %d: table of %d bytes in memory of %d, allowed %d", seed, d.table.size, cap(d.table.text), d.table.most)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff}, []byte{0xbe})
	f.Add([]byte{0x3f, 0xe1, 0x1f, 0x40, 1, 'a', 1, 'b', 0xbe}, []byte{0x20, 0xbe})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var d Decoder
		d.Init(4096)
		ref := hpack.NewDecoder(4096, nil)
		for _, block := range [][]byte{first, second} {
			want, wantErr := oracle(ref, block)
			got, err := read(&d, block)
			if differs(err, wantErr) {
				return
			}
			if (err == nil) != (wantErr == nil) || err == nil && strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Fatalf("block %x: got %q, %v, want %q, %v", block, got, err, want, wantErr)
			}
			if err != nil {
				return
			}
		}
	})
}

// A table that is full to the last byte keeps what is in it, and one byte more costs the oldest.
func TestFullTable(t *testing.T) {
	var d Decoder
	d.Init(DefaultTableSize)
	insert := func(name byte, size int) (block []byte) { // as RFC 7541 counts
		value := strings.Repeat("v", size-entrySize-1)
		block = appendInteger(append(block, 0x40, 1, name), 0, 7, uint32(len(value)))
		return append(block, value...)
	}
	block := append(insert('a', 2048), insert('b', 2048)...)
	got, err := read(&d, append(block, 0xbf, 0xbe))
	if err != nil || len(got) != 4 || got[2][0] != 'a' || got[3][0] != 'b' {
		t.Fatalf("%d fields, %v", len(got), err)
	}
	if _, err := read(&d, append(insert('c', 2049), 0xbf)); !errors.Is(err, ErrIndex) {
		t.Errorf("what there was no room for: %v", err)
	}
}

func TestErrors(t *testing.T) {
	long := append([]byte{0x40, 1, 'a', 0x7f, 0x81, 0x1f}, make([]byte, 4096)...) // a value of 4096 bytes
	for _, c := range []struct {
		name  string
		block []byte
		want  error
	}{
		{"index 0", []byte{0x80}, ErrIndex},
		{"index beyond", []byte{0xbe}, ErrIndex},
		{"name beyond", []byte{0x7e, 1, 'a'}, ErrIndex},
		{"cut in an integer", []byte{0xff}, ErrTruncated},
		{"cut in a name", []byte{0x40, 5, 'a'}, ErrTruncated},
		{"no value", []byte{0x40, 1, 'a'}, ErrTruncated},
		{"long integer", []byte{0xff, 0x80, 0x80, 0x80, 0x80, 0}, ErrInteger},
		{"endless integer", []byte{0xff, 0xff, 0xff, 0xff, 0xff}, ErrInteger},
		{"padding of eight bits", []byte{0x40, 0x82, 0x1f, 0xff, 0}, ErrHuffman},
		{"padding of zeros", []byte{0x40, 0x81, 0x18, 0}, ErrHuffman},
		{"end of string", []byte{0x40, 0x84, 0xff, 0xff, 0xff, 0xff, 0}, ErrHuffman},
		{"table too large", []byte{0x3f, 0xe2, 0x1f}, ErrTableSize},
		{"late update", []byte{0x82, 0x20}, ErrLateUpdate},
		{"updates first", []byte{0x20, 0x3f, 0xe1, 0x1f, 0x82}, nil},
		{"entry larger than the table", append(long, 0xbe), ErrIndex},
	} {
		var d Decoder
		d.Init(4096)
		if _, err := read(&d, c.block); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// Fields that are not kept take no memory, and the table knows them all the same.
func TestDropped(t *testing.T) {
	var out bytes.Buffer
	enc := hpack.NewEncoder(&out)
	for i := range 20 {
		if err := enc.WriteField(hpack.HeaderField{Name: fmt.Sprintf("x-%d", i), Value: strings.Repeat("v", 100)}); err != nil {
			t.Fatal(err)
		}
	}
	var d Decoder
	d.Init(4096)
	d.Begin(out.Bytes(), make([]byte, MemoryFor(out.Len(), 0)))
	var f Field
	for {
		more, err := d.Next(&f, false)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	if d.Used() != 0 {
		t.Errorf("%d bytes kept", d.Used())
	}
	got, err := read(&d, []byte{0xbe})
	if want := "x-19=" + strings.Repeat("v", 100); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("newest entry: %q, %v", got, err)
	}
}

func TestMemory(t *testing.T) {
	var d Decoder
	d.Init(4096)
	d.Begin([]byte{0, 1, 'a', 3, 'a', 'b', 'c'}, make([]byte, 3))
	var f Field
	if _, err := d.Next(&f, true); !errors.Is(err, ErrMemory) {
		t.Errorf("4 bytes in memory of 3: %v", err)
	}
}

func TestEncode(t *testing.T) {
	for status := 100; status < 600; status++ {
		got, err := oracle(hpack.NewDecoder(4096, nil), AppendStatus(nil, status))
		if want := fmt.Sprintf(":status=%d", status); err != nil || len(got) != 1 || got[0] != want {
			t.Fatalf("%d: %q, %v", status, got, err)
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		var block []byte
		var want []string
		if rng.IntN(4) == 0 {
			block = AppendTableSize(block, rng.IntN(4097))
		}
		for range rng.IntN(20) {
			f := randomField(rng)
			name := []byte(f.Name)
			block = AppendField(block, message.Lookup(name), name, []byte(f.Value))
			want = append(want, f.Name+"="+f.Value)
		}
		got, err := oracle(hpack.NewDecoder(4096, nil), block)
		if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
	if got := AppendField(nil, message.Other, []byte("link"), nil); len(got) != 3 {
		t.Errorf("a name of the static table was written out: %x", got)
	}
}

// blocks are what a browser's connection has after the first request: fields of the
// dynamic table, and a new path.
func blocks(tb testing.TB) (first, next []byte) {
	var out bytes.Buffer
	enc := hpack.NewEncoder(&out)
	write := func(path string) []byte {
		out.Reset()
		for _, f := range [][2]string{
			{":method", "GET"},
			{":scheme", "https"},
			{":authority", "www.example.com"},
			{":path", path},
			{"user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"},
			{"accept", "text/html,application/xhtml+xml,*/*;q=0.8"},
			{"accept-encoding", "gzip, deflate, br"},
			{"accept-language", "en"},
			{"cookie", "session=0123456789abcdef0123456789abcdef"},
		} {
			if err := enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
				tb.Fatal(err)
			}
		}
		return bytes.Clone(out.Bytes())
	}
	return write("/"), write("/another/path?with=query")
}

func decodeAll(tb testing.TB, d *Decoder, block, mem []byte) {
	d.Begin(block, mem)
	var f Field
	for {
		more, err := d.Next(&f, true)
		if err != nil {
			tb.Fatal(err)
		}
		if !more {
			return
		}
	}
}

func TestDecodeAllocates(t *testing.T) {
	first, next := blocks(t)
	mem := make([]byte, MemoryFor(len(first), 16384))
	var d Decoder
	d.Init(4096)
	for range 200 {
		decodeAll(t, &d, first, mem) // its literals fill the table, again and again
	}
	if n := testing.AllocsPerRun(1000, func() { decodeAll(t, &d, first, mem) }); n != 0 {
		t.Errorf("%v allocations for a block of literals", n)
	}
	d.Init(4096)
	decodeAll(t, &d, first, mem)
	if n := testing.AllocsPerRun(1000, func() { decodeAll(t, &d, next, mem) }); n > 0 {
		t.Errorf("%v allocations for a block of indices", n)
	}
}

func BenchmarkDecode(b *testing.B) {
	first, next := blocks(b)
	mem := make([]byte, MemoryFor(len(first), 16384))
	b.Run("literals", func(b *testing.B) {
		b.ReportAllocs()
		var d Decoder
		d.Init(4096)
		for b.Loop() {
			decodeAll(b, &d, first, mem)
		}
	})
	b.Run("indices", func(b *testing.B) {
		b.ReportAllocs()
		var d Decoder
		d.Init(4096)
		decodeAll(b, &d, first, mem)
		for b.Loop() {
			decodeAll(b, &d, next, mem)
		}
	})
}
