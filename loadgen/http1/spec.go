package http1

// Spec describes the requests of the HTTP protocols. Paths, header values and
// bodies marked so are templates; see [Templates].
type Spec struct {
	Host string `json:"host,omitempty"` // the first target when empty
	// Cookies keeps the cookies that answers set and sends them again, for
	// each virtual user apart.
	Cookies bool `json:"cookies,omitempty"`
	// Requests are the kinds of requests; none is one GET of "/".
	Requests []Request `json:"requests,omitempty"`
}

// Request is one kind of request.
type Request struct {
	// Name under which it is reported apart; required where there are several.
	Name string `json:"name,omitempty"`
	// Weight is its share of the requests; 0 is 1.
	Weight  int      `json:"weight,omitempty"`
	Method  string   `json:"method,omitempty"` // GET when empty
	Path    string   `json:"path,omitempty"`   // "/" when empty; query included
	Headers []Header `json:"headers,omitempty"`
	Body    Body     `json:"body,omitzero"`
	Expect  Expect   `json:"expect,omitzero"`
}

// Body is the content of a request: at most one of Text, File and Size.
type Body struct {
	Text string `json:"text,omitempty"`
	File string `json:"file,omitempty"` // a path as the process that sends it sees it
	Size int64  `json:"size,omitempty"` // so many letters x
	// Template makes Text or the content of File a template.
	Template bool `json:"template,omitempty"`
	// ChunkBytes sends the body in chunks of this size instead of with its
	// length; 0 sends it with its length.
	ChunkBytes int `json:"chunkBytes,omitempty"`
}

// Expect says what a good answer is.
type Expect struct {
	// Status lists the good statuses; empty means 200 to 399.
	Status []int `json:"status,omitempty"`
	// Headers that must be there. A value of "*" takes any, one that ends in *
	// any that begins so.
	Headers []Header `json:"headers,omitempty"`
	// Bytes is the length of a good body; nil takes any.
	Bytes *int64 `json:"bytes,omitempty"`
	// SHA256 is the checksum of a good body in hexadecimal digits; empty takes any.
	SHA256 string `json:"sha256,omitempty"`
	// Contains is what the body must hold somewhere.
	Contains string `json:"contains,omitempty"`
}

// Header is one header field.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Headers the generator adds, and one it reads.
const (
	// HeaderID carries "NAME.SEQ": the load's name and the request's sequence
	// number in twelve decimal digits. A request sent again keeps its id.
	HeaderID = "X-Bench-Id"
	// HeaderOrigin marks answers made by a mock origin, so that a 5xx without
	// it is the proxy's own.
	HeaderOrigin = "X-Bench-Origin"
)
