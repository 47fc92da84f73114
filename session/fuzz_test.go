package session

import (
	"encoding/binary"
	"testing"

	"weir/schema"
	headers "weir/wire/packet"
)

// invariants checks what must hold for any session that was handed out.
func invariants(t *testing.T, s *Session, final bool) {
	t.Helper()
	bits := s.State & StateFinal
	switch {
	case s.State&StateInit == 0:
		t.Fatalf("not begun: %+v", s)
	case final && bits != StateTimedOut && bits != StateTerminated:
		t.Fatalf("final state %#x", s.State)
	case !final && bits != 0:
		t.Fatalf("state %#x of a live session", s.State)
	case s.First > s.Last:
		t.Fatalf("from %v to %v", s.First, s.Last)
	case s.APort < s.ZPort:
		t.Fatalf("ends %s", keyOf(s))
	}
	keyOf(s)
	b := schema.NewBlock(schema.TableSessions, 1)
	s.AppendRow(b)
	var back Session
	back.ReadRow(b, 0)
	want := *s
	want.Kind, want.Store, back.Store = 0, true, true
	if !s.A.IsZero() && back != want {
		t.Fatalf("have %+v\nwant %+v", back, want)
	}
}

// FuzzObserve gives a table records of any bytes as headers, and any values in the fields.
func FuzzObserve(f *testing.F) {
	r := newRig(f, DefaultConfig())
	var seed []byte
	for _, p := range conversation() {
		frame := r.build(&p)
		seed = append(append(seed, 3, 1, byte(len(frame))), frame...)
	}
	f.Add(seed)
	f.Add([]byte{0x42, 200, 60})
	f.Fuzz(func(t *testing.T, data []byte) {
		c := DefaultConfig()
		c.Max = 8
		table := NewTable(c)
		now := t0
		var all, gathered, edges uint64
		look := func(p *Partial) {
			for i := range p.Ended {
				invariants(t, &p.Ended[i], true)
			}
			for i := range p.Reports {
				invariants(t, &p.Reports[i], false)
			}
			table.Moved(func(r *schema.Record) { gathered += r.Bytes })
			table.Edges(func(e Edge) { edges += uint64(int64(e.Delta)) })
		}
		for len(data) > 3 {
			what, step, size := data[0], data[1], min(int(data[2]), len(data)-3)
			rec := fuzzRecord(what, data[3:3+size], now)
			data = data[3+size:]
			if table.Observe(rec) {
				all += rec.Bytes
			}
			now += schema.Instant(step) * 1e9
			if what&0x40 != 0 {
				look(table.Advance(now))
				if int(edges) != table.Len() {
					t.Fatalf("%d by the edges, %d live", edges, table.Len())
				}
			}
			table.Live(func(s *Session) bool { invariants(t, s, false); return true })
		}
		look(table.Close(now))
		if all != gathered || edges != 0 || table.Len() != 0 {
			t.Fatalf("%d bytes, %d gathered; %d edges, %d live", all, gathered, edges, table.Len())
		}
	})
}

// fuzzRecord makes a record whose header is the given bytes; some bits of what say of which kind.
func fuzzRecord(what byte, frame []byte, now schema.Instant) *schema.Record {
	var h schema.Headers
	link := schema.LinkEthernet
	if what&0x20 != 0 {
		link = schema.LinkRaw
	}
	headers.Parse(&h, link, frame, uint32(len(frame)))
	o := headers.Outer(&h, frame)
	r := &schema.Record{
		At: now, Start: now, Last: now, Kind: schema.Kind(what & 7), Rate: 1, Length: uint32(len(frame)),
		Bytes: uint64(len(frame)), Packets: 1, Link: link, Header: frame, Layers: &h, Direction: schema.Direction(what >> 3 & 3),
		Src: o.Src, Dst: o.Dst, SrcPort: o.SrcPort, DstPort: o.DstPort, Proto: o.Proto, IPv: o.IPv, TCPFlags: o.TCPFlags,
		HasPorts: o.HasPorts, HasProto: o.HasProto, ICMP: o.ICMP,
	}
	if r.Kind != schema.KindFrame && len(frame) >= 8 {
		r.Rate = uint32(frame[0])
		r.In.Value, r.Out.Value = uint32(frame[1]), uint32(frame[2])
		r.Start = now - schema.Instant(binary.BigEndian.Uint32(frame[4:]))*1000
		if what&0x80 != 0 {
			r.Layers, r.Header = nil, nil
		}
	}
	return r
}

// FuzzParseQuery reads any text; what is understood is data that a store can use.
func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{
		"srcip=1.2.3.4,port=443,proto=TCP", "net24=10.0.0,net16=10.1", "ippair=1.1.1.1,2.2.2.2", "interface=10.0.0.1_3",
		"minbytes=10M,state=rst|fin,vlan=7,tag=[app]x", "key=06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016", "id=1|2", "=,=",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseQuery(text)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Fatalf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		checkColumns(t, &q)
		var s Session
		q.Match(&s)
	})
}

// FuzzReadRow reads a row of columns that are not as they should be.
func FuzzReadRow(f *testing.F) {
	f.Add([]byte("10.0.0.1"), int64(6), uint8(0))
	f.Add([]byte("x"), int64(-1), uint8(3))
	f.Fuzz(func(t *testing.T, text []byte, n int64, lacking uint8) {
		b := schema.NewBlock(schema.TableSessions, 1)
		for i := range b.Columns {
			if c := &b.Columns[i]; c.Type == schema.ColumnText {
				c.Texts.Append(text)
			} else {
				c.Ints = append(c.Ints, n)
			}
		}
		i := int(lacking) % len(b.Columns)
		b.Columns = append(b.Columns[:i], b.Columns[i+1:]...)
		b.Rows = 1
		var s Session
		s.ReadRow(b, 0)
		keyOf(&s)
	})
}
