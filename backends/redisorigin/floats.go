package redisorigin

import (
	"math/big"
	"strings"

	"bench/internal/resp"
)

const (
	// floatPrecision and floatDigits are those of Redis, which counts in the long
	// double of x86 and writes 17 digits behind the point.
	floatPrecision = 64
	floatDigits    = 17
	// floatExponent bounds the binary exponent of a long double.
	floatExponent = 16384
)

// incrByFloat is INCRBYFLOAT; the value stays without exponent, and keeps its expiry.
func incrByFloat(k *call) {
	by, ok := k.float(k.args[2])
	if !ok {
		return
	}
	sum, e := new(big.Float).SetPrec(floatPrecision), k.get(1)
	if e != nil {
		if sum, ok = k.float(e.value); !ok {
			return
		}
	}
	if by.IsInf() || sum.IsInf() {
		k.fail("ERR increment would produce NaN or Infinity")
		return
	}
	text := sum.Add(sum, by).Text('f', floatDigits)
	text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	if text == "-0" {
		text = "0"
	}
	k.db().set(k.args[1], []byte(text))
	k.out = resp.AppendBulk(k.out, text)
}

// float reads a number, or fails.
func (k *call) float(text []byte) (*big.Float, bool) {
	f, _, err := big.ParseFloat(string(text), 10, floatPrecision, big.ToNearestEven)
	if err != nil || f.MantExp(nil) > floatExponent {
		k.fail("ERR value is not a valid float")
		return nil, false
	}
	return f, true
}
