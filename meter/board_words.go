package meter

import (
	"fmt"
	"maps"
	"slices"

	"weir/schema"
)

// fact is a number that a record has, by its place in amounts.values. Those from factMeasures on are value expressions
// of user-defined groups, and stand in measure.value.
type fact uint8

const (
	factBytes fact = iota
	factPackets
	factFlows
	factRecords
	factIfIn  // bytes, when the interface in is known
	factIfOut // bytes, when the interface out is known
	factL2Broadcast
	factL2Multicast
	factL2Unicast
	factL3Broadcast
	factL3Multicast
	factL3Unicast
	factSYN // from here on to factFragments only when facts.rare
	factSYNACK
	factFinRst
	factFragments
	factActive // these are known at the beginning and the end of a session only
	factActiveTCP
	factNew
	factNewTCP
	numFacts
	factMeasures = 32
)

// maxMeasures is how many different value expressions the groups in force may have together.
const maxMeasures = 256 - factMeasures

// manner is how a key is touched by a record: on which side, whether it is of the home networks, and the direction of
// the traffic. Which meters grow depends on nothing else.
type manner uint8

const (
	sideSrc   manner = 1 << 3 // the key is about the sender
	sideDst   manner = 1 << 4 // about the receiver; neither: about the traffic as a whole
	atHome    manner = 1 << 5
	directed  manner = 7
	manners          = 64
	goesNone  manner = 0 // not IP
	goesOut   manner = 1
	goesIn    manner = 2
	goesAtHom manner = 3
	goesBy    manner = 4
)

// phase is when a word is fed.
type phase uint8

const (
	often phase = iota
	rare        // only when facts.rare
	edges       // only at the beginning and end of sessions
)

// word is what a Feed may say.
type word struct {
	fact  fact
	phase phase
	// need must be in the manner, on the bits of mask.
	mask, need manner
	doc        string
}

// words are the feeds that the board knows; others are value expressions of the flow language.
var words = map[string]word{
	"bytes":              {fact: factBytes, doc: "bytes: frame lengths, or the layer 3 bytes of flow records"},
	"packets":            {fact: factPackets, doc: "packets"},
	"flows":              {fact: factFlows, doc: "flows that flow records stand for"},
	"records":            {fact: factRecords, doc: "flow records"},
	"tx.bytes":           {fact: factBytes, mask: sideSrc, need: sideSrc, doc: "bytes that the key sent"},
	"rx.bytes":           {fact: factBytes, mask: sideDst, need: sideDst, doc: "bytes that the key received"},
	"tx.packets":         {fact: factPackets, mask: sideSrc, need: sideSrc, doc: "packets that the key sent"},
	"rx.packets":         {fact: factPackets, mask: sideDst, need: sideDst, doc: "packets that the key received"},
	"home.bytes":         {fact: factBytes, mask: atHome, need: atHome, doc: "bytes of keys of the home networks"},
	"external.bytes":     {fact: factBytes, mask: atHome, doc: "bytes of keys outside the home networks"},
	"into.bytes":         {fact: factBytes, mask: directed, need: goesIn, doc: "bytes into the home networks"},
	"outof.bytes":        {fact: factBytes, mask: directed, need: goesOut, doc: "bytes out of the home networks"},
	"internal.bytes":     {fact: factBytes, mask: directed, need: goesAtHom, doc: "bytes inside the home networks"},
	"transit.bytes":      {fact: factBytes, mask: directed, need: goesBy, doc: "bytes that pass the home networks by"},
	"if.in.bytes":        {fact: factIfIn, doc: "bytes of flow records that came in by a known interface"},
	"if.out.bytes":       {fact: factIfOut, doc: "bytes of flow records that went out by a known interface"},
	"l2.broadcast.bytes": {fact: factL2Broadcast, doc: "bytes to the MAC address of all"},
	"l2.multicast.bytes": {fact: factL2Multicast, doc: "bytes to MAC addresses of groups"},
	"l2.unicast.bytes":   {fact: factL2Unicast, doc: "bytes to MAC addresses of one station"},
	"l3.broadcast.bytes": {fact: factL3Broadcast, doc: "bytes to 255.255.255.255"},
	"l3.multicast.bytes": {fact: factL3Multicast, doc: "bytes to IP addresses of groups"},
	"l3.unicast.bytes":   {fact: factL3Unicast, doc: "bytes to IP addresses of one host"},
	"syn":                {fact: factSYN, phase: rare, doc: "TCP segments with SYN without ACK"},
	"synack":             {fact: factSYNACK, phase: rare, doc: "TCP segments with SYN and ACK"},
	"finrst":             {fact: factFinRst, phase: rare, doc: "TCP segments with FIN or RST"},
	"syn.tx":             {factSYN, rare, sideSrc, sideSrc, "SYN without ACK that the key sent"},
	"syn.rx":             {factSYN, rare, sideDst, sideDst, "SYN without ACK that the key received"},
	"synack.tx":          {factSYNACK, rare, sideSrc, sideSrc, "SYN with ACK that the key sent"},
	"synack.rx":          {factSYNACK, rare, sideDst, sideDst, "SYN with ACK that the key received"},
	"finrst.tx":          {factFinRst, rare, sideSrc, sideSrc, "FIN or RST that the key sent"},
	"finrst.rx":          {factFinRst, rare, sideDst, sideDst, "FIN or RST that the key received"},
	"fragments":          {fact: factFragments, phase: rare, doc: "fragments of IP datagrams"},
	"active":             {fact: factActive, phase: edges, doc: "sessions that are live"},
	"active.tcp":         {fact: factActiveTCP, phase: edges, doc: "TCP sessions that are live"},
	"new":                {fact: factNew, phase: edges, doc: "sessions that began"},
	"new.tcp":            {fact: factNewTCP, phase: edges, doc: "TCP sessions that began"},
}

// outside are feeds that others than Observe and Session serve, by Count.
var outside = map[string]string{
	"":             "nothing but scripts and Count",
	"export.bytes": "bytes of export datagrams",
	"alerts":       "alerts about the key",
	"alerts.from":  "alerts that the key is the source of",
	"alerts.to":    "alerts that the key is the target of",
}

// FeedWords returns the words that the Feed of a meter may say, each with what it means; other feeds are value
// expressions of the flow language, in groups of kind keys only.
func FeedWords() map[string]string {
	all := map[string]string{}
	for name, w := range words {
		all[name] = w.doc
	}
	for name, doc := range outside {
		if name != "" {
			all[name] = doc
		}
	}
	return all
}

// addition says that a cell grows by a fact.
type addition struct {
	cell uint8
	fact fact
}

// recipe is what a touch in one manner does to a row. It fills one line of the processor's cache.
type recipe struct {
	often   uint8 // adds[:often] always
	rare    uint8 // adds[often:rare] only when facts.rare
	primary fact  // what the primary meter grows by, when primed
	primed  bool
	adds    [24]addition
	more    *seldom // nil for most
}

// seldom is the rest of a recipe.
type seldom struct {
	edges   []addition // at the beginning and the end of sessions only
	written []addition // not sums of words: by the rule of the meter's type; sums that had no room are here too
}

// measure is a value expression of a user-defined group. Groups that ask for the same one share it.
type measure struct {
	*schema.Measure
	seen  uint64 // the record that it was last read of
	part  int    // and the slice of it
	value float64
}

// recipes works out what each manner of touch does to the rows of a group.
func (p *plan) recipes(g *Group) ([manners]recipe, error) {
	var all [manners]recipe
	for _, m := range byPhase(g.Meters) {
		if _, ok := outside[m.Feed]; ok || m.Distinct {
			continue
		}
		w, ok := words[m.Feed]
		if !ok {
			f, err := p.measured(g, m)
			if err != nil {
				return all, err
			}
			w = word{fact: f}
		}
		if w.phase == edges && m.Type != Running && !m.Type.Summed() {
			return all, fmt.Errorf("group %q: meter %d: feed %q needs a meter of type running, counter or rate, not %v",
				g.Name, m.ID, m.Feed, m.Type)
		}
		for k := range manner(manners) {
			if k&w.mask == w.need {
				all[k].add(g, m, w)
			}
		}
	}
	return all, nil
}

// byPhase returns the meters with those that are fed rarely at the end.
func byPhase(meters []Meter) (list []*Meter) {
	for _, late := range []bool{false, true} {
		for i := range meters {
			if (words[meters[i].Feed].phase != often) == late {
				list = append(list, &meters[i])
			}
		}
	}
	return list
}

// add puts a meter into the recipe. Often ones must come before rare ones.
func (r *recipe) add(g *Group, m *Meter, w word) {
	a := addition{uint8(g.Cell(m.ID)), w.fact}
	if m.ID == g.Primary && w.phase == often {
		r.primary, r.primed = w.fact, true
	}
	plain := w.fact < factMeasures && (m.Type == Running || m.Type.Summed())
	if plain && w.phase != edges && int(r.rare) < len(r.adds) {
		r.adds[r.rare] = a
		r.rare++
		if w.phase == often {
			r.often++
		}
		return
	}
	if r.more == nil {
		r.more = &seldom{}
	}
	if w.phase == edges {
		r.more.edges = append(r.more.edges, a)
	} else {
		r.more.written = append(r.more.written, a)
	}
}

// measured returns the fact of a value expression.
func (p *plan) measured(g *Group, m *Meter) (fact, error) {
	for i := range p.measures {
		if p.measures[i].Text == m.Feed {
			return fact(factMeasures + i), nil
		}
	}
	if g.Kind == KindBuiltin || g.Kind == KindScript {
		return 0, hinted(fmt.Sprintf("group %q: meter %d: no feed %q", g.Name, m.ID, m.Feed), m.Feed,
			slices.Values(slices.Sorted(maps.Keys(FeedWords()))))
	}
	e, err := p.compiler.Value(m.Feed)
	if err != nil {
		return 0, fmt.Errorf("group %q: meter %d: feed: %w; or one of the words %v", g.Name, m.ID, err,
			slices.Sorted(maps.Keys(FeedWords())))
	}
	if len(p.measures) == maxMeasures {
		return 0, fmt.Errorf("group %q: meter %d: more than %d different value expressions in all groups", g.Name, m.ID,
			maxMeasures)
	}
	e.Text = m.Feed
	p.measures = append(p.measures, measure{Measure: e})
	return fact(factMeasures + len(p.measures) - 1), nil
}
