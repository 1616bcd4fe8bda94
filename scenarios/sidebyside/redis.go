package sidebyside

import (
	"context"
	"fmt"
	"strconv"

	"bench/internal/proc"
)

// redisContests hold the generator against redis-benchmark.
func redisContests() []contest {
	const ours, server, peer = "bench load", "redis-server", "redis-benchmark"
	var rows []contest
	for _, w := range []struct {
		name     string
		pipeline int
	}{{"redis commands", 1}, {"redis commands, 16 at a time", 16}} {
		rows = append(rows, contest{
			name: w.name, ours: ours, peer: peer, needs: []string{server, peer}, must: 0.9, aim: 1.1,
			a: func(b *bed) *contestant { return b.redisLoad(w.pipeline) },
			b: func(b *bed) *contestant { return b.redisBenchmark(w.pipeline) },
		})
	}
	return rows
}

// redisOn starts a Redis server on a CPU, which keeps nothing.
func (b *bed) redisOn(ctx context.Context, cpu int) (port int, err error) {
	if port, err = freePort(); err != nil {
		return 0, err
	}
	p, err := b.group.Start(proc.Spec{Name: "redis", CPUs: []int{cpu}, Args: []string{
		"redis-server", "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", b.dir,
	}})
	if err != nil {
		return 0, err
	}
	return port, waitPort(ctx, p, port)
}

// redisLoad is our generator on the subject's CPU against a Redis server on the other.
func (b *bed) redisLoad(pipeline int) *contestant {
	var port int
	return &contestant{
		start: func(ctx context.Context) (_ *proc.Process, err error) {
			port, err = b.redisOn(ctx, b.o.LoadCPU)
			return nil, err
		},
		load: func(ctx context.Context) (done, error) {
			return b.bench(ctx, fmt.Sprintf("redis://127.0.0.1:%d", port), b.o.SubjectCPU, []string{
				"--spin=0us",
				"--pipeline", strconv.Itoa(pipeline), "--keys", strconv.Itoa(redisKeys), "--request", "GET {{key}}",
			})
		},
	}
}

const redisKeys = 100_000

// redisPace is about what redis-benchmark gets done in a second: it is told how many
// commands to send, not for how long.
const redisPace = 60_000

// redisBenchmark is redis-benchmark in the generator's place.
func (b *bed) redisBenchmark(pipeline int) *contestant {
	var port int
	return &contestant{
		start: func(ctx context.Context) (_ *proc.Process, err error) {
			port, err = b.redisOn(ctx, b.o.LoadCPU)
			return nil, err
		},
		load: func(ctx context.Context) (done, error) {
			n := max(1, int(b.o.Duration.Seconds()*redisPace)) * min(pipeline, 8)
			_, cpu, err := b.output(ctx, []string{
				"redis-benchmark", "-p", strconv.Itoa(port), "-t", "get", "-r", strconv.Itoa(redisKeys),
				"-c", strconv.Itoa(connections), "-P", strconv.Itoa(pipeline), "-n", strconv.Itoa(n), "--csv",
			}, b.o.SubjectCPU)
			return done{sent: uint64(n), own: cpu}, err
		},
	}
}
