package validate

import (
	"bench/internal/integrity"
	"bench/scenarios/format"
	"bench/scenarios/source"
)

// contents checks what a load says of integrity and pieces.
func (v *validator) contents(at string, l *format.Load) {
	if _, err := integrity.ParseExceptions(l.Integrity.Except); err != nil {
		v.fail(at+".integrity.except", "%s", source.Printable(err.Error()))
	}
	if v.given(at+".integrity") && !l.Integrity.Off {
		switch {
		case l.Protocol == "redis" || l.Protocol == "mysql":
			v.fail(at+".integrity", "integrity is checked for protocols http1, http2 and tcp, not for %s", l.Protocol)
		case l.Protocol == "tcp" && len(l.Integrity.Except) > 0:
			v.fail(at+".integrity.except", "nothing may be excepted from bytes of protocol tcp: want on or off")
		case v.s.IntegrityOf(l) == nil:
			v.fail(at+".integrity", "nothing can be checked: %s", uncheckable(l))
		}
	}
	p := l.Pieces
	if p == nil {
		return
	}
	switch {
	case p.Min < 1 || p.Max < p.Min || p.Max > format.MaxPieces:
		v.fail(at+".pieces", "pieces wants 1 <= min <= max <= %d, not %d and %d", format.MaxPieces, p.Min, p.Max)
	case p.Pause <= 0 || p.Pause > format.MaxPause:
		v.fail(at+".pieces.pause", "pause wants more than 0 and at most %s", format.MaxPause)
	}
}

// uncheckable says why there is nothing to check in a load.
func uncheckable(l *format.Load) string {
	if l.Protocol == "tcp" {
		return "want an echo, or a download from backends that are all of mode source"
	}
	return "there is no backend of kind http behind " + l.Target
}
