package session

import (
	"strings"

	"weir/schema"
)

// Op is how a condition compares a column with its value.
type Op uint8

// The operators.
const (
	OpEqual    Op = iota + 1 // column = value
	OpAtLeast                // column >= value (numbers)
	OpPrefix                 // column begins with value (texts)
	OpHasBits                // column & value != 0 (integers)
	OpHasLabel               // value is one of the |-separated labels of column (texts)
	OpSum                    // the sum of column and its other direction (za_bytes with az_bytes) >= value
)

// Cond is one condition on a column of schema.TableSessions.
type Cond struct {
	Column string
	Op     Op
	Text   string // the value for columns of type text
	Int    int64  // the value for columns of type int

	addr schema.Addr // Text as an address, when it is one and was parsed
}

// Clause is conditions of which at least one must hold.
type Clause []Cond

// Query is a search for sessions: those whose life overlaps the time from From to To, and for which all clauses hold.
// It is data, so that a store can compile it; it does not change when used. The zero Query finds everything.
type Query struct {
	From, To schema.Instant // half-open; zero To = no end
	Where    []Clause
}

// Match tells whether a session is found. Tags are not known to s: a query for one matches no live session. It
// allocates nothing.
func (q *Query) Match(s *Session) bool {
	if s.Last < q.From || q.To != 0 && s.First >= q.To {
		return false
	}
	for _, clause := range q.Where {
		if !clause.match(s) {
			return false
		}
	}
	return true
}

func (c Clause) match(s *Session) bool {
	for i := range c {
		if c[i].match(s) {
			return true
		}
	}
	return false
}

func (c *Cond) match(s *Session) bool {
	switch c.Column {
	case "exporter":
		return c.matchAddr(&s.Exporter)
	case "a_ip":
		return c.matchAddr(&s.A)
	case "z_ip":
		return c.matchAddr(&s.Z)
	case "tags":
		return false
	}
	v, ok := s.number(c.Column)
	if !ok {
		return false
	}
	switch c.Op {
	case OpEqual:
		return v == c.Int
	case OpAtLeast:
		return v >= c.Int
	case OpHasBits:
		return v&c.Int != 0
	case OpSum:
		other, ok := s.number(otherDirection(c.Column))
		return ok && v+other >= c.Int
	}
	return false
}

func (c *Cond) matchAddr(a *schema.Addr) bool {
	switch {
	case c.Op == OpEqual && !c.addr.IsZero():
		return *a == c.addr
	case c.Op != OpEqual && c.Op != OpPrefix:
		return false
	}
	var room [48]byte
	text := room[:0]
	if !a.IsZero() {
		text = a.Netip().AppendTo(text)
	}
	if c.Op == OpEqual {
		return string(text) == c.Text
	}
	return len(text) >= len(c.Text) && string(text[:len(c.Text)]) == c.Text
}

// otherDirection returns the column that has the same of the other end.
func otherDirection(column string) string {
	switch column {
	case "az_bytes":
		return "za_bytes"
	case "za_bytes":
		return "az_bytes"
	case "az_packets":
		return "za_packets"
	case "za_packets":
		return "az_packets"
	case "az_payload":
		return "za_payload"
	case "za_payload":
		return "az_payload"
	}
	return ""
}

// number returns the value of a column of integers; false when there is no such column.
func (s *Session) number(column string) (int64, bool) {
	if strings.HasPrefix(column, "az_") || strings.HasPrefix(column, "za_") {
		return s.count(column)
	}
	a, z := s.shownPorts()
	switch column {
	case "id":
		return s.ID, true
	case "first":
		return int64(s.First), true
	case "last":
		return int64(s.Last), true
	case "proto":
		return int64(s.Proto), true
	case "a_port":
		return int64(a), true
	case "z_port":
		return int64(z), true
	case "state":
		return int64(s.State), true
	case "rtt":
		return int64(s.RTT), true
	case "retrans":
		return int64(s.Retrans), true
	case "if_in":
		return int64(s.In), true
	case "if_out":
		return int64(s.Out), true
	case "vlan":
		return int64(s.VLAN), true
	case "tos":
		return int64(s.TOS), true
	case "samples":
		return int64(s.Samples), true
	case "rate":
		return int64(s.Rate), true
	case "a_as", "z_as":
		return 0, true
	}
	return 0, false
}

func (s *Session) count(column string) (int64, bool) {
	sent := &s.AZ
	if column[0] == 'z' {
		sent = &s.ZA
	}
	switch column[3:] {
	case "bytes":
		return int64(sent.Bytes), true
	case "packets":
		return int64(sent.Packets), true
	case "payload":
		return int64(sent.Payload), true
	}
	return 0, false
}
