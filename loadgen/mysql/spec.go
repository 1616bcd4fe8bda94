package mysql

// Spec describes the requests of protocol mysql. Statements and parameters are
// templates; see [Templates].
type Spec struct {
	User     string `json:"user,omitempty"` // "root" when empty
	Password string `json:"password,omitempty"`
	Database string `json:"database,omitempty"`
	// Client is the name under which mock origins count the requests; "" is none.
	Client string `json:"client,omitempty"`
	// Connect are statements that a new connection begins with, no templates.
	Connect []string `json:"connect,omitempty"`
	// Statements are the kinds of requests; none is one ping.
	Statements []Statement `json:"statements,omitempty"`
}

// Statement is one kind of request of protocol mysql: Query or Transaction, a
// ping without either.
type Statement struct {
	// Name under which it is reported apart; required where there are several.
	Name   string `json:"name,omitempty"`
	Weight int    `json:"weight,omitempty"` // its share of the requests; 0 is 1
	Query  string `json:"query,omitempty"`
	// Prepared prepares Query, which is then no template, on each connection and
	// executes it with Params in place of its question marks. A parameter that is
	// a whole number is sent as one, all others as text.
	Prepared bool     `json:"prepared,omitempty"`
	Params   []string `json:"params,omitempty"`
	// Transaction are statements between BEGIN and COMMIT, one answered before
	// the next is sent. An error ends it with ROLLBACK.
	Transaction []string     `json:"transaction,omitempty"`
	Expect      ExpectResult `json:"expect,omitzero"`
}

// ExpectResult says what a good result is: no error, unless Error says so. Counts
// are those of all statements of a transaction.
type ExpectResult struct {
	Rows     *int64 `json:"rows,omitempty"`     // nil takes any number
	Affected *int64 `json:"affected,omitempty"` // nil takes any number
	Error    int    `json:"error,omitempty"`    // the number of the error it must be; 0 wants none
}
