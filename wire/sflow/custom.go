package sflow

import (
	"fmt"
	"strconv"

	"weir/schema"
)

// custom reads what the samples 4300:1002 and 4300:1003 have before their fields. A datasource that is written like
// one, "7" or "2.1", gives Class and Index too.
func (d *Datagram) custom(s *Sample, w *Walk) error {
	s.Kind, s.Name = CustomMetrics, w.Opaque()
	if s.Format == 1003 {
		s.Kind = CustomFlow
		s.Rate, s.Pool = w.U32(), w.U32()
	}
	if w.U32(); !w.OK() {
		return fmt.Errorf("sflow: sample %d:%d at byte %d has length %d, too short for its header",
			s.Enterprise, s.Format, s.Off-8, s.Len)
	}
	s.Class, s.Index = datasource(s.Name)
	return nil
}

// datasource reads "7" or "2.1"; anything else gives zeros.
func datasource(name []byte) (class uint8, index uint32) {
	part, whole := uint64(0), true
	for i, c := range name {
		switch {
		case c == '.' && whole && i > 0 && part < 256:
			class, part, whole = uint8(part), 0, false
		case c >= '0' && c <= '9' && part < 1<<32:
			part = part*10 + uint64(c-'0')
		default:
			return 0, 0
		}
	}
	if part >= 1<<32 {
		return 0, 0
	}
	return class, uint32(part)
}

// Custom walks over the fields of a custom metrics (4300:1002) or custom flow (4300:1003) sample.
type Custom struct {
	w       Walk
	left    uint32
	types   []Type
	metrics bool
}

// CustomField is one field of a custom sample.
type CustomField struct {
	Name []byte            // borrowed from the datagram
	Type Type              // of the value: text, address or number
	Kind schema.MetricKind // metrics only
	N    uint64            // whole numbers; negative ones in two's complement
	F    float64           // numbers with a fraction
	B    []byte            // texts and addresses; borrowed from the datagram
}

// metricTypes and flowTypes are the types of values by the number in front of them (wire-formats 1.9).
var (
	metricTypes = []Type{TypeString, TypeU32, TypeU64, TypeU32, TypeU64, TypeF32, TypeF64}
	metricKinds = []schema.MetricKind{schema.Label, schema.Counter32, schema.Counter64, schema.Gauge, schema.Gauge,
		schema.Gauge, schema.Gauge}
	flowTypes = []Type{TypeString, TypeMAC, TypeIP4, TypeIP6, TypeI32, TypeI64, TypeF32, TypeF64}
)

// NewCustom returns a walk over the fields of a sample of kind CustomMetrics or CustomFlow; for others it is empty.
func NewCustom(d *Datagram, s *Sample) (c Custom) {
	c.w = NewWalk(d.Bytes(s.Record))
	switch s.Kind {
	case CustomMetrics:
		c.types, c.metrics = metricTypes, true
	case CustomFlow:
		c.types = flowTypes
	default:
		return c
	}
	c.w.Opaque()
	if s.Kind == CustomFlow {
		c.w.Fixed(8)
	}
	c.left = c.w.U32()
	return c
}

// Next reads the next field into f. It is false at the end, and at a value of an unknown type or that is cut off: what
// comes behind cannot be found then.
func (c *Custom) Next(f *CustomField) bool {
	if c.left == 0 {
		return false
	}
	c.left--
	*f = CustomField{Name: c.w.Opaque()}
	number := c.w.U32()
	if !c.w.OK() || int64(number) >= int64(len(c.types)) {
		c.left = 0
		return false
	}
	f.Type = c.types[number]
	if c.metrics {
		f.Kind = metricKinds[number]
	}
	switch f.Type {
	case TypeU32:
		f.N = uint64(c.w.U32())
	case TypeU64, TypeI64:
		f.N = c.w.U64()
	case TypeI32:
		f.N = uint64(int64(int32(c.w.U32())))
	case TypeF32:
		f.F = c.w.F32()
	case TypeF64:
		f.F = c.w.F64()
	default:
		f.B = c.w.raw(f.Type)
	}
	return c.w.OK()
}

// Value returns the value of f; it borrows from the datagram.
func (f *CustomField) Value() (v schema.Value) {
	switch f.Type {
	case TypeU32, TypeU64:
		v.SetUint(f.N)
	case TypeI32, TypeI64:
		v.SetInt(int64(f.N))
	case TypeF32, TypeF64:
		v.SetFloat(f.F)
	case TypeMAC:
		v.SetMAC(f.B)
	case TypeIP4, TypeIP6:
		v.SetIP(f.B)
	default:
		v.SetText(f.B)
	}
	return v
}

// appendUint appends a decimal number.
func appendUint(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }
