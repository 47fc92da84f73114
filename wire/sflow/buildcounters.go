package sflow

import "math"

// Values that mean "not available" in counter structures.
const (
	NoCounter   = math.MaxUint32 // 32-bit counters and gauges, percentages
	NoCounter64 = math.MaxUint64 // 64-bit counters and gauges
)

// IfCounters is the body of if_counters (0:1).
type IfCounters struct {
	Index, Type uint32 // ifIndex; ifType, 6 is Ethernet
	Speed       uint64 // bit/s
	Direction   uint32 // 0 unknown, 1 full duplex, 2 half duplex, 3 in, 4 out
	Status      uint32 // bit 0 administratively up, bit 1 operationally up
	In, Out     IfDirection
	// InUnknownProtos counts packets of protocols that are not supported.
	InUnknownProtos uint32
	Promiscuous     uint32 // 0 unknown, 1 true, 2 false
}

// IfDirection is one direction of IfCounters.
type IfDirection struct {
	Octets                                          uint64
	Unicast, Multicast, Broadcast, Discards, Errors uint32 // packets
}

// IfCounters writes if_counters (0:1).
func (b *Builder) IfCounters(c *IfCounters) {
	at := b.record(0, 1)
	b.words(c.Index, c.Type)
	b.hypers(c.Speed)
	b.words(c.Direction, c.Status)
	b.hypers(c.In.Octets)
	b.words(c.In.Unicast, c.In.Multicast, c.In.Broadcast, c.In.Discards, c.In.Errors, c.InUnknownProtos)
	b.hypers(c.Out.Octets)
	b.words(c.Out.Unicast, c.Out.Multicast, c.Out.Broadcast, c.Out.Discards, c.Out.Errors, c.Promiscuous)
	b.end(at)
}

// EthernetCounters writes ethernet_counters (0:2); the values are in the order of the structure's fields.
func (b *Builder) EthernetCounters(values *[13]uint32) { b.Words(0, 2, values[:]...) }

// HostDescr writes host_descr (0:2000). Machine 3 is x86_64 and 10 ARM, os 2 is Linux; Field.Meaning has them all.
func (b *Builder) HostDescr(name string, uuid [16]byte, machine, os uint32, release string) {
	at := b.record(0, 2000)
	b.text(name)
	b.b = append(b.b, uuid[:]...)
	b.words(machine, os)
	b.text(release)
	b.end(at)
}

// HostCPU is the body of host_cpu (0:2003).
type HostCPU struct {
	Load1, Load5, Load15                           float32 // -1 when not known
	ProcRun, ProcTotal, CPUs                       uint32
	Speed                                          uint32 // MHz
	Uptime                                         uint32 // s
	User, Nice, System, Idle, IOWait, IRQ, SoftIRQ uint32 // ms, cumulative
	Interrupts, Contexts                           uint32
	Steal, Guest, GuestNice                        uint32 // ms, cumulative
}

// HostCPU writes host_cpu (0:2003).
func (b *Builder) HostCPU(c *HostCPU) {
	b.Words(0, 2003, math.Float32bits(c.Load1), math.Float32bits(c.Load5), math.Float32bits(c.Load15), c.ProcRun,
		c.ProcTotal, c.CPUs, c.Speed, c.Uptime, c.User, c.Nice, c.System, c.Idle, c.IOWait, c.IRQ, c.SoftIRQ,
		c.Interrupts, c.Contexts, c.Steal, c.Guest, c.GuestNice)
}

// HostMemory is the body of host_memory (0:2004).
type HostMemory struct {
	Total, Free, Shared, Buffers, Cached, SwapTotal, SwapFree uint64 // bytes
	PageIn, PageOut, SwapIn, SwapOut                          uint32 // counts
}

// HostMemory writes host_memory (0:2004).
func (b *Builder) HostMemory(m *HostMemory) {
	at := b.record(0, 2004)
	b.hypers(m.Total, m.Free, m.Shared, m.Buffers, m.Cached, m.SwapTotal, m.SwapFree)
	b.words(m.PageIn, m.PageOut, m.SwapIn, m.SwapOut)
	b.end(at)
}

// HostDisk is the body of host_disk_io (0:2005).
type HostDisk struct {
	Total, Free   uint64 // bytes
	MaxUsed       uint32 // of the fullest partition, hundredths of a percent; NoCounter when not known
	Reads, Writes uint32
	BytesRead     uint64
	BytesWritten  uint64
	ReadTime      uint32 // ms
	WriteTime     uint32 // ms
}

// HostDisk writes host_disk_io (0:2005).
func (b *Builder) HostDisk(d *HostDisk) {
	at := b.record(0, 2005)
	b.hypers(d.Total, d.Free)
	b.words(d.MaxUsed, d.Reads)
	b.hypers(d.BytesRead)
	b.words(d.ReadTime, d.Writes)
	b.hypers(d.BytesWritten)
	b.words(d.WriteTime)
	b.end(at)
}

// NetCounters is one direction of host_net_io (0:2006) or virt_net_io (0:2104).
type NetCounters struct {
	Bytes                  uint64
	Packets, Errors, Drops uint32
}

// HostNet writes host_net_io (0:2006), or virt_net_io as format 2104.
func (b *Builder) HostNet(format uint32, in, out *NetCounters) {
	at := b.record(0, format)
	for _, c := range [...]*NetCounters{in, out} {
		b.hypers(c.Bytes)
		b.words(c.Packets, c.Errors, c.Drops)
	}
	b.end(at)
}

// HTTPCounters writes http_counters (0:2201); the values are in the order of the structure's fields.
func (b *Builder) HTTPCounters(values *[15]uint32) { b.Words(0, 2201, values[:]...) }

// PortName writes port_name (0:1005 of a counter sample): the ifName of the interface.
func (b *Builder) PortName(name string) { b.Texts(0, 1005, name) }

// AppOperations writes app_operations (0:2202 of a counter sample): how many operations ended with each status, in the
// order of AppStatusName.
func (b *Builder) AppOperations(application string, statuses *[11]uint32) {
	at := b.record(0, 2202)
	b.text(application)
	b.words(statuses[:]...)
	b.end(at)
}

// AppResources is the body of app_resources (0:2203 of a counter sample).
type AppResources struct {
	UserTime, SystemTime             uint32 // ms, cumulative
	MemUsed, MemMax                  uint64 // bytes
	FDOpen, FDMax, ConnOpen, ConnMax uint32
}

// AppResources writes app_resources (0:2203 of a counter sample).
func (b *Builder) AppResources(r *AppResources) {
	at := b.record(0, 2203)
	b.words(r.UserTime, r.SystemTime)
	b.hypers(r.MemUsed, r.MemMax)
	b.words(r.FDOpen, r.FDMax, r.ConnOpen, r.ConnMax)
	b.end(at)
}

// AppWorkers writes app_workers (0:2206 of a counter sample).
func (b *Builder) AppWorkers(active, idle, most, delayed, dropped uint32) {
	b.Words(0, 2206, active, idle, most, delayed, dropped)
}
