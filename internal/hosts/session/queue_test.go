package session_test

import (
	"context"
	"testing"

	"bench/internal/hosts/session"
	"bench/internal/loop"
)

// A task that is given back comes again, one that was done does not, and of what was done
// twice the first counts.
func TestQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	q, err := session.NewQueue(ctx, w.hub.RunAddress(w.hub.Listens()), 3)
	if err != nil {
		t.Fatal(err)
	}
	take := func() (task *session.Task) {
		t.Helper()
		eventually(t, "a task", func() bool {
			if task, err = q.Take(ctx); err != nil {
				t.Fatal(err)
			}
			return task != nil
		})
		return task
	}
	var all []*session.Task
	for i := range 3 {
		task := take()
		if task.Number != i || task.Try != 1 {
			t.Errorf("task %d, try %d at place %d", task.Number, task.Try, i)
		}
		all = append(all, task)
	}
	w.relay.cut() // of the hosts: nobody's business here
	if first, err := all[1].Done(ctx); !first || err != nil {
		t.Errorf("%v, %v", first, err)
	}
	all[0].GiveBack()
	again := take()
	if again.Number != 0 || again.Try != 2 {
		t.Errorf("task %d, try %d after it was given back", again.Number, again.Try)
	}
	if first, err := again.Done(ctx); !first || err != nil {
		t.Errorf("%v, %v", first, err)
	}
	if first, err := all[0].Done(ctx); first || err != nil {
		t.Errorf("done twice: %v, %v", first, err)
	}
	if first, err := all[2].Done(ctx); !first || err != nil {
		t.Errorf("%v, %v", first, err)
	}
	if task, err := q.Take(ctx); task != nil || err != nil {
		t.Errorf("a task too much: %+v, %v", task, err)
	}
	if err := q.Close(); err != nil {
		t.Error(err)
	}
}
