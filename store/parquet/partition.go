package parquet

import (
	"time"

	"weir/schema"
)

const (
	hour = int64(time.Hour)
	day  = 24 * hour
)

// widthOf is how much time the parts of one directory of a table cover: an hour for tables that grow fast, so that
// merging stays cheap and rolling up has whole hours; a day for the others, so that their files do not stay tiny.
func widthOf(t *schema.Table) int64 {
	switch t {
	case schema.TableBuckets, schema.TableBuckets5m, schema.TableSessions, schema.TableRunning, schema.TableFlows:
		return hour
	}
	return day
}

// floorTo rounds down to a multiple, also before 1970.
func floorTo(at, width int64) int64 {
	r := at % width
	if r < 0 {
		r += width
	}
	return at - r
}

// directoryName names the hour or day that begins at an instant.
func directoryName(start, width int64) string {
	at := time.Unix(0, start).UTC()
	if width == hour {
		return at.Format("2006-01-02T15")
	}
	return at.Format("2006-01-02")
}

// partitions splits the rows of a block by the hour or day of their time and gives each run, in order of time.
func partitions(b *schema.Block, yield func(start int64, rows *schema.Block) error) error {
	if b.Rows == 0 {
		return nil
	}
	width := widthOf(b.Table)
	times := b.Columns[b.Table.Column(b.Table.Time)].Ints
	low, high := span(times)
	if floorTo(low, width) == floorTo(high, width) {
		return yield(floorTo(low, width), b)
	}
	rows := map[int64][]int32{}
	for i, at := range times {
		start := floorTo(at, width)
		rows[start] = append(rows[start], int32(i))
	}
	for _, start := range sortedKeys(rows) {
		run := schema.NewBlock(b.Table, len(rows[start]))
		for i := range b.Columns {
			appendRows(&run.Columns[i], &b.Columns[i], rows[start])
		}
		run.Rows = len(rows[start])
		if err := yield(start, run); err != nil {
			return err
		}
	}
	return nil
}
