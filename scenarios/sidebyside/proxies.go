package sidebyside

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"bench/internal/proc"
	"bench/scenarios/certmaker"
)

// proxyConfig is given to both engines unchanged. The ratios keep HAProxy from
// closing idle server connections because of many idle clients.
const proxyConfig = `global
  %s
  nbthread %d
  maxconn %d
  tune.pool-low-fd-ratio 90
  tune.pool-high-fd-ratio 95
defaults
  mode %s
  timeout client 30s
  timeout server 30s
  timeout connect 5s
  retries 3
  %s
listen bench
  bind 127.0.0.1:%d%s
  %s
`

// engine is the engine in the place of proxy.
func (b *bed) engine(j *job, idle int) *contestant {
	global := ""
	if j.poller != "" {
		global = "tune.poller " + j.poller
	}
	return b.proxy([]string{b.o.Self, "proxy"}, global, j, idle)
}

// proxy is a proxy on the subject's CPU, with origin and generator on the other.
func (b *bed) proxy(argv []string, global string, j *job, idle int) *contestant {
	var url string
	return &contestant{
		start: func(ctx context.Context) (*proc.Process, error) {
			origin, err := b.originFor(ctx, j)
			if err != nil {
				return nil, err
			}
			port, err := freePort()
			if err != nil {
				return nil, err
			}
			text, err := b.config(j, global, origin, port, idle+1000)
			if err != nil {
				return nil, err
			}
			file := filepath.Join(b.dir, strconv.Itoa(port)+".cfg")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				return nil, err
			}
			addr := fmt.Sprintf("127.0.0.1:%d", port)
			if url = "http://" + addr; j.key != "" {
				url = "https://" + addr
			}
			url += cmp.Or(j.path, "/")
			cpus := []int{b.o.SubjectCPU}
			if j.threads > 1 {
				cpus = append(cpus, b.o.LoadCPU)
			}
			p, err := b.group.Start(proc.Spec{Name: argv[0], Args: append(argv, "-f", file, "-db"), CPUs: cpus})
			if err != nil {
				return nil, err
			}
			if err := waitPort(ctx, p, port); err != nil {
				return nil, err
			}
			if idle > 0 {
				clients := &idlers{addr: addr}
				b.closers = append(b.closers, clients.close)
				return p, clients.grow(ctx, idle)
			}
			return p, nil
		},
		load: func(ctx context.Context) (done, error) {
			return b.drive(ctx, j, url)
		},
	}
}

// config is the configuration of a proxy before an origin, with the files that it names.
func (b *bed) config(j *job, global, origin string, port, maxconn int) (text string, err error) {
	options := j.options
	if j.mode == "http" {
		options = append([]string{"option forwardfor"}, options...)
	}
	if j.logs {
		sink, err := b.sink()
		if err != nil {
			return "", err
		}
		options = append(options, "log "+sink+" local0")
	}
	bind := ""
	if j.key != "" {
		file, err := b.certificates(j)
		if err != nil {
			return "", err
		}
		bind = " ssl crt " + file
	}
	if j.alpn != "" {
		bind += " alpn " + j.alpn
	}
	var lines []string
	if j.lines != nil {
		if lines, err = j.lines(b.dir); err != nil {
			return "", err
		}
	}
	cookie := ""
	for i := range max(1, j.servers) {
		if j.mode == "http" {
			cookie = fmt.Sprintf(" cookie s%d", i+1)
		}
		lines = append(lines, fmt.Sprintf("server s%d %s%s", i+1, origin, cookie))
	}
	return fmt.Sprintf(proxyConfig, global, max(1, j.threads), maxconn, j.mode, strings.Join(options, "\n  "), port, bind, strings.Join(lines, "\n  ")), nil
}

// originFor starts what answers a job and returns its address.
func (b *bed) originFor(ctx context.Context, j *job) (string, error) {
	start := func() (*proc.Process, string, error) { return b.originOn(ctx, cmp.Or(j.body, "128B"), b.o.LoadCPU) }
	if j.with == wrk {
		start = func() (*proc.Process, string, error) { return b.nginxOn(ctx, b.o.LoadCPU) }
	}
	_, url, err := start()
	return strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"), err
}

// certificates is the file of the one, or the directory of all, that both proxies show.
func (b *bed) certificates(j *job) (string, error) {
	if j.sites == 0 {
		return b.certificate(j.key)
	}
	dir := filepath.Join(b.dir, fmt.Sprintf("sites-%d", j.sites))
	if err := os.Mkdir(dir, 0o700); err != nil {
		if os.IsExist(err) {
			err = nil // they are there already
		}
		return dir, err
	}
	certs := certmaker.New(dir)
	for i := range j.sites {
		if _, err := certs.Cert(siteName(i)); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func siteName(i int) string { return fmt.Sprintf("site%d.test", i) }

// certificate is the file of one that both proxies show, with a key of a kind.
func (b *bed) certificate(key string) (string, error) {
	if b.certs == nil {
		b.certs = certmaker.New(b.dir)
	}
	if key == "rsa" {
		return b.certs.Cert("localhost", certmaker.RSA)
	}
	return b.certs.Cert("localhost")
}

// drive makes the load of a job.
func (b *bed) drive(ctx context.Context, j *job, url string) (done, error) {
	switch j.with {
	case wrk:
		return b.wrkOn(ctx, url, b.o.LoadCPU, j.load)
	case h2load:
		return b.h2loadOn(ctx, url, b.o.LoadCPU, j.load)
	}
	return b.bench(ctx, url, b.o.LoadCPU, j.load)
}
