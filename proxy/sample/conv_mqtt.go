package sample

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bench/proxy/txn"
)

// mqttConvs read the first message of either side of MQTT 3.1, 3.1.1 and 5.0
// (configuration manual, section 7.3.1).
func mqttConvs() []Conv {
	return []Conv{
		{Row: Row{Name: "mqtt_is_valid", Doc: "Whether it is a valid message of MQTT."}, In: txn.Bin, Out: txn.Bool, fn: func(c *Context, _ []Arg, v *txn.Value) bool {
			var m mqttMessage
			state := m.read(v.B)
			c.Unknown = state == mqttCut && !c.ended()
			v.SetBool(state == mqttWhole)
			return state != mqttCut
		}},
		{Row: Row{Name: "mqtt_field_value", Usage: "(<packet>,<field>)", params: "ss", check: checkMQTT, Doc: "A field of a message CONNECT (1) or CONNACK (2) of MQTT, by its name or the number of a property: flags, protocol_name, protocol_version, client_identifier, will_topic, will_payload, username, password, keepalive, reason_code."}, In: txn.Bin, Out: txn.Str, fn: func(c *Context, a []Arg, v *txn.Value) bool {
			m := mqttMessage{property: a[1].Int}
			if state := m.read(v.B); state != mqttWhole {
				c.Unknown = state == mqttCut && !c.ended()
				return false
			}
			return int64(m.kind) == a[0].Int && c.mqttField(&m, string(a[1].Str), v)
		}},
	}
}

// The types of messages that come first.
const (
	mqttConnect = 1
	mqttConnack = 2
)

// mqttFields are the fields of such messages by their names.
func mqttFields(kind int64) []string {
	if kind == mqttConnect {
		return []string{"flags", "protocol_name", "protocol_version", "client_identifier", "will_topic", "will_payload", "username", "password", "keepalive"}
	}
	return []string{"flags", "protocol_version", "reason_code"}
}

func checkMQTT(_ *Env, a []Arg) error {
	switch kind := strings.ToLower(string(a[0].Str)); kind {
	case "connect", "1":
		a[0].Int = mqttConnect
	case "connack", "2":
		a[0].Int = mqttConnack
	default:
		return fmt.Errorf("'%s' is not a message of MQTT whose fields are known: want CONNECT (1) or CONNACK (2)", a[0].Str)
	}
	name := strings.ToLower(string(a[1].Str))
	if slices.Contains(mqttFields(a[0].Int), name) {
		a[1].Str = []byte(name)
		return nil
	}
	id, err := strconv.ParseUint(name, 10, 8)
	if err != nil || id != mqttUserProperty && mqttPlaces[byte(id)]&byte(a[0].Int) == 0 {
		return fmt.Errorf("'%s' is not a field of this message: want %s, or the number of a property", a[1].Str, strings.Join(mqttFields(a[0].Int), ", "))
	}
	a[1].Int = int64(id)
	return nil
}

// mqttOfWill marks a property of the last will.
const mqttOfWill = 4

// mqttPlaces says in which messages a property may be, and whether it is one of the will.
var mqttPlaces = map[byte]byte{
	1: 5, 2: 5, 3: 5, 8: 5, 9: 5, 24: 5, 18: 2,
	17: 3, 33: 3, 39: 3, 34: 3, 21: 3, 22: 3, 25: 1, 23: 1,
	36: 2, 37: 2, 31: 2, 40: 2, 41: 2, 42: 2, 19: 2, 26: 2, 28: 2,
}

// mqttState is how far a message could be read.
type mqttState uint8

const (
	mqttWhole mqttState = iota
	mqttCut             // more may come
	mqttWrong
)

// mqttMessage is a message that comes first, taken apart.
type mqttMessage struct {
	property int64 // the one that is looked for; 0: none

	kind     byte
	flags    byte
	version  byte
	reason   byte
	name     []byte
	client   []byte
	topic    []byte
	payload  []byte
	user     []byte
	password []byte
	hasUser  bool
	hasPass  bool
	hasWill  bool
	alive    uint16
	found    []byte // value of the property
	wide     int    // bytes of a property that is a number; 0: it is a text
	has      bool
}

// mqttReader takes a message apart; what is too short makes it fail for good.
type mqttReader struct {
	b  []byte
	ok bool
}

func (r *mqttReader) take(n int) []byte {
	if !r.ok || len(r.b) < n {
		r.ok = false
		return nil
	}
	head := r.b[:n]
	r.b = r.b[n:]
	return head
}

func (r *mqttReader) byte() byte {
	if b := r.take(1); r.ok {
		return b[0]
	}
	return 0
}

func (r *mqttReader) number() uint16 {
	if b := r.take(2); r.ok {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *mqttReader) text() []byte { return r.take(int(r.number())) }

// varint is a number of up to four bytes (MQTT 5.0, section 1.5.5).
func (r *mqttReader) varint() int {
	n := 0
	for shift := 0; shift < 28; shift += 7 {
		c := r.byte()
		n |= int(c&0x7f) << shift
		if c&0x80 == 0 {
			return n
		}
	}
	r.ok = false
	return 0
}

func (m *mqttMessage) read(b []byte) mqttState {
	if len(b) == 0 {
		return mqttCut
	}
	m.kind = b[0] >> 4
	if m.kind != mqttConnect && m.kind != mqttConnack || b[0]&15 != 0 {
		return mqttWrong
	}
	head := mqttReader{b[1:], true}
	n := head.varint()
	switch {
	case !head.ok && len(b) < 5:
		return mqttCut
	case !head.ok:
		return mqttWrong
	case len(head.b) < n:
		return mqttCut
	}
	r := mqttReader{head.b[:n], true}
	if m.kind == mqttConnect {
		m.connect(&r)
	} else {
		m.connack(&r, n)
	}
	if !r.ok || len(r.b) > 0 {
		return mqttWrong
	}
	return mqttWhole
}

// Flags of CONNECT (MQTT 5.0, section 3.1.2.3).
const (
	mqttReserved = 1
	mqttWill     = 4
	mqttPassword = 0x40
	mqttUser     = 0x80
)

func (m *mqttMessage) connect(r *mqttReader) {
	m.name, m.version, m.flags = r.text(), r.byte(), r.byte()
	m.alive = r.number()
	if string(m.name) != "MQIsdp" && string(m.name) != "MQTT" || m.version < 3 || 5 < m.version {
		r.ok = false
	}
	m.hasWill, m.hasUser, m.hasPass = m.flags&mqttWill != 0, m.flags&mqttUser != 0, m.flags&mqttPassword != 0
	if m.flags&mqttReserved != 0 {
		r.ok = false
	}
	if m.version == 5 {
		m.properties(r, mqttConnect)
	}
	m.client = r.text()
	if m.hasWill {
		if m.version == 5 {
			m.properties(r, mqttConnect)
		}
		m.topic, m.payload = r.text(), r.text()
	}
	if m.hasUser {
		m.user = r.text()
	}
	if m.hasPass {
		m.password = r.text()
	}
}

// connack reads the answer of a server. The one of MQTT 5.0 is longer.
func (m *mqttMessage) connack(r *mqttReader, n int) {
	m.flags, m.reason = r.byte(), r.byte()
	if m.flags&^1 != 0 {
		r.ok = false
	}
	m.version = 4
	if n > 2 {
		m.version = 5
		m.properties(r, mqttConnack)
	}
}

// Sizes of properties (MQTT 5.0, section 2.2.2.2): of numbers in bytes, 0 of texts.
var mqttWidths = map[byte]int{
	1: 1, 2: 4, 3: 0, 8: 0, 9: 0, 24: 4, 17: 4, 33: 2, 39: 4, 34: 2, 21: 0, 22: 0, 25: 1, 23: 1,
	36: 1, 37: 1, 31: 0, 40: 1, 41: 1, 42: 1, 19: 2, 18: 0, 26: 0, 28: 0,
}

const mqttUserProperty = 38

func (m *mqttMessage) properties(r *mqttReader, place byte) {
	inner := mqttReader{r.take(r.varint()), r.ok}
	seen := uint64(0)
	for inner.ok && len(inner.b) > 0 {
		id := byte(inner.varint())
		width, known := mqttWidths[id]
		switch {
		case id == mqttUserProperty:
			inner.text()
			inner.text()
			continue
		case !known || mqttPlaces[id]&place == 0 || seen>>id&1 != 0:
			inner.ok = false
			continue
		}
		seen |= 1 << id
		var value []byte
		if width > 0 {
			value = inner.take(width)
		} else {
			value = inner.text()
		}
		if int64(id) == m.property && inner.ok {
			m.found, m.wide, m.has = value, width, true
		}
	}
	r.ok = r.ok && inner.ok
}

// mqttField makes a field the value.
func (c *Context) mqttField(m *mqttMessage, name string, v *txn.Value) bool {
	number := func(n uint64) bool {
		v.Kind = txn.Str
		return c.keep(v, strconv.AppendUint(c.spare(), n, 10))
	}
	text := func(b []byte, ok bool) bool { v.SetStr(b); return ok }
	switch name {
	case "flags":
		return number(uint64(m.flags))
	case "protocol_name":
		return text(m.name, true)
	case "protocol_version":
		return number(uint64(m.version))
	case "client_identifier":
		return text(m.client, len(m.client) > 0)
	case "will_topic":
		return text(m.topic, m.hasWill)
	case "will_payload":
		return text(m.payload, m.hasWill)
	case "username":
		return text(m.user, m.hasUser)
	case "password":
		return text(m.password, m.hasPass)
	case "keepalive":
		return number(uint64(m.alive))
	case "reason_code":
		return number(uint64(m.reason))
	}
	if !m.has {
		// Numbers that a client of MQTT 5.0 does not give are 0.
		id := byte(m.property)
		given := m.hasWill || mqttPlaces[id]&mqttOfWill == 0
		return m.kind == mqttConnect && m.version == 5 && given && mqttPlaces[id]&mqttConnect != 0 && mqttWidths[id] > 0 && number(0)
	}
	if m.wide == 0 {
		return text(m.found, true)
	}
	n := uint64(0)
	for _, b := range m.found {
		n = n<<8 | uint64(b)
	}
	return number(n)
}
