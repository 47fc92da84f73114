package enrich

import (
	"strconv"

	"weir/schema"
)

// Functions returns the key functions that enrich answers (spec sflow-rt 3), for the compiler of the lane's own
// definitions: what they build reads the World of l when it runs, and belongs to the goroutine of l.
func (l *Lane) Functions() []schema.Func {
	return []schema.Func{
		{Name: "group", Args: "KEY:SET[:SET...]", Min: 2, Max: -1, Type: schema.Text, Build: l.buildGroup,
			Doc: "group of an address in the first of the sets that has one, by longest prefix"},
		{Name: "map", Args: "KEY:MAP", Min: 2, Max: 2, Type: schema.Text, Build: l.buildMap,
			Doc: "label of the exact value in a map"},
		{Name: "country", Args: "KEY[:both]", Min: 1, Max: 2, Type: schema.Text, Build: l.buildCountry,
			Doc: "country of an address; null until a database is configured"},
		{Name: "asn", Args: "KEY[:number|descr|both]", Min: 1, Max: 2, Build: l.buildASN,
			Doc: "autonomous system of an address; null until a database is configured"},
		{Name: "oui", Args: "KEY[:number|name]", Min: 1, Max: 2, Type: schema.Text, Build: l.buildOUI,
			Doc: "first three octets of a MAC address, or the name of its vendor when that is known"},
		{Name: "host", Args: "KEY:ATTR", Min: 2, Max: 2, Type: schema.Text, Build: l.buildHost,
			Doc: "host_name, uuid, machine_type, os_name or os_release of the telemetry host with this MAC or address"},
		{Name: "dns", Args: "KEY", Min: 1, Max: 1, Build: l.buildDNS,
			Doc: "name of an address with a dot at its end; the address itself until it is known"},
		{Name: "node", Args: "IFKEY", Min: 1, Max: 1, Build: l.buildNode,
			Doc: "topology node that has this interface, else the exporter's host name, else its address"},
		{Name: "ifname", Args: "IFKEY", Min: 1, Max: 1, Build: l.buildIfName,
			Doc: "name of this interface of the exporter, else its number"},
		{Name: "link", Args: "IFKEY", Min: 1, Max: 1, Type: schema.Text, Build: l.buildLink,
			Doc: "topology link at this interface; null when there is none"},
	}
}

// Fields returns the attributes that enrich answers: the groups of the two addresses in the group set "default".
func (l *Lane) Fields() []schema.Field {
	return []schema.Field{
		{Name: "sourcegroup", Type: schema.Text, Doc: "group of ipsource or ip6source in the group set default",
			Read: func(r *schema.Record, nth int, out *schema.Value) { l.readGroup(&r.Src, nth, out) }},
		{Name: "destinationgroup", Type: schema.Text,
			Doc:  "group of ipdestination or ip6destination in the group set default",
			Read: func(r *schema.Record, nth int, out *schema.Value) { l.readGroup(&r.Dst, nth, out) }},
	}
}

func (l *Lane) readGroup(a *schema.Addr, nth int, out *schema.Value) {
	out.SetNull()
	set := l.world.groups[DefaultSet]
	if nth != 0 || set == nil {
		return
	}
	setText(out, set.lookup(*a))
}

// setText makes out a text, null when there is none.
func setText(out *schema.Value, b []byte) {
	if b == nil {
		out.SetNull()
		return
	}
	out.SetText(b)
}

func (l *Lane) buildGroup(c *schema.Compiler, args []schema.Arg) (schema.Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	names := make([]string, len(args)-1)
	for i, a := range args[1:] {
		if names[i], err = c.Literal(a); err != nil {
			return nil, err
		}
	}
	var (
		v     schema.Value
		world *World // whose sets these are
		sets  []*groupSet
	)
	return func(r *schema.Record, out *schema.Value) {
		out.SetNull()
		key(r, &v)
		a, ok := l.addr(&v)
		if !ok {
			return
		}
		if world != l.world {
			world, sets = l.world, sets[:0]
			for _, name := range names {
				if set := world.groups[name]; set != nil {
					sets = append(sets, set)
				}
			}
		}
		for _, set := range sets {
			if b := set.lookup(a); b != nil {
				out.SetText(b)
				return
			}
		}
	}, nil
}

func (l *Lane) buildMap(c *schema.Compiler, args []schema.Arg) (schema.Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	name, err := c.Literal(args[1])
	if err != nil {
		return nil, err
	}
	var v schema.Value
	var text []byte
	return func(r *schema.Record, out *schema.Value) {
		out.SetNull()
		m := l.world.labels[name]
		if m == nil {
			return
		}
		if key(r, &v); v.IsNull() {
			return
		}
		if v.Type == schema.Text {
			setText(out, m.byValue[string(v.B)])
			return
		}
		text = v.AppendText(text[:0])
		setText(out, m.byValue[string(text)])
	}, nil
}

func (l *Lane) buildCountry(c *schema.Compiler, args []schema.Arg) (schema.Eval, error) {
	return l.buildMissing(c, args, SourceCountry, "code", "name", "both")
}

func (l *Lane) buildASN(c *schema.Compiler, args []schema.Arg) (schema.Eval, error) {
	return l.buildMissing(c, args, SourceASN, "number", "descr", "both")
}

// buildMissing builds a function whose database does not exist: null, and remembered for the log.
func (l *Lane) buildMissing(
	c *schema.Compiler, args []schema.Arg, s Source, words ...string,
) (schema.Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	if _, err := choice(c, args, words); err != nil {
		return nil, err
	}
	var v schema.Value
	return func(r *schema.Record, out *schema.Value) {
		out.SetNull()
		if key(r, &v); !v.IsNull() {
			l.miss(s)
		}
	}, nil
}

// choice returns the word that the second argument chooses, the first of words when it is left out or empty.
func choice(c *schema.Compiler, args []schema.Arg, words []string) (string, error) {
	if len(args) < 2 {
		return words[0], nil
	}
	text, err := c.Literal(args[1])
	if err != nil || text == "" {
		return words[0], err
	}
	hint := ""
	for i, w := range words {
		if text == w {
			return w, nil
		}
		if i > 0 {
			hint += ", "
		}
		hint += w
	}
	return "", c.Fault(args[1], "unknown choice "+strconv.Quote(text), "one of "+hint)
}

func (l *Lane) buildOUI(c *schema.Compiler, args []schema.Arg) (schema.Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	what, err := choice(c, args, []string{"number", "name"})
	if err != nil {
		return nil, err
	}
	var v schema.Value
	var digits [6]byte
	return func(r *schema.Record, out *schema.Value) {
		out.SetNull()
		key(r, &v)
		m, ok := macOf(&v)
		if !ok {
			return
		}
		if what == "name" {
			if b := l.world.vendors.lookup(m); b != nil {
				out.SetText(b)
				return
			}
			if l.world.vendors == nil {
				l.miss(SourceVendors)
			}
		}
		const hex = "0123456789ABCDEF"
		for i, o := range m[:3] {
			digits[2*i], digits[2*i+1] = hex[o>>4], hex[o&15]
		}
		out.SetText(digits[:])
	}, nil
}

// macOf reads a MAC address out of a value; text of 12 hex digits counts as one.
func macOf(v *schema.Value) (m MAC, ok bool) {
	switch {
	case v.Type == schema.MAC && len(v.B) == len(m):
		return MAC(v.B), true
	case v.Type != schema.Text || len(v.B) != 2*len(m):
		return m, false
	}
	for i, c := range v.B {
		var d byte
		switch {
		case c >= '0' && c <= '9':
			d = c - '0'
		case c >= 'A' && c <= 'F':
			d = c - 'A' + 10
		case c >= 'a' && c <= 'f':
			d = c - 'a' + 10
		default:
			return MAC{}, false
		}
		m[i/2] = m[i/2]<<4 | d
	}
	return m, true
}

func (l *Lane) buildHost(c *schema.Compiler, args []schema.Arg) (schema.Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	attr, err := c.Literal(args[1])
	if err != nil {
		return nil, err
	}
	if (&Owner{}).attribute(attr) == nil {
		return nil, c.Fault(args[1], "unknown attribute "+strconv.Quote(attr),
			"one of host_name, uuid, machine_type, os_name, os_release")
	}
	var v schema.Value
	var text []byte
	return func(r *schema.Record, out *schema.Value) {
		out.SetNull()
		key(r, &v)
		var owner *Owner
		if m, ok := macOf(&v); ok {
			owner = l.world.OwnerOfMAC(m)
		} else if a, ok := l.addr(&v); ok {
			owner = l.world.OwnerOfAddr(a)
		}
		if owner == nil {
			return
		}
		if s := *owner.attribute(attr); s != "" {
			text = append(text[:0], s...)
			out.SetText(text)
		}
	}, nil
}

func (l *Lane) buildDNS(c *schema.Compiler, args []schema.Arg) (schema.Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	return func(r *schema.Record, out *schema.Value) {
		key(r, out) // what is no address, or has no name, is shown as it is
		a, ok := l.addr(out)
		if !ok {
			return
		}
		if !l.world.resolving {
			l.miss(SourceDNS)
		}
		ans, known := l.world.answers.get(a)
		if l.world.resolving && (!known || ans.stale) {
			l.want(a)
		}
		if known && len(ans.name) > 0 {
			out.SetText(ans.name)
		}
	}, nil
}

// ifIndex reads an interface out of a value such as inputifindex; 0 when it is no number (internal, multiple, ...).
func ifIndex(v *schema.Value) uint32 {
	switch v.Type {
	case schema.Uint, schema.Int:
		if v.N <= 1<<32-1 {
			return uint32(v.N)
		}
	case schema.Text:
		n := uint64(0)
		for _, c := range v.B {
			if c < '0' || c > '9' || n > 1<<32-1 {
				return 0
			}
			n = n*10 + uint64(c-'0')
		}
		if n <= 1<<32-1 {
			return uint32(n)
		}
	}
	return 0
}

func (l *Lane) buildNode(c *schema.Compiler, args []schema.Arg) (schema.Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	return func(r *schema.Record, out *schema.Value) {
		if key(r, out); out.IsNull() {
			return
		}
		if p := l.port(r.Source.Exporter, ifIndex(out)); p.node != nil {
			out.SetText(p.node)
			return
		}
		a := &r.Source.Exporter
		switch {
		case a.IsZero():
			out.SetNull()
		case a.Is4():
			out.SetIP(a[12:])
		default:
			out.SetIP(a[:])
		}
	}, nil
}

func (l *Lane) buildIfName(c *schema.Compiler, args []schema.Arg) (schema.Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	return func(r *schema.Record, out *schema.Value) {
		key(r, out) // what has no name is shown as it is: its number, or a word such as internal
		if index := ifIndex(out); index != 0 {
			if p := l.port(r.Source.Exporter, index); p.label != nil {
				out.SetText(p.label)
			}
		}
	}, nil
}

func (l *Lane) buildLink(c *schema.Compiler, args []schema.Arg) (schema.Eval, error) {
	key, err := c.Sub(args[0])
	if err != nil {
		return nil, err
	}
	var v schema.Value
	return func(r *schema.Record, out *schema.Value) {
		out.SetNull()
		key(r, &v)
		if index := ifIndex(&v); index != 0 {
			setText(out, l.port(r.Source.Exporter, index).link)
		}
	}, nil
}
