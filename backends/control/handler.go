package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxOrder bounds the body of an order in bytes.
const maxOrder = 64 << 10

// Handler serves the control endpoint of t. Answers other than 200 are plain
// text that says what is wrong.
func Handler(t Target) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		if !t.Ready() {
			http.Error(w, "not every replica listens yet", http.StatusServiceUnavailable)
			return
		}
		answer(w, struct {
			Ready bool `json:"ready"`
		}{true}, nil)
	})
	mux.HandleFunc("GET /state", get(t.State))
	mux.HandleFunc("GET /counters", get(t.Counters))
	mux.HandleFunc("GET /ids", get(t.IDs))
	mux.HandleFunc("GET /events", get(func() ([]Event, error) { return t.Events(), nil }))
	mux.HandleFunc("POST /faults", order(t.Apply))
	mux.HandleFunc("POST /clear", order(t.Clear))
	mux.HandleFunc("POST /reset", order(func(*struct{}) (*struct{}, error) { return &struct{}{}, t.Reset() }))
	return mux
}

func get[Out any](read func() (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		out, err := read()
		answer(w, out, err)
	}
}

func order[In, Out any](carryOut func(*In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in := new(In)
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
		d.DisallowUnknownFields()
		if err := d.Decode(in); err != nil && !errors.Is(err, io.EOF) {
			http.Error(w, fmt.Sprintf("the order cannot be understood: %v", err), http.StatusBadRequest)
			return
		}
		if d.More() { // or a second order would be lost without a word
			http.Error(w, "the order cannot be understood: want one object, and nothing after it", http.StatusBadRequest)
			return
		}
		out, err := carryOut(in)
		answer(w, out, err)
	}
}

func answer(w http.ResponseWriter, out any, err error) {
	var text []byte
	if err == nil {
		text, err = json.Marshal(out)
	}
	if err != nil {
		status := http.StatusInternalServerError
		if _, ok := errors.AsType[*BadFault](err); ok {
			status = http.StatusBadRequest
		}
		http.Error(w, err.Error(), status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// A client that went away does not care for the rest of its answer.
	_, _ = w.Write(append(text, '\n'))
}
