package main

import (
	"encoding/binary"
	"math/rand/v2"

	"weir/schema"
)

// The synthetic network of the benchmark: what peers were measured with, so that figures can be compared.
const (
	benchHosts     = 50_000
	benchFlows     = 300_000
	benchExporters = 32
	benchPorts     = 4 // interfaces of an exporter
	benchRate      = 512
	benchHeader    = 128 // bytes of a frame that are sampled
	benchZipf      = 1.1 // how uneven: the exponent of the distribution of hosts, services and flows
)

// benchServices are destination ports, the most used first.
var benchServices = [...]uint16{443, 80, 53, 22, 445, 25, 3306, 5432, 123, 8080, 993, 6379, 9092, 2049, 3389, 8443}

// benchFlow is one conversation.
type benchFlow struct {
	src, dst         uint32 // IPv4 addresses
	srcPort, dstPort uint16
	proto            uint8
}

// web tells whether the filter of a definition below lets the flow pass.
func (f *benchFlow) web() bool { return f.proto == 6 && f.dstPort == 443 }

// benchTraffic draws conversations, the same ones every time.
type benchTraffic struct {
	rng    *rand.Rand
	flows  []benchFlow
	choice *rand.Zipf
}

func newBenchTraffic() *benchTraffic {
	rng := rand.New(rand.NewPCG(1, 2))
	t := &benchTraffic{
		rng: rng, flows: make([]benchFlow, benchFlows),
		choice: rand.NewZipf(rng, benchZipf, 8, benchFlows/benchExporters-1),
	}
	hosts := rand.NewZipf(rng, benchZipf, 8, benchHosts-1)
	services := rand.NewZipf(rng, benchZipf+0.2, 1, uint64(len(benchServices)-1))
	for i := range t.flows {
		f := &t.flows[i]
		f.src, f.dst = benchHost(hosts.Uint64()), benchHost(hosts.Uint64())
		f.dstPort, f.srcPort = benchServices[services.Uint64()], uint16(32768+rng.IntN(28232))
		f.proto = 6
		if f.dstPort == 53 || f.dstPort == 123 || rng.IntN(8) == 0 {
			f.proto = 17
		}
	}
	return t
}

// benchHost spreads the numbers of hosts over 10.0.0.0/8, so that those that are used much are no neighbours.
func benchHost(n uint64) uint32 { return 10<<24 | uint32(n*2_654_435_761)&0xffffff }

// pick draws a flow of an exporter: each flow is seen by one.
func (t *benchTraffic) pick(exporter int) *benchFlow {
	return &t.flows[int(t.choice.Uint64())*benchExporters+exporter]
}

// frameLength draws the length of a frame with its FCS: small ones, full ones, and some between.
func (t *benchTraffic) frameLength() uint32 {
	switch n := t.rng.IntN(20); {
	case n < 8:
		return 64
	case n < 14:
		return 1518
	}
	return uint32(64 + t.rng.IntN(1455))
}

// appendFrame appends the first bytes of an Ethernet frame of the flow, without FCS: most at the most.
func (f *benchFlow) appendFrame(b []byte, length uint32, most int) []byte {
	begin := len(b)
	b = append(b, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0)
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(length-18)) // without Ethernet header and FCS
	b = append(b, 0, 0, 0x40, 0, 64, f.proto, 0, 0)
	b = binary.BigEndian.AppendUint32(b, f.src)
	b = binary.BigEndian.AppendUint32(b, f.dst)
	b = binary.BigEndian.AppendUint16(b, f.srcPort)
	b = binary.BigEndian.AppendUint16(b, f.dstPort)
	if f.proto == 6 {
		b = append(b, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0x20, 0, 0, 0, 0, 0)
	} else {
		b = binary.BigEndian.AppendUint16(b, uint16(length-38))
		b = append(b, 0, 0)
	}
	for size := min(int(length)-4, most); len(b)-begin < size; {
		b = append(b, 0x55)
	}
	return b
}

// benchExporter returns the address of an exporter: one of this machine's own, so that UDP can be sent from it.
func benchExporter(n int) schema.Addr { return schema.Addr4([4]byte{127, 1, 0, byte(n + 1)}) }
