package schema

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// textFuncs returns the built-in functions that cut, join and rewrite texts and addresses.
func textFuncs() []Func {
	return []Func{
		{Name: "prefix", Args: "KEY:DELIM:N", Type: Text, Min: 3, Max: 3, Build: buildPrefix,
			Doc: "The first N parts of KEY between DELIM, delimiters kept; all of it when it has fewer."},
		{Name: "suffix", Args: "KEY:DELIM:N", Type: Text, Min: 3, Max: 3, Build: buildSuffix,
			Doc: "The last N parts of KEY between DELIM, delimiters kept; all of it when it has fewer."},
		{Name: "first", Args: "KEY:DELIM:TOKEN1[:TOKEN..]", Type: Text, Min: 3, Max: -1, Build: buildFirst,
			Doc: "The first part of KEY between DELIM that is one of the tokens; null when none is."},
		{Name: "mask", Args: "KEY:BITS", Type: Text, Min: 2, Max: 2, Build: buildMask,
			Doc: "The network of an address, as address/bits; null for what is no address."},
		{Name: "concat", Args: "DELIM:KEY1[:KEY..]", Type: Text, Min: 2, Max: -1, Build: buildConcat,
			Doc: "The texts of the keys with DELIM between them; null when any is null."},
		{Name: "lower", Args: "KEY", Type: Text, Min: 1, Max: 1, Build: buildLower,
			Doc: "The text of KEY with A-Z as a-z."},
		{Name: "upper", Args: "KEY", Type: Text, Min: 1, Max: 1, Build: buildUpper,
			Doc: "The text of KEY with a-z as A-Z."},
		{Name: "oui", Args: "KEY[:number|name]", Type: Text, Min: 1, Max: 2, Build: buildOUI,
			Doc: "The first three octets of a MAC address as 6 hex digits, or the vendor's name where one is known."},
		{Name: "uri", Args: "KEY:PART", Min: 2, Max: 2, Build: buildURI,
			Doc: "A part of a URI: " + strings.Join(uriPartNames(), ", ") + "; null when it has none."},
	}
}

// textCut compiles a function of the form KEY:DELIM:N that keeps a part of a text without copying it.
func textCut(c *Compiler, args []Arg, cut func(text, delim []byte, n int) []byte) (Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	delim, err := delimiter(c, args[1])
	if err != nil {
		return nil, err
	}
	text, err := c.Literal(args[2])
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 1 {
		return nil, c.Fault(args[2], quoteName(text)+" is not a number of parts", "write a whole number from 1")
	}
	var scratch []byte
	return func(r *Record, out *Value) {
		if key(r, out); out.Type != Null {
			out.SetText(cut(textOf(out, &scratch), delim, n))
		}
	}, nil
}

func delimiter(c *Compiler, a Arg) ([]byte, error) {
	text, err := c.Literal(a)
	if err == nil && text == "" {
		err = c.Fault(a, "empty delimiter", `write \: for a colon`)
	}
	return []byte(text), err
}

func buildPrefix(c *Compiler, args []Arg) (Eval, error) {
	return textCut(c, args, func(text, delim []byte, n int) []byte {
		at := 0
		for {
			i := bytes.Index(text[at:], delim)
			if i < 0 {
				return text
			}
			if n--; n == 0 {
				return text[:at+i]
			}
			at += i + len(delim)
		}
	})
}

func buildSuffix(c *Compiler, args []Arg) (Eval, error) {
	return textCut(c, args, func(text, delim []byte, n int) []byte {
		end := len(text)
		for {
			i := bytes.LastIndex(text[:end], delim)
			if i < 0 {
				return text
			}
			if n--; n == 0 {
				return text[i+len(delim):]
			}
			end = i
		}
	})
}

func buildFirst(c *Compiler, args []Arg) (Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	delim, err := delimiter(c, args[1])
	if err != nil {
		return nil, err
	}
	tokens := make([]string, len(args)-2)
	for i, a := range args[2:] {
		if tokens[i], err = c.Literal(a); err != nil {
			return nil, err
		}
	}
	var scratch []byte
	return func(r *Record, out *Value) {
		if key(r, out); out.Type == Null {
			return
		}
		rest, more := textOf(out, &scratch), true
		for more {
			var part []byte
			part, rest, more = bytes.Cut(rest, delim)
			for _, t := range tokens {
				if string(part) == t {
					out.SetText(part)
					return
				}
			}
		}
		out.SetNull()
	}, nil
}

func buildMask(c *Compiler, args []Arg) (Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	text, err := c.Literal(args[1])
	if err != nil {
		return nil, err
	}
	bits, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || bits < 0 || bits > 128 {
		return nil, c.Fault(args[1], quoteName(text)+" is not a number of bits", "write 0 to 32, or to 128 for IPv6")
	}
	var scratch []byte
	return func(r *Record, out *Value) {
		key(r, out)
		a, ok := netip.AddrFromSlice(out.B)
		if !ok || out.Type != IPv4 && out.Type != IPv6 {
			out.SetNull()
			return
		}
		n := min(bits, a.BitLen())
		var network [16]byte
		masked := network[:copy(network[:], out.B)]
		for i := range masked {
			masked[i] &^= 0xff >> min(8, max(0, n-8*i))
		}
		v := Value{Type: out.Type, B: masked}
		scratch = append(v.AppendText(scratch[:0]), '/')
		scratch = strconv.AppendInt(scratch, int64(n), 10)
		out.SetText(scratch)
	}, nil
}

func buildConcat(c *Compiler, args []Arg) (Eval, error) {
	delim, err := c.Literal(args[0])
	if err != nil {
		return nil, err
	}
	keys, err := subs(c, args[1:])
	var scratch []byte
	return func(r *Record, out *Value) {
		scratch = scratch[:0]
		for i, key := range keys {
			if key(r, out); out.Type == Null {
				return
			}
			if i > 0 {
				scratch = append(scratch, delim...)
			}
			scratch = out.AppendText(scratch)
		}
		out.SetText(scratch)
	}, err
}

func buildLower(c *Compiler, args []Arg) (Eval, error) { return textCase(c, args[0], 'A', 'Z') }
func buildUpper(c *Compiler, args []Arg) (Eval, error) { return textCase(c, args[0], 'a', 'z') }

// textCase compiles a change of the case of the letters from..to.
func textCase(c *Compiler, a Arg, from, to byte) (Eval, error) {
	key, err := c.Sub(a)
	var scratch []byte
	return func(r *Record, out *Value) {
		if key(r, out); out.Type == Null {
			return
		}
		scratch = out.AppendText(scratch[:0])
		for i, b := range scratch {
			if b >= from && b <= to {
				scratch[i] = b ^ 0x20
			}
		}
		out.SetText(scratch)
	}, err
}

// buildOUI compiles oui without names of vendors: whoever knows some overrides the function.
func buildOUI(c *Compiler, args []Arg) (Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	if len(args) > 1 {
		text, err := c.Literal(args[1])
		if err != nil {
			return nil, err
		}
		if text != "number" && text != "name" {
			return nil, c.Fault(args[1], "unknown form "+quoteName(text), `write "number" or "name"`)
		}
	}
	var digits [6]byte
	return func(r *Record, out *Value) {
		key(r, out)
		mac, ok := uint64(0), false
		switch out.Type {
		case MAC:
			mac, ok = packMAC(out.B), true
		case Text:
			mac, ok = parseMAC(out.B)
		}
		if !ok {
			out.SetNull()
			return
		}
		for i := range digits {
			digits[i] = upperHex[mac>>(44-4*i)&15]
		}
		out.SetText(digits[:])
	}, nil
}
