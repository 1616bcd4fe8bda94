package poison

import (
	"bytes"
	"testing"
)

func TestFill(t *testing.T) {
	defer func(was bool) { on = was }(on)
	b := make([]byte, 1000)
	on = false
	Fill(b)
	if !bytes.Equal(b, make([]byte, len(b))) {
		t.Error("overwritten although that is off")
	}
	Enable()
	Fill(b[:len(b)-1])
	if want := bytes.Repeat([]byte{Byte}, len(b)-1); !bytes.Equal(b[:len(b)-1], want) || b[len(b)-1] != 0 {
		t.Error("not overwritten exactly")
	}
}
