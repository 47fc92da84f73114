package schema

// LayerKind names a protocol header found in a frame.
type LayerKind uint8

// The headers that package wire/packet finds. Order is of no meaning; values are not stored.
const (
	LayerNone     LayerKind = iota
	LayerEthernet           // IEEE 802.3 MAC header, 14 bytes
	LayerVLAN               // one 802.1Q/802.1ad/0x9100 tag: Off is at the TCI, Len 4 (TCI, inner ethertype)
	LayerMPLS               // one label stack entry, 4 bytes (RFC 3032)
	LayerPPPoE              // RFC 2516 session header, 6 bytes
	LayerPPP                // PPP protocol field
	LayerLLC                // 802.2 LLC, with SNAP when present
	LayerARP                // RFC 826
	LayerIPv4               // RFC 791; Len with options
	LayerIPv6               // RFC 8200; Len is 40, extension headers are layers of their own
	LayerIPv6Ext            // one IPv6 extension header (0, 43, 44, 51, 60, 135, 139, 140)
	LayerTCP                // RFC 9293; Len with options as far as captured
	LayerUDP                // RFC 768
	LayerSCTP               // RFC 9260
	LayerICMP               // RFC 792
	LayerICMP6              // RFC 4443
	LayerGRE                // RFC 2784, 2890, 2637; Len with its optional words
	LayerVXLAN              // RFC 7348, and VXLAN-GPE
	LayerGeneve             // RFC 8926; Len with options
	LayerGTPU               // 3GPP TS 29.281; Len with its optional words
	LayerERSPAN             // ERSPAN II or III
	LayerDNS                // RFC 1035 message header (over UDP, or after the length over TCP)
	LayerIBBT               // InfiniBand base transport header (RoCEv2 over UDP 4791), 12 bytes
	LayerESP                // RFC 4303
	LayerAH                 // RFC 4302
	LayerIGMP               // RFC 3376
	LayerOSPF               // RFC 2328
	LayerL2TP               // RFC 2661, 3931
	LayerNull               // BSD loopback header
	LayerSLL                // Linux cooked capture v1 or v2
	LayerRaw80211           // 802.11 MAC header
	LayerPayload            // what no known header claims: Off is where it begins
)

// Layer is one header of a frame: where it begins, and how long it is as far as captured. Bytes of it beyond the
// captured part do not exist: readers check against the frame.
type Layer struct {
	Kind LayerKind
	Off  uint16 // bytes from the start of the frame
	Len  uint16 // bytes
}

// MaxLayers bounds how deep a frame is looked into; what lies deeper is not looked at.
const MaxLayers = 24

// Headers is what one frame was found to be made of, outermost first. It has no pointers and is reused.
type Headers struct {
	N      int
	Layers [MaxLayers]Layer
	// EtherType is that of the outermost Ethernet (or cooked, or implied by the link type) header after its VLAN
	// tags; 0 when there is none (802.3 length field, unknown link).
	EtherType uint16
	// L3Off is where the outermost IP header begins, -1 when there is none.
	L3Off int
	// L3Len is what the outermost IP header says the datagram's length is (header included), or, when it says 0
	// (segmentation offload, jumbograms), what the frame's wire length leaves for it. Bytes.
	L3Len uint32
	// Truncated tells that a header began inside the captured bytes and ended outside.
	Truncated bool
	// Malformed tells that a header contradicts itself (an impossible length or version).
	Malformed bool
	// Fragment tells that the outermost IP datagram is a fragment other than the first: it has no ports.
	Fragment bool
	// DNSQuestion is where the question section of the first DNS message begins, 0 when there is none.
	DNSQuestion uint16
}

// Find returns the nth (from 0) layer of kind k, or nil.
func (h *Headers) Find(k LayerKind, nth int) *Layer {
	for i := range h.N {
		if h.Layers[i].Kind == k {
			if nth == 0 {
				return &h.Layers[i]
			}
			nth--
		}
	}
	return nil
}

// Add appends a layer; it returns false when the frame is deeper than MaxLayers.
func (h *Headers) Add(k LayerKind, off, length int) bool {
	if h.N == MaxLayers || off > 0xffff {
		return false
	}
	h.Layers[h.N] = Layer{Kind: k, Off: uint16(off), Len: uint16(min(length, 0xffff))}
	h.N++
	return true
}

// Reset empties h for the next frame.
func (h *Headers) Reset() { *h = Headers{L3Off: -1} }

// LinkType is the outermost framing of captured bytes, by the numbers of the pcap LINKTYPE registry.
type LinkType uint16

// The link types that wire/packet reads.
const (
	LinkNull       LinkType = 0
	LinkEthernet   LinkType = 1
	LinkTokenRing  LinkType = 6
	LinkPPP        LinkType = 9
	LinkFDDI       LinkType = 10
	LinkRawBSD     LinkType = 12
	LinkRawOpenBSD LinkType = 14
	LinkPPPHDLC    LinkType = 50
	LinkPPPoE      LinkType = 51
	LinkRaw        LinkType = 101
	LinkCiscoHDLC  LinkType = 104
	Link80211      LinkType = 105
	LinkLoop       LinkType = 108
	LinkSLL        LinkType = 113
	LinkRadiotap   LinkType = 127
	LinkPPI        LinkType = 192
	LinkMPLS       LinkType = 219
	LinkIPv4       LinkType = 228
	LinkIPv6       LinkType = 229
	LinkNFLOG      LinkType = 239
	LinkSLL2       LinkType = 276
	// LinkUnknown is for framings that no registry number exists for (some sFlow header protocols).
	LinkUnknown LinkType = 0xffff
)
