package wire

import (
	"weir/schema"
	"weir/wire/sflow"
)

// routingFields come from extended_router (0:1002) and extended_gateway (0:1003), or from elements of flow records
// (spec sflow-rt 2.3 and 2.6).
func routingFields() []schema.Field {
	as := func(of func(g *sflow.Gateway) uint32, told elements) reader {
		return uintOf(positive(either(ofGateway(of), elementNumber(told))))
	}
	mask := func(at int, told elements) reader { return uintOf(either(routerMask(at), elementNumber(told))) }
	return []schema.Field{
		single("ipsourcemaskbits", schema.Uint, "length of the prefix that the router knows the source by",
			mask(0, elements{[]uint16{9, 29}, []uint16{13, 30}})),
		single("ipdestinationmaskbits", schema.Uint, "length of the prefix that the router knows the destination by",
			mask(1, elements{[]uint16{13, 30}, []uint16{9, 29}})),
		single("ipnexthoprouter", anyAddress, "next router towards the destination",
			addressOf(eitherBytes(routerNextHop, elementBytes(elements{[]uint16{15, 62}, []uint16{}})))),
		single("bgpnexthop", anyAddress, "BGP next hop towards the destination",
			addressOf(eitherBytes(gatewayNextHop, elementBytes(elements{[]uint16{18, 63}, []uint16{}})))),
		single("bgpas", schema.Uint, "autonomous system of the router itself",
			uintOf(positive(ofGateway(func(g *sflow.Gateway) uint32 { return g.AS })))),
		single("bgpsourceas", schema.Uint, "autonomous system of the source",
			as(func(g *sflow.Gateway) uint32 { return g.SrcAS }, elements{[]uint16{16}, []uint16{17}})),
		single("bgpsourcepeeras", schema.Uint, "neighbouring autonomous system on the way back to the source",
			as(func(g *sflow.Gateway) uint32 { return g.SrcPeerAS }, elements{[]uint16{129}, []uint16{128}})),
		single("bgpdestinationas", schema.Uint, "autonomous system of the destination",
			as(func(g *sflow.Gateway) uint32 { return g.DstAS }, elements{[]uint16{17}, []uint16{16}})),
		single("bgpdestinationpeeras", schema.Uint, "neighbouring autonomous system on the way to the destination",
			as(func(g *sflow.Gateway) uint32 { return g.DstPeerAS }, elements{[]uint16{128}, []uint16{129}})),
		single("bgpdestinationaspath", schema.Text, "autonomous systems on the way to the destination, joined by -",
			textOf(func(b []byte, r *schema.Record, _ int) []byte {
				if g, ok := gatewayOf(r); ok {
					return g.AppendPath(b)
				}
				return b
			})),
		single("bgpcommunities", schema.Text, "BGP communities of the route, as in 65000:1, joined by -",
			textOf(func(b []byte, r *schema.Record, _ int) []byte {
				if g, ok := gatewayOf(r); ok {
					return g.AppendCommunities(b)
				}
				return b
			})),
		single("bgplocalpref", schema.Uint, "local preference of the route",
			uintOf(ofGateway(func(g *sflow.Gateway) uint32 { return g.LocalPref }))),
	}
}

// gatewayOf reads extended_gateway, which the versions of sFlow lay out in three ways.
func gatewayOf(r *schema.Record) (sflow.Gateway, bool) {
	for _, enterprise := range [...]uint32{0, sflow.EnterpriseV4, sflow.EnterpriseV2} {
		if body := r.Part(schema.MakeTag(schema.SpaceSFlow, enterprise, 1003)); body != nil {
			return sflow.ParseGateway(enterprise, body)
		}
	}
	return sflow.Gateway{}, false
}

func ofGateway(of func(g *sflow.Gateway) uint32) finder {
	return func(r *schema.Record, _ int) (uint64, bool) {
		g, ok := gatewayOf(r)
		if !ok {
			return 0, false
		}
		return uint64(of(&g)), true
	}
}

func gatewayNextHop(r *schema.Record, _ int) []byte {
	g, _ := gatewayOf(r)
	return known(g.NextHop)
}

func routerNextHop(r *schema.Record, _ int) []byte {
	router, _ := sflow.ParseRouter(structure(r, 1002))
	return known(router.NextHop)
}

// routerMask finds the length of the source prefix (at 0) or destination prefix (at 1).
func routerMask(at int) finder {
	return func(r *schema.Record, _ int) (uint64, bool) {
		router, ok := sflow.ParseRouter(structure(r, 1002))
		return uint64([...]uint32{router.SrcMask, router.DstMask}[at]), ok
	}
}
