package store

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"weir/schema"
)

// FilterHelp describes the filter language in one line, for hints and reference pages.
const FilterHelp = `comparisons such as z_port = 443, bytes > 1M, a_ip in 10.0.0.0/8, proto in (tcp, udp), tags contains web, ` +
	`key prefix C0.A8, z_port in 8000..8999, state has 0x10, joined by and, or, not and brackets`

// maxFilterBytes bounds the text of a filter.
const maxFilterBytes = 64 << 10

// Shorthand names of the tables of sessions. A name with two columns means one of the two ends.
var sessionNames = map[string][]string{
	"ip": {"a_ip", "z_ip"}, "port": {"a_port", "z_port"}, "as": {"a_as", "z_as"}, "interface": {"if_in", "if_out"},
	"src_ip": {"a_ip"}, "dst_ip": {"z_ip"}, "src_port": {"a_port"}, "dst_port": {"z_port"}, "src_as": {"a_as"},
	"dst_as": {"z_as"}, "protocol": {"proto"}, "tag": {"tags"},
}

// shorthand returns the columns that a name of the filter language stands for in table t, or nil.
func shorthand(t *schema.Table, name string) []string {
	if _, ok := ColumnType(t, name); ok {
		return []string{name}
	}
	if t == schema.TableSessions || t == schema.TableRunning {
		return sessionNames[name]
	}
	return nil
}

// operators by their words in the filter language, longest sign first.
var operatorSigns = []struct {
	sign string
	op   Op
}{{"<=", Le}, {">=", Ge}, {"!=", Ne}, {"<>", Ne}, {"==", Eq}, {"=", Eq}, {"<", Lt}, {">", Gt}}

var operatorWords = map[string]Op{
	"in": In, "prefix": Prefix, "startswith": Prefix, "contains": Contains, "within": Within, "has": HasBits,
}

// ParseFilter reads a condition on rows of t in the filter language (FilterHelp); the empty text lets every row pass.
// Texts may be quoted with "double" (as in Go) or 'single' quotes (no escapes). Numbers take the endings k, M, G, T and
// Ki, Mi, Gi, Ti; columns of times take RFC 3339 and, like columns of durations, 90s, 5m, 2h. Columns of addresses take
// networks. The error is a *schema.SyntaxError.
func ParseFilter(t *schema.Table, text string) (Cond, error) {
	p := &filterParser{text: text, table: t}
	if len(text) > maxFilterBytes {
		return Cond{}, p.fault(0, fmt.Sprintf("the filter is longer than %d bytes", maxFilterBytes), "")
	}
	if err := p.next(); err != nil {
		return Cond{}, err
	}
	if p.tok.kind == tokenEnd {
		return Cond{}, nil
	}
	c, err := p.any()
	if err != nil {
		return Cond{}, err
	}
	if p.tok.kind != tokenEnd {
		return Cond{}, p.fault(p.tok.pos, "expected \"and\", \"or\" or the end", "")
	}
	if err := c.Validate(t); err != nil {
		return Cond{}, p.fault(0, err.Error(), "")
	}
	return c, nil
}

type filterParser struct {
	text  string
	table *schema.Table
	pos   int // behind tok
	tok   token
	depth int
}

func (p *filterParser) fault(pos int, msg, hint string) error {
	return &schema.SyntaxError{Expr: p.text, Pos: pos, Msg: msg, Hint: hint}
}

// any reads terms joined by "or".
func (p *filterParser) any() (Cond, error) { return p.list("or", Or, p.all) }

// all reads factors joined by "and".
func (p *filterParser) all() (Cond, error) { return p.list("and", And, p.factor) }

func (p *filterParser) list(word string, op Op, part func() (Cond, error)) (Cond, error) {
	var parts []Cond
	for {
		c, err := part()
		if err != nil {
			return Cond{}, err
		}
		parts = append(parts, c)
		if !p.tok.is(word) {
			break
		}
		if err := p.next(); err != nil {
			return Cond{}, err
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return Cond{Op: op, Parts: parts}, nil
}

func (p *filterParser) factor() (Cond, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth/3 {
		return Cond{}, p.fault(p.tok.pos, "brackets are nested too deep", "")
	}
	switch {
	case p.tok.is("not"):
		if err := p.next(); err != nil {
			return Cond{}, err
		}
		c, err := p.factor()
		return Cond{Op: Not, Parts: []Cond{c}}, err
	case p.tok.kind == tokenSign && p.tok.text == "(":
		open := p.tok.pos
		if err := p.next(); err != nil {
			return Cond{}, err
		}
		c, err := p.any()
		if err != nil {
			return Cond{}, err
		}
		if p.tok.kind != tokenSign || p.tok.text != ")" {
			return Cond{}, p.fault(p.tok.pos, "closing bracket is missing", fmt.Sprintf("the opening one is at %d", open))
		}
		return c, p.next()
	}
	return p.comparison()
}

// comparison reads "column operator value".
func (p *filterParser) comparison() (Cond, error) {
	if p.tok.kind != tokenWord {
		return Cond{}, p.fault(p.tok.pos, "expected the name of a column", FilterHelp)
	}
	name, at := p.tok, p.tok.pos
	columns := shorthand(p.table, name.text)
	if columns == nil {
		known := columnNames(p.table)
		if p.table == schema.TableSessions || p.table == schema.TableRunning {
			for short := range sessionNames {
				known[short] = true
			}
		}
		hint := schema.DidYouMean(name.text, maps.Keys(known))
		if hint == "" {
			hint = "columns are " + strings.Join(slices.Sorted(maps.Keys(known)), ", ")
		}
		return Cond{}, p.fault(at, fmt.Sprintf("table %q has no column %q", p.table.Name, clip(name.text)), hint)
	}
	if err := p.next(); err != nil {
		return Cond{}, err
	}
	negate, op, err := p.operator()
	if err != nil {
		return Cond{}, err
	}
	values, err := p.values(columns[0], op)
	if err != nil {
		return Cond{}, err
	}
	parts := make([]Cond, len(columns))
	for i, column := range columns {
		parts[i] = compareAny(column, op, values)
	}
	c := Any(parts...)
	if len(columns) > 1 && op == Ne {
		c = Cond{Op: And, Parts: parts} // neither end is it
	}
	if negate {
		c = Cond{Op: Not, Parts: []Cond{c}}
	}
	return c, nil
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "..."
	}
	return s
}

// operator reads the operator of a comparison; negate is for "not in" and its like.
func (p *filterParser) operator() (negate bool, op Op, err error) {
	if p.tok.is("not") {
		negate = true
		if err := p.next(); err != nil {
			return false, 0, err
		}
	}
	if p.tok.kind == tokenSign && !negate {
		for _, o := range operatorSigns {
			if o.sign == p.tok.text {
				return false, o.op, p.next()
			}
		}
	}
	if p.tok.kind == tokenWord {
		if op, ok := operatorWords[strings.ToLower(p.tok.text)]; ok {
			return negate, op, p.next()
		}
	}
	return false, 0, p.fault(p.tok.pos, "expected an operator",
		"one of = != < <= > >= in, not in, prefix, contains, within, has")
}

// operand is one value of a comparison: a constant, a range or a network.
type operand struct {
	op     Op // Eq, Range, Within
	values []Value
}

// values reads what stands behind the operator.
func (p *filterParser) values(column string, op Op) ([]operand, error) {
	if op != In || p.tok.kind != tokenSign || p.tok.text != "(" {
		o, err := p.operand(column, op)
		return []operand{o}, err
	}
	var list []operand
	for {
		if err := p.next(); err != nil {
			return nil, err
		}
		o, err := p.operand(column, op)
		if err != nil {
			return nil, err
		}
		if list = append(list, o); len(list) > maxConds/4 {
			return nil, p.fault(p.tok.pos, "the list is too long", fmt.Sprintf("at most %d values", maxConds/4))
		}
		if p.tok.kind == tokenSign && p.tok.text == "," {
			continue
		}
		if p.tok.kind == tokenSign && p.tok.text == ")" {
			return list, p.next()
		}
		return nil, p.fault(p.tok.pos, "expected \",\" or \")\" in the list", "")
	}
}

// operand reads one value.
func (p *filterParser) operand(column string, op Op) (operand, error) {
	if p.tok.kind != tokenWord && p.tok.kind != tokenText {
		return operand{}, p.fault(p.tok.pos, "expected a value", "texts with spaces or signs go in quotes")
	}
	tok := p.tok
	if err := p.next(); err != nil {
		return operand{}, err
	}
	typ, _ := ColumnType(p.table, column)
	if typ == schema.ColumnText {
		return p.textOperand(column, op, tok)
	}
	if tok.kind == tokenWord && op == In {
		if low, high, ok := strings.Cut(tok.text, ".."); ok {
			a, err := p.number(column, typ, low, tok.pos)
			if err != nil {
				return operand{}, err
			}
			b, err := p.number(column, typ, high, tok.pos+len(low)+2)
			return operand{Range, []Value{a, b}}, err
		}
	}
	v, err := p.number(column, typ, tok.text, tok.pos)
	return operand{Eq, []Value{v}}, err
}

// addressColumns hold addresses as texts, so that networks may stand for them.
var addressColumns = map[string]bool{"a_ip": true, "z_ip": true, "exporter": true}

func (p *filterParser) textOperand(column string, op Op, tok token) (operand, error) {
	if op == Within || addressColumns[column] && (op == Eq || op == Ne || op == In) && strings.Contains(tok.text, "/") {
		network, err := netip.ParsePrefix(tok.text)
		if err != nil {
			return operand{}, p.fault(tok.pos, fmt.Sprintf("%q is no network", clip(tok.text)),
				"write it as 10.0.0.0/8 or 2001:db8::/32")
		}
		return operand{Within, []Value{Text(network.Masked().String())}}, nil
	}
	if addressColumns[column] && op != Prefix && op != Contains {
		a, err := netip.ParseAddr(tok.text)
		if err != nil {
			return operand{}, p.fault(tok.pos, fmt.Sprintf("%q is no IP address", clip(tok.text)),
				"for a part of one use prefix or contains")
		}
		return operand{Eq, []Value{Text(a.Unmap().WithZone("").String())}}, nil
	}
	return operand{Eq, []Value{Text(tok.text)}}, nil
}

// compareAny makes the condition that compares a column with the operands.
func compareAny(column string, op Op, list []operand) Cond {
	if op == Eq || op == In || op == Ne {
		var constants []Value
		var parts []Cond
		for _, o := range list {
			if o.op == Eq {
				constants = append(constants, o.values...)
			} else {
				parts = append(parts, Where(column, o.op, o.values...))
			}
		}
		switch {
		case op == Ne && len(parts) == 0:
			return Where(column, Ne, constants...)
		case op == Ne:
			return Cond{Op: Not, Parts: parts}
		case len(constants) == 1:
			parts = append(parts, Where(column, Eq, constants[0]))
		case len(constants) > 1:
			parts = append(parts, Where(column, In, constants...))
		}
		return Any(parts...)
	}
	if list[0].op == Within {
		op = Within
	}
	return Where(column, op, list[0].values...)
}
