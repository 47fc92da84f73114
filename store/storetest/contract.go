package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"weir/schema"
	"weir/store"
)

// Run runs the contract of store.Store. Open opens the store of a directory; it is called again for the same one after
// Close. What a crash leaves behind is for the tests of each store, with a CrashDisk.
func Run(t *testing.T, open func(dir string) (store.Store, error)) {
	t.Helper()
	rig := func(f func(*testing.T, *bench)) func(*testing.T) {
		return func(t *testing.T) {
			b := &bench{t: t, dir: t.TempDir(), open: open, rand: rand.New(rand.NewPCG(1, 2))}
			b.reopen()
			t.Cleanup(func() { _ = b.st.Close() })
			f(t, b)
		}
	}
	t.Run("round trip", rig(testRoundTrip))
	t.Run("left out columns", rig(testLeftOut))
	t.Run("idempotence", rig(testIdempotence))
	t.Run("ranges", rig(testRanges))
	t.Run("filters", rig(testFilters))
	t.Run("groups", rig(testGroups))
	t.Run("order and limit", rig(testOrder))
	t.Run("nothing", rig(testNothing))
	t.Run("bad queries", rig(testBad))
	t.Run("forget", rig(testForget))
	t.Run("roll", rig(testRoll))
	t.Run("tidy", rig(testTidy))
	t.Run("usage", rig(testUsage))
	t.Run("together", rig(testTogether))
	t.Run("closed", rig(testClosed))
}

// bench is a store under test beside one that is nothing but the contract.
type bench struct {
	t    *testing.T
	dir  string
	open func(dir string) (store.Store, error)
	st   store.Store
	rand *rand.Rand
	true []*schema.Block
	seq  uint64
}

const benchNode = "n1"

func (b *bench) reopen() {
	b.t.Helper()
	if b.st != nil {
		b.must(b.st.Close())
	}
	var err error
	b.st, err = b.open(b.dir)
	b.must(err)
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) flush() {
	b.t.Helper()
	b.must(b.st.Flush(b.t.Context()))
}

// keep keeps one batch in the store and in the truth.
func (b *bench) keep(blocks ...*schema.Block) {
	b.t.Helper()
	b.seq++
	b.must(b.st.Keep(b.t.Context(), store.Batch{Node: benchNode, Seq: b.seq, At: Epoch, Blocks: blocks}))
	b.true = append(b.true, blocks...)
}

// fill keeps some hours of rows of tables, part of them flushed and part in the tail.
func (b *bench) fill(tables ...*schema.Table) {
	b.t.Helper()
	for hour := range 4 {
		from := Epoch.Add(time.Duration(hour) * time.Hour)
		var blocks []*schema.Block
		for _, t := range tables {
			blocks = append(blocks, Rows(b.rand, t, 300, from, from.Add(time.Hour)))
		}
		b.keep(blocks...)
		if hour == 1 || hour == 2 {
			b.flush()
		}
	}
}

// scan returns the answer of the store as one block; nil for none.
func (b *bench) scan(q store.Query) *schema.Block {
	b.t.Helper()
	var all *schema.Block
	for part, err := range b.st.Scan(b.t.Context(), q) {
		if err != nil {
			b.t.Fatalf("scan %s: %v", describe(q), err)
		}
		if part.Rows == 0 {
			b.t.Errorf("scan %s: yielded an empty block", describe(q))
		}
		if all == nil {
			all = &schema.Block{Table: part.Table}
			for i := range part.Columns {
				all.Columns = append(all.Columns, schema.Column{Name: part.Columns[i].Name, Type: part.Columns[i].Type})
			}
		}
		for i := range part.Columns {
			for row := range part.Rows {
				appendValue(&all.Columns[i], store.CellOf(part, row, part.Columns[i].Name))
			}
		}
		all.Rows += part.Rows
	}
	return all
}

// check compares the store's answer with the slow definition's.
func (b *bench) check(q store.Query) {
	b.t.Helper()
	want, got := Answer(q, b.true), b.scan(q)
	if got == nil {
		if want.Rows > 0 {
			b.t.Errorf("%s: want %d rows, got none", describe(q), want.Rows)
		}
		return
	}
	if whole := !q.Grouped() && len(q.Columns) == 0; whole != (got.Table == q.Table) {
		b.t.Errorf("%s: the answer's table is wrong", describe(q))
	}
	if q.OrderBy == "" && !q.Grouped() {
		want, got = sortRows(want), sortRows(got)
	}
	if d := compareBlocks(want, got); d != "" {
		b.t.Errorf("%s: %s", describe(q), d)
	}
}

func describe(q store.Query) string {
	s := fmt.Sprintf("%s where %q", q.Table.Name, q.Where.String())
	if q.From != 0 || q.To != 0 {
		s += fmt.Sprintf(" from %s to %s overlap %v", q.From, q.To, q.Overlap)
	}
	for _, a := range q.Aggregates {
		s += " " + a.Name()
	}
	return s + fmt.Sprintf(" by %s step %s order %s desc %v limit %d", q.By, q.Step, q.OrderBy, q.Desc, q.Limit)
}

// again runs a check on what is in the tail and in parts, then on all in parts, then after opening again.
func (b *bench) again(check func()) {
	b.t.Helper()
	check()
	b.flush()
	check()
	b.reopen()
	check()
}

func testRoundTrip(t *testing.T, b *bench) {
	b.fill(schema.Tables...)
	b.again(func() {
		for _, table := range schema.Tables {
			b.check(store.Query{Table: table})
		}
	})
}

func testLeftOut(t *testing.T, b *bench) {
	rows := Rows(b.rand, schema.TableBuckets, 50, Epoch, Epoch.Add(time.Hour))
	b.keep(without(rows))
	few := &schema.Block{Table: schema.TableSessions, Rows: 2, Columns: []schema.Column{
		{Name: "last", Type: schema.ColumnInt, Ints: []int64{int64(Epoch), int64(Epoch) + 1}},
	}}
	few.Columns = append(few.Columns, schema.Column{Name: "a_ip", Type: schema.ColumnText})
	few.Columns[1].Texts.AppendString("10.0.0.1")
	few.Columns[1].Texts.AppendString("")
	b.keep(few)
	b.again(func() {
		b.check(store.Query{Table: schema.TableBuckets})
		b.check(store.Query{Table: schema.TableSessions})
	})
}

func testIdempotence(t *testing.T, b *bench) {
	ctx := t.Context()
	one := Batch(b.rand, benchNode, 7, 20, Epoch, Epoch.Add(time.Hour))
	b.true = one.Blocks
	all := func() {
		t.Helper()
		for _, table := range schema.Tables {
			b.check(store.Query{Table: table})
		}
	}
	for range 2 {
		b.must(b.st.Keep(ctx, one))
	}
	older := Batch(b.rand, benchNode, 5, 20, Epoch, Epoch.Add(time.Hour))
	b.must(b.st.Keep(ctx, older))
	all()
	b.flush()
	b.must(b.st.Keep(ctx, one))
	b.reopen()
	b.must(b.st.Keep(ctx, one))
	all()
	if seq, err := b.st.Kept(ctx, benchNode); seq != 7 || err != nil {
		t.Errorf("Kept: %d %v", seq, err)
	}
	if seq, err := b.st.Kept(ctx, "other"); seq != 0 || err != nil {
		t.Errorf("Kept of a node that never was: %d %v", seq, err)
	}
	// Another node numbers its own batches.
	other := Batch(b.rand, "other", 1, 20, Epoch, Epoch.Add(time.Hour))
	b.must(b.st.Keep(ctx, other))
	b.true = append(slices.Clone(b.true), other.Blocks...)
	// A batch without rows counts too.
	b.must(b.st.Keep(ctx, store.Batch{Node: benchNode, Seq: 9}))
	b.flush()
	if seq, err := b.st.Kept(ctx, benchNode); seq != 9 || err != nil {
		t.Errorf("Kept after an empty batch: %d %v", seq, err)
	}
	b.reopen()
	all()
	bad := Batch(b.rand, benchNode, 10, 3, Epoch, Epoch.Add(time.Hour))
	bad.Blocks[3].Columns[0].Name = "nonsense"
	if err := b.st.Keep(ctx, bad); err == nil {
		t.Error("a block that is not as its table was kept")
	}
	all()
}

func testNothing(t *testing.T, b *bench) {
	b.again(func() {
		for _, table := range schema.Tables {
			b.check(store.Query{Table: table})
			b.check(store.Query{Table: table, Aggregates: []store.Agg{{Func: store.Count}}})
		}
	})
	usage, err := b.st.Usage(t.Context())
	if err != nil || len(usage) != len(schema.Tables) {
		t.Fatalf("Usage: %v %v", usage, err)
	}
	b.must(b.st.Forget(t.Context(), schema.TableKeys, Epoch))
	b.must(b.st.Roll(t.Context(), schema.TableBuckets, schema.TableBuckets5m, Epoch))
	b.must(b.st.Tidy(t.Context()))
}

func testBad(t *testing.T, b *bench) {
	b.fill(schema.TableSessions)
	for _, q := range []store.Query{
		{}, {Table: &schema.Table{Name: "sessions"}}, {Table: schema.TableSessions, By: []string{"a_ipp"}},
		{Table: schema.TableSessions, Where: store.Where("id; drop table sessions", store.Eq, store.Int(1))},
		{Table: schema.TableSessions, Columns: []string{"\"id\""}}, {Table: schema.TableSessions, Limit: -1},
	} {
		for part, err := range b.st.Scan(t.Context(), q) {
			var bad *store.QueryError
			if part != nil || !errors.As(err, &bad) {
				t.Errorf("%+v was answered: %v %v", q, part, err)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range b.st.Scan(ctx, store.Query{Table: schema.TableSessions}) {
		if err == nil {
			t.Error("a query whose context has ended was answered")
		}
	}
	// A reader that stops early must not hold anything up.
	for range b.st.Scan(t.Context(), store.Query{Table: schema.TableSessions}) {
		break
	}
	b.reopen()
	b.check(store.Query{Table: schema.TableSessions})
}

func testForget(t *testing.T, b *bench) {
	table := schema.TableSessions
	for d := range 3 {
		from := Epoch.Add(time.Duration(d) * 24 * time.Hour)
		b.keep(Rows(b.rand, table, 200, from, from.Add(24*time.Hour)), Rows(b.rand, schema.TableKeys, 200, from,
			from.Add(24*time.Hour)))
		if d < 2 {
			b.flush()
		}
	}
	cut := Epoch.Add(24 * time.Hour)
	b.must(b.st.Forget(t.Context(), table, cut))
	b.must(b.st.Forget(t.Context(), schema.TableKeys, cut.Add(12*time.Hour)))
	var left []*schema.Block
	for _, block := range b.true {
		if block.Table == table {
			left = append(left, Answer(store.Query{Table: table, From: cut}, []*schema.Block{block}))
		}
	}
	keys := Answer(store.Query{Table: schema.TableKeys, From: cut.Add(12 * time.Hour)}, b.true)
	b.true = append(left, keys)
	b.again(func() {
		b.check(store.Query{Table: table})
		b.check(store.Query{Table: schema.TableKeys, From: cut.Add(12 * time.Hour)})
		if got := b.scan(store.Query{Table: schema.TableKeys, To: cut}); got != nil {
			t.Errorf("%d rows of a day that is over are still there", got.Rows)
		}
	})
	// Forgetting something else, or again, changes nothing.
	b.must(b.st.Forget(t.Context(), table, cut))
	b.must(b.st.Forget(t.Context(), schema.TableAlerts, cut.Add(999*time.Hour)))
	b.check(store.Query{Table: table})
}

func testRoll(t *testing.T, b *bench) {
	ctx := t.Context()
	b.fill(schema.TableBuckets)
	b.flush()
	roll := func(upTo schema.Instant) {
		t.Helper()
		b.must(b.st.Roll(ctx, schema.TableBuckets, schema.TableBuckets5m, upTo))
		b.must(b.st.Roll(ctx, schema.TableBuckets5m, schema.TableBuckets1h, upTo))
	}
	// Of whole hours, the sums are the same at every resolution.
	sums := func(hours int) {
		t.Helper()
		q := store.Query{Table: schema.TableBuckets, By: []string{"grp", "key"}, Step: time.Hour,
			To: Epoch.Add(time.Duration(hours) * time.Hour)}
		for _, c := range []string{"m0", "m1", "m12", "m30", "samples"} {
			q.Aggregates = append(q.Aggregates, store.Agg{Column: c, Func: store.Sum})
		}
		want := Answer(q, b.true)
		q.To = 0
		for _, table := range []*schema.Table{schema.TableBuckets5m, schema.TableBuckets1h} {
			q.Table = table
			got := b.scan(q)
			if got == nil {
				t.Fatalf("%s: nothing was rolled up", table.Name)
			}
			if d := compareBlocks(want, got); d != "" {
				t.Errorf("%s after %d hours: %s", table.Name, hours, d)
			}
		}
	}
	roll(Epoch.Add(2*time.Hour + time.Minute))
	sums(2)
	roll(Epoch.Add(2*time.Hour + time.Minute))
	sums(2)
	b.reopen()
	roll(Epoch.Add(3 * time.Hour))
	sums(3)
	one := b.scan(store.Query{Table: schema.TableBuckets1h, Limit: 1})
	if w := one.Column("width").Ints[0]; w != 3600 {
		t.Errorf("the width of a rolled up bucket is %d s", w)
	}
	if at := one.Column("at").Ints[0]; at%int64(time.Hour) != 0 {
		t.Errorf("a rolled up bucket begins at %s", schema.Instant(at))
	}
	b.check(store.Query{Table: schema.TableBuckets})
}

func testTidy(t *testing.T, b *bench) {
	for i := range 12 {
		from := Epoch.Add(time.Duration(i) * 5 * time.Minute)
		b.keep(Rows(b.rand, schema.TableSessions, 20, from, from.Add(time.Minute)),
			without(Rows(b.rand, schema.TableBuckets, 20, from, from.Add(time.Minute))))
		b.flush()
	}
	b.must(b.st.Tidy(t.Context()))
	b.again(func() {
		b.check(store.Query{Table: schema.TableSessions})
		b.check(store.Query{Table: schema.TableBuckets})
	})
	if seq, err := b.st.Kept(t.Context(), benchNode); seq != b.seq || err != nil {
		t.Errorf("Kept after tidying: %d %v", seq, err)
	}
}

func testUsage(t *testing.T, b *bench) {
	b.fill(schema.TableSessions, schema.TableBuckets)
	b.flush()
	usage, err := b.st.Usage(t.Context())
	b.must(err)
	for i, u := range usage {
		if u.Table != schema.Tables[i] {
			t.Fatalf("usage %d is of %s", i, u.Table.Name)
		}
		all := Answer(store.Query{Table: u.Table}, b.true)
		if u.Rows != int64(all.Rows) || len(u.Faults) > 0 {
			t.Errorf("%s: %d rows, want %d; faults %v", u.Table.Name, u.Rows, all.Rows, u.Faults)
		}
		if all.Rows == 0 {
			if u.Oldest != 0 || u.Newest != 0 {
				t.Errorf("%s has no rows, but from %s to %s", u.Table.Name, u.Oldest, u.Newest)
			}
			continue
		}
		at := all.Column(u.Table.Time).Ints
		if u.Oldest != schema.Instant(slices.Min(at)) || u.Newest != schema.Instant(slices.Max(at)) || u.Bytes <= 0 ||
			u.Parts <= 0 {
			t.Errorf("%s: %+v", u.Table.Name, u)
		}
	}
}

// testTogether scans while batches are kept, flushed and tidied: every answer is some prefix of the batches.
func testTogether(t *testing.T, b *bench) {
	const batches, rows = 40, 25
	var blocks []*schema.Block
	for i := range batches {
		from := Epoch.Add(time.Duration(i) * time.Minute)
		blocks = append(blocks, Rows(b.rand, schema.TableSessions, rows, from, from.Add(time.Minute)))
	}
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for last := int64(0); ; {
				select {
				case <-done:
					return
				default:
				}
				n := int64(0)
				q := store.Query{Table: schema.TableSessions, Aggregates: []store.Agg{{Func: store.Count, As: "n"}}}
				for part, err := range b.st.Scan(t.Context(), q) {
					if err != nil {
						t.Error(err)
						return
					}
					n = part.Column("n").Ints[0]
				}
				if n%rows != 0 || n < last {
					t.Errorf("%d rows after %d: not a prefix of the batches", n, last)
				}
				last = n
			}
		})
	}
	for i, block := range blocks {
		b.keep(block)
		if i%7 == 6 {
			b.flush()
		}
		if i%20 == 19 {
			b.must(b.st.Tidy(t.Context()))
		}
	}
	close(done)
	readers.Wait()
	b.again(func() { b.check(store.Query{Table: schema.TableSessions}) })
}

func testClosed(t *testing.T, b *bench) {
	ctx := t.Context()
	b.fill(schema.TableKeys)
	b.must(b.st.Close())
	_, keptErr := b.st.Kept(ctx, benchNode)
	_, usageErr := b.st.Usage(ctx)
	var scanErr error
	for _, err := range b.st.Scan(ctx, store.Query{Table: schema.TableKeys}) {
		scanErr = err
	}
	for what, err := range map[string]error{
		"Keep": b.st.Keep(ctx, store.Batch{Node: benchNode, Seq: 99}), "Flush": b.st.Flush(ctx), "Kept": keptErr,
		"Usage": usageErr, "Scan": scanErr, "Close": b.st.Close(),
		"Forget": b.st.Forget(ctx, schema.TableKeys, Epoch), "Tidy": b.st.Tidy(ctx),
		"Roll": b.st.Roll(ctx, schema.TableBuckets, schema.TableBuckets5m, Epoch.Add(9*time.Hour)),
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s of a closed store: %v", what, err)
		}
	}
	var err error
	b.st, err = b.open(b.dir)
	b.must(err)
	b.check(store.Query{Table: schema.TableKeys}) // Close has flushed
}
