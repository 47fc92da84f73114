package sim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"weir/schema"
)

// The fabric: two spines, four leaves with eight hosts each, and three routers to the outside.
const (
	spines       = 2
	leaves       = 4
	hostsPerLeaf = 8
	uplink       = 49 // ifIndex of the first uplink of a leaf; the hosts are on 1 to 8
	outside      = 1  // ifIndex of a router towards the internet or the branch; the spines are on 2 and 3
)

// device is an exporter that packets pass.
type device interface {
	// observe sees the packets of a stream in this step enter and leave by two interfaces.
	observe(s *stream, in, out uint32)
	// advance sends what is due at the end of a step.
	advance()
	// drain sends everything that the device holds.
	drain()
	// restart loses everything that the device remembers.
	restart()
	address() schema.Addr
	exporter() Exporter
}

// host is a machine with a name and addresses.
type host struct {
	name     string
	role     string
	leaf     int // number of its leaf; -1 outside
	port     uint32
	mac      [6]byte
	ip4, ip6 schema.Addr
	sent     uint64 // bytes of frames, for the counters of its agent
	received uint64
	sentPkts uint64
	recvPkts uint64
}

// hop is a device on the way of a stream, with the interfaces by which it enters and leaves.
type hop struct {
	device  device
	in, out uint32
}

// fabric is everything that stands still.
type fabric struct {
	hosts    []*host // inside
	outer    []*host // in the internet
	switches []*netSwitch
	routers  []*router
	agents   []*hostAgent
	devices  []device // all of the above, in a fixed order
	links    []link
}

// link is a line between two ports.
type link struct {
	Node1 string `json:"node1"`
	Port1 string `json:"port1"`
	Node2 string `json:"node2"`
	Port2 string `json:"port2"`
}

var roles = [leaves][hostsPerLeaf]string{
	{"web", "web", "web", "web", "web", "web", "api", "api"},
	{"app", "app", "app", "app", "db", "db", "cache", "cache"},
	{"dns", "dns", "mail", "backup", "hv", "hv", "hv", "hv"},
	{"desk", "desk", "desk", "desk", "desk", "desk", "desk", "desk"},
}

// newFabric builds the fabric of a network.
func newFabric(n *Network) *fabric {
	f := &fabric{}
	f.buildHosts()
	for i := range spines {
		f.switches = append(f.switches, newSwitch(n, fmt.Sprintf("spine%d", i+1), infra(byte(1+i)), spinePorts()))
	}
	for i := range leaves {
		f.switches = append(f.switches, newSwitch(n, fmt.Sprintf("leaf%d", i+1), infra(byte(11+i)), leafPorts()))
	}
	f.routers = []*router{
		newRouter(n, "border1", infra(21), 9), newRouter(n, "border2", infra(22), 10),
		newRouter(n, "branch1", infra(31), 5),
	}
	for _, h := range f.hosts {
		if h.role == "web" || h.role == "db" || h.role == "hv" {
			f.agents = append(f.agents, newHostAgent(n, h, infra(byte(64+len(f.agents)))))
		}
	}
	for _, s := range f.switches {
		f.devices = append(f.devices, s)
	}
	for _, r := range f.routers {
		f.devices = append(f.devices, r)
	}
	for _, a := range f.agents {
		f.devices = append(f.devices, a)
	}
	f.buildLinks()
	return f
}

// infra returns an address of the range of exporters.
func infra(i byte) schema.Addr { return schema.Addr4([4]byte{192, 0, 2, i}) }

func spinePorts() (ports []uint32) {
	for i := range leaves + 3 {
		ports = append(ports, uint32(i+1))
	}
	return ports
}

func leafPorts() (ports []uint32) {
	for i := range hostsPerLeaf {
		ports = append(ports, uint32(i+1))
	}
	for i := range spines {
		ports = append(ports, uplink+uint32(i))
	}
	return ports
}

// portName returns the name of an interface of a switch.
func portName(index uint32) string { return "swp" + strconv.Itoa(int(index)) }

// routerPort returns the name of an interface of a router.
func routerPort(index uint32) string { return "ge-0/0/" + strconv.Itoa(int(index)) }

// buildHosts makes the machines inside, and 96 outside.
func (f *fabric) buildHosts() {
	count := map[string]int{}
	for l := range leaves {
		for i, role := range roles[l] {
			count[role]++
			f.hosts = append(f.hosts, &host{
				name: fmt.Sprintf("%s%d.example.net", role, count[role]), role: role, leaf: l, port: uint32(i + 1),
				mac: [6]byte{2, 0, 0, 0, byte(l + 1), byte(i + 1)},
				ip4: schema.Addr4([4]byte{198, 51, 100, byte(16*(l+1) + i)}),
				ip6: inside6(byte(l+1), byte(16*(l+1)+i)),
			})
		}
	}
	for i := range 96 {
		f.outer = append(f.outer, &host{
			name: fmt.Sprintf("client%d.example.com", i+1), role: "outer", leaf: -1,
			mac: [6]byte{2, 0, 0, 1, 0, byte(21 + i%2)}, // of the router, as the fabric sees it
			ip4: schema.Addr4([4]byte{203, 0, 113, byte(i + 1)}), ip6: outside6(byte(i + 1)),
		})
	}
}

func inside6(net, i byte) schema.Addr {
	return schema.Addr{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, net, 15: i}
}

func outside6(i byte) schema.Addr {
	return schema.Addr{0x20, 0x01, 0x0d, 0xb8, 0, 2, 0, i >> 4, 15: i}
}

// buildLinks joins every leaf and every router to every spine.
func (f *fabric) buildLinks() {
	for s := range spines {
		spine := f.switches[s].name
		for l := range leaves {
			f.links = append(f.links, link{f.switches[spines+l].name, portName(uplink + uint32(s)), spine,
				portName(uint32(l + 1))})
		}
		for r, router := range f.routers {
			f.links = append(f.links, link{router.name, routerPort(outside + 1 + uint32(s)), spine,
				portName(uint32(leaves + r + 1))})
		}
	}
}

// path returns the way of a stream between two hosts; spread chooses among ways of equal cost.
func (f *fabric) path(src, dst *host, spread int) []hop {
	var way []hop
	spine := uint32(spread % spines)
	router := spread / spines % len(f.routers)
	if src.leaf < 0 {
		way = append(way, hop{f.routers[router], outside, outside + 1 + spine})
	} else {
		out := uplink + spine
		if src.leaf == dst.leaf {
			out = dst.port
		}
		way = append(way, hop{f.switches[spines+src.leaf], src.port, out})
	}
	if src.leaf == dst.leaf {
		return way
	}
	way = append(way, hop{f.switches[spine], f.spinePort(src, router), f.spinePort(dst, router)})
	if dst.leaf < 0 {
		return append(way, hop{f.routers[router], outside + 1 + spine, outside})
	}
	return append(way, hop{f.switches[spines+dst.leaf], uplink + spine, dst.port})
}

// spinePort returns the interface of a spine towards a host.
func (f *fabric) spinePort(h *host, router int) uint32 {
	if h.leaf < 0 {
		return uint32(leaves + router + 1)
	}
	return uint32(h.leaf + 1)
}

// withRole returns the hosts of a role.
func (f *fabric) withRole(role string) (found []*host) {
	if role == "outer" {
		return f.outer
	}
	for _, h := range f.hosts {
		if h.role == role {
			found = append(found, h)
		}
	}
	return found
}

func (f *fabric) names() map[schema.Addr]string {
	names := map[schema.Addr]string{}
	for _, list := range [][]*host{f.hosts, f.outer} {
		for _, h := range list {
			names[h.ip4], names[h.ip6] = h.name, h.name
		}
	}
	for _, d := range f.devices {
		names[d.address()] = d.exporter().Name + ".example.net"
	}
	return names
}

// topology returns the JSON text of the fabric.
func (f *fabric) topology() []byte {
	type port struct {
		IfIndex string `json:"ifindex"`
	}
	type node struct {
		Agent string          `json:"agent"`
		Ports map[string]port `json:"ports"`
	}
	var t struct {
		Nodes map[string]node `json:"nodes"`
		Links map[string]link `json:"links"`
	}
	t.Nodes, t.Links = map[string]node{}, map[string]link{}
	add := func(name string, a schema.Addr, indexes []uint32, label func(uint32) string) {
		ports := map[string]port{}
		for _, i := range indexes {
			ports[label(i)] = port{strconv.Itoa(int(i))}
		}
		t.Nodes[name] = node{a.String(), ports}
	}
	for _, s := range f.switches {
		add(s.name, s.addr, s.indexes, portName)
	}
	for _, r := range f.routers {
		add(r.name, r.addr, []uint32{outside, outside + 1, outside + 2}, routerPort)
	}
	for i, l := range f.links {
		t.Links[fmt.Sprintf("L%d", i+1)] = l
	}
	// It has only texts and maps of them and cannot fail.
	b, _ := json.Marshal(t)
	return b
}

// millis returns a duration as exporters tell it: milliseconds modulo 2^32.
func millis(d time.Duration) uint32 { return uint32(uint64(d.Milliseconds())) }
