package parquet

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"

	"weir/schema"
)

// TestWriteParquet reads what is exported with DuckDB, which is a reader of its own.
func TestWriteParquet(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	b := &schema.Block{Rows: 3, Columns: []schema.Column{
		{Name: "z", Type: schema.ColumnInt, Ints: []int64{1, -2, math.MaxInt64}},
		{Name: "sum of it", Type: schema.ColumnFloat, Floats: []float64{1, math.NaN(), 0.25}},
		{Name: "a", Type: schema.ColumnText},
		{Name: "none", Type: schema.ColumnFloat, Floats: []float64{math.NaN(), math.NaN(), math.NaN()}},
	}}
	for _, text := range []string{"x", "", "ü"} {
		b.Columns[2].Texts.AppendString(text)
	}
	path := filepath.Join(s.dir, partsName, "answer.parquet")
	for rows, want := range map[int]string{3: "1 1 x NaN\n-2 NaN  NaN\n9223372036854775807 0.25 ü NaN\n", 0: ""} {
		var out bytes.Buffer
		block := b
		if rows == 0 {
			block = emptyLike(b, 0)
		}
		must(t, WriteParquet(&out, block))
		must(t, os.WriteFile(path, out.Bytes(), 0o600))
		conn, err := s.guest.db.Conn(t.Context())
		must(t, err)
		got, err := collect(t.Context(), conn, "SELECT * FROM read_parquet('"+path+"')", 10)
		must(t, err)
		must(t, conn.Close())
		if text(got) != want || got.Columns[1].Name != "sum of it" || got.Columns[3].Type != schema.ColumnFloat {
			t.Errorf("%q, want %q", text(got), want)
		}
	}
	b.Columns[0].Name = "a"
	if err := WriteParquet(&bytes.Buffer{}, b); err == nil {
		t.Error("two columns of one name")
	}
}

// TestPartSize holds the sizes that memory promises: 25 bytes a session, 12 bytes a bucket of 13 meters on Zipf traffic.
func TestPartSize(t *testing.T) {
	for _, c := range []struct {
		block *schema.Block
		most  float64
	}{
		{sessions(2, 60_000, testStart, time.Hour), 25},
		{zipfBuckets(1, 20_000, 20_000, 12), 12},
		{zipfBuckets(1, 20_000, 20_000, 2), 12},
	} {
		var file bytes.Buffer
		sorted := orderingOf(c.block.Table).sorted(c.block)
		w := newPartWriter(&file, sorted.Table, shapeOf(sorted))
		must(t, w.append(sorted))
		must(t, w.close())
		size := float64(file.Len()) / float64(sorted.Rows)
		t.Logf("%s: %d rows, %.1f bytes each", sorted.Table.Name, sorted.Rows, size)
		if size > c.most {
			t.Errorf("%s: %.1f bytes a row, want at most %.0f", sorted.Table.Name, size, c.most)
		}
		f, err := pq.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
		must(t, err)
		if column, ok := f.Schema().Lookup("m31"); ok {
			t.Errorf("a column without values is in the part: %v", column.Path)
		}
	}
}

// TestMergeKeepsOrder merges parts of unlike shapes and reads the rows back as they were.
func TestMergeKeepsOrder(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	var blocks []*schema.Block
	for i := range 9 {
		b := schema.NewBlock(schema.TableBuckets, 0)
		for k := range 1000 {
			meters := []float64{float64(k)}
			if i%2 == 1 {
				meters = []float64{float64(k) + 0.5, math.NaN(), float64(i)}
			}
			appendBucket(b, "g", string(rune('a'+k%26))+string(rune('a'+i)), testStart.Add(time.Duration(k*9+i)*100*time.Millisecond), 1, meters)
		}
		blocks = append(blocks, b)
		keepParts(t, s, b)
	}
	want := orderingOf(schema.TableBuckets).sorted(joined(schema.TableBuckets, blocks))
	must(t, s.Tidy(t.Context()))
	parts := s.partsOf(schema.TableBuckets)
	if len(parts) != 1 || parts[0].Rows != 9000 {
		t.Fatalf("%d parts of %d rows", len(parts), parts[0].Rows)
	}
	got := schema.NewBlock(schema.TableBuckets, 0)
	must(t, s.mergeParts(t.Context(), schema.TableBuckets, parts, func(b *schema.Block) error {
		appendBlock(got, b)
		return nil
	}))
	if text(got) != text(want) {
		t.Error("rows differ")
	}
}
