package hpack

// codeLengths are the lengths of the Huffman codes in bits, by octet (RFC 7541, appendix
// B). The code is canonical: codes of one length are consecutive numbers in the order of
// their octets, and those of the next length follow them, so the lengths are all there
// is to know. That of the end of a string, 30 bits, comes last.
var codeLengths = [256]uint8{
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
	28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
	6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
	5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
	13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
	15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
	6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
	20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
	24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
	22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
	21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
	26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
	19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
	20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
	26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
}

const (
	minCode, maxCode = 5, 30
	shortCode        = 8 // codes up to this length are looked up at once
)

// codes is the Huffman code made ready for decoding.
type codes struct {
	short [1 << shortCode]struct{ octet, bits uint8 } // by the next eight bits; bits 0: the code is longer
	// By length: the first code, how many there are, and where their octets begin.
	first, count, at [maxCode + 1]uint32
	octets           [256]uint8
}

var huffman = func() (h codes) {
	code, n := uint32(0), uint32(0)
	for bits := minCode; bits <= maxCode; bits++ {
		h.first[bits], h.at[bits] = code, n
		for octet, l := range codeLengths {
			if int(l) != bits {
				continue
			}
			if bits <= shortCode {
				pad := shortCode - bits
				for k := range 1 << pad {
					s := &h.short[code<<pad|uint32(k)]
					s.octet, s.bits = uint8(octet), uint8(bits)
				}
			}
			h.octets[n] = uint8(octet)
			code++
			n++
		}
		h.count[bits] = n - h.at[bits]
		code <<= 1
	}
	return h
}()

// long decodes a code of more than shortCode bits at the top of acc. bits is 0 where
// there is none: that is the code for the end of a string, which never stands in one.
func (h *codes) long(acc uint64) (octet uint8, bits uint) {
	for bits = shortCode + 1; bits <= maxCode; bits++ {
		if i := uint32(acc>>(64-bits)) - h.first[bits]; i < h.count[bits] {
			return h.octets[h.at[bits]+i], bits
		}
	}
	return 0, 0
}

// decodeHuffman decodes src to the start of dst, which has room for maxDecoded(len(src))
// bytes. It returns how many there are, and false for what is not a Huffman string.
func decodeHuffman(dst, src []byte) (int, bool) {
	var (
		acc  uint64 // the next bits, from the top
		have uint
		w    int
	)
	for r := 0; ; {
		for have <= 56 && r < len(src) {
			acc |= uint64(src[r]) << (56 - have)
			have += 8
			r++
		}
		if have < minCode {
			break
		}
		s := huffman.short[acc>>(64-shortCode)]
		octet, bits := s.octet, uint(s.bits)
		if bits == 0 {
			octet, bits = huffman.long(acc)
		}
		if bits == 0 || bits > have {
			break
		}
		dst[w] = octet
		w++
		acc <<= bits
		have -= bits
	}
	// Padding is less than an octet, of ones.
	return w, have < 8 && acc>>(64-have) == 1<<have-1
}

// maxDecoded is the most that n bytes of Huffman code can come to.
func maxDecoded(n int) int { return n * 8 / minCode }
