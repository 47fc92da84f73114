package wire

import (
	"bytes"
	"testing"

	"weir/schema"
)

func TestParcelKeepsItsBytesWhileItGrows(t *testing.T) {
	p := NewParcel()
	data := make([]byte, 9000)
	for i := range 40 {
		data[0] = byte(i)
		p.Add(Datagram{Data: data[:1000+i*200]})
	}
	for i, d := range p.Datagrams {
		if len(d.Data) != 1000+i*200 || d.Data[0] != byte(i) {
			t.Fatalf("datagram %d: %d bytes, begins with %d", i, len(d.Data), d.Data[0])
		}
	}
	p.Reset()
	allocs := testing.AllocsPerRun(100, func() {
		for range 20 {
			p.Add(Datagram{Data: data})
		}
		p.Reset()
	})
	if allocs != 0 {
		t.Errorf("a reused parcel allocates %v times", allocs)
	}
}

func TestSniff(t *testing.T) {
	for want, b := range map[Version][]byte{
		SFlow5: {0, 0, 0, 5}, SFlow2: {0, 0, 0, 2}, SFlow4: {0, 0, 0, 4}, NetFlow5: {0, 5, 0, 1}, NetFlow9: {0, 9, 0, 1},
		IPFIX: {0, 10, 0, 1}, NetFlow1: {0, 1, 0, 1}, NetFlow7: {0, 7, 0, 1}, VersionUnknown: {0, 0, 0, 6},
	} {
		if got := Sniff(b); got != want {
			t.Errorf("Sniff(%x) = %v, want %v", b, got, want)
		}
	}
	if Sniff([]byte{0, 9}) != VersionUnknown {
		t.Error("two bytes were taken for a version")
	}
}

func TestExporterOf(t *testing.T) {
	agent := []byte{192, 0, 2, 1}
	sflow := bytes.Join([][]byte{{0, 0, 0, 5, 0, 0, 0, 1}, agent}, nil)
	from := schema.Addr4([4]byte{198, 51, 100, 9})
	if got := ExporterOf(&Datagram{Data: sflow, From: from}); got != schema.AddrFrom(agent) {
		t.Errorf("sFlow: %v", got)
	}
	if got := ExporterOf(&Datagram{Data: sflow[:10], From: from}); got != from {
		t.Errorf("cut sFlow: %v", got)
	}
	if got := ExporterOf(&Datagram{Data: []byte{0, 9, 0, 1}, From: from}); got != from {
		t.Errorf("NetFlow: %v", got)
	}
}

func TestLaneSpreads(t *testing.T) {
	var count [4]int
	for i := range 1000 {
		count[Lane(schema.Addr4([4]byte{10, 0, byte(i >> 8), byte(i)}), 4)]++
	}
	for lane, n := range count {
		if n < 150 {
			t.Errorf("lane %d got %d of 1000 exporters", lane, n)
		}
	}
}

// TestLaneSpreadsNeighbours: the exporters of one site have addresses one after another.
func TestLaneSpreadsNeighbours(t *testing.T) {
	for _, lanes := range []int{2, 3, 4, 8} {
		count := make([]int, lanes)
		for i := range 64 {
			count[Lane(schema.Addr4([4]byte{192, 0, 2, byte(i + 1)}), lanes)]++
		}
		for lane, n := range count {
			if n < 64/lanes/3 {
				t.Errorf("lane %d of %d got %d of 64 exporters", lane, lanes, n)
			}
		}
	}
}
