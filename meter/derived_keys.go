package meter

import (
	"encoding/binary"
	"fmt"
	"strings"

	"weir/key"
	"weir/schema"
)

// InferForm gives a group of kind keys that does not say which kinds its keys are those that its expressions have:
// addresses and MAC addresses, else text. It changes no other group. Call it before Complete. The error is one about
// the expressions.
func (g *Group) InferForm(c *schema.Compiler) error {
	if g.Kind != KindKeys && g.Kind != "" || len(g.Form) > 0 {
		return nil
	}
	keys, err := c.Keys(strings.Join(g.Keys, ","))
	if err != nil {
		return fmt.Errorf("group %q: keys: %w", g.Name, err)
	}
	g.Form = key.Form{key.Text}
	if n := len(keys.Exprs); n == 0 || n > key.MaxParts {
		return nil
	}
	form, plain := make(key.Form, len(keys.Exprs)), true
	for i, e := range keys.Exprs {
		switch e.Type {
		case schema.IPv4, schema.IPv6:
			form[i] = key.Host
		case schema.MAC:
			form[i] = key.MAC
		default:
			form[i] = key.Text
			continue
		}
		plain = false
	}
	if len(form) == 1 || !plain {
		g.Form = form
	}
	return nil
}

// deriveKeys counts a record under the key that expressions make of it.
func (b *Board) deriveKeys(d *derived, r *schema.Record) {
	if d.filter != nil && !d.filter(r) {
		return
	}
	g, v := d.c.g, &b.out
	k := b.key[:0]
	joined := len(g.Form) != len(d.keys.Exprs)
	for i, e := range d.keys.Exprs {
		v.SetNull()
		e.Eval(r, v)
		if v.IsNull() {
			return
		}
		if joined {
			if i > 0 {
				k = append(k, ',')
			}
			k = v.AppendText(k)
			continue
		}
		at := len(k)
		if len(g.Form) > 1 {
			k = append(k, 0)
		}
		ok := false
		if k, ok = appendValue(k, g.Form[i], v); !ok {
			b.counts.Unfit++
			return
		}
		if len(g.Form) > 1 {
			k = k[:min(len(k), at+256)]
			k[at] = byte(len(k) - at - 1)
		}
	}
	b.key = k
	m := b.facts.goes
	if g.Form[0] == key.Host {
		if part := g.Form.Part(k, 0); len(part) > 0 {
			a := schema.AddrFrom(part)
			if b.isHome(a) {
				m |= atHome
			}
			m |= b.sideOf(a)
		}
	}
	d.c.add(d.c.find(k), m, &b.facts.amounts)
}

// sideOf tells on which side of the record in hand an address is.
func (b *Board) sideOf(a schema.Addr) manner {
	f := &b.facts
	switch {
	case f.ip == 0:
		return 0
	case b.ends.slots[f.src].addr == a:
		return sideSrc
	case b.ends.slots[f.dst].addr == a:
		return sideDst
	}
	return 0
}

// appendValue appends the binary key of a kind that a value is; ok is false when it is none.
func appendValue(dst []byte, k key.Kind, v *schema.Value) (key []byte, ok bool) {
	switch width := widthOf(k); {
	case isText(k):
		return v.AppendText(dst), true
	case isHost(k):
		if a, ok := v.Addr(); ok {
			return append(dst, hostKey(&a)...), true
		}
	case isMAC(k) && v.Type == schema.MAC && len(v.B) == 6:
		return append(dst, v.B...), true
	case width > 0:
		if n, ok := v.Number(); ok && n >= 0 && n < float64(uint64(1)<<(8*width)) && n == float64(uint64(n)) {
			var b [8]byte
			binary.BigEndian.PutUint64(b[:], uint64(n))
			return append(dst, b[8-width:]...), true
		}
	}
	return parseValue(dst, k, v)
}

func isText(k key.Kind) bool { return k == key.Text || k == key.Direction }
func isHost(k key.Kind) bool { return k == key.Host }
func isMAC(k key.Kind) bool  { return k == key.MAC }

// widthOf returns the bytes of kinds that are numbers, else 0.
func widthOf(k key.Kind) int {
	switch k {
	case key.Protocol, key.DSCP, key.Length:
		return 1
	case key.App, key.EtherType, key.VLAN, key.ICMP:
		return 2
	case key.MPLS, key.ASN:
		return 4
	}
	return 0
}

// parseValue reads the text of a value as a key of the kind, for kinds that no value is.
func parseValue(dst []byte, k key.Kind, v *schema.Value) ([]byte, bool) {
	bin, err := key.Form{k}.Parse(string(v.AppendText(nil)))
	if err != nil {
		return dst, false
	}
	return append(dst, bin...), true
}
