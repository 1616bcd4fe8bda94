package simulation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Shrink makes a plan smaller, step by step, as long as broken says that what went wrong
// goes wrong still.
func Shrink(p *Plan, broken func(*Plan) bool) *Plan {
	for {
		smaller := shrinkOnce(p, broken)
		if smaller == p {
			return p
		}
		p = smaller
	}
}

// shrinkOnce tries every step, one after the other, and keeps those that do no harm.
func shrinkOnce(p *Plan, broken func(*Plan) bool) *Plan {
	try := func(change func(*Plan)) {
		c := p.Copy()
		change(c)
		if len(c.Servers) > 0 && !c.equal(p) && broken(c) {
			p = c
		}
	}
	for n := len(p.Clients) / 2; n > 0; n /= 2 {
		for i := len(p.Clients) - n; i >= 0; i -= n {
			if i+n <= len(p.Clients) {
				try(func(c *Plan) { c.Clients = slices.Delete(c.Clients, i, i+n) })
			}
		}
	}
	for i := range p.Clients {
		for n := len(p.Clients[i].Requests) - 1; n >= 0 && len(p.Clients[i].Requests) > 1; n-- {
			try(func(c *Plan) { c.Clients[i].Requests = slices.Delete(c.Clients[i].Requests, n, n+1) })
		}
	}
	lines := func(of func(*Plan) *[]string) {
		for i, line := range slices.Backward(*of(p)) {
			if strings.HasPrefix(line, "timeout ") {
				continue // without it something else would last for ever
			}
			try(func(c *Plan) { *of(c) = slices.Delete(*of(c), i, i+1) })
		}
	}
	lines(func(p *Plan) *[]string { return &p.Global })
	lines(func(p *Plan) *[]string { return &p.Proxy })
	lines(func(p *Plan) *[]string { return &p.Servers })
	for i := range slices.Backward(p.Moves) {
		try(func(c *Plan) { c.Moves = slices.Delete(c.Moves, i, i+1) })
	}
	for i := range slices.Backward(p.Spells) {
		try(func(c *Plan) { c.Spells = slices.Delete(c.Spells, i, i+1) })
	}
	for i := range p.Servers {
		try(func(c *Plan) { c.Servers[i] = "" })
	}
	for _, change := range planSteps {
		try(change)
	}
	for i := range p.Clients {
		for _, change := range clientSteps {
			try(func(c *Plan) { change(&c.Clients[i]) })
		}
		for n := range p.Clients[i].Requests {
			for _, change := range requestSteps {
				try(func(c *Plan) { change(&c.Clients[i].Requests[n]) })
			}
		}
	}
	return p
}

var planSteps = []func(*Plan){
	func(p *Plan) { p.Threads = 1 },
	func(p *Plan) { p.TLS = false },
	func(p *Plan) { p.Inner = false },
	func(p *Plan) { p.InnerH2 = false },
	func(p *Plan) { p.Unasked = 0 },
	func(p *Plan) { p.Scarce = 0 },
	func(p *Plan) { p.Turn = 20 * time.Microsecond },
	func(p *Plan) { p.Reload = 0 },
	func(p *Plan) { p.Refuse = 0 },
	func(p *Plan) { p.Lose = 0 },
	func(p *Plan) { p.Edges = true },
	func(p *Plan) { p.Link.Delay = 0 },
	func(p *Plan) { p.Link.Piece = 0 },
	func(p *Plan) { p.Link.Pieces /= 2 },
	func(p *Plan) { p.Link.Sparing = false },
	func(p *Plan) { p.Link.Room = 64 << 10 },
}

var clientSteps = []func(*Client){
	func(c *Client) { c.At = 0 },
	func(c *Client) { c.Ahead = 0 },
	func(c *Client) { c.Window = 1 << 20 },
	func(c *Client) { c.Pause, c.Sip = 0, 0 },
	func(c *Client) { c.Quit = Quit{} },
	func(c *Client) { c.Quit.Sent /= 2 },
	func(c *Client) { c.Quit.After /= 2 },
	func(c *Client) { c.Link.Delay = 0 },
	func(c *Client) { c.Link.Piece = 0 },
	func(c *Client) { c.Link.Pieces /= 2 },
	func(c *Client) { c.Link.Sparing = false },
	func(c *Client) { c.Link.Room = 64 << 10 },
}

var requestSteps = []func(*Request){
	func(r *Request) { r.After = 0 },
	func(r *Request) { r.Cancel = 0 },
	func(r *Request) { r.Pad = 0 },
	func(r *Request) { r.Content, r.Knows = 0, false },
	func(r *Request) { r.Do = "" },
	func(r *Request) { r.From, r.Coded, r.Knows, r.Wish = 0, false, false, "" },
	func(r *Request) { r.Body = 0 },
	func(r *Request) { r.Body /= 2 },
	func(r *Request) { r.Chunked = false },
	func(r *Request) { r.Close = false },
	func(r *Request) { r.Old = false },
	func(r *Request) { r.Answer.Delay = 0 },
	func(r *Request) { r.Answer.Pad = 0 },
	func(r *Request) { r.Answer.Keep, r.Answer.Vary, r.Answer.Tagged = "", "", false },
	func(r *Request) { r.Answer.Size = 0 },
	func(r *Request) { r.Answer.Size /= 2 },
	func(r *Request) { r.Answer.Interim = 0 },
	func(r *Request) { r.Answer.Early = false },
	func(r *Request) { r.Answer.Quit = Quit{} },
	func(r *Request) { r.Answer.Quit.Sent /= 2 },
	func(r *Request) { r.Answer.Status = 200 },
	func(r *Request) { r.Answer.Close = r.Answer.Framing == ByClose },
	func(r *Request) {
		if r.Answer.Framing == ByChunks {
			r.Answer.Framing = ByLength
		}
	},
}

// Breaks tells whether a plan breaks what the first complaint of an outcome is about.
func (o *Outcome) Breaks(p *Plan) bool {
	for _, c := range Run(p, nil).Broken {
		if c.Kind == o.Broken[0].Kind {
			return true
		}
	}
	return false
}

// Copy is a plan of its own.
func (p *Plan) Copy() *Plan {
	c := &Plan{}
	if err := json.Unmarshal(p.JSON(), c); err != nil {
		panic(err)
	}
	return c
}

func (p *Plan) equal(o *Plan) bool { return string(p.JSON()) == string(o.JSON()) }

// JSON is the plan written down.
func (p *Plan) JSON() []byte {
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		panic(fmt.Sprintf("a plan that cannot be written down: %v", err)) // it is plain data
	}
	return b
}
