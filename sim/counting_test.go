package sim_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"weir/engine"
	"weir/key"
	"weir/meter"
	"weir/schema"
	"weir/sim"
)

// derived are groups of every kind that is made from others.
func derived() []engine.Command {
	traffic := []meter.Meter{{ID: 0, Name: "Total", Unit: "Bps", Type: meter.Rate, Top: 20, Feed: "bytes"}}
	groups := []meter.Group{
		{Name: "hosts_apps", Kind: meter.KindCrosskey, Parents: []string{"hosts", "apps"}},
		{Name: "leaf_macs", Kind: meter.KindKeys, Keys: []string{"macsource"}, Meters: traffic},
		{Name: "dns_hosts", Kind: meter.KindFiltered, Parents: []string{"hosts", "apps"}, KeyList: "Port-53"},
		{Name: "zones", Kind: meter.KindKeyset, Parents: []string{"apps"}, Sets: []meter.Keyset{
			{Name: "web", Keys: "80,443,8080,8443"}, {Name: "data", Keys: "5432,6379"}}},
		{Name: "heavy", Kind: meter.KindStat, Parents: []string{"hosts"},
			Stat: &meter.Stat{Meter: 0, Op: ">", Value: 1e6}},
	}
	var cs []engine.Command
	for _, g := range groups {
		cs = append(cs, engine.DefineGroup{Group: g})
	}
	return cs
}

// shorten makes the buckets of groups short, so that a test of seconds has many.
func shorten(r *rig, bucket, topper time.Duration, names ...string) (cs []engine.Command) {
	r.t.Helper()
	for _, name := range names {
		g := *r.State().Group(name)
		g.Bucket, g.Topper = meter.Span(bucket), meter.Span(topper)
		cs = append(cs, engine.DefineGroup{Group: g})
	}
	return cs
}

// TestMemoryOfLanes gives the same input to 1, 2, 3 and 8 lanes: buckets, toppers, keys and sessions that are left to
// memory must be the same, row for row and in the same order.
func TestMemoryOfLanes(t *testing.T) {
	var want string
	for i, lanes := range []int{1, 2, 3, 8, 3} {
		n := sim.New(21, sim.Options{Load: 0.2, FloodEvery: 15 * time.Second, FloodFor: 4 * time.Second,
			Faults: sim.Faults{Loss: 0.01, Duplicate: 0.01, Reorder: 0.02}})
		r := newKeepingRig(t, engine.Config{Lanes: lanes})
		if i > 0 {
			r.shuffle = rand.New(rand.NewPCG(uint64(i), 1))
		}
		sessions := r.State().Sessions
		sessions.TCP, sessions.UDP, sessions.ICMP, sessions.Report = 5*time.Second, 4*time.Second, 3*time.Second,
			10*time.Second
		r.do(n.Now(), append(append([]engine.Command{network(n), engine.SetSessions{Sessions: sessions}}, derived()...),
			shorten(r, 5*time.Second, 10*time.Second, "hosts", "apps", "mac", "flow_intfs")...)...)
		r.run(n, 32*time.Second, nil)
		r.end()
		got := r.memory()
		for _, what := range []string{"buckets hosts_apps ", "buckets zones ", "buckets subnets ", "buckets heavy ",
			"toppers hosts ", "keys hosts ", "ended ", "running "} {
			if !strings.Contains(got, "\n"+what) {
				t.Errorf("%d lanes: nothing of %q", lanes, what)
			}
		}
		switch {
		case want == "":
			want = got
		case got != want:
			t.Errorf("%d lanes leave something else to memory than one: %s", lanes, firstDifference(got, want))
		}
	}
}

// TestBooksOfGroups compares what groups counted with what the decoder says that it was given, to the byte.
func TestBooksOfGroups(t *testing.T) {
	n := sim.New(22, sim.Options{Load: 0.3, FloodEvery: 20 * time.Second, Faults: sim.Faults{Loss: 0.02, Reorder: 0.02}})
	r := newKeepingRig(t, engine.Config{Lanes: 3})
	r.do(n.Now(), append(derived(), network(n))...)
	r.run(n, 70*time.Second, nil)
	n.Drain(r.take)
	r.tick(n.Now().Add(100 * time.Millisecond))
	books := r.View().Books
	r.end()
	rows := r.buckets()
	sumsToTotals(t, r, rows)

	sums := overall(rows)
	samples, flows := books.Traffic[schema.KindPacketSample], books.Traffic[schema.KindFlowRecord]
	all := samples
	all.Add(flows)
	if samples.Bytes == 0 || flows.Bytes == 0 {
		t.Fatalf("no traffic: %+v", books.Traffic)
	}
	everything := sums["aggregates"]["TOTALBW"]
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"bytes of TOTALBW", everything.meters[0], float64(all.Bytes)},
		{"packets of TOTALBW", everything.meters[1], float64(all.Packets)},
		{"bytes of packet lengths", total(sums, "packet_lengths", 0), float64(samples.Bytes)},
		{"packets of packet lengths", total(sums, "packet_lengths", 1), float64(samples.Packets)},
		{"bytes of interfaces", total(sums, "interfaces", 0), float64(samples.Bytes)},
		{"bytes of link layers", total(sums, "link_layer", 0), float64(samples.Bytes)},
		{"bytes of MAC addresses sent", total(sums, "mac", 0), float64(samples.Bytes)},
		{"bytes of MAC addresses received", total(sums, "mac", 1), float64(samples.Bytes)},
		{"bytes of exporters of flow records", total(sums, "flow_gens", 1), float64(flows.Bytes)},
		{"flow records", total(sums, "flow_gens", 2), float64(books.FlowRecords)},
		{"bytes of protocols", total(sums, "protocols", 0), float64(all.Bytes)},
		{"bytes of applications", total(sums, "apps", 0), float64(all.Bytes)},
		{"bytes of both ends", total(sums, "hosts", 0) + total(sums, "hosts_v6", 0), 2 * float64(all.Bytes)},
		{"bytes sent", total(sums, "hosts", 2) + total(sums, "hosts_v6", 2), float64(all.Bytes)},
		{"packets of both ends", total(sums, "hosts", 3) + total(sums, "hosts_v6", 3), 2 * float64(all.Packets)},
		{"bytes at home and outside", total(sums, "hosts", 6) + total(sums, "hosts", 7), total(sums, "hosts", 0)},
		{"bytes of hosts at home and outside", total(sums, "internal_hosts", 0) + total(sums, "external_hosts", 0),
			total(sums, "hosts", 0)},
		{"bytes by direction", directions(sums), float64(all.Bytes)},
		{"bytes of hosts by application", total(sums, "hosts_apps", 0), total(sums, "hosts", 0)},
	} {
		if c.got != c.want {
			t.Errorf("%s: %.0f, want %.0f (off by %.0f)", c.what, c.got, c.want, c.got-c.want)
		}
	}
}

func directions(sums map[string]map[string]*metered) (v float64) {
	for name, s := range sums["aggregates"] {
		if strings.HasPrefix(name, "DIR_") {
			v += s.meters[0]
		}
	}
	return v
}

// sumsToTotals asks that in each bucket the sum over the keys of a group is what it says is their sum.
func sumsToTotals(t *testing.T, r *rig, rows map[bucketKey]*bucketRow) {
	t.Helper()
	sums := map[bucketKey]*bucketRow{}
	for k, row := range rows {
		if k.key == key.Totals {
			continue
		}
		at := bucketKey{k.group, key.Totals, k.at}
		if sums[at] == nil {
			sums[at] = &bucketRow{}
		}
		for m, v := range row.meters {
			if !math.IsNaN(v) {
				sums[at].meters[m] += v
			}
		}
	}
	compared := 0
	for at, sum := range sums {
		g, total := r.State().Group(at.group), rows[at]
		if total == nil {
			t.Errorf("%s at %v: no row for the totals", at.group, at.at)
			continue
		}
		for _, m := range g.Meters {
			if !m.Type.Summed() && m.Type != meter.Running {
				continue
			}
			compared++
			if total.meters[m.ID] != sum.meters[m.ID] {
				t.Errorf("%s at %v: meter %d of all keys is %v, their sum %v", at.group, at.at, m.ID, total.meters[m.ID],
					sum.meters[m.ID])
			}
		}
	}
	if compared < 200 {
		t.Errorf("only %d totals were compared", compared)
	}
}

// TestBucketsChange changes the times of groups in the middle of a run: what each key counted over the whole run, and
// what the topper buckets say that all keys did, must be as without.
func TestBucketsChange(t *testing.T) {
	run := func(change bool) (map[string]map[string]*metered, *rig) {
		n := sim.New(23, sim.Options{Load: 0.2})
		r := newKeepingRig(t, engine.Config{Lanes: 2})
		r.do(n.Now(), append(derived(), network(n))...)
		r.run(n, 17*time.Second, nil)
		if change {
			if err := r.Do(shorten(r, 5*time.Second, 15*time.Second, "hosts", "apps", "protocols", "subnets")...); err != nil {
				t.Fatal(err)
			}
		}
		r.run(n, 21*time.Second, nil)
		if change {
			if err := r.Do(shorten(r, time.Minute, time.Hour, "hosts", "apps", "dscp")...); err != nil {
				t.Fatal(err)
			}
		}
		r.run(n, 30*time.Second, nil)
		r.end()
		return overall(r.buckets()), r
	}
	want, _ := run(false)
	got, r := run(true)
	widths := map[int64]int{}
	for k, row := range r.buckets() {
		if k.group == "hosts" && k.key == key.Totals {
			widths[row.width]++
		}
	}
	if widths[5] < 3 || len(widths) < 3 {
		t.Errorf("buckets of hosts by width in seconds: %v", widths)
	}
	for group, keys := range want {
		g := r.State().Group(group)
		if g.Kind == meter.KindStat {
			continue // which keys pass a test depends on the bucket
		}
		for name, w := range keys {
			for _, m := range g.Meters {
				if !m.Type.Summed() {
					continue
				}
				if have := got[group][name]; have == nil || have.meters[m.ID] != w.meters[m.ID] {
					t.Errorf("%s %s meter %d: %+v after the changes, %v without", group, name, m.ID, have, w.meters[m.ID])
				}
			}
		}
	}
	toppers := topperTotals(r)
	if toppers["hosts"] == 0 || toppers["dscp"] == 0 {
		t.Errorf("topper buckets: %v", toppers)
	}
	for group, sum := range toppers {
		if w := total(want, group, 0); r.State().Group(group).Meters[0].Type.Summed() && sum != w &&
			r.State().Group(group).Kind != meter.KindStat {
			t.Errorf("%s: topper buckets add up to %v, buckets to %v", group, sum, w)
		}
	}
}

// topperTotals adds up what topper buckets say that all keys had of meter 0.
func topperTotals(r *rig) map[string]float64 {
	sums := map[string]float64{}
	for _, k := range r.kept {
		for _, b := range k.Blocks {
			if b.Table != schema.TableToppers {
				continue
			}
			for i := range b.Rows {
				if b.Column("rank").Ints[i] == 0 && b.Column("meter").Ints[i] == 0 {
					sums[string(b.Column("grp").Texts.At(i))] += b.Column("value").Floats[i]
				}
			}
		}
	}
	return sums
}
