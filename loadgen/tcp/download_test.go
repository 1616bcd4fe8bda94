package tcp

import (
	"slices"
	"testing"

	"bench/internal/integrity"
	"bench/loadgen/codec"
)

// However a download is cut, each piece is compared with what belongs at its place.
func TestDownloadsInPieces(t *testing.T) {
	const size = 1024*integrity.SourcePeriod + 1000
	whole := make([]byte, size)
	for i := range whole {
		whole[i] = integrity.SourceByte(int64(i))
	}
	for _, piece := range []int{1, 63, 64, 65, 1000, size} {
		for _, wrong := range []int{-1, 0, 63, 64, size - 1} {
			s := &session{codec: &client{check: newCheck(&codec.Integrity{Source: true})}}
			came := slices.Clone(whole)
			if wrong >= 0 {
				came[wrong] = '?'
			}
			for p := range slices.Chunk(came, piece) {
				s.downloaded(p)
				s.answer.Bytes += int64(len(p))
			}
			switch {
			case wrong < 0 && s.answer.Check != codec.Intact:
				t.Errorf("in pieces of %d: %+v", piece, s.difference)
			case wrong >= 0 && (s.answer.Check != codec.WrongAnswer || s.difference.Offset != int64(wrong)):
				t.Errorf("in pieces of %d: byte %d was altered, but the difference is %+v", piece, wrong, s.difference)
			}
		}
	}
}
