package stats

import (
	"io"
	"strconv"
)

// Nameserver is what was counted of a name server ("show stat domain resolvers").
type Nameserver struct {
	Name, Resolvers string
	// Counts are in the order of the columns behind the two names.
	Counts [15]uint64
}

// nameserverColumns are the fields of name servers with their descriptions.
var nameserverColumns = [...][2]string{
	{"id", "name of the name server"},
	{"pid", "name of its section"},
	{"sent", "questions sent"},
	{"send_error", "questions that could not be sent"},
	{"valid", "good answers"},
	{"update", "answers by which an address has changed"},
	{"cname", "answers with another name"},
	{"cname_error", "answers with another name that leads nowhere"},
	{"any_err", "answers without an address"},
	{"nx", "answers that the name does not exist"},
	{"timeout", "questions without an answer"},
	{"refused", "questions refused"},
	{"other", "other errors"},
	{"invalid", "answers that could not be understood"},
	{"too_big", "answers that were too large"},
	{"truncated", "answers cut short"},
	{"outdated", "answers that came too late"},
}

// value is a field of a name server.
func (n *Nameserver) value(pos int) value {
	switch pos {
	case 0:
		return str(n.Name)
	case 1:
		return str(n.Resolvers)
	}
	return u64(n.Counts[pos-2])
}

// WriteNameservers writes name servers as "show stat domain resolvers" does, without the
// empty line that ends an answer.
func WriteNameservers(w io.Writer, list []Nameserver, format Format, desc bool) error {
	var b []byte
	switch format {
	case Text:
		b = append(b, "# "...)
		for _, c := range nameserverColumns {
			b = append(append(b, c[0]...), ',')
		}
		b = append(b, '\n')
	case JSON:
		b = append(b, '[')
	case Typed:
	}
	for i := range list {
		n := &list[i]
		switch format {
		case Text:
			for pos := range nameserverColumns {
				b = append(n.value(pos).appendCSV(b), ',')
			}
			b = append(b, '\n')
		case Typed:
			b = n.appendTyped(b, desc)
		case JSON:
			if i > 0 {
				b = append(b, ',')
			}
			b = n.appendJSON(b)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		b = b[:0]
	}
	if format == JSON {
		b = append(b, "]\n"...)
	}
	_, err := w.Write(b)
	return err
}

// nameserverTags are those of a field.
func nameserverTags(pos int) tags {
	if pos < 2 {
		return "CGP"
	}
	return "MGP"
}

func (n *Nameserver) appendTyped(b []byte, desc bool) []byte {
	for pos, c := range nameserverColumns {
		v := n.value(pos)
		b = strconv.AppendInt(append(b, "N."...), int64(pos), 10)
		b = append(append(b, '.'), c[0]...)
		b = append(append(b, ':'), nameserverTags(pos)...)
		b = append(append(b, ':'), v.kind.String()...)
		b = v.append(append(b, ':'))
		if desc {
			b = append(append(append(b, ':', '"'), c[1]...), '"')
		}
		b = append(b, '\n')
	}
	return b
}

func (n *Nameserver) appendJSON(b []byte) []byte {
	b = append(b, '[')
	for pos, c := range nameserverColumns {
		if pos > 0 {
			b = append(b, ',')
		}
		v := n.value(pos)
		b = strconv.AppendInt(append(b, `{"field":{"pos":`...), int64(pos), 10)
		b = appendJSONString(append(b, `,"name":`...), c[0])
		b = nameserverTags(pos).appendJSON(append(b, "},"...))
		b = append(append(append(b, `,"value":{"type":"`...), v.kind.String()...), `","value":`...)
		b = append(v.appendJSON(b), "}}"...)
	}
	return append(b, ']')
}
