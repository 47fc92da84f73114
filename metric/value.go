package metric

import (
	"cmp"
	"encoding/json"
	"math"
	"strconv"
)

// Form says which of the fields of a Value counts.
type Form uint8

// The forms of a value.
const (
	Absent Form = iota // there is no value: never sent, no rate yet, or forgotten
	Number             // Value.Number
	Text               // Value.Text
)

// Value is what a metric is now: a number or a text.
type Value struct {
	Form   Form
	Number float64 // never NaN or infinite
	Text   string  // valid UTF-8, immutable
}

// Num returns the value of a number; NaN and infinities give an absent value.
func Num(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}
	}
	return Value{Form: Number, Number: f}
}

// Str returns the value of a text.
func Str(s string) Value { return Value{Form: Text, Text: s} }

// IsZero tells that there is no value; encoding/json then omits the property (omitzero).
func (v Value) IsZero() bool { return v.Form == Absent }

// String returns the text, or the number in decimal without exponent; empty when there is no value.
func (v Value) String() string {
	switch v.Form {
	case Number:
		return strconv.FormatFloat(v.Number, 'f', -1, 64)
	case Text:
		return v.Text
	}
	return ""
}

// MarshalJSON returns a JSON number or string, null when there is no value.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.Form {
	case Number:
		return json.Marshal(v.Number)
	case Text:
		return json.Marshal(v.Text)
	}
	return []byte("null"), nil
}

// compare orders absent before numbers before texts.
func (v Value) compare(o Value) int {
	return cmp.Or(cmp.Compare(v.Form, o.Form), cmp.Compare(v.Number, o.Number), cmp.Compare(v.Text, o.Text))
}
