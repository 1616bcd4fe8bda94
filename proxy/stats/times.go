package stats

// Times are averages over about the last 1,024 streams, and the highest values,
// in milliseconds.
type Times struct {
	Queue, Connect, Response, Total             Average
	QueueMax, ConnectMax, ResponseMax, TotalMax uint64
}

// averageSamples is the length of the sliding window of Average.
const averageSamples = 1024

// Average is a sliding mean, held as a sum over averageSamples values.
type Average struct {
	sum uint64
	n   uint64
}

// Add takes one value in.
func (a *Average) Add(v uint64) {
	if a.n < averageSamples {
		a.n++
		a.sum += v
		return
	}
	a.sum += v - a.sum/averageSamples
}

// Value is the mean.
func (a *Average) Value() uint64 {
	if a.n == 0 {
		return 0
	}
	return (a.sum + a.n/2) / a.n
}

// Sum takes in the samples of o, so that Value is the mean weighted by the
// number of samples each side holds.
func (a *Average) Sum(o *Average) {
	a.sum += o.sum
	a.n += o.n
}

// Note takes the times of one stream in, in milliseconds; negative values are
// steps that were not reached and are left out.
func (t *Times) Note(queue, connect, response, total int64) {
	note := func(a *Average, m *uint64, v int64) {
		if v >= 0 {
			a.Add(uint64(v))
			*m = max(*m, uint64(v))
		}
	}
	note(&t.Queue, &t.QueueMax, queue)
	note(&t.Connect, &t.ConnectMax, connect)
	note(&t.Response, &t.ResponseMax, response)
	note(&t.Total, &t.TotalMax, total)
}

// Sum takes in the times of another thread.
func (t *Times) Sum(o *Times) {
	t.Queue.Sum(&o.Queue)
	t.Connect.Sum(&o.Connect)
	t.Response.Sum(&o.Response)
	t.Total.Sum(&o.Total)
	t.QueueMax = max(t.QueueMax, o.QueueMax)
	t.ConnectMax = max(t.ConnectMax, o.ConnectMax)
	t.ResponseMax = max(t.ResponseMax, o.ResponseMax)
	t.TotalMax = max(t.TotalMax, o.TotalMax)
}

// ResetMax forgets the highest values.
func (t *Times) ResetMax() {
	t.QueueMax, t.ConnectMax, t.ResponseMax, t.TotalMax = 0, 0, 0, 0
}
