package api

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"weir/engine"
	"weir/history"
	"weir/key"
	"weir/schema"
	"weir/session"
)

// conversation is one session in an answer.
type conversation struct {
	ID        string   `json:"id"`  // a number, as text: it is larger than what JavaScript can count
	Key       string   `json:"key"` // the same for both directions, not unique in time
	Exporter  string   `json:"exporter"`
	First     moment   `json:"first"`
	Last      moment   `json:"last"`
	Duration  float64  `json:"duration_s"`
	Proto     uint8    `json:"proto"`
	Protocol  string   `json:"protocol"`
	AIP       string   `json:"a_ip"`
	APort     int64    `json:"a_port"` // ICMP: the type
	ALabel    string   `json:"a_label"`
	ZIP       string   `json:"z_ip"`
	ZPort     int64    `json:"z_port"` // ICMP: the code
	ZLabel    string   `json:"z_label"`
	AZBytes   uint64   `json:"az_bytes"`
	ZABytes   uint64   `json:"za_bytes"`
	AZPackets uint64   `json:"az_packets"`
	ZAPackets uint64   `json:"za_packets"`
	AZPayload uint64   `json:"az_payload"`
	ZAPayload uint64   `json:"za_payload"`
	State     uint16   `json:"state"`
	StateBits []string `json:"state_bits"`
	RTT       uint32   `json:"rtt_us"` // 0: the handshake was not seen
	Retrans   uint32   `json:"retransmissions"`
	In        uint32   `json:"if_in"`
	Out       uint32   `json:"if_out"`
	VLAN      uint16   `json:"vlan"`
	TOS       uint8    `json:"tos"`
	AAS       uint32   `json:"a_as"`
	ZAS       uint32   `json:"z_as"`
	Tags      []string `json:"tags"`
	Live      bool     `json:"live"`
	Exact     bool     `json:"exact"`
	Samples   uint32   `json:"samples"`
	Rate      uint32   `json:"rate"`
	Stderr    float64  `json:"stderr"` // of the bytes of both directions; 0 is exact
}

// stateBits names the bits of a session's state (spec trisul 2.4).
var stateBits = []struct {
	bit  session.State
	name string
}{
	{session.StateInit, "INIT"}, {session.StateSYN, "SEEN_SYN"}, {session.StateSYNACK, "SEEN_SYN_ACK"},
	{session.StateOpen, "SEEN_SYN_ACK_ACK"}, {session.StateServerA, "A_END_SERVER"},
	{session.StateServerZ, "Z_END_SERVER"}, {session.StateFIN, "SEEN_FIN"}, {session.StateRST, "SEEN_RST"},
	{session.StateTimedOut, "TIMEDOUT"}, {session.StateError, "ERROR"}, {session.StateIncomplete, "INCOMPLETE"},
	{session.StateTerminated, "TERMINATED"},
}

// Forms of the ends of sessions.
var (
	hostForm     = key.Form{key.Host}
	protocolForm = key.Form{key.Protocol}
)

// hostBytes is the binary key of an address.
func hostBytes(a schema.Addr) []byte {
	if a.Is4() {
		return a[12:]
	}
	return a[:]
}

func conversationOf(state *engine.State, c *history.Conversation) conversation {
	a := conversation{
		ID: strconv.FormatInt(c.ID, 10), Key: string(c.AppendKey(nil)), Exporter: c.Exporter.String(),
		First: moment(c.First), Last: moment(c.Last), Duration: c.Last.Sub(c.First).Seconds(), Proto: c.Proto,
		Protocol: string(protocolForm.AppendReadable(nil, []byte{c.Proto})), AIP: c.A.String(), ZIP: c.Z.String(),
		APort: int64(c.APort), ZPort: int64(c.ZPort), AZBytes: c.AZ.Bytes, ZABytes: c.ZA.Bytes,
		AZPackets: c.AZ.Packets, ZAPackets: c.ZA.Packets, AZPayload: c.AZ.Payload, ZAPayload: c.ZA.Payload,
		State: uint16(c.State), StateBits: []string{}, RTT: c.RTT, Retrans: c.Retrans, In: c.In, Out: c.Out,
		VLAN: c.VLAN, TOS: c.TOS, AAS: c.AAS, ZAS: c.ZAS, Tags: []string{}, Live: c.Live, Exact: c.Samples == 0,
		Samples: c.Samples, Rate: c.Rate,
	}
	if c.ICMP() {
		a.APort, a.ZPort = int64(c.ICMPType), int64(c.ICMPCode)
	}
	if c.Tags != "" {
		a.Tags = strings.Split(c.Tags, "|")
	}
	for _, b := range stateBits {
		if c.State&b.bit != 0 {
			a.StateBits = append(a.StateBits, b.name)
		}
	}
	if c.Samples > 0 {
		// Sampling theory: n samples of packets of about the same length.
		a.Stderr = float64(c.Bytes()) / math.Sqrt(float64(c.Samples))
	}
	a.ALabel = labelOfHost(state, c.A)
	a.ZLabel = labelOfHost(state, c.Z)
	return a
}

// labelOfHost returns what people call an address in the groups of hosts.
func labelOfHost(state *engine.State, addr schema.Addr) string {
	raw := string(hostForm.AppendRaw(nil, hostBytes(addr)))
	for _, group := range []string{"hosts", "hosts_v6"} {
		if l := state.Labels.Of(group, raw).Label; l != "" {
			return l
		}
	}
	return ""
}

// sessionParams are parameters that stand for one field of the text query.
var sessionParams = []string{"ip", "srcip", "destip", "port", "srcport", "destport", "proto", "exporter", "interface",
	"state", "tag", "vlan"}

// sessionQuery reads the parameters of a search for sessions.
func (r *request) sessionQuery() (q history.SessionQuery, err error) {
	if q.Query, err = session.ParseQuery(r.text("q")); err != nil {
		return q, refuse(http.StatusBadRequest, "q", err.Error(), "srcip=192.168.1.2,port=443")
	}
	add := func(param, field string) error {
		if r.text(param) == "" {
			return nil
		}
		if err := q.Add(field, r.text(param)); err != nil {
			return refuse(http.StatusBadRequest, param, err.Error(), session.QueryFields()[field])
		}
		return nil
	}
	for _, name := range sessionParams {
		if err := add(name, name); err != nil {
			return q, err
		}
	}
	if err := add("min_bytes", "minbytes"); err != nil {
		return q, err
	}
	span, err := r.span(defaultRange)
	if err != nil {
		return q, err
	}
	q.From, q.To = span.From, span.To
	if r.text("to") == "" {
		q.To = span.To + 1 // the tick's own instant belongs to now
	}
	live := r.text("live")
	q.Live, q.Past, q.Max = live != "no", live != "only", r.whole("max")
	q.Order, _ = history.ParseOrder(r.text("order")) // the table lists the words
	return q, nil
}

// sessions finds sessions.
func sessions(r *request) (*sheet, error) {
	q, err := r.sessionQuery()
	if err != nil {
		return nil, err
	}
	list, err := r.server.history.Sessions(r.Context(), q)
	if err != nil {
		return nil, err
	}
	state, exact := r.server.engine.State(), true
	out := make([]conversation, len(list.Sessions))
	for i := range list.Sessions {
		out[i] = conversationOf(state, &list.Sessions[i])
		exact = exact && out[i].Exact
	}
	a := struct {
		past
		Sessions []conversation `json:"sessions"`
		More     bool           `json:"more"`
	}{r.past(0, exact), out, list.More}
	return &sheet{name: "sessions", json: a, table: func() *schema.Block {
		b := schema.NewBlock(schema.TableSessions, len(list.Sessions))
		for i := range list.Sessions {
			list.Sessions[i].AppendRow(b)
			finishRow(b, &list.Sessions[i])
		}
		return b
	}}, nil
}

// finishRow fills in what a session alone does not know of itself.
func finishRow(b *schema.Block, c *history.Conversation) {
	last := b.Rows - 1
	b.Column("a_as").Ints[last], b.Column("z_as").Ints[last] = int64(c.AAS), int64(c.ZAS)
	tags := &b.Column("tags").Texts
	tags.Data = append(tags.Data, c.Tags...)
	tags.Ends[last] = uint32(len(tags.Data))
}

// oneSession shows one session.
func oneSession(r *request) (any, error) {
	id, err := strconv.ParseInt(r.text("id"), 10, 64)
	if err != nil || id < 0 {
		return nil, refuse(http.StatusBadRequest, "id", fmt.Sprintf("%q is no number of a session", r.text("id")),
			"the member id of GET /api/v1/sessions")
	}
	c, err := r.server.history.Session(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, refuse(http.StatusNotFound, "id", fmt.Sprintf("there is no session %d, or not any more", id), "")
	}
	return struct {
		stamp
		conversation
	}{r.stamp(), conversationOf(r.server.engine.State(), c)}, nil
}

// sessionSums puts sessions together by what they have in common.
func sessionSums(r *request) (any, error) {
	q, err := r.sessionQuery()
	if err != nil {
		return nil, err
	}
	by := r.text("by")
	found, more, err := r.server.history.Portions(r.Context(), q, by)
	if err != nil {
		return nil, err
	}
	type sum struct {
		Key      string   `json:"key"` // the values, separated by |
		Readable string   `json:"readable"`
		Label    string   `json:"label"`
		Keys     []string `json:"keys"`
		Sessions float64  `json:"sessions"`
		Bytes    float64  `json:"bytes"`
		Packets  float64  `json:"packets"`
		Share    number   `json:"share"` // of the bytes of what is shown
	}
	total := 0.
	for _, p := range found {
		total += p.Bytes
	}
	state := r.server.engine.State()
	out := make([]sum, len(found))
	for i, p := range found {
		out[i] = sum{Key: strings.Join(p.Keys, "|"), Readable: readableSum(by, p.Keys), Keys: p.Keys,
			Sessions: p.Sessions, Bytes: p.Bytes, Packets: p.Packets, Share: number(p.Bytes / total)}
		if addr, err := schema.ParseAddr(p.Keys[0]); err == nil && len(p.Keys) == 1 {
			out[i].Label = labelOfHost(state, addr)
		}
	}
	return struct {
		stamp
		By   string `json:"by"`
		Rows []sum  `json:"rows"`
		More bool   `json:"more"`
	}{r.stamp(), by, out, more}, nil
}

// readableSum writes what sessions have in common for people.
func readableSum(by string, keys []string) string {
	names := slices.Clone(keys)
	protocol := func(i int) {
		if n, err := strconv.ParseUint(keys[i], 10, 8); err == nil {
			names[i] = string(protocolForm.AppendReadable(nil, []byte{byte(n)}))
		}
	}
	switch by {
	case "proto", "service":
		protocol(0)
	case "conversation":
		protocol(2)
	case "state":
		if n, err := strconv.ParseUint(keys[0], 10, 16); err == nil {
			names = nil
			for _, b := range stateBits {
				if session.State(n)&b.bit != 0 {
					names = append(names, b.name)
				}
			}
		}
	}
	return strings.Join(names, " ")
}
