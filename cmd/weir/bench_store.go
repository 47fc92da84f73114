package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"weir/engine"
	"weir/schema"
	"weir/session"
	"weir/store"
	"weir/store/parquet"
)

// benchStore is a store in a directory of its own, and what is measured of it.
type benchStore struct {
	*parquet.Store
	ctx    context.Context
	dir    string
	seq    uint64
	tail   int // rows that were kept and not flushed
	result *benchResult
}

// store measures what rows take on disk and how long questions to them take: sessions, and buckets that an engine made
// of Zipf traffic, repeated with other times and numbers until there are as many as wanted.
func (b *bench) store(*benchLoad) (r *benchResult, err error) {
	dir, err := os.MkdirTemp("", "weir-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := parquet.Open(dir, parquet.DefaultConfig())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	st := &benchStore{Store: s, ctx: b.ctx, dir: dir, result: &benchResult{Stored: map[string]float64{}}}
	r = st.result
	buckets, err := b.bucketRows()
	if err != nil {
		return nil, err
	}
	var w stopwatch
	w.start()
	for _, step := range []func() error{
		func() error { return st.fillBuckets(buckets, b.size.rows) },
		func() error { return st.fillSessions(b.size.rows) },
		st.usage, st.questions,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	w.stop()
	r.WallNanos, r.CPUNanos = perRow(w.total.wall, r.Records), perRow(w.total.cpu, r.Records)
	r.RecordsRate = 1e9 / r.WallNanos
	r.memory(&benchLoad{})
	return r, b.ctx.Err()
}

func perRow(d time.Duration, rows uint64) float64 { return float64(d) / float64(max(rows, 1)) }

// bucketRows returns the rows of the hosts of one bucket of 30 s, as an engine made them of the load of flow records.
func (b *bench) bucketRows() (*schema.Block, error) {
	l, err := b.load(formatV5)
	if err != nil {
		return nil, err
	}
	all := schema.NewBlock(schema.TableBuckets, 0)
	sum := keptSum{blocks: func(block *schema.Block) {
		if block.Table != schema.TableBuckets {
			return
		}
		for i := range block.Rows {
			if string(block.Column("grp").Texts.At(i)) == "hosts" && block.Column("at").Ints[i] == int64(benchBegin) {
				appendRow(all, block, i)
			}
		}
	}}
	g, err := startBenchRig(b.ctx, engine.Config{Lanes: 1}, nil, benchHouse{groups: true, follow: sum.follow})
	if err != nil {
		return nil, err
	}
	for range max(1, min(12, b.size.turns)) {
		l.renumberAll()
		if err := errors.Join(g.round(l, true), g.tick()); err != nil {
			g.stop()
			return nil, err
		}
	}
	g.stop()
	sum.wait.Wait()
	if all.Rows == 0 {
		return nil, errors.New("BUG: bench: no rows of hosts")
	}
	return all, nil
}

// appendRow appends row i of a block to another one of the same table.
func appendRow(to, from *schema.Block, i int) {
	for c := range to.Columns {
		dst, src := &to.Columns[c], &from.Columns[c]
		switch src.Type {
		case schema.ColumnInt:
			dst.Ints = append(dst.Ints, src.Ints[i])
		case schema.ColumnFloat:
			dst.Floats = append(dst.Floats, src.Floats[i])
		case schema.ColumnText:
			dst.Texts.Append(src.Texts.At(i))
		}
	}
	to.Rows++
}

// benchFlushRows is how many rows go into parts at once, as with the keeper's defaults.
const benchFlushRows = 256 << 10

// keep gives the store a block, and has it written when enough waits.
func (s *benchStore) keep(b *schema.Block) error {
	s.seq++
	err := s.Keep(s.ctx, store.Batch{Node: "bench", Seq: s.seq, At: benchBegin, Blocks: []*schema.Block{b}})
	if s.tail += b.Rows; err == nil && s.tail >= benchFlushRows {
		s.tail = 0
		err = s.Flush(s.ctx)
	}
	return err
}

// dayBuckets is how many buckets of 30 s a day has.
const dayBuckets = 24 * 120

// fillBuckets stores the rows of a bucket for every bucket of a day, as many of them as make about so many rows in all:
// those of whole hours, so that the question for one key's day has as many parts to read as in life.
func (s *benchStore) fillBuckets(rows *schema.Block, most int) error {
	rng := rand.New(rand.NewPCG(5, 6))
	each := max(1, min(rows.Rows, most/8/dayBuckets))
	chosen := rng.Perm(rows.Rows)[:each]
	slices.Sort(chosen)
	for n := range dayBuckets {
		b := schema.NewBlock(schema.TableBuckets, each)
		for _, i := range chosen {
			appendRow(b, rows, i)
			b.Column("at").Ints[b.Rows-1] = int64(benchBegin.Add(time.Duration(n) * 30 * time.Second))
			vary(b, b.Rows-1, rng)
		}
		if err := s.keep(b); err != nil {
			return err
		}
	}
	s.tail = 0
	return errors.Join(s.Flush(s.ctx), s.Tidy(s.ctx))
}

// vary makes a row's meters another bucket's: from half to one and a half of what they were, whole numbers.
func vary(b *schema.Block, row int, rng *rand.Rand) {
	by := 0.5 + rng.Float64()
	for c := range b.Columns {
		if col := &b.Columns[c]; col.Type == schema.ColumnFloat && col.Name[0] == 'm' && col.Name != "missed" {
			col.Floats[row] = math.Round(col.Floats[row] * by)
		}
	}
}

// sessionHours is of how many hours there are sessions.
const sessionHours = 2

// fillSessions stores two hours of sessions: as many as wanted in the last one, a quarter of that in the one before.
func (s *benchStore) fillSessions(rows int) error {
	t, rng := newBenchTraffic(), rand.New(rand.NewPCG(7, 8))
	id := int64(0)
	for minute := range 60 * sessionHours {
		n := rows / 60
		if minute < 60 {
			n /= 4
		}
		begin := benchBegin.Add(time.Duration(minute) * time.Minute)
		for done := 0; done < n; {
			part := min(n-done, benchFlushRows)
			b := schema.NewBlock(schema.TableSessions, part)
			for i := range part {
				id++
				at := begin.Add(time.Minute * time.Duration(done+i) / time.Duration(n))
				t.session(rng, id, at).AppendRow(b)
			}
			done += part
			if err := s.keep(b); err != nil {
				return err
			}
		}
	}
	s.tail = 0
	return errors.Join(s.Flush(s.ctx), s.Tidy(s.ctx))
}

// session makes a finished conversation of a flow of the network.
func (t *benchTraffic) session(rng *rand.Rand, id int64, last schema.Instant) *session.Session {
	f := t.pick(rng.IntN(benchExporters))
	long := time.Duration(math.Exp(rng.Float64()*11)) * time.Millisecond
	out, back := 1+uint64(math.Exp(rng.Float64()*4)), uint64(rng.IntN(20))
	s := &session.Session{
		ID: id, Exporter: benchExporter(int(f.src % benchExporters)), A: benchAddr(f.src), Z: benchAddr(f.dst),
		APort: uint16(32768 + rng.IntN(28232)), ZPort: f.dstPort, Proto: f.proto, IPv: 4, Kind: schema.KindFlowRecord,
		First: last.Add(-long), Last: last, In: 1 + f.src%benchPorts, Out: 1 + f.dst%benchPorts, Store: true,
	}
	s.AZ.Packets, s.ZA.Packets = out, back
	s.AZ.Bytes, s.ZA.Bytes = out*uint64(40+rng.IntN(500)), back*uint64(40+rng.IntN(1400))
	return s
}

func benchAddr(a uint32) schema.Addr {
	return schema.Addr4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
}

// usage notes what rows take on disk.
func (s *benchStore) usage() error {
	all, err := s.Usage(s.ctx)
	if err != nil {
		return err
	}
	for _, u := range all {
		if u.Rows == 0 {
			continue
		}
		name := u.Table.Name
		s.result.Stored["rows of "+name] = float64(u.Rows)
		s.result.Stored["B/row of "+name] = float64(u.Bytes) / float64(u.Rows)
		s.result.Records += uint64(u.Rows)
		for _, f := range u.Faults {
			s.result.fault("%s: %s", name, f)
		}
	}
	return nil
}

// questions measures the middle one of five times of each question.
func (s *benchStore) questions() error {
	end := benchBegin.Add(sessionHours * time.Hour)
	one := "0A.00.00.00"
	if err := s.each(store.Query{Table: schema.TableBuckets, By: []string{"key"}, Limit: 1, Desc: true, OrderBy: "n",
		Aggregates: []store.Agg{{Column: "m0", Func: store.Sum, As: "n"}}}, func(b *schema.Block) {
		one = string(b.Column("key").Texts.At(0))
	}); err != nil {
		return err
	}
	for name, q := range map[string]store.Query{
		"top 10 of last hour ms": {Table: schema.TableSessions, From: end.Add(-time.Hour), To: end, By: []string{"a_ip"},
			Aggregates: []store.Agg{{Column: "bytes", Func: store.Sum, As: "n"}}, OrderBy: "n", Desc: true, Limit: 10},
		"day of one key ms": {Table: schema.TableBuckets, From: benchBegin, To: benchBegin.Add(24 * time.Hour),
			Where: store.All(store.Where("grp", store.Eq, store.Text("hosts")), store.Where("key", store.Eq, store.Text(one))),
			Step:  5 * time.Minute, Aggregates: []store.Agg{{Column: "m0", Func: store.Sum}}},
	} {
		var took []time.Duration
		for range 5 {
			rows, begin := 0, time.Now()
			if err := s.each(q, func(b *schema.Block) { rows += b.Rows }); err != nil {
				return err
			}
			took = append(took, time.Since(begin))
			if rows == 0 {
				return fmt.Errorf("BUG: bench: %s: no answer", name)
			}
		}
		slices.Sort(took)
		s.result.Stored[name] = float64(took[2]) / float64(time.Millisecond)
	}
	return nil
}

func (s *benchStore) each(q store.Query, take func(*schema.Block)) error {
	for b, err := range s.Scan(s.ctx, q) {
		if err != nil {
			return err
		}
		take(b)
	}
	return nil
}
