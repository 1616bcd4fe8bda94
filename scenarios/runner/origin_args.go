package runner

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"bench/scenarios/format"
)

// originArgs are the arguments of `bench backend` that belong to the kind of a
// backend. What is too long for one goes into a file.
func originArgs(b *format.Backend, file string) ([]string, error) {
	switch b.Kind {
	case "tcp":
		args := []string{"--mode", b.TCP.Mode, "--bytes", b.TCP.Bytes.String()}
		for _, step := range b.TCP.Steps {
			args = append(args, "--step="+step)
		}
		return args, nil
	case "mysql":
		return mysqlArgs(&b.MySQL, file)
	case "redis":
		return redisArgs(&b.Redis), nil
	case "dns":
		return nil, nil // its records may name addresses that are not known yet
	}
	return httpArgs(b), nil
}

func httpArgs(b *format.Backend) []string {
	o := &b.HTTP
	args := []string{
		"--body", string(b.Body), "--status", cmp.Or(o.Statuses, strconv.Itoa(b.Status)), "--framing", o.Framing,
	}
	if b.RequestsPerConnection > 0 {
		args = append(args, "--max-requests", strconv.Itoa(b.RequestsPerConnection))
	}
	if o.ETag {
		args = append(args, "--etag")
	}
	if o.Gzip {
		args = append(args, "--gzip")
	}
	if o.HTTP2 {
		args = append(args, "--http2")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		args = append(args, "--header="+name+":"+o.Headers[name])
	}
	for _, name := range slices.Sorted(maps.Keys(o.Trailers)) {
		args = append(args, "--trailer="+name+":"+o.Trailers[name])
	}
	for _, text := range o.Answers {
		args = append(args, "--answer="+text)
	}
	return args
}

func mysqlArgs(o *format.MySQLOrigin, file string) ([]string, error) {
	args := []string{
		"--role", o.Role, "--lag", o.Lag.String(), "--plugin", o.Plugin, "--max-connections", strconv.Itoa(o.MaxConnections),
		"--user=" + o.User, "--password=" + o.Password,
	}
	if len(o.Answers) == 0 {
		return args, nil
	}
	text, err := json.Marshal(o.Answers)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	return append(args, "--answers", file), nil
}

// dnsArgs are those of a name server that knows these records.
func dnsArgs(records string) (args []string) {
	for line := range strings.Lines(records) {
		if line = strings.TrimSpace(line); line != "" {
			args = append(args, "--record="+line)
		}
	}
	return args
}

func redisArgs(o *format.RedisOrigin) []string {
	args := []string{
		"--role", o.Role, "--lag", o.Lag.String(), "--user=" + o.User, "--password=" + o.Password,
		"--max-memory", o.MaxMemory.String(), "--max-connections", strconv.Itoa(o.MaxConnections),
	}
	for _, key := range slices.Sorted(maps.Keys(o.Keys)) {
		args = append(args, "--key="+key+"="+o.Keys[key])
	}
	return args
}
