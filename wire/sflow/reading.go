package sflow

import (
	"encoding/hex"
	"math"
	"strconv"

	"weir/schema"
)

// MaxCustomNames bounds how many different names of custom metrics a Readings takes in between two calls of Age.
const MaxCustomNames = 4096

// maxCustomName bounds the length of the name of a custom metric, bytes.
const maxCustomName = 255

// Readings turns counter samples and custom metrics into metrics. The zero value is ready. It owns the texts it
// renders and the names of custom metrics it has seen; keep one per lane.
type Readings struct {
	// Ignored counts custom metrics that were left out because there were more than MaxCustomNames names, or because a
	// name was empty or longer than 255 bytes.
	Ignored uint64

	custom map[string]string // seen since the last Age
	before map[string]string // seen before it, and not since
	text   []byte
}

// Append appends the metrics of a counter or custom metrics sample of d and returns the longer slice; other samples
// have none. Values that the agent marks as not available, empty texts and structures that are not known are left out.
// Names are safe to keep. Texts borrow from the datagram or from r and live until the next Append.
func (r *Readings) Append(dst []schema.Metric, d *Datagram, s *Sample) []schema.Metric {
	r.text = r.text[:0]
	switch s.Kind {
	case CounterSample:
		for _, rec := range s.Records {
			if st := metricStructure(s.Class, rec); st != nil {
				w := NewWalk(d.Bytes(rec))
				dst = r.structure(dst, st, &w)
			}
		}
	case CustomMetrics:
		c := NewCustom(d, s)
		for f := (CustomField{}); c.Next(&f); {
			dst = r.customMetric(dst, &f)
		}
	}
	return dst
}

// metricStructure returns the structure of a record of a counter sample; on a logical entity some mean a virtual
// machine or container instead of the host.
func metricStructure(class uint8, rec Record) *Structure {
	if class == 3 {
		for i := range virtualTable {
			if st := &virtualTable[i]; st.Format == rec.Format && st.Enterprise == rec.Enterprise {
				return st
			}
		}
	}
	return CounterStructure(rec.Enterprise, rec.Format)
}

// structure appends the metrics of one record. Lists have no metrics, except the lanes of an optical module.
func (r *Readings) structure(dst []schema.Metric, st *Structure, w *Walk) []schema.Metric {
	for i := range st.Fields {
		f := &st.Fields[i]
		switch {
		case f.Type == TypeList && st.Enterprise == 0 && st.Format == 10:
			return lanes(dst, w)
		case f.Type == TypeList || w.Left() == 0:
			return dst
		}
		dst = r.field(dst, f, w)
	}
	return dst
}

// field reads one field and appends its metric, if it has one and the value is available.
func (r *Readings) field(dst []schema.Metric, f *Field, w *Walk) []schema.Metric {
	m := schema.Metric{Name: f.Metric, Kind: f.Kind}
	missing := false
	switch f.Type {
	case TypeF32, TypeF64:
		m.F = w.float(f.Type)
		missing = m.F == -1 || math.IsNaN(m.F) || math.IsInf(m.F, 0)
	case TypeString, TypeMAC, TypeUUID, TypeHex64, TypeOpaque, TypeIP4, TypeIP6, TypeAddress, TypeRemainder:
		m.Text = r.render(f.Type, w.raw(f.Type))
		missing = len(m.Text) == 0
	default:
		m.N, missing = w.number(f.Type)
		if f.Type == TypeIfStatus && !missing && w.OK() {
			return appendStatus(dst, m.N)
		}
		r.finish(&m, f)
	}
	if missing || f.Metric == "" || !w.OK() {
		return dst
	}
	return append(dst, m)
}

// finish turns the whole number in m into what its kind says.
func (r *Readings) finish(m *schema.Metric, f *Field) {
	switch f.Kind {
	case schema.Gauge:
		switch f.Type {
		case TypeI32, TypeI64:
			m.F = float64(int64(m.N))
		case TypePercent:
			m.F = float64(int64(m.N)) / 100
		default:
			m.F = float64(m.N)
		}
		m.N = 0
	case schema.Label:
		start := len(r.text)
		if name, ok := f.enum.of(m.N); ok {
			r.text = append(r.text, name...)
		} else {
			r.text = strconv.AppendUint(r.text, m.N, 10)
		}
		m.Text, m.N = r.text[start:len(r.text):len(r.text)], 0
	}
}

// render makes the text of a value that is bytes: nil when it is unknown.
func (r *Readings) render(t Type, b []byte) []byte {
	start := len(r.text)
	switch t {
	case TypeString:
		return b
	case TypeMAC:
		r.text = appendMAC(r.text, b)
	case TypeUUID:
		if zero(b) {
			return nil
		}
		r.text = appendUUID(r.text, b)
	default:
		r.text = hex.AppendEncode(r.text, b)
	}
	return r.text[start:len(r.text):len(r.text)]
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// appendMAC appends 12 upper case hexadecimal digits, or nothing when b is no MAC address.
func appendMAC(text, b []byte) []byte {
	var v schema.Value
	if v.SetMAC(b); v.IsNull() {
		return text
	}
	return v.AppendText(text)
}

func (w *Walk) float(t Type) float64 {
	if t == TypeF32 {
		return w.F32()
	}
	return w.F64()
}

// statusTexts are the texts of the two bits of ifStatus.
var statusTexts = [2][]byte{[]byte("down"), []byte("up")}

func appendStatus(dst []schema.Metric, status uint64) []schema.Metric {
	return append(dst, schema.Metric{Name: "ifadminstatus", Kind: schema.Label, Text: statusTexts[status&1]},
		schema.Metric{Name: "ifoperstatus", Kind: schema.Label, Text: statusTexts[status>>1&1]})
}

// maxLanes is how many lanes an optical module can have; more get no metrics.
const maxLanes = 16

// laneMetrics are the names of the values of a lane, without its index.
var laneMetrics = laneNames("tx_bias_current", "tx_power", "tx_power_min", "tx_power_max", "tx_wavelength", "rx_power",
	"rx_power_min", "rx_power_max", "rx_wavelength")

func laneNames(values ...string) (table [maxLanes + 1][9]string) {
	for lane := range table {
		for i, v := range values {
			table[lane][i] = "opt_lane" + strconv.Itoa(lane) + "_" + v
		}
	}
	return table
}

// lanes appends the metrics of the lanes of an optical module (0:10).
func lanes(dst []schema.Metric, w *Walk) []schema.Metric {
	for n := min(w.U32(), maxLanes); n > 0 && w.OK(); n-- {
		lane := w.U32()
		for i := range laneMetrics[0] {
			v, missing := w.number(TypeU32)
			if missing || !w.OK() || lane > maxLanes {
				continue
			}
			dst = append(dst, schema.Metric{Name: laneMetrics[lane][i], Kind: schema.Gauge, F: float64(v)})
		}
	}
	return dst
}

func (r *Readings) customMetric(dst []schema.Metric, f *CustomField) []schema.Metric {
	name, ok := r.name(f.Name)
	if !ok {
		r.Ignored++
		return dst
	}
	m := schema.Metric{Name: name, Kind: f.Kind, Text: f.B}
	switch {
	case f.Kind == schema.Counter32 || f.Kind == schema.Counter64:
		m.N = f.N
	case f.Type == TypeF32 || f.Type == TypeF64:
		m.F = f.F
	default:
		m.F = float64(f.N)
	}
	if math.IsNaN(m.F) || math.IsInf(m.F, 0) {
		return dst
	}
	return append(dst, m)
}

// Age forgets the names of custom metrics that were not seen since the last Age but one, so that names of which there
// were too many do not keep others out for ever.
func (r *Readings) Age() { r.before, r.custom = r.custom, nil }

// name returns a copy of a custom name that is safe to keep, the same each time until Age forgets it.
func (r *Readings) name(b []byte) (name string, ok bool) {
	if name, ok = r.custom[string(b)]; ok {
		return name, true
	}
	if len(b) == 0 || len(b) > maxCustomName || len(r.custom) >= MaxCustomNames {
		return "", false
	}
	if r.custom == nil {
		r.custom = map[string]string{}
	}
	if name, ok = r.before[string(b)]; !ok {
		name = string(b)
	}
	r.custom[name] = name
	return name, true
}
