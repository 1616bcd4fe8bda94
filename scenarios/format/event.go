package format

import (
	"cmp"
	"fmt"
	"reflect"

	"bench/backends/control"
)

// Texts are the arguments that are set, but for the name and the wire, by their
// keys.
func (a *EventArgs) Texts() map[string]string {
	texts := map[string]string{}
	v := reflect.ValueOf(a).Elem()
	for _, f := range fieldsOf(v.Type()) {
		if value := v.Field(f.index); f.key != "name" && f.key != "wire" && !value.IsZero() {
			texts[f.key] = fmt.Sprint(reflect.Indirect(value).Interface())
		}
	}
	return texts
}

// Target is what an event happens to, as reports show it: an origin or the proxy,
// a wire, or one server's connections.
func (e *Event) Target() string {
	return cmp.Or(e.Args.Name, e.Args.Wire, e.Args.Only)
}

// Fault is the order to an origin that carries an action out.
func (a *EventArgs) Fault(kind string) control.Fault {
	f := control.Fault{
		Kind: kind, Status: a.Status, Rate: a.Rate, Latency: string(a.Latency), Scope: a.Scope,
		State: a.State, Role: a.Role, Records: a.Records, Connections: a.Connections, Certificate: a.Certificate,
	}
	if a.For > 0 {
		f.For = a.For.String()
	}
	if a.Bytes != nil {
		n := int64(*a.Bytes)
		f.Bytes = &n
	}
	if a.Every > 0 {
		f.Every = a.Every.String()
	}
	if a.Bandwidth > 0 {
		f.Bandwidth = a.Bandwidth.String()
	}
	if kind == control.Lag {
		f.Lag = a.Lag.String()
	}
	return f
}
