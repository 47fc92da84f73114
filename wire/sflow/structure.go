package sflow

import (
	"strings"

	"weir/schema"
)

// Type is how a field lies on the wire.
type Type uint8

// The types of fields. All are big-endian and take a multiple of four bytes except U8.
const (
	TypeU8        Type = iota + 1
	TypeU32            // unsigned, 4 bytes
	TypeU64            // unsigned, 8 bytes
	TypeI32            // signed, 4 bytes
	TypeI64            // signed, 8 bytes
	TypeF32            // IEEE 754, 4 bytes
	TypeF64            // IEEE 754, 8 bytes
	TypePercent        // signed hundredths of a percent, 4 bytes; -1 is "unknown"
	TypeString         // length, bytes, padding
	TypeOpaque         // as String, bytes that are no text
	TypeMAC            // 6 bytes and 2 of padding
	TypeIP4            // 4 bytes
	TypeIP6            // 16 bytes
	TypeAddress        // type word and 0, 4 or 16 bytes
	TypeUUID           // 16 bytes without a length
	TypeHex64          // an identifier of 8 bytes that is shown as 16 hexadecimal digits
	TypeIfStatus       // 4 bytes: bit 0 administratively up, bit 1 operationally up
	TypeList           // a count and as many elements, each made of the fields in Of
	TypeRemainder      // everything up to the end of the body
)

// Field is one field of a structure.
type Field struct {
	Name   string            // as the standard calls it; empty for the only field of a list's elements
	Type   Type              // how it lies on the wire
	Metric string            // the metric it becomes, empty for none
	Kind   schema.MetricKind // of that metric
	Of     []Field           // of a TypeList: the fields of an element
	enum   names
}

// Meaning returns the name of a value of a field that is an enumeration; ok is false for values without a name.
func (f *Field) Meaning(n uint64) (name string, ok bool) { return f.enum.of(n) }

// Structure is what the body of a record is made of. Old agents send less than Fields says, new ones more.
type Structure struct {
	Enterprise, Format uint32
	Name               string // as the standard calls it
	Fields             []Field
}

// FlowStructure returns the structure of records of flow samples and discards with this number, nil when not known.
func FlowStructure(enterprise, format uint32) *Structure {
	return flowStructures.find(enterprise, format)
}

// CounterStructure returns the structure of records of counter samples with this number, nil when not known.
// Flow and counter records use the same numbers for different things.
func CounterStructure(enterprise, format uint32) *Structure {
	return counterStructures.find(enterprise, format)
}

type number struct{ enterprise, format uint32 }

var (
	flowStructures    = index(flowTable, legacyTable)
	counterStructures = index(interfaceTable, hostTable, applicationTable)
)

// structures finds structures by number. Nearly all records are of enterprise 0: those are found without hashing,
// which was 6 % of the time of decoding and counting a sample.
type structures struct {
	standard []*Structure // enterprise 0, by format
	others   map[number]*Structure
}

func (s *structures) find(enterprise, format uint32) *Structure {
	if enterprise == 0 {
		if int(format) < len(s.standard) {
			return s.standard[format]
		}
		return nil
	}
	return s.others[number{enterprise, format}]
}

func index(tables ...[]Structure) *structures {
	s := &structures{standard: make([]*Structure, 1<<12), others: map[number]*Structure{}}
	for _, t := range tables {
		for i := range t {
			if st := &t[i]; st.Enterprise == 0 {
				s.standard[st.Format] = st
			} else {
				s.others[number{st.Enterprise, st.Format}] = st
			}
		}
	}
	return s
}

// The functions below make the tables readable: one call per field or run of fields.

func u32(name string) Field { return Field{Name: name, Type: TypeU32} }
func u64(name string) Field { return Field{Name: name, Type: TypeU64} }
func str(name string) Field { return Field{Name: name, Type: TypeString} }
func adr(name string) Field { return Field{Name: name, Type: TypeAddress} }
func mac(name string) Field { return Field{Name: name, Type: TypeMAC} }

// words returns fields of one type.
func words(t Type, list ...string) []Field {
	fields := make([]Field, len(list))
	for i, n := range list {
		fields[i] = Field{Name: n, Type: t}
	}
	return fields
}

func enum(name string, e names) Field { return Field{Name: name, Type: TypeU32, enum: e} }

// list is a list whose elements are made of fields.
func list(name string, of ...Field) Field { return Field{Name: name, Type: TypeList, Of: of} }

func as(kind schema.MetricKind, t Type, name, metric string) Field {
	return Field{Name: name, Type: t, Metric: metric, Kind: kind}
}

func count(name, metric string) Field      { return as(schema.Counter32, TypeU32, name, metric) }
func count64(name, metric string) Field    { return as(schema.Counter64, TypeU64, name, metric) }
func gauge(name, metric string) Field      { return as(schema.Gauge, TypeU32, name, metric) }
func gauge64(name, metric string) Field    { return as(schema.Gauge, TypeU64, name, metric) }
func signed(name, metric string) Field     { return as(schema.Gauge, TypeI32, name, metric) }
func percentage(name, metric string) Field { return as(schema.Gauge, TypePercent, name, metric) }
func text(name, metric string) Field       { return as(schema.Label, TypeString, name, metric) }

// labelled is an enumeration whose metric is the name of the value.
func labelled(name, metric string, e names) Field {
	return Field{Name: name, Type: TypeU32, Metric: metric, Kind: schema.Label, enum: e}
}

// counters returns 32-bit counters: names behind prefix, metrics in lower case behind metric.
func counters(prefix, metric string, list ...string) []Field {
	fields := make([]Field, len(list))
	for i, n := range list {
		fields[i] = count(prefix+n, metric+strings.ToLower(n))
	}
	return fields
}

// gauges makes the fields of these names gauges instead of counters.
func gauges(fields []Field, list ...string) []Field {
	for i := range fields {
		for _, n := range list {
			if fields[i].Name == n {
				fields[i].Kind = schema.Gauge
			}
		}
	}
	return fields
}

// join makes one list of fields of several.
func join(parts ...[]Field) (fields []Field) {
	for _, p := range parts {
		fields = append(fields, p...)
	}
	return fields
}
