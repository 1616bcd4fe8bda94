package cookie

// Dates in cookies ("maxidle", "maxlife") are five digits of base 64, the highest
// first, that count units of four seconds since 1970.

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// unit is the resolution of dates, in seconds.
const unit = 4

// AppendDate appends a date, in seconds since 1970, rounded up.
func AppendDate(dst []byte, seconds int64) []byte {
	n := (seconds + unit - 1) / unit
	for shift := 24; shift >= 0; shift -= 6 {
		dst = append(dst, digits[n>>shift&63])
	}
	return dst
}

// Date reads a date and returns it in seconds since 1970, 0 if it is none.
func Date(b []byte) (seconds int64) {
	if len(b) < 5 {
		return 0
	}
	n := int64(0)
	for _, c := range b[:5] {
		d := digit(c)
		if d < 0 {
			return 0
		}
		n = n<<6 | d
	}
	return n * unit
}

func digit(c byte) int64 {
	switch {
	case c >= 'A' && c <= 'Z':
		return int64(c - 'A')
	case c >= 'a' && c <= 'z':
		return int64(c-'a') + 26
	case c >= '0' && c <= '9':
		return int64(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}
