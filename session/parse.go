package session

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"weir/key"
	"weir/schema"
)

// The bounds of a query in text form.
const (
	maxQuery = 16 << 10 // bytes
	maxTerms = 100
	maxIDs   = 10_000
)

// ParseQuery reads the text form: "field=value,field=value", all of which must hold. QueryFields lists the fields.
// Values may be readable, raw, or names of services and protocols. Empty text finds everything. Errors say which field,
// and what was expected.
func ParseQuery(text string) (Query, error) {
	var q Query
	if len(text) > maxQuery {
		return q, fmt.Errorf("query of %d bytes; at most %d are read", len(text), maxQuery)
	}
	terms, err := splitTerms(text)
	if err != nil {
		return q, err
	}
	for _, t := range terms {
		if err := q.Add(t[0], t[1]); err != nil {
			return Query{}, err
		}
	}
	return q, nil
}

// splitTerms divides a query at its commas. A piece without "=" belongs to the value before it: two addresses of a pair
// may be separated by a comma.
func splitTerms(text string) (terms [][2]string, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	for piece := range strings.SplitSeq(text, ",") {
		field, value, ok := strings.Cut(piece, "=")
		switch {
		case ok:
			terms = append(terms, [2]string{strings.TrimSpace(field), strings.TrimSpace(value)})
		case strings.TrimSpace(piece) == "":
		case len(terms) > 0 && canonicalField(terms[len(terms)-1][0]) == "ippair":
			terms[len(terms)-1][1] += "," + strings.TrimSpace(piece)
		default:
			return nil, fmt.Errorf("%q is no field=value, as in srcip=192.168.1.2,port=443", short(piece))
		}
	}
	if len(terms) > maxTerms {
		return nil, fmt.Errorf("query of %d terms; at most %d are allowed", len(terms), maxTerms)
	}
	return terms, nil
}

// aliases are other names of fields: those of the query messages of spec trisul 6.3, and of columns.
var aliases = map[string]string{
	"source_ip": "srcip", "dest_ip": "destip", "any_ip": "ip", "source_port": "srcport", "dest_port": "destport",
	"any_port": "port", "ip_pair": "ippair", "protocol": "proto", "flowtag": "tag", "nf_routerid": "router",
	"nf_ifindex_in": "ifin", "nf_ifindex_out": "ifout", "any_nf_ifindex": "interface", "subnet_24": "net24",
	"subnet_16": "net16", "volume_filter": "minbytes", "min_bytes": "minbytes", "min_packets": "minpackets",
	"min_rtt": "minrtt", "min_retrans": "minretrans", "a_ip": "srcip", "z_ip": "destip", "a_port": "srcport",
	"z_port": "destport", "if_in": "ifin", "if_out": "ifout", "idlist": "id",
}

func canonicalField(field string) string {
	field = strings.ToLower(field)
	if f, ok := aliases[field]; ok {
		return f
	}
	return field
}

// field reads the value of one field into clauses.
type field struct {
	doc  string
	read func(value string) ([]Clause, error)
}

func fields() map[string]field {
	return map[string]field{
		"srcip":      {"address of the A end", addresses("a_ip")},
		"destip":     {"address of the Z end", addresses("z_ip")},
		"ip":         {"address of either end", addresses("a_ip", "z_ip")},
		"srcport":    {"port of the A end", ports("a_port")},
		"destport":   {"port of the Z end", ports("z_port")},
		"port":       {"port of either end", ports("a_port", "z_port")},
		"proto":      {"IP protocol", protocol},
		"tag":        {"tag", tag},
		"net24":      {"IPv4 network of 24 bits of either end", network(3)},
		"net16":      {"IPv4 network of 16 bits of either end", network(2)},
		"ippair":     {"addresses of both ends, separated by |", pair},
		"router":     {"address of the exporter", addresses("exporter")},
		"exporter":   {"address of the exporter", addresses("exporter")},
		"ifin":       {"ifIndex into the exporter, A to Z", interfaces("if_in")},
		"ifout":      {"ifIndex out of the exporter, A to Z", interfaces("if_out")},
		"interface":  {"ifIndex on either side, may follow the exporter: 10.0.0.1_3", interfaces("if_in", "if_out")},
		"minbytes":   {"bytes of both ends at least, 10M = 10,000,000", atLeast(OpSum, "az_bytes")},
		"minpackets": {"packets of both ends at least", atLeast(OpSum, "az_packets")},
		"minrtt":     {"handshake time in microseconds at least", atLeast(OpAtLeast, "rtt")},
		"minretrans": {"segments sent again at least", atLeast(OpAtLeast, "retrans")},
		"vlan":       {"outermost VLAN", number("vlan", 4095)},
		"tos":        {"type of service byte", number("tos", 255)},
		"state":      {"state bits of which one must be set: a number, or words separated by |", state},
		"id":         {"session numbers, separated by |", numbers},
		"key":        {"id string, 06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016", idString},
	}
}

// QueryFields returns the fields of ParseQuery, sorted, each with a line of documentation. The map is the caller's.
func QueryFields() map[string]string {
	out := map[string]string{}
	for name, f := range fields() {
		out[name] = f.doc
	}
	return out
}

// Add adds the condition "name = value", with the fields and values of ParseQuery. The query is as before when it
// returns an error.
func (q *Query) Add(name, value string) error {
	all := fields()
	f, ok := all[canonicalField(name)]
	if !ok {
		words := slices.Sorted(maps.Keys(all))
		err := fmt.Errorf("%q is no field; fields are %s", short(name), strings.Join(words, ", "))
		if hint := schema.DidYouMean(canonicalField(name), slices.Values(words)); hint != "" {
			err = fmt.Errorf("%q is no field; %s", short(name), hint)
		}
		return err
	}
	clauses, err := f.read(value)
	if err != nil {
		return fmt.Errorf("%s: %w", short(name), err)
	}
	q.Where = append(q.Where, clauses...)
	return nil
}

// short bounds a text that goes into an error.
func short(s string) string {
	if s = strings.TrimSpace(s); len(s) > 60 {
		return s[:57] + "..."
	}
	return s
}

// equalAddr makes the condition that a column of addresses is bin, 4 or 16 bytes.
func equalAddr(column string, bin []byte) Cond {
	a := schema.AddrFrom(bin)
	return Cond{Column: column, Op: OpEqual, Text: a.String(), addr: a}
}

func equalInt(column string, v int64) Cond { return Cond{Column: column, Op: OpEqual, Int: v} }

// anyOf makes a clause of the same condition on several columns.
func anyOf(columns []string, c func(column string) Cond) []Clause {
	var out Clause
	for _, column := range columns {
		out = append(out, c(column))
	}
	return []Clause{out}
}

func addresses(columns ...string) func(string) ([]Clause, error) {
	return func(value string) ([]Clause, error) {
		bin, err := hostForm.ParseReadable(value)
		if err != nil {
			return nil, err
		}
		return anyOf(columns, func(c string) Cond { return equalAddr(c, bin) }), nil
	}
}

func ports(columns ...string) func(string) ([]Clause, error) {
	return func(value string) ([]Clause, error) {
		bin, err := appForm.ParseReadable(value)
		if err != nil {
			return nil, err
		}
		if len(bin) != 2 {
			return nil, fmt.Errorf("%q is a protocol without ports; use proto=%s", short(value), short(value))
		}
		port := int64(binary.BigEndian.Uint16(bin))
		return anyOf(columns, func(c string) Cond { return equalInt(c, port) }), nil
	}
}

func protocol(value string) ([]Clause, error) {
	bin, err := protocolForm.ParseReadable(value)
	if err != nil {
		return nil, err
	}
	return []Clause{{equalInt("proto", int64(bin[0]))}}, nil
}

func tag(value string) ([]Clause, error) {
	if value == "" || strings.Contains(value, "|") {
		return nil, fmt.Errorf("%q is not one tag, as in [app]p-0016", short(value))
	}
	return []Clause{{{Column: "tags", Op: OpHasLabel, Text: value}}}, nil
}

// network reads an IPv4 network of so many bytes: 10.1.2, 10.1.2.0, 10.1.2.0/24, raw 0A.01.02 or 0A.01.02.00.
func network(size int) func(string) ([]Clause, error) {
	return func(value string) ([]Clause, error) {
		text, mask, hasMask := strings.Cut(value, "/")
		bin := networkBytes(text, size)
		if bin == nil || hasMask && mask != strconv.Itoa(8*size) {
			return nil, fmt.Errorf("%q is no IPv4 network of %d bits, as in %s or %s/%d", short(value), 8*size,
				[...]string{2: "10.1", 3: "10.1.2"}[size], [...]string{2: "10.1.0.0", 3: "10.1.2.0"}[size], 8*size)
		}
		prefix := ""
		for _, b := range bin {
			prefix += strconv.Itoa(int(b)) + "."
		}
		return anyOf([]string{"a_ip", "z_ip"}, func(c string) Cond {
			return Cond{Column: c, Op: OpPrefix, Text: prefix}
		}), nil
	}
}

// networkBytes returns the first bytes of an IPv4 address whose last ones may be missing, or nil.
func networkBytes(text string, size int) []byte {
	missing := 3 - strings.Count(text, ".")
	if missing < 0 || missing > 4-size {
		return nil
	}
	for _, zero := range []string{".0", ".00"} { // readable, raw
		if bin, err := hostForm.ParseReadable(text + strings.Repeat(zero, missing)); err == nil && len(bin) == 4 {
			return bin[:size]
		}
	}
	return nil
}

// pair reads two addresses, in either order. That both ends are of the two, and both of the two are ends, is that the
// ends are the pair.
func pair(value string) ([]Clause, error) {
	parts := strings.FieldsFunc(value, func(r rune) bool { return r == '|' || r == ',' })
	if len(parts) != 2 {
		return nil, fmt.Errorf("%q is not two addresses, as in 10.0.0.1|10.0.0.2", short(value))
	}
	var bin [2][]byte
	for i, p := range parts {
		var err error
		if bin[i], err = hostForm.ParseReadable(strings.TrimSpace(p)); err != nil {
			return nil, err
		}
	}
	x, y := bin[0], bin[1]
	return []Clause{
		{equalAddr("a_ip", x), equalAddr("a_ip", y)}, {equalAddr("z_ip", x), equalAddr("z_ip", y)},
		{equalAddr("a_ip", x), equalAddr("z_ip", x)}, {equalAddr("a_ip", y), equalAddr("z_ip", y)},
	}, nil
}

// interfaces reads an ifIndex, alone or behind the exporter and an underscore.
func interfaces(columns ...string) func(string) ([]Clause, error) {
	return func(value string) ([]Clause, error) {
		var index uint64
		var out []Clause
		if strings.Contains(value, "_") {
			bin, err := key.Form{key.Interface}.ParseReadable(value)
			if err != nil {
				return nil, err
			}
			n := len(bin) - 4
			index = uint64(binary.BigEndian.Uint32(bin[n:]))
			out = []Clause{{equalAddr("exporter", bin[:n])}}
		} else {
			var err error
			if index, err = strconv.ParseUint(value, 10, 32); err != nil {
				return nil, fmt.Errorf("%q is no ifIndex, as in 3 or 192.168.0.1_3", short(value))
			}
		}
		return append(out, anyOf(columns, func(c string) Cond { return equalInt(c, int64(index)) })...), nil
	}
}

func number(column string, limit uint64) func(string) ([]Clause, error) {
	return func(value string) ([]Clause, error) {
		n, err := strconv.ParseUint(value, 0, 64)
		if err != nil || n > limit {
			return nil, fmt.Errorf("%q is no number between 0 and %d", short(value), limit)
		}
		return []Clause{{equalInt(column, int64(n))}}, nil
	}
}

// atLeast reads a number that may have a decimal suffix K, M, G or T, and B behind it.
func atLeast(op Op, column string) func(string) ([]Clause, error) {
	return func(value string) ([]Clause, error) {
		text, factor := strings.TrimSuffix(strings.ToUpper(value), "B"), int64(1)
		if text != "" {
			if i := strings.IndexByte("KMGT", text[len(text)-1]); i >= 0 {
				text = text[:len(text)-1]
				for range i + 1 {
					factor *= 1000
				}
			}
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > (1<<62)/factor {
			return nil, fmt.Errorf("%q is no number, as in 5000 or 10M", short(value))
		}
		return []Clause{{{Column: column, Op: op, Int: n * factor}}}, nil
	}
}

// StateWords are the words of the state bits, as in queries and answers.
var StateWords = []struct {
	Word string
	Bits State
}{
	{"init", StateInit}, {"syn", StateSYN}, {"synack", StateSYNACK}, {"open", StateOpen}, {"server_a", StateServerA},
	{"server_z", StateServerZ}, {"fin", StateFIN}, {"rst", StateRST}, {"timedout", StateTimedOut},
	{"error", StateError}, {"incomplete", StateIncomplete}, {"terminated", StateTerminated},
}

func state(value string) ([]Clause, error) {
	var bits State
	for word := range strings.SplitSeq(value, "|") {
		word = strings.ToLower(strings.TrimSpace(word))
		n, err := strconv.ParseUint(word, 0, 16)
		for _, w := range StateWords {
			if w.Word == word {
				n, err = uint64(w.Bits), nil
			}
		}
		if err != nil || n == 0 {
			words := func(yield func(string) bool) {
				for _, w := range StateWords {
					if !yield(w.Word) {
						return
					}
				}
			}
			return nil, fmt.Errorf("%q is no state, as in 0x0100, timedout or rst|fin %s", short(word),
				schema.DidYouMean(word, words))
		}
		bits |= State(n)
	}
	return []Clause{{{Column: "state", Op: OpHasBits, Int: int64(bits)}}}, nil
}

func numbers(value string) ([]Clause, error) {
	var out Clause
	for text := range strings.SplitSeq(value, "|") {
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no session number", short(text))
		}
		if out = append(out, equalInt("id", n)); len(out) > maxIDs {
			return nil, fmt.Errorf("more than %d session numbers", maxIDs)
		}
	}
	return []Clause{out}, nil
}

// idString reads what AppendKey writes.
func idString(value string) ([]Clause, error) {
	wrong := fmt.Errorf("%q is no id string, as in 06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016", short(value))
	head, rest, _ := strings.Cut(value, ":")
	parts := strings.Split(rest, "_")
	if len(head) != 3 || !strings.Contains("ABCD", head[2:]) || len(parts) != 2 && len(parts) != 5 {
		return nil, wrong
	}
	bin, err := protocolForm.Parse(head[:2])
	if err != nil {
		return nil, wrong
	}
	out := []Clause{{equalInt("proto", int64(bin[0]))}}
	for i, column := range []string{"a", "z"} {
		host, port, _ := strings.Cut(parts[i], ":")
		h, err := hostForm.Parse(host)
		p, err2 := appForm.Parse(port)
		if err != nil || err2 != nil || len(p) != 2 {
			return nil, wrong
		}
		out = append(out, Clause{equalAddr(column+"_ip", h)})
		if !icmp(bin[0]) {
			out = append(out, Clause{equalInt(column+"_port", int64(binary.BigEndian.Uint16(p)))})
		}
	}
	if len(parts) == 2 {
		return out, nil
	}
	router, err := hostForm.Parse(parts[2])
	in, err2 := strconv.ParseUint(parts[3], 16, 32)
	through, err3 := strconv.ParseUint(parts[4], 16, 32)
	if err != nil || err2 != nil || err3 != nil {
		return nil, wrong
	}
	return append(out, Clause{equalAddr("exporter", router)}, Clause{equalInt("if_in", int64(in))},
		Clause{equalInt("if_out", int64(through))}), nil
}
