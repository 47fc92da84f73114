package schema

// Keys is a compiled list of key expressions.
type Keys struct {
	Texts   []string // of the keys, in order
	Exprs   []*Expr  // in order
	Unknown []string // attributes that no field has: always null, worth a warning

	value Value // scratch
}

// Append appends to dst the key of r: what Value.AppendKey makes of each expression in order. When one of them is
// null it returns dst as it was and false. It allocates only when dst must grow. One goroutine.
func (k *Keys) Append(dst []byte, r *Record) ([]byte, bool) {
	n, v := len(dst), &k.value
	for _, e := range k.Exprs {
		e.Eval(r, v)
		if v.Type == Null {
			return dst[:n], false
		}
		dst = v.AppendKey(dst)
	}
	return dst, true
}

// Keys compiles a list of key expressions, separated by commas outside brackets and quotes; an empty list gives no
// keys. The error is a *SyntaxError.
func (c *Compiler) Keys(list string) (*Keys, error) {
	s, err := c.start(list)
	if err != nil {
		return nil, err
	}
	k := &Keys{}
	if lo, hi := trim(list, 0, len(list)); lo == hi {
		return k, nil
	}
	for lo := 0; lo <= len(list); {
		hi, err := s.endOfKey(lo)
		if err != nil {
			return nil, err
		}
		e, err := s.key(lo, hi)
		if err != nil {
			return nil, err
		}
		k.Texts, k.Exprs = append(k.Texts, e.Text), append(k.Exprs, e)
		lo = hi + 1
	}
	k.Unknown = s.run.unknown
	return k, nil
}

// endOfKey returns where the key that begins at lo ends: at a comma outside brackets and quotes, or at the end.
func (c *Compiler) endOfKey(lo int) (int, error) {
	text, depth, quote := c.run.text, 0, -1
	for i := lo; i < len(text); i++ {
		switch b := text[i]; {
		case b == '\\':
			i++
		case b == '\'' && quote >= 0:
			quote = -1
		case b == '\'':
			quote = i
		case quote >= 0:
		case b == '[':
			depth++
		case b == ']':
			depth--
		case b == ',' && depth <= 0:
			return i, nil
		}
	}
	if quote >= 0 {
		return 0, c.fault(quote, "quote without an end", `write \' for a plain quote`)
	}
	return len(text), nil
}
