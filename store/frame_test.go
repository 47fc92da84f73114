package store

import (
	"bytes"
	"math"
	"testing"

	"weir/schema"
)

// someBatch returns a batch with everything in it that a frame must carry.
func someBatch(seq uint64) Batch {
	b := schema.NewBlock(schema.TableAlerts, 3)
	for i := range 3 {
		for c := range b.Columns {
			col := &b.Columns[c]
			switch col.Type {
			case schema.ColumnInt:
				col.Ints = append(col.Ints, []int64{math.MinInt64, 0, math.MaxInt64}[i])
			case schema.ColumnText:
				col.Texts.AppendString([]string{"", "größe", "a\x00b"}[i])
			}
		}
		b.Column("value").Floats = append(b.Column("value").Floats, []float64{0, -17, 1 << 52}[i])
		b.Column("low").Floats = append(b.Column("low").Floats, []float64{math.NaN(), 1, 2}[i])
		b.Column("high").Floats = append(b.Column("high").Floats, []float64{math.Inf(1), math.Copysign(0, -1), 0.1}[i])
	}
	b.Rows = 3
	return Batch{
		Node: "n", Seq: seq, At: schema.Instant(seq), Blocks: []*schema.Block{b},
		Slices: []Slice{{"hosts", schema.Instant(seq), []byte("slice")}, {"apps", -1, nil}},
		Marks:  map[string]schema.Instant{"hosts": schema.Instant(seq) - 3, "old": math.MaxInt64},
	}
}

func TestFrameRoundTrip(t *testing.T) {
	want := someBatch(7)
	frame, err := appendFrame([]byte("before"), &want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := openFrame(frame[len("before"):], true)
	if err != nil {
		t.Fatal(err)
	}
	if got.Node != want.Node || got.Seq != want.Seq || got.At != want.At || len(got.Slices) != 2 ||
		string(got.Slices[0].Data) != "slice" || got.Slices[1].Start != -1 || got.Marks["old"] != math.MaxInt64 {
		t.Errorf("got %+v", got)
	}
	if !EqualBlocks(got.Blocks[0], want.Blocks[0]) {
		t.Errorf("got %+v, want %+v", got.Blocks[0], want.Blocks[0])
	}
	if !math.Signbit(got.Blocks[0].Column("high").Floats[1]) {
		t.Error("-0 became 0")
	}
	without, err := openFrame(frame[len("before"):], false)
	if err != nil || without.Blocks != nil || len(without.Slices) != 2 {
		t.Errorf("without blocks: %+v %v", without, err)
	}
}

// A row of 13 meters of a quiet host must not take much more than a byte a meter.
func TestFrameIsSmall(t *testing.T) {
	const rows = 1000
	b := schema.NewBlock(schema.TableBuckets, rows)
	b.Rows = rows
	for i := range rows {
		for c := range b.Columns {
			col := &b.Columns[c]
			switch {
			case col.Name == "grp":
				col.Texts.AppendString("hosts")
			case col.Name == "key":
				col.Texts.AppendString("C0.A8.01.02")
			case col.Type == schema.ColumnInt:
				col.Ints = append(col.Ints, 30)
			case c < 21:
				col.Floats = append(col.Floats, float64(i%50))
			default:
				col.Floats = append(col.Floats, math.NaN())
			}
		}
	}
	frame, err := appendFrame(nil, &Batch{Blocks: []*schema.Block{b}})
	if err != nil {
		t.Fatal(err)
	}
	if per := len(frame) / rows; per > 45 {
		t.Errorf("%d bytes a row", per)
	}
	got, err := openFrame(frame, true)
	if err != nil || len(got.Blocks[0].Columns) != 21 {
		t.Errorf("columns without a value were not left out: %v", err)
	}
}

func TestFrameOfAnotherVersionOfTheTables(t *testing.T) {
	other := &schema.Table{Name: "vanished", Time: "at"}
	block := &schema.Block{Table: other, Rows: 1, Columns: []schema.Column{
		{Name: "at", Type: schema.ColumnInt, Ints: []int64{1}},
	}}
	keys := &schema.Block{Table: schema.TableKeys, Rows: 1, Columns: []schema.Column{
		{Name: "at", Type: schema.ColumnInt, Ints: []int64{1}},
		{Name: "new_column", Type: schema.ColumnInt, Ints: []int64{1}},
		{Name: "grp", Type: schema.ColumnInt, Ints: []int64{1}},
	}}
	frame, err := appendFrame(nil, &Batch{Blocks: []*schema.Block{block, keys}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := openFrame(frame, true)
	if err != nil || len(got.Blocks) != 1 || len(got.Blocks[0].Columns) != 1 || CheckBlock(got.Blocks[0]) != nil {
		t.Errorf("got %+v %v", got, err)
	}
}

func TestFrameDamage(t *testing.T) {
	b := someBatch(1)
	frame, err := appendFrame(nil, &b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range frame {
		bad := bytes.Clone(frame)
		bad[i] ^= 0x20
		if _, err := openFrame(bad, true); err == nil {
			t.Errorf("byte %d changed: not noticed", i)
		}
		if _, err := openFrame(frame[:i], true); err == nil {
			t.Errorf("cut at byte %d: not noticed", i)
		}
	}
}

func FuzzDecodeBatch(f *testing.F) {
	b := someBatch(1)
	f.Add(appendBatch(nil, &b))
	f.Add(appendBatch(nil, &Batch{}))
	f.Add([]byte{0, 1, 1, 0, 0, 1, 4, 'k', 'e', 'y', 's', 200, 200, 1, 1, 2, 'a', 't', 1})
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := decodeBatch(text, true)
		if err != nil {
			return
		}
		for _, block := range got.Blocks {
			if err := CheckBlock(block); err != nil {
				t.Fatal(err)
			}
		}
		again, err := decodeBatch(appendBatch(nil, &got), true)
		if err != nil || len(again.Blocks) != len(got.Blocks) {
			t.Fatalf("%v: %+v %+v", err, got, again)
		}
	})
}

func BenchmarkAppendFrame(b *testing.B) {
	batch := someBatch(1)
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		buf, _ = appendFrame(buf[:0], &batch)
	}
}
