package netflow_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"weir/schema"
	"weir/wire/netflow"
)

// TestEmptyTemplatesHaveWeight defines templates without fields, which only version 9 allows: they take memory too.
func TestEmptyTemplatesHaveWeight(t *testing.T) {
	d := netflow.New(netflow.Config{MaxTemplateFields: 80})
	b := make([]byte, 24, 1500)
	b[1] = 9
	for id := range uint16(100) {
		b = binary.BigEndian.AppendUint32(b, uint32(256+id)<<16)
	}
	binary.BigEndian.PutUint16(b[22:], uint16(len(b)-20))
	if err := d.Decode(noon, schema.Addr{15: 1}, b, func(*netflow.Record) {}); err != nil {
		t.Fatal(err)
	}
	if s := d.Stats(); s.TemplatesLearned != 10 || s.TemplatesRefused != 90 {
		t.Errorf("%+v", s)
	}
}

// TestEmptyFieldsAreBounded refuses a template of a thousand fields of no length.
func TestEmptyFieldsAreBounded(t *testing.T) {
	r := newRig(t, netflow.IPFIX, netflow.Config{})
	for i, n := range []int{64, 65, 1000} {
		fields := append(slices.Repeat([]netflow.Field{f(1, 0)}, n), f(4, 1))
		r.send(noon, define(template(t, uint16(300+i), fields...)))
	}
	if s := r.d.Stats(); s.TemplatesLearned != 1 || s.TemplatesRefused != 2 {
		t.Errorf("%+v", s)
	}
}

// TestWithdrawalsOfAllAreBounded defines and withdraws all templates over and over in one message. Each withdrawal of
// all is a walk over all templates of the domain, of which there may be thousands.
func TestWithdrawalsOfAllAreBounded(t *testing.T) {
	d := netflow.New(netflow.Config{})
	message := func() []byte {
		b := make([]byte, 20, 1500)
		b[1], b[17] = 10, 2
		for range 20 {
			b = append(b, 1, 0, 0, 1, 0, 4, 0, 1, 0, 2, 0, 0)
		}
		binary.BigEndian.PutUint16(b[18:], uint16(len(b)-16))
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		return b
	}
	for n := range uint64(3) {
		if err := d.Decode(noon, schema.Addr{15: 1}, message(), func(*netflow.Record) {}); err != nil {
			t.Fatal(err)
		}
		if s := d.Stats(); s.TemplatesWithdrawn != 4*(n+1) {
			t.Errorf("message %d: %+v", n, s)
		}
	}
}
