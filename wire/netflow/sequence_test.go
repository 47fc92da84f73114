package netflow

import "testing"

// arrival is one datagram: its sequence number and how many records it has.
type arrival struct{ seq, units uint32 }

func follow(counts counting, all ...arrival) *sequence {
	s := &sequence{counts: counts}
	for _, a := range all {
		s.note(numbered{seq: a.seq, units: a.units}, false)
	}
	return s
}

func TestSequence(t *testing.T) {
	for _, c := range []struct {
		name                      string
		s                         *sequence
		lost, reordered, restarts uint64
		counts                    counting
	}{
		{"v5 whole", follow(countsBefore, arrival{100, 30}, arrival{130, 30}, arrival{160, 1}, arrival{161, 4}), 0, 0, 0,
			countsBefore},
		{"v5 loss", follow(countsBefore, arrival{100, 30}, arrival{160, 30}), 30, 0, 0, countsBefore},
		{"wraps", follow(countsBefore, arrival{1<<32 - 10, 30}, arrival{20, 30}), 0, 0, 0, countsBefore},
		{"late", follow(countsBefore, arrival{100, 30}, arrival{160, 30}, arrival{130, 30}, arrival{190, 1}), 0, 1, 0,
			countsBefore},
		{"restart far", follow(countsBefore, arrival{1e6, 30}, arrival{0, 30}, arrival{30, 30}), 0, 0, 1, countsBefore},
		{"restart near", follow(countsBefore, arrival{500, 30}, arrival{0, 30}, arrival{30, 30}, arrival{60, 30}), 0, 1,
			1, countsBefore},
		{"v9 whole", follow(countsDatagrams, arrival{7, 30}, arrival{8, 1}, arrival{9, 30}), 0, 0, 0, countsDatagrams},
		{"v9 loss and late", follow(countsDatagrams, arrival{7, 30}, arrival{9, 1}, arrival{10, 1}, arrival{8, 30},
			arrival{11, 1}), 0, 1, 0, countsDatagrams},
		{"v9 that counts flows", follow(countsDatagrams, arrival{0, 30}, arrival{30, 20}, arrival{50, 7}, arrival{57, 30},
			arrival{87, 30}), 0, 0, 0, countsBefore},
		{"IPFIX that counts through", follow(countsBefore, arrival{24, 24}, arrival{54, 30}, arrival{66, 12},
			arrival{86, 20}, arrival{87, 1}), 0, 0, 0, countsThrough},
		{"v5 that counts through", follow(countsBefore, arrival{29, 30}, arrival{59, 30}, arrival{89, 30},
			arrival{108, 19}, arrival{138, 30}), 0, 0, 0, countsThrough},
		{"loss is no proof", follow(countsBefore, arrival{0, 30}, arrival{30, 20}, arrival{50, 30}, arrival{100, 20},
			arrival{120, 30}), 20, 0, 0, countsBefore},
	} {
		if c.s.lost != c.lost || c.s.reordered != c.reordered || c.s.restarts != c.restarts || c.s.counts != c.counts {
			t.Errorf("%s: lost %d, reordered %d, restarts %d, counts %v", c.name, c.s.lost, c.s.reordered, c.s.restarts,
				c.s.counts)
		}
	}
}

func TestSequenceUnknown(t *testing.T) {
	s := &sequence{}
	s.note(numbered{seq: 100, units: 10}, false)
	s.note(numbered{seq: 110, partial: true}, false) // a set that could not be read: what follows 110 is not known
	s.note(numbered{seq: 150, units: 10}, false)
	s.note(numbered{seq: 165, units: 10}, false)
	if s.lost != 5 {
		t.Errorf("lost %d, want 5", s.lost)
	}
	s.note(numbered{seq: 3, units: 10}, true)
	s.note(numbered{seq: 13, units: 11, options: 1}, true) // the uptime alone does not make a restart
	s.note(numbered{seq: 23, units: 10}, false)            // an exporter that does not count its options record
	if s.lost != 5 || s.restarts != 1 {
		t.Errorf("after a restart: lost %d, restarts %d", s.lost, s.restarts)
	}
}

// TestDomainsNumberedTogether is Open vSwitch: its options have a domain of their own, and one number runs through both.
func TestDomainsNumberedTogether(t *testing.T) {
	e := &names{}
	options, data := &domain{names: e}, &domain{names: e}
	next := uint32(7)
	send := func(dom *domain, n, options uint32) {
		dom.note(numbered{seq: next, units: n, options: options})
		next += n
	}
	send(data, 0, 0) // templates
	send(options, 0, 0)
	send(options, 1, 1)
	for range 3 {
		for range 50 {
			send(data, 1, 0)
		}
		send(options, 1, 1)
	}
	next += 4 // are lost
	send(data, 1, 0)
	send(options, 1, 1)
	if data.seq.lost != 4 || options.seq.lost != 4 || data.seq.restarts+options.seq.restarts != 0 {
		t.Errorf("lost %d and %d, want 4 each", data.seq.lost, options.seq.lost)
	}
}

// TestDomainsNumberedApart holds that a loss is not taken for the records of another domain.
func TestDomainsNumberedApart(t *testing.T) {
	e := &names{}
	a, b := &domain{names: e}, &domain{names: e}
	for i := range uint32(10) {
		a.note(numbered{seq: 100 + 20*i, units: 20})
		b.note(numbered{seq: 500 + 20*i, units: 20})
	}
	b.note(numbered{seq: 700, units: 20})
	a.note(numbered{seq: 320, units: 20})
	if a.seq.lost != 20 || b.seq.lost != 0 {
		t.Errorf("lost %d and %d, want 20 and 0", a.seq.lost, b.seq.lost)
	}
}
