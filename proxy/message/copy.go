package message

// TextLen is the length of all text of the request, in bytes.
func (r *Request) TextLen() int {
	n := len(r.Line) + len(r.Method) + len(r.Target)
	return n + r.Header.textLen()
}

// CopyTo makes dst the same request with text of its own, so that it outlives the
// buffer that this one was parsed in. The text is put into mem, and so is what is
// added to dst later, as long as there is room; mem belongs to dst until Release.
func (r *Request) CopyTo(dst *Request, mem []byte) {
	fields := dst.fields
	*dst = *r
	dst.Arena = Arena{buf: mem[:0]}
	dst.Line = dst.Arena.Copy(r.Line)
	dst.Method = dst.Arena.Copy(r.Method)
	dst.Target = dst.Arena.Copy(r.Target)
	dst.copyFields(fields, &dst.Arena)
}

// Release empties a request made by CopyTo, lets go of its text, and keeps the memory
// for its list of fields.
func (r *Request) Release() {
	clear(r.fields)
	r.Reset()
	r.Arena.Release()
}

// TextLen is the length of all text of the response, in bytes.
func (r *Response) TextLen() int { return len(r.Reason) + r.Header.textLen() }

// CopyTo is Request.CopyTo for a response.
func (r *Response) CopyTo(dst *Response, mem []byte) {
	fields := dst.fields
	*dst = *r
	dst.Arena = Arena{buf: mem[:0]}
	dst.Reason = dst.Arena.Copy(r.Reason)
	dst.copyFields(fields, &dst.Arena)
}

// Release is Request.Release for a response.
func (r *Response) Release() {
	clear(r.fields)
	r.Reset()
	r.Arena.Release()
}

func (h *Header) textLen() (n int) {
	for i := range h.fields {
		n += len(h.fields[i].Name) + len(h.fields[i].Value)
	}
	return n
}

// copyFields moves the list of fields into memory, and their text into the arena. The
// names of known fields are the same for all messages.
func (h *Header) copyFields(memory []Field, a *Arena) {
	h.fields = append(memory[:0], h.fields...)
	for i := range h.fields {
		f := &h.fields[i]
		switch f.ID {
		case Deleted:
			continue
		case Other:
			f.Name = a.Copy(f.Name)
		default:
			f.Name = idNames[f.ID]
		}
		f.Value = a.Copy(f.Value)
	}
}
