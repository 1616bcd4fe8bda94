package stream

import "bench/internal/sock"

// pipe is a kernel pipe that carries the bytes of one flow.
type pipe struct {
	sock.Pipe
	n    int // bytes in it
	next *pipe
}

// pipePool keeps the thread's free pipes. All pipes of the process together are
// held against Shared.MaxPipes; a thread that gets none copies instead.
type pipePool struct {
	count
	list *pipe
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

// takePipe returns an empty pipe, or nil when there is none to be had.
func (t *Thread) takePipe() *pipe {
	pool := &t.pipes
	if p := pool.list; p != nil {
		pool.list, p.next = p.next, nil
		pool.free--
		pool.least = min(pool.least, pool.free)
		return p
	}
	if !t.Shared.Pipes.TryInc(t.Shared.MaxPipes) {
		return nil
	}
	kp, errno := sock.NewPipe()
	if errno != 0 {
		t.Shared.Pipes.Dec()
		return nil
	}
	size := t.Shared.Config.Global.Tune.PipeSize
	if size == 0 && t.Shared.Pipes.Load() <= widePipes {
		size = widePipe
	}
	if size > 0 {
		// A size the system does not grant leaves the pipe as it is, which works.
		_ = kp.SetSize(size)
	}
	pool.made++
	return &pipe{Pipe: kp}
}

// putPipe takes a pipe back. What still lies in it belongs to nobody any more,
// and goes with the pipe.
func (t *Thread) putPipe(p *pipe) {
	pool := &t.pipes
	if p.n > 0 {
		t.dropPipe(p)
		return
	}
	p.next, pool.list = pool.list, p
	pool.free++
}

func (t *Thread) dropPipe(p *pipe) {
	p.Close()
	t.pipes.made--
	t.Shared.Pipes.Dec()
}

// trimPipes closes half of the pipes that were not needed since the last call.
func (t *Thread) trimPipes() {
	pool := &t.pipes
	for n := (pool.least + 1) / 2; n > 0; n-- {
		p := pool.list
		pool.list = p.next
		pool.free--
		t.dropPipe(p)
	}
	pool.least = pool.free
}
