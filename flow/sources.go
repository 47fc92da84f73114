package flow

import "weir/schema"

// place is a source that some pool belongs to.
type place struct {
	source schema.Source
	pools  int
}

// sources numbers the sources that the definitions of a table follow. An exporter as a whole is the source that has
// nothing but the exporter.
type sources struct {
	ids   map[schema.Source]uint32
	list  []place
	free  []uint32
	limit int
	// The last answers, because records of one datagram are of one source.
	lastSource, lastExporter schema.Source
	lastID, lastExporterID   uint32
	hasLast, hasLastExporter bool
}

// find returns the number of a source and makes one when there is none; false when the limit is reached.
func (s *sources) find(src *schema.Source) (uint32, bool) {
	if id, ok := s.ids[*src]; ok {
		return id, true
	}
	if len(s.ids) >= s.limit {
		return 0, false
	}
	id := uint32(len(s.list))
	if n := len(s.free); n > 0 {
		id, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.list = append(s.list, place{})
	}
	s.list[id] = place{source: *src}
	s.ids[*src] = id
	return id, true
}

// datasource returns the number of the source of a record.
func (s *sources) datasource(src *schema.Source) (uint32, bool) {
	if s.hasLast && s.lastSource == *src {
		return s.lastID, true
	}
	id, ok := s.find(src)
	s.lastSource, s.lastID, s.hasLast = *src, id, ok
	return id, ok
}

// exporter returns the number of the exporter of a record.
func (s *sources) exporter(src *schema.Source) (uint32, bool) {
	if s.hasLastExporter && s.lastExporter.Exporter == src.Exporter {
		return s.lastExporterID, true
	}
	whole := schema.Source{Exporter: src.Exporter}
	id, ok := s.find(&whole)
	s.lastExporter, s.lastExporterID, s.hasLastExporter = whole, id, ok
	return id, ok
}

// releaseUnused forgets a source that no pool belongs to.
func (s *sources) releaseUnused(id uint32) {
	if s.list[id].pools > 0 {
		return
	}
	delete(s.ids, s.list[id].source)
	s.list[id] = place{}
	s.free = append(s.free, id)
	s.hasLast, s.hasLastExporter = false, false
}
