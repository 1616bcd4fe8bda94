package sample

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bench/proxy/txn"
)

// binaryConvs write numbers of bytes, and digest and decipher them (configuration manual,
// section 7.3.1).
func binaryConvs() []Conv {
	bin, str := txn.Bin, txn.Str
	return []Conv{
		{Row: Row{Name: "be2dec", Usage: "(<separator>,<size>[,<truncate>])", params: "si|i", check: checkChunks(8), Doc: "Decimal numbers of so many bytes each, the most significant first; with truncate 1, without a last one of fewer bytes."}, In: bin, Out: str, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.inChunks(a, v, func(b, chunk []byte) []byte {
				n := uint64(0)
				for _, x := range chunk {
					n = n<<8 | uint64(x)
				}
				return strconv.AppendUint(b, n, 10)
			})
		}},
		{Row: Row{Name: "be2hex", Usage: "([<separator>][,<size>[,<truncate>]])", params: "|sii", check: checkChunks(1 << 30), Doc: "Hexadecimal digits, with a separator after every so many bytes; with truncate 1, without a last group of fewer bytes."}, In: bin, Out: str, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			return c.inChunks(a, v, func(b, chunk []byte) []byte {
				for _, x := range chunk {
					b = append(b, upperHex[x>>4], upperHex[x&15])
				}
				return b
			})
		}},
		{Row: Row{Name: "digest", Usage: "(<algorithm>)", params: "s", check: checkDigest, Doc: "Digest by one of " + strings.Join(digestNames(), ", ") + "."}, In: bin, Out: bin, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			h := digests[string(a[0].Str)]()
			h.Write(v.B)
			return c.keep(v, h.Sum(c.spare()))
		}},
		{Row: Row{Name: "hmac", Usage: "(<algorithm>,<key>)", params: "sT", check: checkHMAC, Doc: "Message authentication code by an algorithm of digest; the key, a text or a variable, is in base64."}, In: bin, Out: bin, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			key, ok := c.decoded(&a[1])
			if !ok {
				return false
			}
			h := hmac.New(digests[string(a[0].Str)], key)
			h.Write(v.B)
			return c.keep(v, h.Sum(c.spare()))
		}},
		{Row: Row{Name: "aes_gcm_dec", Usage: "(<bits>,<nonce>,<key>,<tag>)", params: "iTTT", check: checkGCM, Doc: "What was enciphered by AES with 128, 192 or 256 bits in Galois/Counter mode; nonce, key and tag, texts or variables, are in base64."}, In: bin, Out: bin, fn: convGCM},
		{Row: Row{Name: "secure_memcmp", Usage: "(<variable>)", params: "v", Doc: "Whether the bytes equal those of a variable, compared in a time that does not depend on where they differ."}, In: bin, Out: txn.Bool, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			with, ok := c.variable(&a[0])
			if !ok || !c.Cast(&with, txn.Bin) {
				return false
			}
			v.SetBool(subtle.ConstantTimeCompare(v.B, with.B) == 1)
			return true
		}},
	}
}

// checkChunks holds sizes within bounds; without one all bytes are one piece.
func checkChunks(most int64) func(*Env, []Arg) error {
	return func(_ *Env, a []Arg) error {
		if a[1].set && (a[1].Int < 1 || a[1].Int > most) {
			return fmt.Errorf("a size of %d bytes is out of bounds: want 1 to %d", a[1].Int, most)
		}
		if a[0].set && !a[1].set {
			return fmt.Errorf("a separator needs a size after it")
		}
		return nil
	}
}

// inChunks writes pieces of the bytes one by one, with the separator between.
func (c *Context) inChunks(a []Arg, v *txn.Value, write func(b, chunk []byte) []byte) bool {
	size := int(a[1].Int)
	if size == 0 {
		size = max(len(v.B), 1)
	}
	b := c.spare()
	for i := 0; i < len(v.B); i += size {
		chunk := v.B[i:min(i+size, len(v.B))]
		if len(chunk) < size && a[2].Int != 0 {
			break
		}
		if i > 0 {
			b = append(b, a[0].Str...)
		}
		b = write(b, chunk)
	}
	v.Kind = txn.Str
	return c.keep(v, b)
}

// digests by the names that OpenSSL gives them.
var digests = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
	"sha512-224": sha512.New512_224, "sha512-256": sha512.New512_256,
	"sha3-224": func() hash.Hash { return sha3.New224() }, "sha3-256": func() hash.Hash { return sha3.New256() },
	"sha3-384": func() hash.Hash { return sha3.New384() }, "sha3-512": func() hash.Hash { return sha3.New512() },
}

func digestNames() []string { return slices.Sorted(maps.Keys(digests)) }

func checkDigest(_ *Env, a []Arg) error {
	a[0].Str = []byte(strings.ToLower(string(a[0].Str)))
	if digests[string(a[0].Str)] == nil {
		return fmt.Errorf("unknown algorithm '%s': want one of %s", a[0].Str, strings.Join(digestNames(), ", "))
	}
	return nil
}

func checkHMAC(env *Env, a []Arg) error {
	if err := checkDigest(env, a); err != nil {
		return err
	}
	return a[1].checkBase64("key")
}

// checkBase64 holds that a text is in base64.
func (a *Arg) checkBase64(what string) error {
	if a.isVar {
		return nil
	}
	if _, err := base64.StdEncoding.DecodeString(string(a.Str)); err != nil {
		return fmt.Errorf("the %s '%s' is not in base64", what, a.Str)
	}
	return nil
}

// textOf is an argument that is a text, or the text of a variable.
func (c *Context) textOf(a *Arg) ([]byte, bool) {
	if !a.isVar {
		return a.Str, true
	}
	v, ok := c.variable(a)
	if !ok || !c.Cast(&v, txn.Str) {
		return nil, false
	}
	return v.B, true
}

// decoded is textOf for what is in base64.
func (c *Context) decoded(a *Arg) ([]byte, bool) {
	text, ok := c.textOf(a)
	if !ok {
		return nil, false
	}
	b := c.alloc(base64.StdEncoding.DecodedLen(len(text)))
	if b == nil && len(text) > 0 {
		return nil, false
	}
	n, err := base64.StdEncoding.Decode(b, text)
	return b[:n], err == nil
}

func checkGCM(_ *Env, a []Arg) error {
	if n := a[0].Int; n != 128 && n != 192 && n != 256 {
		return fmt.Errorf("%d bits are not one of 128, 192 and 256", n)
	}
	for i, what := range []string{"nonce", "key", "tag"} {
		if err := a[1+i].checkBase64(what); err != nil {
			return err
		}
	}
	return nil
}

func convGCM(c *Context, a []Arg, v *txn.Value) bool {
	nonce, ok1 := c.decoded(&a[1])
	key, ok2 := c.decoded(&a[2])
	tag, ok3 := c.decoded(&a[3])
	if !ok1 || !ok2 || !ok3 || len(key)*8 != int(a[0].Int) || len(nonce) == 0 {
		return false
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return false
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, len(nonce))
	if err != nil || len(tag) != gcm.Overhead() {
		return false
	}
	text, err := gcm.Open(nil, nonce, slices.Concat(v.B, tag), nil)
	return err == nil && c.keep(v, append(c.spare(), text...))
}
