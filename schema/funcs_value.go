package schema

import (
	"math"
	"strconv"
	"strings"
)

// valueFuncs returns the built-in functions that choose, compare and compute.
func valueFuncs() []Func {
	return []Func{
		{Name: "null", Args: "KEY[:TEXT]", Min: 1, Max: 2, Build: buildNull,
			Doc: `KEY, or TEXT when KEY is null; without TEXT the word "null". Never null.`},
		{Name: "or", Args: "KEY1:KEY2[:KEY..]", Min: 2, Max: -1, Build: buildOr,
			Doc: "The first of the keys that is not null."},
		{Name: "if", Args: "COND:VALUE:THEN:ELSE", Min: 4, Max: 4, Build: buildIf,
			Doc: "THEN when the text of COND is VALUE, else (also when COND is null) ELSE."},
		{Name: "eq", Args: "KEY1:KEY2", Type: Bool, Min: 2, Max: 2, Build: buildEq,
			Doc: "Whether the two keys are equal; null when either is null."},
		{Name: "range", Args: "KEY:LOW[:HIGH]", Type: Bool, Min: 2, Max: 3, Build: buildRange,
			Doc: "Whether the number KEY lies in LOW..HIGH, bounds included; an empty bound is none."},
		{Name: "bits", Args: "KEY:MASK", Type: Uint, Min: 2, Max: 2, Build: buildBits,
			Doc: "The number KEY AND MASK; MASK is decimal, or hexadecimal after 0x."},
		{Name: "hash", Args: "KEY1[:KEY..]", Type: Uint, Min: 1, Max: -1, Build: buildHash,
			Doc: "A 64 bit hash (FNV-1a) of the texts of the keys; null when any is null."},
		{Name: "len", Args: "KEY", Type: Uint, Min: 1, Max: 1, Build: buildLen,
			Doc: "How many bytes the text of KEY has."},
	}
}

// subs compiles arguments as expressions.
func subs(c *Compiler, args []Arg) ([]Eval, error) {
	list := make([]Eval, len(args))
	for i, a := range args {
		eval, err := c.Sub(a)
		if err != nil {
			return nil, err
		}
		list[i] = eval
	}
	return list, nil
}

// textOf returns v as text: its own bytes, or what is rendered into scratch.
func textOf(v *Value, scratch *[]byte) []byte {
	if v.Type == Text {
		return v.B
	}
	*scratch = v.AppendText((*scratch)[:0])
	return *scratch
}

func buildNull(c *Compiler, args []Arg) (Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	text := "null"
	if len(args) > 1 {
		if text, err = c.Literal(args[1]); err != nil {
			return nil, err
		}
	}
	instead := []byte(text)
	return func(r *Record, out *Value) {
		if key(r, out); out.Type == Null {
			out.SetText(instead)
		}
	}, nil
}

func buildOr(c *Compiler, args []Arg) (Eval, error) {
	keys, err := subs(c, args)
	return func(r *Record, out *Value) {
		for _, key := range keys {
			if key(r, out); out.Type != Null {
				return
			}
		}
	}, err
}

func buildIf(c *Compiler, args []Arg) (Eval, error) {
	text, err := c.Literal(args[1])
	if err != nil {
		return nil, err
	}
	keys, err := subs(c, []Arg{args[0], args[2], args[3]})
	if err != nil {
		return nil, err
	}
	cond, then, otherwise := keys[0], keys[1], keys[2]
	var scratch []byte
	return func(r *Record, out *Value) {
		if cond(r, out); out.Type != Null && string(textOf(out, &scratch)) == text {
			then(r, out)
			return
		}
		otherwise(r, out)
	}, nil
}

func buildEq(c *Compiler, args []Arg) (Eval, error) {
	keys, err := subs(c, args)
	if err != nil {
		return nil, err
	}
	e := &equality{}
	return func(r *Record, out *Value) {
		// The second key may overwrite what the first borrowed, when both read the same field.
		keys[0](r, &e.a)
		e.kept = append(e.kept[:0], e.a.B...)
		e.a.B = e.kept
		keys[1](r, &e.b)
		if e.a.Type == Null || e.b.Type == Null {
			out.SetNull()
			return
		}
		out.SetBool(e.equal())
	}, nil
}

// equality compares two values; it is the scratch of eq.
type equality struct {
	a, b               Value
	kept, textA, textB []byte
}

// equal compares addresses by value, numbers as numbers, and what is of different types as text.
func (e *equality) equal() bool {
	a, b := &e.a, &e.b
	if a.Type == b.Type && a.Type != Float {
		return a.N == b.N && a.Width == b.Width && string(a.B) == string(b.B)
	}
	if x, ok := a.Addr(); ok {
		if y, ok := b.Addr(); ok {
			return x == y
		}
	}
	if isNumber(a.Type) && isNumber(b.Type) {
		if a.Type != Float && b.Type != Float { // Int and Uint: the same bits mean the same below 2^63
			return a.N == b.N && a.N < 1<<63
		}
		x, _ := a.Number()
		y, _ := b.Number()
		return x == y
	}
	return string(textOf(a, &e.textA)) == string(textOf(b, &e.textB))
}

func isNumber(t Type) bool { return t == Int || t == Uint || t == Float }

func buildRange(c *Compiler, args []Arg) (Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	bounds := [2]float64{math.Inf(-1), math.Inf(1)}
	for i, a := range args[1:] {
		text, err := c.Literal(a)
		if err != nil {
			return nil, err
		}
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		f, ok := parseNumber([]byte(text))
		if !ok {
			return nil, c.Fault(a, "bound "+quoteName(text)+" is not a number", "write range:KEY:LOW:HIGH")
		}
		bounds[i] = f
	}
	if bounds[0] > bounds[1] {
		return nil, c.Fault(args[1], "the low bound is above the high one", "")
	}
	return func(r *Record, out *Value) {
		key(r, out)
		f, ok := out.Number()
		if !ok {
			out.SetNull()
			return
		}
		out.SetBool(f >= bounds[0] && f <= bounds[1])
	}, nil
}

func buildBits(c *Compiler, args []Arg) (Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	text, err := c.Literal(args[1])
	if err != nil {
		return nil, err
	}
	text = strings.TrimSpace(text)
	digits, base := text, 10
	if hex, ok := strings.CutPrefix(text, "0x"); ok {
		digits, base = hex, 16
	}
	mask, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		return nil, c.Fault(args[1], "mask "+quoteName(text)+" is not a number",
			"write it decimal, or as 0x and hex digits")
	}
	return func(r *Record, out *Value) {
		key(r, out)
		switch out.Type {
		case Bool, Int, Uint, Bits:
			out.SetUint(out.N & mask)
			return
		}
		f, ok := out.Number()
		if !ok || f < 0 || f >= 1<<64 {
			out.SetNull()
			return
		}
		out.SetUint(uint64(f) & mask)
	}, nil
}

func buildHash(c *Compiler, args []Arg) (Eval, error) {
	keys, err := subs(c, args)
	var scratch []byte
	return func(r *Record, out *Value) {
		sum := uint64(14695981039346656037)
		for _, key := range keys {
			if key(r, out); out.Type == Null {
				return
			}
			for _, b := range textOf(out, &scratch) {
				sum = (sum ^ uint64(b)) * 1099511628211
			}
			// 0xff is in no UTF-8 text, so "ab","c" and "a","bc" differ.
			sum = (sum ^ 0xff) * 1099511628211
		}
		out.SetUint(sum)
	}, err
}

func buildLen(c *Compiler, args []Arg) (Eval, error) {
	key, err := c.Sub(args[0])
	var scratch []byte
	return func(r *Record, out *Value) {
		if key(r, out); out.Type != Null {
			out.SetUint(uint64(len(textOf(out, &scratch))))
		}
	}, err
}
