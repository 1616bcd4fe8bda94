package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"bench/internal/hosts/wire"
)

// Queue gives out the tasks of a run, which are numbered from 0, each until it was done: a
// task whose worker gives it back, or is silent for too long, is given out again, and of
// what was done twice the first counts. Which task is what is for those who take them.
type Queue struct {
	run  string
	conn *nats.Conn
	js   jetstream.JetStream
	todo jetstream.Consumer
}

// Times of tasks.
const (
	// taskLease is how long a task may be without a word of its worker.
	taskLease = 10 * time.Second
	// takeWait is how long a worker waits for a task that may come.
	takeWait = 2 * time.Second
)

// newRun is a name that no other run has.
func newRun() (string, error) {
	var random [6]byte
	_, err := rand.Read(random[:])
	return hex.EncodeToString(random[:]), err
}

// NewQueue makes a queue with the tasks 0 to n-1 in the hub.
func NewQueue(ctx context.Context, hub *wire.Address, n int) (_ *Queue, err error) {
	q := &Queue{}
	if q.run, err = newRun(); err != nil {
		return nil, err
	}
	if q.conn, err = wire.Connect(hub, wire.Options{Name: wire.ClientOfRun(q.run)}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			q.conn.Close()
		}
	}()
	if q.js, err = jetstream.New(q.conn); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, apiLimit)
	defer cancel()
	todo := jetstream.StreamConfig{
		Name: wire.TodoStream(q.run), Subjects: []string{wire.Todo(q.run, "*")},
		Retention: jetstream.WorkQueuePolicy, Duplicates: 2 * time.Minute,
	}
	done := jetstream.StreamConfig{Name: wire.DoneStream(q.run), Subjects: []string{wire.Done(q.run, "*")}, MaxMsgsPerSubject: 1}
	for _, stream := range []jetstream.StreamConfig{todo, done} {
		if _, err := q.js.CreateStream(ctx, stream); err != nil {
			return nil, fmt.Errorf("the hub's JetStream: %w", err)
		}
	}
	q.todo, err = q.js.CreateConsumer(ctx, todo.Name, jetstream.ConsumerConfig{
		Durable: "cells", AckPolicy: jetstream.AckExplicitPolicy, AckWait: taskLease, MaxAckPending: n,
	})
	if err != nil {
		return nil, fmt.Errorf("the hub's JetStream: %w", err)
	}
	for i := range n {
		id := strconv.Itoa(i)
		if _, err := q.js.Publish(ctx, wire.Todo(q.run, id), []byte(id), jetstream.WithMsgID(id)); err != nil {
			return nil, fmt.Errorf("the hub's JetStream: %w", err)
		}
	}
	return q, nil
}

// Task is one that a worker has. It is kept for it until Done or GiveBack.
type Task struct {
	Number int
	Try    int // from 1: how often it was given out
	queue  *Queue
	m      jetstream.Msg
	over   chan struct{}
	once   sync.Once
}

// Take is the next task, nil if there is none at present: one that another worker has
// may come back.
func (q *Queue) Take(ctx context.Context) (*Task, error) {
	batch, err := q.todo.Fetch(1, jetstream.FetchMaxWait(takeWait))
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err() // what comes yet comes again
	case m, ok := <-batch.Messages():
		if !ok {
			return nil, batch.Error()
		}
		t := &Task{queue: q, m: m, over: make(chan struct{})}
		if t.Number, err = strconv.Atoi(string(m.Data())); err != nil {
			return nil, err
		}
		meta, err := m.Metadata()
		if err != nil {
			return nil, err
		}
		t.Try = int(meta.NumDelivered)
		go t.keep()
		return t, nil
	}
}

// keep says again and again that the task is worked at.
func (t *Task) keep() {
	tick := time.NewTicker(taskLease / 4)
	defer tick.Stop()
	for {
		select {
		case <-t.over:
			return
		case <-tick.C:
			_ = t.m.InProgress() // the next one makes up for it
		}
	}
}

func (t *Task) end() { t.once.Do(func() { close(t.over) }) }

// Done says that the task was done, and reports whether that is the first time.
func (t *Task) Done(ctx context.Context) (first bool, err error) {
	defer t.end()
	ctx, cancel := context.WithTimeout(ctx, apiLimit)
	defer cancel()
	task := strconv.Itoa(t.Number)
	note := task + " " + strconv.Itoa(t.Try)
	_, err = t.queue.js.Publish(ctx, wire.Done(t.queue.run, task), []byte(note),
		jetstream.WithExpectLastSequencePerSubject(0), jetstream.WithMsgID(note))
	var refused *jetstream.APIError
	switch {
	case err == nil:
		first = true
	case !errors.As(err, &refused) || refused.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence:
		return false, err
	}
	if err := t.m.DoubleAck(ctx); !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
		return first, err
	}
	return first, nil // it had been given back
}

// GiveBack has the task given out again.
func (t *Task) GiveBack() {
	t.end()
	_ = t.m.Nak() // else its lease ends
}

// Close removes the queue from the hub.
func (q *Queue) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), apiLimit/5)
	defer cancel()
	err := errors.Join(q.js.DeleteStream(ctx, wire.TodoStream(q.run)), q.js.DeleteStream(ctx, wire.DoneStream(q.run)))
	q.conn.Close()
	return err
}
