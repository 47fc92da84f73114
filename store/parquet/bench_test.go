package parquet

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"weir/schema"
	"weir/store"
)

// benchRows returns how many rows a benchmark is to have: WEIR_BENCH_ROWS overrides the small number that does not take
// minutes to make.
func benchRows(b *testing.B, usual int) int {
	b.Helper()
	if text := os.Getenv("WEIR_BENCH_ROWS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	return usual
}

// keepParts writes a block as parts, as a flush does.
func keepParts(b testing.TB, s *Store, block *schema.Block) {
	parts, err := s.writeRows(context.Background(), block)
	must(b, err)
	must(b, s.commit(change{add: parts}))
}

func run(b *testing.B, s *Store, q store.Query) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		rows := 0
		for block, err := range s.Scan(context.Background(), q) {
			must(b, err)
			rows += block.Rows
		}
		if rows == 0 {
			b.Fatal("no rows")
		}
	}
}

// BenchmarkSessionsLastHour asks a day of sessions for the largest of the last hour.
func BenchmarkSessionsLastHour(b *testing.B) {
	s := mustOpen(b, b.TempDir())
	rows := benchRows(b, 2_400_000) / 24
	bytesBefore := time.Now()
	for h := range 3 { // older hours are not read: the manifest says so
		keepParts(b, s, sessions(int64(h), rows, testStart.Add(time.Duration(h)*time.Hour), time.Hour-2*time.Second))
	}
	b.Logf("made %d rows an hour in %s", rows, time.Since(bytesBefore).Round(time.Millisecond))
	q := store.Query{Table: schema.TableSessions, From: testStart.Add(105 * time.Minute), To: testStart.Add(165 * time.Minute),
		OrderBy: "sum_bytes", Desc: true, Limit: 10}
	b.Run("top10hosts", func(b *testing.B) {
		q.By, q.Aggregates = []string{"z_ip"}, []store.Agg{{Column: "bytes", Func: store.Sum}, {Func: store.Count}}
		run(b, s, q)
	})
	b.Run("top10pairs", func(b *testing.B) {
		q.By = []string{"a_ip", "z_ip"}
		run(b, s, q)
	})
	b.Run("top10sessions", func(b *testing.B) {
		q.By, q.Aggregates, q.OrderBy = nil, nil, "bytes"
		run(b, s, q)
	})
	b.Run("onehost", func(b *testing.B) {
		q.Where, q.OrderBy, q.Limit = store.Where("a_ip", store.Eq, store.Text("10.0.3.7")), "last", 100
		run(b, s, q)
	})
	b.Run("network", func(b *testing.B) {
		q.Where, q.OrderBy, q.Limit = store.Where("a_ip", store.Within, store.Text("10.0.3.0/25")), "last", 100
		run(b, s, q)
	})
}

// BenchmarkKeyDay asks for the day of one key in hourly parts of many keys.
func BenchmarkKeyDay(b *testing.B) {
	s := mustOpen(b, b.TempDir())
	keys := benchRows(b, 24*20_000) / 24
	made := time.Now()
	for h := range 24 {
		block := schema.NewBlock(schema.TableBuckets, keys)
		for k := range keys {
			appendBucket(block, "{hosts}", fmt.Sprintf("C0.%02X.%02X.%02X", k>>16, k>>8&255, k&255),
				testStart.Add(time.Duration(h)*time.Hour), 30, []float64{float64(k), float64(h), 3, 4, 5, float64(k / 3)})
		}
		keepParts(b, s, block)
	}
	b.Logf("made 24 parts of %d rows in %s", keys, time.Since(made).Round(time.Millisecond))
	q := store.Query{Table: schema.TableBuckets, From: testStart, To: testStart.Add(24 * time.Hour), Step: time.Hour,
		Where:      store.All(store.Where("grp", store.Eq, store.Text("{hosts}")), store.Where("key", store.Eq, store.Text("C0.00.1F.2A"))),
		Aggregates: []store.Agg{{Column: "m0", Func: store.Sum}, {Column: "m1", Func: store.Sum}}}
	b.Run("trend", func(b *testing.B) { run(b, s, q) })
	q.Where, q.By, q.Step = store.Where("grp", store.Eq, store.Text("{hosts}")), []string{"key"}, 0
	q.OrderBy, q.Desc, q.Limit = "sum_m0", true, 10
	b.Run("top10", func(b *testing.B) { run(b, s, q) })
}

// BenchmarkTail asks a tail that is about to be flushed.
func BenchmarkTail(b *testing.B) {
	s := mustOpen(b, b.TempDir())
	must(b, s.Keep(context.Background(), batch(1, sessions(1, 256<<10, testStart, time.Minute))))
	q := store.Query{Table: schema.TableSessions, By: []string{"z_ip"}, Aggregates: []store.Agg{{Column: "bytes", Func: store.Sum}},
		OrderBy: "sum_bytes", Desc: true, Limit: 10}
	run(b, s, q)
}

// BenchmarkWritePart writes rows as a flush does, and says how many bytes each takes.
func BenchmarkWritePart(b *testing.B) {
	for name, block := range map[string]*schema.Block{
		"sessions": sessions(2, 200_000, testStart, time.Hour),
		"buckets":  zipfBuckets(1, 20_000, 20_000, 30),
		"buckets5": zipfBuckets(1, 20_000, 20_000, 2),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var file bytes.Buffer
			for b.Loop() {
				file.Reset()
				sorted := orderingOf(block.Table).sorted(block)
				w := newPartWriter(&file, block.Table, shapeOf(sorted))
				must(b, w.append(sorted))
				must(b, w.close())
			}
			b.ReportMetric(float64(file.Len())/float64(block.Rows), "B/row")
			b.ReportMetric(float64(b.N)*float64(block.Rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkTidy merges the parts of an hour.
func BenchmarkTidy(b *testing.B) {
	for b.Loop() {
		s := mustOpen(b, b.TempDir())
		for i := range 8 {
			keepParts(b, s, sessions(int64(i), 25_000, testStart, time.Hour-2*time.Second))
		}
		must(b, s.Tidy(context.Background()))
		if n := len(s.partsOf(schema.TableSessions)); n != 1 {
			b.Fatalf("%d parts", n)
		}
	}
}
