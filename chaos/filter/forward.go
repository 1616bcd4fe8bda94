package filter

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// forwardDevice is NFTA_FWD_SREG_DEV: the register with the number of the interface.
const forwardDevice = 1

// Forward has packets that meet a condition leave by the interface of a number in place of
// the one whose hook the chain is at. To whoever sent them they have left. The chain must have
// been committed; the rule acts at once. It is asked for here, because the library does not
// know of it.
func (t *Table) Forward(c *nftables.Chain, device int, parts ...[]expr.Any) error {
	var rule []netlink.Attribute
	add := func(text []byte) {
		rule = append(rule, netlink.Attribute{Type: unix.NLA_F_NESTED | unix.NFTA_LIST_ELEM, Data: text})
	}
	family := byte(t.table.Family)
	parts = append(parts, []expr.Any{&expr.Immediate{Register: register, Data: binaryutil.NativeEndian.PutUint32(uint32(device))}})
	for _, part := range parts {
		for _, e := range part {
			text, err := expr.Marshal(family, e)
			if err != nil {
				return err
			}
			add(text)
		}
	}
	data, err := netlink.MarshalAttributes([]netlink.Attribute{{Type: forwardDevice, Data: binaryutil.BigEndian.PutUint32(register)}})
	if err != nil {
		return err
	}
	forward, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_EXPR_NAME, Data: []byte("fwd\x00")},
		{Type: unix.NLA_F_NESTED | unix.NFTA_EXPR_DATA, Data: data},
	})
	if err != nil {
		return err
	}
	add(forward)
	all, err := netlink.MarshalAttributes(rule)
	if err != nil {
		return err
	}
	attributes, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_RULE_TABLE, Data: []byte(t.table.Name + "\x00")},
		{Type: unix.NFTA_RULE_CHAIN, Data: []byte(c.Name + "\x00")},
		{Type: unix.NLA_F_NESTED | unix.NFTA_RULE_EXPRESSIONS, Data: all},
	})
	if err != nil {
		return err
	}
	if err := ask(t.socket, unix.NFT_MSG_NEWRULE, netlink.Create|netlink.Append, family, attributes); err != nil {
		return fmt.Errorf("nftables: table %s: forwarding: %w", t.table.Name, err)
	}
	return nil
}

// ask sends one message in a batch of its own and waits for the answer.
func ask(c *netlink.Conn, kind netlink.HeaderType, flags netlink.HeaderFlags, family byte, attributes []byte) error {
	group := func(kind netlink.HeaderType) netlink.Message {
		return netlink.Message{
			Header: netlink.Header{Type: kind, Flags: netlink.Request},
			Data:   []byte{0, unix.NFNETLINK_V0, 0, unix.NFNL_SUBSYS_NFTABLES},
		}
	}
	_, err := c.SendMessages([]netlink.Message{
		group(unix.NFNL_MSG_BATCH_BEGIN),
		{
			Header: netlink.Header{
				Type:  unix.NFNL_SUBSYS_NFTABLES<<8 | kind,
				Flags: netlink.Request | netlink.Acknowledge | flags,
			},
			Data: append([]byte{family, unix.NFNETLINK_V0, 0, 0}, attributes...),
		},
		group(unix.NFNL_MSG_BATCH_END),
	})
	if err != nil {
		return err
	}
	_, err = c.Receive()
	return err
}
