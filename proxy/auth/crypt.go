package auth

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Hash is a password hashed by one of the methods of crypt(3).
type Hash struct {
	method method
	rounds int
	salt   []byte
	text   string // what follows the salt
}

type method uint8

const (
	md5Crypt    method = iota // $1$
	sha256Crypt               // $5$
	sha512Crypt               // $6$
	bcrypted                  // $2a$, $2b$ and $2y$
)

// Bounds of the number of rounds (Drepper, "Unix crypt using SHA-256 and SHA-512",
// steps 14 and 21), and the number where none is given.
const (
	leastRounds   = 1000
	mostRounds    = 999_999_999
	defaultRounds = 5000
)

// bcryptText is a whole hash of bcrypt: its cost, its salt and the digest. That of $2x$ is
// wrong for passwords beyond ASCII, and nobody makes it any more.
var bcryptText = regexp.MustCompile(`^\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./0-9A-Za-z]{53}$`)

// ErrMethod is a hash of a method that is not there.
var ErrMethod = errors.New("want a hash that begins with $1$, $5$ or $6$, as 'mkpasswd -m sha-512' makes it, or with $2y$, as 'htpasswd -B' does")

// ParseHash reads "$5$[rounds=N$]SALT$HASH" and its like.
func ParseHash(s string) (*Hash, error) {
	h := &Hash{rounds: defaultRounds}
	most := 16 // bytes of salt
	size := 0
	switch {
	case strings.HasPrefix(s, "$1$"):
		h.method, most, size = md5Crypt, 8, 22
	case strings.HasPrefix(s, "$5$"):
		h.method, size = sha256Crypt, 43
	case strings.HasPrefix(s, "$6$"):
		h.method, size = sha512Crypt, 86
	case strings.HasPrefix(s, "$2"):
		if !bcryptText.MatchString(s) {
			return nil, errors.New("the hash is no whole one of bcrypt: want $2y$, the cost, $, and 53 characters")
		}
		h.method, h.text = bcrypted, s
		return h, nil
	default:
		return nil, ErrMethod
	}
	s = s[3:]
	if text, ok := strings.CutPrefix(s, "rounds="); ok && h.method != md5Crypt {
		number, rest, found := strings.Cut(text, "$")
		n, err := strconv.ParseUint(number, 10, 32)
		if !found || err != nil {
			return nil, fmt.Errorf("invalid number of rounds '%s' in the hash", number)
		}
		h.rounds, s = int(min(max(n, leastRounds), mostRounds)), rest
	}
	salt, text, ok := strings.Cut(s, "$")
	if !ok || len(text) != size {
		return nil, errors.New("the hash is cut short: want $, the method, $, the salt, $ and the hash")
	}
	h.salt, h.text = []byte(salt[:min(len(salt), most)]), text
	return h, nil
}

// Matches reports whether it is the hash of a password.
func (h *Hash) Matches(password []byte) bool {
	got := ""
	switch h.method {
	case bcrypted: // which takes no more of a password than 72 bytes
		return bcrypt.CompareHashAndPassword([]byte(h.text), password[:min(len(password), 72)]) == nil
	case md5Crypt:
		got = md5Text(password, h.salt)
	case sha256Crypt:
		got = shaText(sha256.New(), password, h.salt, h.rounds, order256[:])
	case sha512Crypt:
		got = shaText(sha512.New(), password, h.salt, h.rounds, order512[:])
	}
	return subtle.ConstantTimeCompare([]byte(got), []byte(h.text)) == 1
}

// The bytes of a digest in the order in which they are written, three at a time (the
// last group of SHA-256 begins with nothing, that of SHA-512 with two of it).
var (
	order256 = [...]int8{
		0, 10, 20, 21, 1, 11, 12, 22, 2, 3, 13, 23, 24, 4, 14, 15, 25, 5, 6, 16, 26, 27, 7, 17, 18, 28, 8, 9, 19, 29,
		-1, 31, 30,
	}
	order512 = [...]int8{
		0, 21, 42, 22, 43, 1, 44, 2, 23, 3, 24, 45, 25, 46, 4, 47, 5, 26, 6, 27, 48, 28, 49, 7, 50, 8, 29, 9, 30, 51,
		31, 52, 10, 53, 11, 32, 12, 33, 54, 34, 55, 13, 56, 14, 35, 15, 36, 57, 37, 58, 16, 59, 17, 38, 18, 39, 60,
		40, 61, 19, 62, 20, 41, -1, -1, 63,
	}
	orderMD5 = [...]int8{0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5, -1, -1, 11}
)

// digits are those of crypt(3), which are not in the order of base 64.
const digits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// write writes a digest: six bits a digit, the lowest first.
func write(digest []byte, order []int8) string {
	var b strings.Builder
	for i := 0; i < len(order); i += 3 {
		n, count := 0, 4
		for _, at := range order[i : i+3] {
			n <<= 8
			if at < 0 {
				count--
			} else {
				n |= int(digest[at])
			}
		}
		for ; count > 0; count-- {
			b.WriteByte(digits[n&63])
			n >>= 6
		}
	}
	return b.String()
}

func sum(h hash.Hash, parts ...[]byte) []byte {
	h.Reset()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// repeated is p again and again, n bytes of it.
func repeated(p []byte, n int) []byte {
	b := make([]byte, 0, n)
	for len(b) < n {
		b = append(b, p[:min(len(p), n-len(b))]...)
	}
	return b
}

// shaText hashes as Drepper's "Unix crypt using SHA-256 and SHA-512" describes.
func shaText(h hash.Hash, password, salt []byte, rounds int, order []int8) string {
	alternate := sum(h, password, salt, password)
	h.Reset()
	h.Write(password)
	h.Write(salt)
	h.Write(repeated(alternate, len(password)))
	for n := len(password); n > 0; n >>= 1 {
		if n&1 != 0 {
			h.Write(alternate)
		} else {
			h.Write(password)
		}
	}
	digest := h.Sum(nil)

	h.Reset()
	for range len(password) {
		h.Write(password)
	}
	p := repeated(h.Sum(nil), len(password))
	h.Reset()
	for range 16 + int(digest[0]) {
		h.Write(salt)
	}
	s := repeated(h.Sum(nil), len(salt))
	return write(stretch(h, digest, p, s, rounds), order)
}

// stretch is the part that is meant to take long.
func stretch(h hash.Hash, digest, password, salt []byte, rounds int) []byte {
	for i := range rounds {
		h.Reset()
		if i&1 != 0 {
			h.Write(password)
		} else {
			h.Write(digest)
		}
		if i%3 != 0 {
			h.Write(salt)
		}
		if i%7 != 0 {
			h.Write(password)
		}
		if i&1 != 0 {
			h.Write(digest)
		} else {
			h.Write(password)
		}
		digest = h.Sum(digest[:0])
	}
	return digest
}

// md5Text hashes as FreeBSD's crypt(3) of 1994 does.
func md5Text(password, salt []byte) string {
	const rounds = 1000
	h := md5.New()
	alternate := sum(h, password, salt, password)
	h.Reset()
	h.Write(password)
	h.Write([]byte("$1$"))
	h.Write(salt)
	h.Write(repeated(alternate, len(password)))
	for n := len(password); n > 0; n >>= 1 {
		if n&1 != 0 {
			h.Write([]byte{0})
		} else {
			h.Write(password[:1])
		}
	}
	return write(stretch(h, h.Sum(nil), password, salt, rounds), orderMD5[:])
}
