package sflow

import (
	"fmt"

	"weir/schema"
)

// nextLegacy reads a sample of versions 2 and 4. They have no lengths: where a structure ends is known only by reading
// it, and an unknown tag ends the datagram (wire-formats 1.10).
func (d *Datagram) nextLegacy(s *Sample) error {
	w := Walk{b: d.b, off: d.off}
	at, tag := d.off, w.U32()
	s.Off, s.Format = uint32(w.off), tag
	var err error
	switch {
	case !w.OK():
		return fmt.Errorf("sflow: sample %d of %d is missing: the datagram ends at byte %d",
			d.Samples-d.left, d.Samples, len(d.b))
	case tag == 1:
		err = d.legacyFlow(s, &w)
	case tag == 2:
		err = d.legacyCounters(s, &w)
	default:
		err = fmt.Errorf("sflow: version %d sample of unknown type %d at byte %d, its length is not known",
			d.Version, tag, at)
	}
	s.Len, d.off = uint32(w.off)-s.Off, w.off
	return err
}

func (d *Datagram) legacyEnterprise() uint32 { return 1<<20 | d.Version }

func (d *Datagram) legacyFlow(s *Sample, w *Walk) error {
	s.Kind, s.Sequence = FlowSample, w.U32()
	s.compactSource(w.U32())
	s.Rate, s.Pool, s.Drops = w.U32(), w.U32(), w.U32()
	s.In.Value = w.U32()
	if out := w.U32(); out>>31 != 0 {
		s.Out = schema.Port{Format: schema.PortMultiple, Value: out & 0x7fffffff}
	} else {
		s.Out.Value = out
	}
	at, tag := w.off, w.U32()
	r := Record{Format: tag, Off: uint32(w.off)}
	switch tag {
	case 1:
		r.Enterprise = d.legacyEnterprise()
		w.Fixed(8)
		w.Opaque()
	case 2:
		r.Format = 3
		w.Fixed(32)
	case 3:
		r.Format = 4
		w.Fixed(56)
	default:
		return d.legacyUnknown("packet data", tag, at)
	}
	if err := d.legacyAdd(s, w, r); err != nil {
		return err
	}
	count := w.U32()
	for range count {
		if err := d.legacyExtended(s, w); err != nil {
			return err
		}
	}
	return d.legacyCut(w)
}

func (d *Datagram) legacyExtended(s *Sample, w *Walk) error {
	at, tag := w.off, w.U32()
	r := Record{Format: 1000 + tag, Off: uint32(w.off)}
	switch tag {
	case 1:
		w.Fixed(16)
	case 2:
		w.Address()
		w.Fixed(8)
	case 3:
		r.Enterprise = d.legacyEnterprise()
		d.legacyGateway(w)
	case 4:
		r.Enterprise = d.legacyEnterprise()
		w.Opaque()
		w.Opaque()
	case 5:
		r.Enterprise = d.legacyEnterprise()
		w.U32()
		w.Opaque()
	default:
		if !w.OK() {
			return d.legacyCut(w)
		}
		return d.legacyUnknown("extended data", tag, at)
	}
	return d.legacyAdd(s, w, r)
}

func (d *Datagram) legacyGateway(w *Walk) {
	w.Fixed(12)
	if d.Version == 2 {
		w.Words()
		return
	}
	for n := w.U32(); n > 0 && w.OK(); n-- {
		w.U32()
		w.Words()
	}
	w.Words()
	w.U32()
}

func (d *Datagram) legacyCounters(s *Sample, w *Walk) error {
	s.Kind, s.Sequence = CounterSample, w.U32()
	s.compactSource(w.U32())
	s.Interval = w.U32()
	at, tag := w.off, w.U32()
	if tag < 1 || tag > 7 {
		return d.legacyUnknown("counters", tag, at)
	}
	if tag != 7 {
		if err := d.legacyBlock(s, w, 1, 88); err != nil {
			return err
		}
	}
	switch tag {
	case 2:
		return d.legacyBlock(s, w, 2, 52)
	case 3:
		return d.legacyBlock(s, w, 3, 72)
	case 5:
		return d.legacyBlock(s, w, 4, 80)
	case 7:
		return d.legacyBlock(s, w, 5, 28)
	}
	return nil
}

// legacyBlock reads a counter block that is laid out as version 5's 0:format.
func (d *Datagram) legacyBlock(s *Sample, w *Walk, format uint32, size int) error {
	r := Record{Format: format, Off: uint32(w.off)}
	w.Fixed(size)
	return d.legacyAdd(s, w, r)
}

func (d *Datagram) legacyAdd(s *Sample, w *Walk, r Record) error {
	if !w.OK() {
		return d.legacyCut(w)
	}
	r.Len = uint32(w.off) - r.Off
	s.Records = append(s.Records, r)
	return nil
}

func (d *Datagram) legacyCut(w *Walk) error {
	if w.OK() {
		return nil
	}
	return fmt.Errorf("sflow: version %d sample %d of %d is cut: the datagram ends at byte %d",
		d.Version, d.Samples-d.left, d.Samples, len(d.b))
}

func (d *Datagram) legacyUnknown(what string, tag uint32, at int) error {
	return fmt.Errorf("sflow: version %d %s of unknown type %d at byte %d, its length is not known",
		d.Version, what, tag, at)
}
