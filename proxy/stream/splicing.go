package stream

import "bench/proxy/transport"

// setSplicing decides from the options of the frontend and the chosen backend
// which directions may be spliced.
func (s *stream) setSplicing() {
	f, b := &s.fe.Spec.Options, &s.be.Spec.Options
	auto := f.SpliceAuto || b.SpliceAuto
	s.up.SetSplicing(&s.t.Kit, spliceMode(auto, f.SpliceRequest || b.SpliceRequest))
	s.down.SetSplicing(&s.t.Kit, spliceMode(auto, f.SpliceResponse || b.SpliceResponse))
}

func spliceMode(auto, always bool) transport.SpliceMode {
	switch {
	case always:
		return transport.SpliceAlways
	case auto:
		return transport.SpliceAuto
	}
	return transport.SpliceNever
}
