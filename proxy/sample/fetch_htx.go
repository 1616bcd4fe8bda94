package sample

import (
	"fmt"
	"strconv"

	"bench/proxy/message"
	"bench/proxy/txn"
)

// What the reference's buffers are made of: a head of htxHead bytes, then the contents of
// blocks, and htxBlock bytes about each of them. The start line has its three parts behind
// htxLine bytes.
const (
	htxHead  = 48
	htxBlock = 8
	htxLine  = 20
)

// blockKind is what a block of the reference's messages holds.
type blockKind uint8

const (
	blockUnused blockKind = iota
	blockRequest
	blockResponse
	blockField
	blockEndOfFields
	blockData
	blockEndOfBody
)

var blockNames = [...]string{"HTX_BLK_UNUSED", "HTX_BLK_REQ_SL", "HTX_BLK_RES_SL", "HTX_BLK_HDR", "HTX_BLK_EOH", "HTX_BLK_DATA", "HTX_BLK_EOT"}

// Positions of blocks by name, as arguments.
const (
	blockHead  = -1
	blockTail  = -2
	blockFirst = -3
)

// blocks is the message at hand as the blocks that the reference has of it at that time: the
// start line, the fields with the places of those that were removed, their end, and what has
// come of the body.
type blocks struct {
	req     *message.Request
	res     *message.Response
	fields  []message.Field
	body    []byte
	ended   bool // all of the message has come
	chunked bool
}

func (c *Context) blocks() (b blocks, ok bool) {
	t := c.Txn
	b.body, b.ended = t.Body, t.BodyEnd
	switch {
	case t.Res != nil:
		b.res, b.fields, b.chunked = t.Res, t.Res.Fields(), t.Res.Body.Kind == message.BodyChunked
	case t.Req != nil:
		b.req, b.fields, b.chunked = t.Req, t.Req.Fields(), t.Req.Body.Kind == message.BodyChunked
	default:
		return b, c.noRequest()
	}
	return b, true
}

func (b *blocks) len() int {
	n := 1 + len(b.fields) + 1
	if len(b.body) > 0 {
		n++
	}
	if b.chunked && b.ended {
		n++
	}
	return n
}

func (b *blocks) kind(i int) blockKind {
	switch fields := len(b.fields); {
	case i < 0 || i >= b.len():
		return blockUnused
	case i == 0 && b.res != nil:
		return blockResponse
	case i == 0:
		return blockRequest
	case i <= fields && b.fields[i-1].ID == message.Deleted:
		return blockUnused
	case i <= fields:
		return blockField
	case i == fields+1:
		return blockEndOfFields
	case i == fields+2 && len(b.body) > 0:
		return blockData
	}
	return blockEndOfBody
}

func (b *blocks) size(i int) int {
	switch b.kind(i) {
	case blockRequest, blockResponse:
		var room [16]byte
		parts := b.line(room[:0])
		return htxLine + len(parts[0]) + len(parts[1]) + len(parts[2])
	case blockField:
		return len(b.fields[i-1].Name) + len(b.fields[i-1].Value)
	case blockEndOfFields, blockEndOfBody:
		return 1
	case blockData:
		return len(b.body)
	case blockUnused:
	}
	return 0
}

// line are the parts of the start line; the number among them is written behind dst.
func (b *blocks) line(dst []byte) [3][]byte {
	if b.res != nil {
		return [3][]byte{versionLine(b.res.Version), strconv.AppendInt(dst, int64(b.res.Status), 10), b.res.Reason}
	}
	return [3][]byte{b.req.Method, b.req.Target, versionLine(b.req.Version)}
}

var (
	version10 = []byte("HTTP/1.0")
	version11 = []byte("HTTP/1.1")
	version20 = []byte("HTTP/2.0")
)

func versionLine(v message.Version) []byte {
	switch v {
	case message.HTTP10:
		return version10
	case message.HTTP20:
		return version20
	case message.HTTP11:
	}
	return version11
}

// data is the size of all contents.
func (b *blocks) data() int {
	n := 0
	for i := range b.len() {
		n += b.size(i)
	}
	return n
}

func (b *blocks) used() int { return b.data() + b.len()*htxBlock }

// at is the position that an argument names.
func (b *blocks) at(a *Arg) int {
	switch a.Int {
	case blockHead, blockFirst:
		return 0
	case blockTail:
		return b.len() - 1
	}
	return int(min(a.Int, int64(b.len())))
}

// htxFetches say how the reference would have the message at hand in its buffers, which
// this engine has in others (configuration manual, section 7.3.7).
func htxFetches() []Fetch {
	at := reading | txn.At(txn.StepResponse)
	number := func(name, doc string, of func(c *Context, b *blocks) int) Fetch {
		return Fetch{Row: Row{Name: "internal.htx." + name, Doc: doc}, Out: txn.Int, At: at, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			b, ok := c.blocks()
			if ok {
				v.SetInt(int64(of(c, &b)))
			}
			return ok
		}}
	}
	size := func(c *Context) int { return len(c.room)/2 - htxHead }
	block := func(name string, out txn.Kind, doc string, of func(c *Context, b *blocks, i int, v *txn.Value) bool) Fetch {
		return Fetch{Row: Row{Name: "internal.htx_blk." + name, Usage: "({<position> | head | tail | first})", params: "s", check: checkBlock, Doc: doc}, Out: out, At: at, http: true, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			b, ok := c.blocks()
			return ok && of(c, &b, b.at(&a[0]), v)
		}}
	}
	field := func(name, doc string, of func(*message.Field) []byte) Fetch {
		return block(name, txn.Str, doc, func(_ *Context, b *blocks, i int, v *txn.Value) bool {
			v.SetStr(nil)
			if b.kind(i) == blockField {
				v.SetStr(of(&b.fields[i-1]))
			}
			return true
		})
	}
	return []Fetch{
		number("data", "Bytes of contents that the message would have in the reference's buffers.", func(_ *Context, b *blocks) int { return b.data() }),
		number("free", "Room that the reference's buffers would have left.", func(c *Context, b *blocks) int { return size(c) - b.used() }),
		number("free_data", "Room for data that they would have left.", func(c *Context, b *blocks) int { return max(size(c)-b.used()-htxBlock, 0) }),
		{Row: Row{Name: "internal.htx.has_eom", Doc: "Whether all of the message has come."}, Out: txn.Bool, At: at, http: true, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			b, ok := c.blocks()
			v.SetBool(b.ended)
			return ok
		}},
		number("nbblks", "Blocks that the message would have in the reference's buffers.", func(_ *Context, b *blocks) int { return b.len() }),
		number("size", "Size of the reference's buffers for messages.", func(c *Context, _ *blocks) int { return size(c) }),
		number("used", "Bytes of contents and what there is about them in the reference's buffers.", func(_ *Context, b *blocks) int { return b.used() }),
		block("data", txn.Bin, "Content of a block, if it is one of the body.", func(_ *Context, b *blocks, i int, v *txn.Value) bool {
			v.Kind, v.B = txn.Bin, nil
			if b.kind(i) == blockData {
				v.B = b.body
			}
			return true
		}),
		field("hdrname", "Name of a block, if it is a field.", func(f *message.Field) []byte { return f.Name }),
		field("hdrval", "Value of a block, if it is a field.", func(f *message.Field) []byte { return f.Value }),
		block("size", txn.Int, "Size of a block.", func(_ *Context, b *blocks, i int, v *txn.Value) bool {
			v.SetInt(int64(b.size(i)))
			return true
		}),
		block("start_line", txn.Str, "Content of a block, if it is the start line.", func(c *Context, b *blocks, i int, v *txn.Value) bool {
			v.SetStr(nil)
			if k := b.kind(i); k != blockRequest && k != blockResponse {
				return true
			}
			var room [16]byte
			parts := b.line(room[:0])
			dst := append(append(c.spare(), parts[0]...), ' ')
			dst = append(append(dst, parts[1]...), ' ')
			return c.keep(v, append(dst, parts[2]...))
		}),
		block("type", txn.Str, "Kind of a block.", func(c *Context, b *blocks, i int, v *txn.Value) bool {
			return c.text(v, blockNames[b.kind(i)])
		}),
		{Row: Row{Name: "internal.strm.is_htx", Doc: "Whether the stream is one of HTTP."}, Out: txn.Bool, At: asked, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			v.SetBool(c.Txn.Req != nil || c.Txn.MethodText != nil)
			return true
		}},
	}
}

// checkBlock reads the position of a block.
func checkBlock(_ *Env, a []Arg) error {
	switch text := string(a[0].Str); text {
	case "":
		return fmt.Errorf("want a position from 0, or head, tail or first")
	case "head":
		a[0].Int = blockHead
	case "tail":
		a[0].Int = blockTail
	case "first":
		a[0].Int = blockFirst
	default:
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return fmt.Errorf("want a position from 0, or head, tail or first, not '%s'", text)
		}
		a[0].Int = int64(n)
	}
	return nil
}
