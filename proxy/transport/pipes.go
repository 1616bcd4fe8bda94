package transport

import "bench/internal/sock"

// Pipe is a kernel pipe that carries the bytes of one flow.
type Pipe struct {
	sock.Pipe
	n    int // bytes in it
	next *Pipe
}

// PipePool keeps the thread's free pipes. All pipes of the process together are
// held against a quota; a thread that gets none copies instead.
type PipePool struct {
	Count
	quota *PipeQuota
	size  int // bytes; 0: by number
	list  *Pipe
	// least is the lowest number of free pipes since the last trim: so many were
	// not needed.
	least int
}

// Without tune.pipesize the first pipes are twice as wide as the system makes
// them, which spares every other system call of a bulk transfer. The bound keeps
// away from fs.pipe-user-pages-soft, beyond which the kernel grants an ordinary
// user only pipes too small to be of use.
const (
	widePipe  = 128 << 10
	widePipes = 128
)

// take returns an empty pipe, or nil when there is none to be had.
func (p *PipePool) take() *Pipe {
	if pipe := p.list; pipe != nil {
		p.list, pipe.next = pipe.next, nil
		p.Free--
		p.least = min(p.least, p.Free)
		return pipe
	}
	if !p.quota.TryInc(p.quota.Max) {
		return nil
	}
	kp, errno := sock.NewPipe()
	if errno != 0 {
		p.quota.Dec()
		return nil
	}
	size := p.size
	if size == 0 && p.quota.Load() <= widePipes {
		size = widePipe
	}
	if size > 0 {
		// A size the system does not grant leaves the pipe as it is, which works.
		_ = kp.SetSize(size)
	}
	p.Made++
	return &Pipe{Pipe: kp}
}

// put takes a pipe back. What still lies in it belongs to nobody any more,
// and goes with the pipe.
func (p *PipePool) put(pipe *Pipe) {
	if pipe.n > 0 {
		p.drop(pipe)
		return
	}
	pipe.next, p.list = p.list, pipe
	p.Free++
}

func (p *PipePool) drop(pipe *Pipe) {
	pipe.Close()
	p.Made--
	p.quota.Dec()
}

// trim closes half of the pipes that were not needed since the last call.
func (p *PipePool) trim() {
	for n := (p.least + 1) / 2; n > 0; n-- {
		pipe := p.list
		p.list = pipe.next
		p.Free--
		p.drop(pipe)
	}
	p.least = p.Free
}
