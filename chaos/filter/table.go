// Package filter drops and rejects packets by nftables. Its tables belong to the
// socket that made them: the kernel removes them when the process that holds the
// socket ends, whatever ends it. Which packets to filter, and why, may not enter.
package filter

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Table is an nftables table that lives as long as it is not closed, and no
// longer than this process.
type Table struct {
	conn   *nftables.Conn
	socket *netlink.Conn // that of conn
	table  *nftables.Table
}

// flagOwner binds a table to its socket (NFT_TABLE_F_OWNER, Linux 5.12).
const flagOwner = 2

// Open makes a table in a network namespace, given by its path; "" is that of the
// calling thread.
func Open(name string, family nftables.TableFamily, namespace string) (*Table, error) {
	var socket *netlink.Conn
	conn, err := connect(namespace,
		nftables.WithSockOptions(func(c *netlink.Conn) error { socket = c; return nil }))
	if err != nil {
		return nil, err
	}
	if err := makeTable(socket, name, family); err != nil {
		if errors.Is(err, unix.EOPNOTSUPP) {
			err = errors.New("the kernel knows no tables that end with their owner: Linux 5.12 does")
		}
		return nil, errors.Join(fmt.Errorf("nftables: table %s: %w", name, err), conn.CloseLasting())
	}
	return &Table{conn: conn, socket: socket, table: &nftables.Table{Name: name, Family: family}}, nil
}

// connect opens a socket in a namespace.
func connect(namespace string, options ...nftables.ConnOption) (*nftables.Conn, error) {
	if namespace != "" {
		fd, err := unix.Open(namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("network namespace %s: %w", namespace, err)
		}
		defer unix.Close(fd)
		options = append(options, nftables.WithNetNSFd(fd))
	}
	conn, err := nftables.New(append(options, nftables.AsLasting())...)
	if err != nil {
		return nil, fmt.Errorf("nftables: %w", err)
	}
	return conn, nil
}

// makeTable asks for the table itself, because the library does not know owners.
func makeTable(c *netlink.Conn, name string, family nftables.TableFamily) error {
	attributes, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_TABLE_NAME, Data: []byte(name + "\x00")},
		{Type: unix.NFTA_TABLE_FLAGS, Data: []byte{0, 0, 0, flagOwner}},
	})
	if err != nil {
		return err
	}
	return ask(c, unix.NFT_MSG_NEWTABLE, netlink.Create|netlink.Excl, byte(family), attributes)
}

// Chain adds a chain of rules at a hook; without one, a chain to go to from
// others. device is for the hooks of the netdev family.
func (t *Table) Chain(name string, hook *nftables.ChainHook, device string) *nftables.Chain {
	if hook == nil {
		return t.conn.AddChain(&nftables.Chain{Table: t.table, Name: name})
	}
	return t.conn.AddChain(&nftables.Chain{
		Table: t.table, Name: name, Type: nftables.ChainTypeFilter,
		Hooknum: hook, Priority: nftables.ChainPriorityRef(-500), Device: device,
	})
}

// Rule adds a rule to a chain.
func (t *Table) Rule(c *nftables.Chain, parts ...[]expr.Any) {
	r := &nftables.Rule{Table: t.table, Chain: c}
	for _, p := range parts {
		r.Exprs = append(r.Exprs, p...)
	}
	t.conn.AddRule(r)
}

// Empty takes all rules from a chain.
func (t *Table) Empty(c *nftables.Chain) { t.conn.FlushChain(c) }

// Commit puts what was added to work, all at once or nothing of it.
func (t *Table) Commit() error {
	if err := t.conn.Flush(); err != nil {
		return fmt.Errorf("nftables: table %s: %w", t.table.Name, err)
	}
	return nil
}

// Count is what the rules of a chain with a counter have met.
type Count struct{ Packets, Bytes uint64 }

// Counts reads the counters of a chain's rules, in their order.
func (t *Table) Counts(chain *nftables.Chain) ([]Count, error) {
	rules, err := t.conn.GetRules(t.table, chain)
	if err != nil {
		return nil, fmt.Errorf("nftables: table %s: %w", t.table.Name, err)
	}
	var out []Count
	for _, r := range rules {
		for _, e := range r.Exprs {
			if c, ok := e.(*expr.Counter); ok {
				out = append(out, Count{c.Packets, c.Bytes})
			}
		}
	}
	return out, nil
}

// Close removes the table and everything in it.
func (t *Table) Close() error { return t.conn.CloseLasting() }

// Exists reports whether there is a table of that name in a namespace: after Close,
// that there is none any longer.
func Exists(name string, family nftables.TableFamily, namespace string) (bool, error) {
	conn, err := connect(namespace)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.CloseLasting() }()
	tables, err := conn.ListTablesOfFamily(family)
	if err != nil {
		return false, fmt.Errorf("nftables: %w", err)
	}
	for _, t := range tables {
		if t.Name == name {
			return true, nil
		}
	}
	return false, nil
}
