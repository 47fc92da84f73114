package sim_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"weir/engine"
	"weir/history"
	"weir/key"
	"weir/schema"
	"weir/store"
	"weir/store/parquet"
	"weir/vitals"
	"weir/wire"
	"weir/wire/netflow"
)

const (
	dayLong    = 24 * time.Hour
	monthDays  = 30
	monthPace  = 30 * time.Minute // a datagram of flow records comes this often
	monthFlush = 2_000            // rows that become parts together
	monthEnds  = 12               // records in it, each between two hosts of its own
)

// monthBegan is a Monday, 2026-03-02.
const monthBegan = schema.Instant(1_772_409_600) * schema.Instant(time.Second)

// hasty is a disk that does not wait until it has written: crashes have tests of their own, and 30 days have thousands
// of files.
type hasty struct{ store.RealDisk }

type hastyFile struct{ store.File }

func (hasty) Create(name string) (store.File, error) {
	f, err := store.RealDisk{}.Create(name)
	return hastyFile{f}, err
}

func (hasty) SyncDir(string) error { return nil }

func (hastyFile) Sync() error { return nil }

// month is a rig with a store on disk behind it.
type month struct {
	*rig
	store    *parquet.Store
	keeper   *store.Keeper
	recorder *history.Recorder
	builder  *netflow.Builder
	truth    map[int64]float64 // bytes by hour
	records  map[int64]int     // flow records by day
	all      float64
}

// newMonth returns a rig whose engine leaves what it has to a store that keeps buckets for 7 days and sessions for 3.
func newMonth(t *testing.T) (m *month, stop func()) {
	t.Helper()
	dir, set := t.TempDir(), vitals.New()
	pc := parquet.DefaultConfig()
	pc.MemoryLimit, pc.SQLMemory, pc.Threads = 128<<20, 64<<20, 1
	pc.Disk = hasty{}
	st, err := parquet.Open(dir, pc)
	if err != nil {
		t.Fatal(err)
	}
	j, err := store.OpenJournal(store.JournalConfig{Dir: filepath.Join(dir, "journal"), Disk: hasty{}}, set)
	if err != nil {
		t.Fatal(err)
	}
	c := store.DefaultConfig()
	c.Path, c.FlushRows, c.TailRows = dir, monthFlush, 40_000
	c.Keep[schema.TableBuckets.Name], c.Keep[schema.TableSessions.Name] = 7*dayLong, 3*dayLong
	c.Keep[schema.TableBuckets5m.Name] = 14 * dayLong
	m = &month{store: st, keeper: store.NewKeeper(c, st, j, set), truth: map[int64]float64{}, records: map[int64]int{}}
	m.rig = newRigOf(t, engine.Config{Lanes: 2}, func(e *engine.Engine) {
		if m.recorder, err = history.NewRecorder(context.Background(), e, m.keeper, true,
			slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
			t.Fatal(err)
		}
	})
	if m.builder, err = netflow.NewBuilder(netflow.V5, 0); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	kept, recorded := make(chan struct{}), make(chan error, 1)
	go func() { defer close(kept); m.keeper.Run(ctx) }()
	go func() { recorded <- m.recorder.Run(context.Background()) }()
	return m, func() {
		m.end()
		if err := <-recorded; err != nil {
			t.Error(err)
		}
		m.settle()
		cancel()
		<-kept
		s := m.keeper.Status()
		for _, f := range s.Faults {
			if !errors.Is(f.Err, context.Canceled) { // a chore that the stop cut short
				t.Errorf("the keeper: %s: %v", f.Op, f.Err)
			}
		}
		if s.Dropped > 0 || s.Kept != s.Seq {
			t.Errorf("the keeper: %+v", s)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
}

// settle waits until the store has what was left to memory so far. Without it the data would be days ahead of the disk,
// which is not what this test is about.
func (m *month) settle() {
	for s := m.keeper.Status(); s.Behind || s.Waiting > 0 || s.TailRows > monthFlush; s = m.keeper.Status() {
		time.Sleep(5 * time.Millisecond)
	}
}

// report sends one datagram of flow records, of sizes that are never the same.
func (m *month) report(at schema.Instant, n int) {
	m.t.Helper()
	m.builder.Begin(netflow.Header{Export: at, Uptime: 1 << 20})
	v := func(n int) schema.Value { return schema.Value{Type: schema.Uint, N: uint64(n)} }
	ip := func(net byte, host int) schema.Value {
		return schema.Value{Type: schema.IPv4, B: []byte{10, net, 0, byte(host)}}
	}
	for i := range monthEnds {
		bytes := 1000 + n*7 + i*13
		m.builder.Record(netflow.V5Template(), ip(1, i), ip(2, i%5), schema.Value{Type: schema.IPv4, B: make([]byte, 4)},
			v(1), v(2), v(1+n%50), v(bytes), v(1<<20-1000), v(1<<20-100), v(40000+n%1000), v(443), v(0x1b), v(6), v(0), v(0),
			v(0), v(24), v(24))
		m.truth[int64(at)/int64(time.Hour)] += float64(bytes)
		m.all += float64(bytes)
	}
	m.records[int64(at)/int64(dayLong)] += monthEnds
	d, err := m.builder.Datagram()
	if err != nil {
		m.t.Fatal(err)
	}
	m.put(wire.Datagram{At: at, From: schema.Addr4([4]byte{192, 0, 2, 1}), Data: d})
}

// byHour returns the sum of meter 0 of the totals of a group, by hour.
func (m *month) byHour(table *schema.Table, group string) map[int64]float64 {
	m.t.Helper()
	sums := map[int64]float64{}
	q := store.Query{
		Table: table, Step: time.Hour, Aggregates: []store.Agg{{Func: store.Sum, Column: "m0", As: "bytes"}},
		Where: store.All(store.Where("grp", store.Eq, store.Text(group)),
			store.Where("key", store.Eq, store.Text(key.Totals))),
	}
	for b, err := range m.store.Scan(context.Background(), q) {
		if err != nil {
			m.t.Fatal(err)
		}
		for i := range b.Rows {
			sums[b.Column("at").Ints[i]/int64(time.Hour)] += b.Column("bytes").Floats[i]
		}
	}
	return sums
}

func (m *month) usage() map[string]store.TableUsage {
	m.t.Helper()
	list, err := m.store.Usage(context.Background())
	if err != nil {
		m.t.Fatal(err)
	}
	by := map[string]store.TableUsage{}
	for _, u := range list {
		by[u.Table.Name] = u
	}
	return by
}

// TestMonth lets thirty days pass in the time of the data, through engine, journal and store. What old rows said must be
// in the roll-ups to the byte, old rows must be gone, and young ones there once.
func TestMonth(t *testing.T) {
	if underRace {
		t.Skip("long: make test runs it without the race detector")
	}
	m, stop := newMonth(t)
	var idle []engine.Command // what is looked at is enough
	for _, g := range m.State().Groups {
		switch g.Name {
		case "hosts", "apps", "aggregates", "flow_intfs", "internal_hosts":
			continue
		}
		c := *g
		c.Inactive = true
		idle = append(idle, engine.DefineGroup{Group: c})
	}
	m.do(monthBegan, idle...)
	end := monthBegan.Add(monthDays * dayLong)
	for n, at := 0, monthBegan.Add(monthPace/2); at < end; n, at = n+1, at.Add(monthPace) {
		m.tick(at) // what comes before a tick that is long due would be taken as too early
		if hour := int64(at) / int64(time.Hour) % 24; hour < 8 || hour >= 18 {
			m.settle()
			continue // nobody works
		}
		m.report(at, n)
		for _, later := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute} {
			m.tick(at.Add(later))
		}
	}
	m.tick(end)
	books := m.View().Books
	stop()

	ctx := context.Background()
	if got := books.Traffic[schema.KindFlowRecord].Bytes; float64(got) != m.all {
		t.Errorf("%d bytes were decoded, %.0f sent", got, m.all)
	}
	// What the keeper forgot by itself lags by the rows between two flushes, here less than a day.
	usage := m.usage()
	for table, days := range map[string]int{"buckets": 7, "sessions": 3, "buckets_5m": 14} {
		u := usage[table]
		if kept := end.Sub(u.Oldest); u.Rows == 0 || kept > time.Duration(days+3)*dayLong {
			t.Errorf("%s: %d rows, the oldest of %v before the end", table, u.Rows, kept)
		}
		t.Logf("%s: %d rows in %d parts, %d bytes, since %v", table, u.Rows, u.Parts, u.Bytes, u.Oldest)
	}
	if err := m.store.Roll(ctx, schema.TableBuckets, schema.TableBuckets5m, end); err != nil {
		t.Fatal(err)
	}
	if err := m.store.Roll(ctx, schema.TableBuckets5m, schema.TableBuckets1h, end); err != nil {
		t.Fatal(err)
	}
	m.compare(end)
	if err := m.store.Close(); err != nil {
		t.Error(err)
	}
}

// compare asks the store for every hour that it must still know.
func (m *month) compare(end schema.Instant) {
	m.t.Helper()
	for group, factor := range map[string]float64{"hosts": 2, "apps": 1, "internal_hosts": 2, "aggregates": 2,
		"flow_intfs": 2} {
		for table, days := range map[*schema.Table]int{schema.TableBuckets: 7, schema.TableBuckets5m: 14,
			schema.TableBuckets1h: monthDays} {
			got, first := m.byHour(table, group), int64(end.Add(-time.Duration(days)*dayLong))/int64(time.Hour)
			for hour := first; hour < int64(end)/int64(time.Hour); hour++ {
				if want := factor * m.truth[hour]; got[hour] != want {
					m.t.Errorf("%s of %s, hour %d: %.0f bytes, want %.0f", table.Name, group, hour, got[hour], want)
				}
			}
		}
	}
	m.compareSessions(end)
}

// compareSessions counts the sessions of the last days: each flow record is one of its own.
func (m *month) compareSessions(end schema.Instant) {
	m.t.Helper()
	q := store.Query{
		Table: schema.TableSessions, From: end.Add(-2 * dayLong), To: end, Step: dayLong,
		Aggregates: []store.Agg{{Func: store.Count, As: "n"}, {Func: store.Sum, Column: "az_packets", As: "packets"}},
	}
	days := 0
	for b, err := range m.store.Scan(context.Background(), q) {
		if err != nil {
			m.t.Fatal(err)
		}
		for i := range b.Rows {
			days++
			day := b.Column("last").Ints[i] / int64(dayLong)
			if n := b.Column("n").Ints[i]; n != int64(m.records[day]) {
				m.t.Errorf("%d sessions on day %d, want %d", n, day, m.records[day])
			}
		}
	}
	if days != 2 {
		m.t.Errorf("sessions of %d days, want 2", days)
	}
}
