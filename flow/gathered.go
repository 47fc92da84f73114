package flow

import "weir/schema"

// alike lists the attributes that are the same in all frames which a session gathers into one record. A definition that
// asks for any other is fed frame by frame. "bytes" and "frames" are here because a record says how many there were.
var alike = map[string]bool{
	"agent": true, "datasource": true, "inputifindex": true, "outputifindex": true, "direction": true,
	"samplingrate": true, "bytes": true, "frames": true,
	"macsource": true, "macdestination": true, "ethernetprotocol": true, "vlan": true,
	"isbroadcast": true, "ismulticast": true, "isunicast": true,
	"ipsource": true, "ipdestination": true, "ip6source": true, "ip6destination": true,
	"ipprotocol": true, "ip6nexthdr": true, "iptos": true,
	"tcpsourceport": true, "tcpdestinationport": true, "udpsourceport": true, "udpdestinationport": true,
	"sourcegroup": true, "destinationgroup": true,
}

// additive tells whether the value of several frames together is the sum of theirs, and Record has that sum.
func (g *gauge) additive() bool { return g.kind == decaying && g.origin != fromEval }

// ObserveFrame counts one captured frame that a session has taken: in the definitions that have to see every frame.
// The others get it with ObserveGathered.
func (t *Table) ObserveFrame(r *schema.Record) {
	for _, p := range t.frames {
		p.books.Observed++
		*t.observe(p, r)++
	}
}

// ObserveGathered counts what sessions gathered since the last tick: in the definitions that ObserveFrame leaves out.
func (t *Table) ObserveGathered(r *schema.Record) {
	for _, p := range t.packets {
		if p.gathered {
			p.books.Observed++
			*t.observe(p, r)++
		}
	}
}
