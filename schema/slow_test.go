package schema

import (
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The slow twin: an interpreter of keys and filters that shares no code with the compiler. It cuts texts where a
// reader would, and works on texts only. An absent value is a text with ok false.

// shown is a value as the language shows it, with the type that decides what equals it.
type shown struct {
	text string
	typ  Type
	ok   bool
}

// cutOutside cuts s at sep where no quote, bracket or backslash protects it.
func cutOutside(s string, sep byte) (parts []string) {
	depth, quoted, from := 0, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == sep && depth == 0:
			parts, from = append(parts, s[from:i]), i+1
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		}
	}
	return append(parts, s[from:])
}

func plainText(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\:`, `:`, `\,`, `,`, `\'`, `'`, `\[`, `[`, `\]`, `]`, `\=`, `=`).Replace(s)
}

func slowKey(in row, s string) shown {
	s = strings.TrimSpace(s)
	if len(s) > 1 && s[0] == '\'' {
		s = s[1 : len(s)-1]
	}
	args := cutOutside(s, ':')
	if len(args) == 1 && strings.HasPrefix(s, "[") {
		return slowKey(in, s[1:len(s)-1])
	}
	if len(args) == 1 {
		v, ok := in[s]
		return shown{v.String(), v.Type, ok}
	}
	return slowCall(in, args[0], args[1:])
}

func slowCall(in row, name string, args []string) shown {
	key := func(i int) shown { return slowKey(in, args[i]) }
	lit := func(i int) string { return plainText(args[i]) }
	truth := func(b bool) shown { return shown{strconv.FormatBool(b), Bool, true} }
	switch name {
	case "null":
		if v := key(0); v.ok {
			return v
		}
		if len(args) == 1 {
			return shown{"null", Text, true}
		}
		return shown{lit(1), Text, true}
	case "or":
		for i := range args {
			if v := key(i); v.ok {
				return v
			}
		}
	case "if":
		if v := key(0); v.ok && v.text == lit(1) {
			return key(2)
		}
		return key(3)
	case "eq":
		if a, b := key(0), key(1); a.ok && b.ok {
			return truth(a.text == b.text)
		}
	case "range":
		f, ok := slowNumber(key(0))
		if !ok {
			return shown{}
		}
		low, _ := strconv.ParseFloat(lit(1), 64)
		high := math.Inf(1)
		if len(args) > 2 {
			high, _ = strconv.ParseFloat(lit(2), 64)
		}
		return truth(low <= f && f <= high)
	default:
		return slowText(in, name, args)
	}
	return shown{}
}

var slowMAC = regexp.MustCompile(`(?i)^(([0-9a-f]{2}:){5}[0-9a-f]{2}|([0-9a-f]{2}-){5}[0-9a-f]{2}|` +
	`([0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{12})$`)

func slowNumber(v shown) (float64, bool) {
	switch v.typ {
	case Bool:
		return float64(len("false") - len(v.text)), v.ok
	case Bits:
		n, _ := strconv.ParseUint(v.text, 2, 64)
		return float64(n), v.ok
	case Int, Uint, Float, Text:
		f, err := strconv.ParseFloat(v.text, 64)
		return f, v.ok && err == nil
	}
	return 0, false
}

func slowText(in row, name string, args []string) shown {
	if name == "concat" {
		var texts []string
		for _, a := range args[1:] {
			v := slowKey(in, a)
			if !v.ok {
				return shown{}
			}
			texts = append(texts, v.text)
		}
		return shown{strings.Join(texts, plainText(args[0])), Text, true}
	}
	v := slowKey(in, args[0])
	if !v.ok {
		return shown{}
	}
	switch name {
	case "prefix", "suffix":
		delim := plainText(args[1])
		n, _ := strconv.Atoi(args[2])
		parts := strings.Split(v.text, delim)
		n = min(n, len(parts))
		if name == "suffix" {
			return shown{strings.Join(parts[len(parts)-n:], delim), Text, true}
		}
		return shown{strings.Join(parts[:n], delim), Text, true}
	case "first":
		for _, part := range strings.Split(v.text, plainText(args[1])) {
			for _, t := range args[2:] {
				if part == plainText(t) {
					return shown{part, Text, true}
				}
			}
		}
		return shown{}
	case "mask":
		bits, _ := strconv.Atoi(args[1])
		if v.typ != IPv4 && v.typ != IPv6 {
			return shown{}
		}
		a := netip.MustParseAddr(v.text)
		p, _ := a.Prefix(min(bits, a.BitLen()))
		return shown{strings.ToUpper(p.String()), Text, true}
	case "len":
		return shown{strconv.Itoa(len(v.text)), Uint, true}
	case "upper":
		return shown{strings.ToUpper(v.text), Text, true}
	case "lower":
		return shown{strings.ToLower(v.text), Text, true}
	}
	panic("slow twin does not know " + name)
}

func slowFilter(in row, s string) bool {
	s = strings.TrimSpace(s)
	if terms := cutOutside(s, '|'); len(terms) > 1 {
		for _, t := range terms {
			if slowFilter(in, t) {
				return true
			}
		}
		return false
	}
	if terms := cutOutside(s, '&'); len(terms) > 1 {
		for _, t := range terms {
			if !slowFilter(in, t) {
				return false
			}
		}
		return true
	}
	if s[0] == '(' {
		return slowFilter(in, s[1:len(s)-1])
	}
	return slowCompare(in, s)
}

func slowCompare(in row, s string) bool {
	sign, at := byte('='), len(cutOutside(s, '=')[0])
	if i := len(cutOutside(s, '~')[0]); i < at {
		sign, at = '~', i
	}
	left, negate := strings.CutSuffix(s[:at], "!")
	v, hit := slowKey(in, left), false
	for _, text := range cutOutside(s[at+1:], ',') {
		text = strings.TrimSpace(text)
		if text[0] == '\'' {
			text = text[1 : len(text)-1]
		}
		switch {
		case text == "null":
			hit = hit || !v.ok || v.text == "null"
		case !v.ok:
		case sign == '~':
			hit = hit || regexp.MustCompile(`\A(?:`+text+`)\z`).MatchString(v.text)
		default:
			hit = hit || slowSame(v, plainText(text))
		}
	}
	return hit != negate
}

// slowSame reads the text as a value of the type of the left side and compares how both are shown.
func slowSame(v shown, text string) bool {
	if v.text == text {
		return true
	}
	lower := strings.ToLower(text)
	switch v.typ {
	case Bool:
		return lower == "yes" && v.text == "true" || lower == "no" && v.text == "false" || lower == v.text
	case Uint, Int, Float:
		a, _ := strconv.ParseFloat(v.text, 64)
		b, err := strconv.ParseFloat(text, 64)
		return err == nil && a == b
	case IPv4, IPv6:
		b, err := netip.ParseAddr(text)
		return err == nil && b.Unmap() == netip.MustParseAddr(v.text).Unmap()
	case MAC:
		return strings.NewReplacer(":", "", "-", "", ".", "").Replace(lower) == strings.ToLower(v.text)
	case Text:
		if a, err := netip.ParseAddr(text); err == nil {
			return strings.ToUpper(a.Unmap().String()) == v.text
		}
		if p, err := netip.ParsePrefix(text); err == nil {
			return strings.ToUpper(p.Masked().String()) == v.text
		}
		if plain := strings.NewReplacer(":", "", "-", "", ".", "").Replace(text); slowMAC.MatchString(text) {
			return strings.ToUpper(plain) == v.text
		}
	}
	return false
}

// samples are texts that values of a type are drawn from, so that comparisons often hit.
var samples = map[Type][]string{
	Bool: {"true", "false"}, Uint: {"0", "1", "6", "17", "53", "443", "18446744073709549568"},
	Int: {"-5", "0", "7"}, Float: {"1.5", "-0.25", "6"}, IPv4: {"10.0.0.1", "10.0.1.1", "198.51.100.1"},
	IPv6: {"2001:DB8::1", "FE80::1:2", "2001:DB8:0:1::1"}, MAC: {"02000000000A", "FFFFFFFFFFFF"},
	Text: {"eth.ip.tcp", "eth.ip6.udp.dns", "org.", "", "null", "/a/b", "x,y=z", "6"}, Bits: {"000010010", "11", "001"},
}

// literals are right sides besides the samples themselves.
var literals = []string{"null", "yes", "NO", "True", "06", "6.0", "-5.0", "0.15e1", "fe80::1:2", "2001:db8:0::1",
	"::ffff:10.0.0.1", "02:00:00:00:00:0a", "ff-ff-ff-ff-ff-ff", "ffff.ffff.ffff", "10.0.1.7/24", "2001:db8::/32",
	"nope"}

var patterns = []string{".*", "eth.*", `10\.0\..+`, "[0-9]+", "true", "2001.*", ".......1.", "null", `\d`, "x.*"}

func drawRow(t *rapid.T) row {
	in := row{}
	for _, name := range fakeNames() {
		typ, known := fakeFields[name]
		if !known {
			typ = fakeFields["+"+strings.TrimSuffix(name, ".1")]
		}
		if typ == Null || name == "stack.1" {
			continue
		}
		if rapid.IntRange(0, 3).Draw(t, name+"?") > 0 {
			in[name] = value(typ, rapid.SampledFrom(samples[typ]).Draw(t, name))
		}
	}
	return in
}

func fakeNames() (names []string) {
	for name := range fakeFields {
		names = append(names, strings.TrimPrefix(name, "+"))
	}
	slices.Sort(names)
	return append(names, "nosuch", "ipsource.1", "stack.1")
}

// drawKey draws a key expression; inside tells that it is an argument.
func drawKey(t *rapid.T, depth int, inside bool) string {
	attribute := rapid.SampledFrom(fakeNames()).Draw(t, "attribute")
	if depth == 0 || rapid.IntRange(0, 1).Draw(t, "call") == 0 {
		return attribute
	}
	key := func() string { return drawKey(t, depth-1, true) }
	n := strconv.Itoa(rapid.IntRange(1, 4).Draw(t, "n"))
	text := rapid.SampledFrom([]string{"eth", "6", `x\:y`, "org", "true"}).Draw(t, "text")
	delim := rapid.SampledFrom([]string{".", "/", `\:`, `\,`, "th"}).Draw(t, "delim")
	call := rapid.SampledFrom([]func() string{
		func() string { return "null:" + key() },
		func() string { return "null:" + key() + ":" + text },
		func() string { return "or:" + key() + ":" + key() },
		func() string { return "if:" + key() + ":" + text + ":" + key() + ":" + key() },
		func() string { return "eq:" + attribute + ":" + attribute },
		func() string { return "range:" + attribute + ":" + n },
		func() string { return "range:" + attribute + ":0:" + n },
		func() string { return "concat:" + delim + ":" + key() + ":" + key() },
		func() string { return "prefix:" + key() + ":" + delim + ":" + n },
		func() string { return "suffix:" + key() + ":" + delim + ":" + n },
		func() string { return "first:" + key() + ":" + delim + ":" + text + ":ip:tcp" },
		func() string { return "mask:" + attribute + ":" + n },
		func() string { return "len:" + key() },
		func() string { return "upper:" + key() },
		func() string { return "lower:" + key() },
	}).Draw(t, "function")()
	if inside {
		return "[" + call + "]"
	}
	return call
}

func drawFilter(t *rapid.T, depth int) string {
	if depth > 0 && rapid.IntRange(0, 2).Draw(t, "join") > 0 {
		sign := rapid.SampledFrom([]string{"&", "|", " & ", "\t|\n"}).Draw(t, "sign")
		s := drawFilter(t, depth-1) + sign + drawFilter(t, depth-1)
		if rapid.Bool().Draw(t, "brackets") {
			s = "( " + s + ")"
		}
		return s
	}
	left := drawKey(t, 1, false)
	if rapid.Bool().Draw(t, "quoted key") {
		left = "'" + left + "'"
	}
	op := rapid.SampledFrom([]string{"=", "!=", "~", "!~", " = "}).Draw(t, "op")
	choices := literals
	if strings.Contains(op, "~") {
		choices = patterns
	} else {
		for _, typ := range []Type{Bool, Uint, Int, Float, IPv4, IPv6, MAC, Text, Bits} {
			choices = append(choices[:len(choices):len(choices)], samples[typ]...)
		}
	}
	var list []string
	for _, text := range rapid.SliceOfN(rapid.SampledFrom(choices), 1, 12).Draw(t, "list") {
		if text == "" || strings.ContainsAny(text, ",=") || rapid.Bool().Draw(t, "quoted") {
			text = "'" + text + "'"
		}
		list = append(list, text)
	}
	return left + op + strings.Join(list, ",")
}

func TestFilterAgainstSlowTwin(t *testing.T) {
	in := row{}
	c := NewCompiler(rowFields(&in))
	rapid.Check(t, func(t *rapid.T) {
		expr := drawFilter(t, 3)
		f, err := c.Filter(expr)
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		for range 3 {
			in = drawRow(t)
			if got, want := f(&Record{}), slowFilter(in, expr); got != want {
				t.Fatalf("%s = %v, slow twin says %v, of %v", expr, got, want, in)
			}
		}
	})
}

func TestKeysAgainstSlowTwin(t *testing.T) {
	in := row{}
	c := NewCompiler(rowFields(&in))
	rapid.Check(t, func(t *rapid.T) {
		list := drawKey(t, 3, false) + "," + drawKey(t, 3, false)
		k, err := c.Keys(list)
		if err != nil {
			t.Fatalf("%s: %v", list, err)
		}
		in = drawRow(t)
		parts := cutOutside(list, ',')
		a, b := slowKey(in, parts[0]), slowKey(in, parts[1])
		key, ok := k.Append(nil, &Record{})
		if ok != (a.ok && b.ok) {
			t.Fatalf("%s: %v, slow twin says %v and %v, of %v", list, ok, a, b, in)
		}
		if got := string(AppendKeyText(nil, key, " ; ")); ok && got != a.text+" ; "+b.text {
			t.Fatalf("%s = %s, slow twin says %s ; %s", list, got, a.text, b.text)
		}
	})
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{"ipprotocol=6,17", "'a'='b'&(c!~d|e~'f,(g)')", `concat:\::a:b!=x\,y,'z\''`, "a=null",
		"((a=1"} {
		f.Add(s)
	}
	for _, s := range benchFilters {
		f.Add(s)
	}
	in := tcpRow()
	c := NewCompiler(rowFields(&in))
	f.Fuzz(func(t *testing.T, expr string) {
		filter, err := c.Filter(expr)
		if err != nil {
			checkFault(t, expr, err)
			return
		}
		if filter != nil {
			filter(&Record{})
		}
	})
}

func FuzzKeys(f *testing.F) {
	for _, s := range []string{"ipsource,ipdestination", "if:[first:stack:.:ip:ip6]:ip:ipsource:ip6source",
		`null:a:\,,'b'`, "prefix:[uri:httpurl:normalized]:/:2,hash:a:b,oui:macsource",
		"mask:ip6source:65,range:ipbytes::5", "[[a", "uri:[uri:stack:file]:host"} {
		f.Add(s)
	}
	in := tcpRow()
	c := NewCompiler(rowFields(&in))
	f.Fuzz(func(t *testing.T, list string) {
		_, verr := c.Value(list)
		k, err := c.Keys(list)
		if err != nil {
			checkFault(t, list, err)
		} else {
			k.Append(nil, &Record{})
		}
		if verr != nil {
			checkFault(t, list, verr)
		}
	})
}

// FuzzURI checks that the parts of a URI are parts of its text, and that normalizing twice changes nothing.
func FuzzURI(f *testing.F) {
	for _, s := range []string{"http://a@b:1/c/../d?e#f", "mailto:a@b", "//h", "/../..//x/./", "a:b:c",
		"http://[::1]:80/", "?", "#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u := cutURI([]byte(s))
		for p := uriScheme; p <= uriFragment; p++ {
			if !strings.Contains(s, string(u.part(p))) {
				t.Errorf("part %d of %q is %q", p, s, u.part(p))
			}
		}
		if n := u.appendNormal(nil); len(n) > len(s) {
			t.Errorf("%q normalized is longer: %q", s, n)
		}
	})
}

func checkFault(t *testing.T, text string, err error) {
	t.Helper()
	se, ok := err.(*SyntaxError)
	if !ok || se.Expr != text || se.Pos < 0 || se.Pos > len(text) || se.Msg == "" || se.Error() == "" {
		t.Errorf("%q: %#v", text, err)
	}
}
