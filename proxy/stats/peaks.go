package stats

// Peaks are what the threads' rates of one proxy, server or process share, so
// that the highest rate over all threads is known.
type Peaks struct{ conn, sess, req, tls, key, serverKey Peak }

// SharePeaks makes the rates report to p.
func (f *Frontend) SharePeaks(p *Peaks) {
	f.ConnRate.Share(&p.conn)
	f.SessRate.Share(&p.sess)
	f.ReqRate.Share(&p.req)
}

// SharePeaks makes the rates report to p.
func (b *Backend) SharePeaks(p *Peaks) { b.SessRate.Share(&p.sess) }

// SharePeaks makes the rates report to p.
func (s *Server) SharePeaks(p *Peaks) { s.SessRate.Share(&p.sess) }

// SharePeaks makes the rates report to p. Rates of bytes have no maximum.
func (p *Process) SharePeaks(k *Peaks) {
	p.ConnRate.Share(&k.conn)
	p.SessRate.Share(&k.sess)
	p.TLSRate.Share(&k.tls)
	p.KeyRate.Share(&k.key)
	p.ServerKeyRate.Share(&k.serverKey)
}
