package capture_test

import (
	"bytes"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"bench/chaos/capture"
	"bench/chaos/testnet"
)

func TestCapture(t *testing.T) {
	n := testnet.Need(t)
	server := n.Server.ListenPacket(t, testnet.ServerIP+":9000")
	c, err := n.Client.Dial(&net.Dialer{}, "udp", server.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var file bytes.Buffer
	begin := time.Now()
	p, err := capture.Start(&file, capture.Config{
		Namespace: n.Wire.Path(), Interfaces: []string{testnet.WireA, testnet.WireB}, SnapLength: 60,
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := c.Write(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	counts, err := p.Close()
	if err != nil || counts.Left != 0 {
		t.Fatalf("%+v, %v", counts, err)
	}
	r, err := pcapgo.NewNgReader(&file, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	var seen [2]int
	total := uint64(0)
	for {
		data, info, err := r.ReadPacketData()
		if err != nil {
			break
		}
		total++
		p := gopacket.NewPacket(data, layers.LinkTypeEthernet, gopacket.NoCopy)
		udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
		if !ok || udp.DstPort != 9000 {
			continue
		}
		seen[info.InterfaceIndex]++
		if info.Length != 142 || info.CaptureLength != 60 {
			t.Errorf("%+v", info)
		}
		if info.Timestamp.Before(begin.Add(-time.Millisecond)) || info.Timestamp.After(time.Now()) {
			t.Errorf("stamped %v, sent at %v", info.Timestamp, begin)
		}
	}
	if seen != [2]int{10, 10} || total != counts.Written {
		t.Errorf("%v datagrams in the file, %d packets of %+v", seen, total, counts)
	}
}

func TestCaptureIsBounded(t *testing.T) {
	n := testnet.Need(t)
	var file bytes.Buffer
	p, err := capture.Start(&file, capture.Config{Namespace: n.Client.Path(), Interfaces: []string{"lo"}, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	l := n.Client.ListenPacket(t, "127.0.0.1:9000")
	c, err := n.Client.Dial(&net.Dialer{}, "udp", l.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 100 {
		if _, err := c.Write(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	if counts, err := p.Close(); err != nil || counts.Left == 0 || file.Len() > 2000 {
		t.Errorf("%+v, %d bytes, %v", counts, file.Len(), err)
	}
}

func TestMissingInterfaceIsNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("captures need root here: they are left out")
	}
	if _, err := capture.Start(&bytes.Buffer{}, capture.Config{Interfaces: []string{"nosuch0"}}); err == nil {
		t.Error("a capture of nothing was started")
	}
}
