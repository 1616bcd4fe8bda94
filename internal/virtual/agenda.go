package virtual

// agenda is what is to happen, and when: a heap. What is due at the same instant happens
// in an order by chance.
type agenda struct{ all []entry }

type entry struct {
	at  int64
	tie uint32
	fn  func()
}

func (e *entry) before(o *entry) bool { return e.at < o.at || e.at == o.at && e.tie < o.tie }

func (a *agenda) add(at int64, tie uint32, fn func()) {
	a.all = append(a.all, entry{at, tie, fn})
	i := len(a.all) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !a.all[i].before(&a.all[up]) {
			break
		}
		a.all[i], a.all[up] = a.all[up], a.all[i]
		i = up
	}
}

// due tells whether something is to happen by now.
func (a *agenda) due(now int64) bool { return len(a.all) > 0 && a.all[0].at <= now }

// next is when something is to happen.
func (a *agenda) next() (int64, bool) {
	if len(a.all) == 0 {
		return 0, false
	}
	return a.all[0].at, true
}

// pop takes out what is first.
func (a *agenda) pop() func() {
	first, last := a.all[0].fn, len(a.all)-1
	a.all[0] = a.all[last]
	a.all[last] = entry{}
	a.all = a.all[:last]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < last; c++ {
			if a.all[c].before(&a.all[least]) {
				least = c
			}
		}
		if least == i {
			return first
		}
		a.all[i], a.all[least] = a.all[least], a.all[i]
		i = least
	}
}
