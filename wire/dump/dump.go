package dump

import (
	"io"

	"weir/schema"
	"weir/wire"
	"weir/wire/netflow"
	"weir/wire/sflow"
)

// Dumper writes lines. One goroutine.
type Dumper struct {
	w       io.Writer
	line    line
	err     error // of writing
	headers schema.Headers

	datagram sflow.Datagram
	sample   sflow.Sample
	netflow  *netflow.Decoder
	record   func(*netflow.Record)
	seen     map[schema.Tag]int // elements of the record in hand
	names    map[string]int     // custom fields of the sample in hand
}

// New returns a Dumper that writes to w: text for people, or JSON, one object a line. c bounds what it remembers of
// NetFlow and IPFIX exporters, and says how long data waits for its template.
func New(w io.Writer, asJSON bool, c netflow.Config) *Dumper {
	d := &Dumper{w: w, netflow: netflow.New(c), seen: map[schema.Tag]int{}, names: map[string]int{}}
	d.line.json = asJSON
	d.record = d.flowRecord
	return d
}

// Telemetry writes the lines of one UDP payload that an exporter sent; a payload that cannot be read, or not to its
// end, gives a line "malformed" with the reason. A NetFlow or IPFIX payload with templates, with data that has no
// template yet, or with damage that could be stepped over gives a line "datagram" that counts them. The error is that
// of writing.
func (d *Dumper) Telemetry(dg *wire.Datagram) error {
	var err error
	if v := wire.Sniff(dg.Data); v >= wire.SFlow2 && v <= wire.SFlow5 {
		err = d.sflow(dg)
	} else {
		before := d.netflow.Stats()
		err = d.netflow.Decode(dg.At, dg.From, dg.Data, d.record)
		d.aside(dg, before, d.netflow.Stats())
	}
	if err != nil {
		d.Damaged(dg, err.Error())
	}
	return d.err
}

// Damaged writes a line that says why a datagram, or the rest of it, is not shown. The error is that of writing.
func (d *Dumper) Damaged(dg *wire.Datagram, why string) error {
	l := &d.line
	l.start("malformed")
	l.at("at", dg.At)
	l.addr("from", dg.From)
	l.uint("port", uint64(dg.Port))
	l.uint("bytes", uint64(len(dg.Data)))
	l.str("reason", why)
	d.end()
	return d.err
}

// end writes the line. After an error of writing nothing is written any more.
func (d *Dumper) end() {
	if d.err == nil {
		d.err = d.line.end(d.w)
	}
}

// Stats returns what the NetFlow and IPFIX decoder counted.
func (d *Dumper) Stats() netflow.Stats { return d.netflow.Stats() }
