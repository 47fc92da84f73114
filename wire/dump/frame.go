package dump

import (
	"encoding/binary"
	"strings"

	"weir/schema"
	"weir/wire"
	"weir/wire/packet"
)

// Frame writes the line of one captured frame: the parts are its headers, outermost first. The error is that of
// writing.
func (d *Dumper) Frame(dg *wire.Datagram) error {
	length := max(dg.Length, uint32(len(dg.Data)))
	packet.Parse(&d.headers, dg.Link, dg.Data, length)
	l := &d.line
	l.start("frame")
	l.at("at", dg.At)
	l.uint("interface", uint64(dg.Interface))
	name, ok := linkNames[dg.Link]
	l.meaning("link", uint64(dg.Link), name, ok)
	l.uint("length", uint64(dg.Length))
	l.uint("captured", uint64(len(dg.Data)))
	if d.headers.Truncated {
		l.bool("truncated", true)
	}
	if d.headers.Malformed {
		l.bool("malformed", true)
	}
	d.layers(dg.Data)
	d.end()
	return d.err
}

var linkNames = map[schema.LinkType]string{
	schema.LinkNull: "null", schema.LinkEthernet: "ethernet", schema.LinkTokenRing: "token_ring", schema.LinkPPP: "ppp",
	schema.LinkFDDI: "fddi", schema.LinkRawBSD: "raw", schema.LinkRawOpenBSD: "raw", schema.LinkPPPHDLC: "ppp_hdlc",
	schema.LinkPPPoE: "pppoe", schema.LinkRaw: "raw", schema.LinkCiscoHDLC: "c_hdlc", schema.Link80211: "802.11",
	schema.LinkLoop: "loop", schema.LinkSLL: "linux_sll", schema.LinkRadiotap: "802.11_radiotap", schema.LinkPPI: "ppi",
	schema.LinkMPLS: "mpls", schema.LinkIPv4: "ipv4", schema.LinkIPv6: "ipv6", schema.LinkNFLOG: "nflog",
	schema.LinkSLL2: "linux_sll2",
}

// layers writes the headers that d.headers lists of a frame.
func (d *Dumper) layers(frame []byte) {
	for i := range d.headers.N {
		layer := &d.headers.Layers[i]
		b := packet.Bytes(layer, frame)
		if layer.Kind == schema.LayerPayload {
			d.line.begin("payload")
			d.line.uint("bytes", uint64(len(b)))
			continue
		}
		h := layoutOf(layer)
		d.line.begin(h.name)
		rest := d.cells(h.cells, b)
		if h.more != nil {
			h.more(d, frame, b)
		} else if len(rest) > 0 {
			d.line.hex("more", rest)
		}
	}
}

// cells writes the fields of a header as far as it was captured, and returns the bytes behind them.
func (d *Dumper) cells(list []cell, b []byte) (rest []byte) {
	bit := 0
	for _, c := range list {
		if (bit+c.bits+7)/8 > len(b) {
			return nil
		}
		d.cell(c, b, bit)
		bit += c.bits
	}
	return b[(bit+7)/8:]
}

func (d *Dumper) cell(c cell, b []byte, bit int) {
	l := &d.line
	switch c.form {
	case hidden:
	case asBytes:
		l.hex(c.name, b[bit/8:(bit+c.bits)/8])
	case asMAC:
		l.mac(c.name, b[bit/8:bit/8+6])
	case asAddress:
		l.ip(c.name, b[bit/8:(bit+c.bits)/8])
	case asHex:
		l.hexNumber(c.name, bits(b, bit, c.bits), c.bits)
	case asFlags:
		l.str(c.name, tcpFlags(bits(b, bit, c.bits)))
	case asFlag:
		l.bool(c.name, bits(b, bit, c.bits) != 0)
	default:
		l.uint(c.name, bits(b, bit, c.bits))
	}
}

// bits reads n bits (at most 64) from bit off on, most significant first.
func bits(b []byte, off, n int) (v uint64) {
	for i := off; i < off+n; i++ {
		v = v<<1 | uint64(b[i/8]>>(7-i%8)&1)
	}
	return v
}

// tcpFlags names the flags that are set, the rarest first; "none" when none is.
func tcpFlags(n uint64) string {
	var set []string
	for i, name := range [...]string{"AE", "CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"} {
		if n>>(8-i)&1 != 0 {
			set = append(set, name)
		}
	}
	if set == nil {
		return "none"
	}
	return strings.Join(set, ",")
}

// arpAddresses writes the addresses of an ARP message by the lengths that it tells.
func arpAddresses(d *Dumper, _, b []byte) {
	if len(b) < 8 {
		return
	}
	hardware, protocol := int(b[4]), int(b[5])
	if len(b) < 8+2*(hardware+protocol) {
		return
	}
	b = b[8:]
	for _, end := range [...]string{"sender", "target"} {
		if hardware == 6 {
			d.line.mac(end+"_mac", b[:6])
		} else {
			d.line.hex(end+"_hardware", b[:hardware])
		}
		b = b[hardware:]
		if protocol == 4 {
			d.line.ip(end+"_ip", b[:4])
		} else {
			d.line.hex(end+"_protocol", b[:protocol])
		}
		b = b[protocol:]
	}
}

// greFields writes the words that the flags of a GRE header say are there.
func greFields(d *Dumper, _, b []byte) {
	if len(b) < 4 {
		return
	}
	flags, rest := binary.BigEndian.Uint16(b), b[4:]
	word := func(name string, there bool) {
		if there && len(rest) >= 4 {
			d.line.hexNumber(name, uint64(binary.BigEndian.Uint32(rest)), 32)
			rest = rest[4:]
		}
	}
	version := flags & 7
	word("checksum_offset", flags&0xc000 != 0 && version == 0)
	word("key", flags&0x2000 != 0)
	word("sequence", flags&0x1000 != 0)
	word("acknowledgement", flags&0x0080 != 0 && version == 1)
	if len(rest) > 0 {
		d.line.hex("more", rest)
	}
}

// snapFields writes the SNAP header that follows an LLC header of its own service access point.
func snapFields(d *Dumper, _, b []byte) {
	if len(b) >= 8 && b[0]&0xfe == 0xaa {
		d.line.hex("oui", b[3:6])
		d.line.hexNumber("ethertype", uint64(binary.BigEndian.Uint16(b[6:])), 16)
	}
}

// dnsQuestion writes the first question of a DNS message.
func dnsQuestion(d *Dumper, frame, _ []byte) {
	q, ok := packet.FirstQuestion(d.line.text[:0], &d.headers, frame)
	if !ok {
		return
	}
	d.line.text = q.Name
	d.line.str("name", string(q.Name))
	d.line.uint("query_type", uint64(q.Type))
	d.line.uint("query_class", uint64(q.Class))
}

// noMore is for headers whose further bytes say nothing that a person reads.
func noMore(*Dumper, []byte, []byte) {}
