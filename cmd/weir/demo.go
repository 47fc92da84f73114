package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"weir/config"
	"weir/engine"
	"weir/enrich"
	"weir/event"
	"weir/flow"
	"weir/schema"
	"weir/sim"
)

// demoCmd is serve with a synthetic network that sends to it.
type demoCmd struct {
	serveFlags `embed:""`
	Seed       uint64  `default:"1" help:"The same seed gives the same network."`
	Load       float64 `default:"1" help:"How much traffic, from 0.01 to 20; 1 is about 1 to 2 Gbit/s."`
}

// Run serves until the context ends. Ports that are taken are replaced by free ones, unless a flag names them.
func (c *demoCmd) Run(e *env) error {
	if !(c.Load >= 0.01 && c.Load <= 20) {
		return errors.New("demo: --load must be between 0.01 and 20")
	}
	conf, path, err := c.load(e)
	if err != nil {
		return err
	}
	c.chooseAddresses(conf)
	network := sim.New(c.Seed, sim.Options{Began: schema.Instant(time.Now().UnixNano()), Load: c.Load})
	d := &demo{network: network, log: c.logger(e.stderr), sockets: map[schema.Addr]*net.UDPConn{}}
	defer d.close()
	d.bind()
	if err := d.furnish(conf); err != nil {
		return err
	}
	conf.Engine.Resolve = true // names come from the network itself
	h, err := openHouse(d.log, conf, path, nil)
	if err != nil {
		return err
	}
	if err := h.engine.Do(engine.AddNames{Answers: d.names()}); err != nil {
		return errors.Join(err, h.close())
	}
	d.to = h.receiver.Addresses()
	h.log.Info("a network that does not exist sends to this machine's own ports: nothing here is real traffic",
		"exporters", len(network.Exporters()), "flood", "every 2 minutes")
	fmt.Fprintf(e.stdout, "weir demo: open http://%s/ in a browser; Ctrl-C ends it\n", h.server.Address())
	return h.serve(e.ctx, append(h.parts(), part{name: "network", run: d.run, within: stopping}))
}

// chooseAddresses listens on loopback, on the usual ports where they are free.
func (c *demoCmd) chooseAddresses(conf *config.Config) {
	for _, o := range []struct {
		flag *string
		to   *string
	}{{c.SFlow, &conf.Listen.SFlow}, {c.NetFlow, &conf.Listen.NetFlow}, {c.IPFIX, &conf.Listen.IPFIX}} {
		if o.flag != nil {
			continue
		}
		if _, port, err := net.SplitHostPort(*o.to); err == nil {
			*o.to = net.JoinHostPort("127.0.0.1", port)
		}
		if udpTaken(*o.to) != nil {
			*o.to = "127.0.0.1:0"
		}
	}
	if c.HTTP == nil {
		l, err := net.Listen("tcp", conf.HTTP.HTTP)
		if err != nil {
			conf.HTTP.HTTP = "127.0.0.1:0"
			return
		}
		// The address was free a moment ago; if closing fails, listening will say so.
		_ = l.Close()
	}
}

// demo sends what a synthetic network exports to the ports of the house.
type demo struct {
	network *sim.Network
	log     *slog.Logger
	sockets map[schema.Addr]*net.UDPConn // of exporters, by the address that they have in the network
	from    map[schema.Addr]schema.Addr  // the loopback address that each sends from
	to      map[string]netip.AddrPort    // listeners by name
	errors  int                          // datagrams that could not be sent
}

// bind gives each exporter an address of its own in 127.0.0.0/8, because NetFlow and IPFIX exporters are known by
// where they send from. Where the system has only 127.0.0.1 they all send from there.
func (d *demo) bind() {
	d.from = map[schema.Addr]schema.Addr{}
	for i, x := range d.network.Exporters() {
		own := netip.AddrFrom4([4]byte{127, 0, 77, byte(i + 1)})
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(own, 0)))
		if err != nil {
			own = netip.AddrFrom4([4]byte{127, 0, 0, 1})
			conn, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(own, 0)))
		}
		if err != nil {
			d.log.Warn("an exporter of the network stays silent", "exporter", x.Name, "error", err.Error())
			continue
		}
		d.sockets[x.Address] = conn
		if x.Protocol != sim.SFlow {
			d.from[x.Address] = schema.AddrOf(own)
		}
	}
}

func (d *demo) close() {
	for _, c := range d.sockets {
		c.Close()
	}
}

// furnish adds to the configuration what makes the network worth looking at: groups, topology, definitions and
// thresholds that its floods and scans cross. What the configuration has stays.
func (d *demo) furnish(conf *config.Config) error {
	if conf.Topology == nil {
		t, err := enrich.ParseTopology(d.network.Topology())
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		for _, n := range t.Nodes {
			if a, err := schema.ParseAddr(string(n.Agent)); err == nil && !d.from[a].IsZero() {
				n.Agent = enrich.Word(d.from[a].String())
			}
		}
		conf.Topology = t
	}
	if conf.Groups[enrich.DefaultSet] == nil {
		conf.Groups[enrich.DefaultSet] = d.network.Groups()
	}
	for _, f := range []flow.Definition{
		{Name: "demo_groups", Keys: "sourcegroup,destinationgroup", Value: "bytes", N: 20},
		{Name: "demo_names", Keys: "dns:ipdestination", Value: "bytes", N: 20},
		{Name: "demo_flood", Keys: "ipdestination,udpsourceport", Value: "frames", N: 10, AggMode: "AGENT"},
		{Name: "demo_scan", Keys: "ipsource,ipdestination", Value: "count:tcpdestinationport", Filter: "tcpflags~.*1.$",
			N: 10, T: 10},
		{Name: "demo_dropped", Keys: "ipdestination,reason", Value: "frames", Dropped: true},
	} {
		if _, there := conf.Flows[f.Name]; !there {
			conf.Flows[f.Name] = f
		}
	}
	for _, t := range []event.Threshold{
		{Name: "flood", Metric: "demo_flood", Value: 50_000, ByFlow: true, Timeout: 10},
		{Name: "scan", Metric: "demo_scan", Value: 100, ByFlow: true, Timeout: 30},
	} {
		if _, there := conf.Thresholds[t.Name]; !there {
			conf.Thresholds[t.Name] = t
		}
	}
	return nil
}

// names returns the names of the network's hosts and exporters, as if the reverse DNS had told them.
func (d *demo) names() (list []enrich.Answer) {
	for a, name := range d.network.Names() {
		list = append(list, enrich.Answer{Addr: a, Name: name + "."})
		if from := d.from[a]; !from.IsZero() {
			list = append(list, enrich.Answer{Addr: from, Name: name + "."})
		}
	}
	return list
}

// run lets the network live as the wall clock goes.
func (d *demo) run(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			now := schema.Instant(time.Now().UnixNano())
			if now.Sub(d.network.Now()) > time.Minute { // the machine slept: nobody waits for what was not seen
				now = d.network.Now().Add(time.Minute)
			}
			d.network.Run(now, d.send)
		}
	}
}

func (d *demo) send(g sim.Datagram) {
	conn := d.sockets[g.From]
	to, ok := d.to[g.Protocol.String()]
	if conn == nil || !ok {
		return
	}
	if _, err := conn.WriteToUDPAddrPort(g.Data, to); err != nil {
		if d.errors++; d.errors == 1 {
			d.log.Warn("a datagram of the network could not be sent", "exporter", g.Name, "error", err.Error())
		}
	}
}
