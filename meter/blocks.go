package meter

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"weir/schema"
)

// Closing is what a ledger closed at one instant. It shares nothing that changes with the ledger, so another goroutine
// may turn it into blocks while the ledger goes on; one goroutine at a time uses it.
type Closing struct {
	// Buckets are the closed buckets, in the order in which they were closed: for alerts and for whoever watches every
	// key, also of groups that store topper traffic only. Nobody may change them.
	Buckets []*Page
	// Marks say for each group when the oldest bucket begins that no closing has handed over yet: all rows of earlier
	// ones are in the blocks of this closing or of those before it, so their slices need not be kept.
	Marks map[string]schema.Instant

	jobs   []job
	sorted bool
	rows   int // of one block at most
	next   int // job
	done   int // rows of that job that are written
	order  []sortedRow
}

type jobKind uint8

const (
	jobRows    jobKind = iota // rows of a closed bucket, and its totals
	jobToppers                // lists of a closed topper bucket
	jobKeys                   // keys not seen before on their day
)

type job struct {
	kind  jobKind
	page  *Page
	lists *topperLists
	rows  []uint32 // which rows: jobKeys, and jobRows when some
	some  bool
}

// Empty tells that there are no blocks.
func (c *Closing) Empty() bool { return len(c.jobs) == 0 }

// Blocks returns all blocks at once; Next is for many rows.
func (c *Closing) Blocks() []*schema.Block {
	var all []*schema.Block
	for b := c.Next(); b != nil; b = c.Next() {
		all = append(all, b)
	}
	return all
}

// Next returns the next block, nil when there is no further one. Each holds rows of one table in canonical order
// (group, raw key, time), of several groups where they are small.
func (c *Closing) Next() *schema.Block {
	if !c.sorted {
		c.sorted = true
		slices.SortStableFunc(c.jobs, func(a, b job) int {
			return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.page.Start, b.page.Start),
				cmp.Compare(a.page.Group.Name, b.page.Group.Name))
		})
	}
	if c.next == len(c.jobs) {
		return nil
	}
	kind := c.jobs[c.next].kind
	b := schema.NewBlock([...]*schema.Table{schema.TableBuckets, schema.TableToppers, schema.TableKeys}[kind], c.room())
	for i := range b.Columns {
		if b.Columns[i].Type == schema.ColumnText {
			b.Columns[i].Texts.Data = make([]byte, 0, 12*c.room())
		}
	}
	last := ""
	for c.next < len(c.jobs) && b.Rows < c.rows {
		j := &c.jobs[c.next]
		if j.kind != kind || j.page.Group.Name < last {
			break
		}
		last = j.page.Group.Name
		if c.write(b, j) {
			c.next, c.done, c.order = c.next+1, 0, nil
			// A second bucket of the same group would stand between the keys of the first.
			last += "\x00"
		}
	}
	return b
}

// room is how many rows the next block will have about.
func (c *Closing) room() int {
	n := 0
	for _, j := range c.jobs[c.next:] {
		if j.kind != c.jobs[c.next].kind || n > c.rows {
			break
		}
		switch {
		case j.kind == jobToppers:
			n += 64
		case j.kind == jobKeys || j.some:
			n += len(j.rows) + 1
		default:
			n += j.page.Len() + 1
		}
	}
	return min(n-c.done, c.rows)
}

// write writes rows of a job until the block is full and returns whether the job is done.
func (c *Closing) write(b *schema.Block, j *job) (done bool) {
	if j.kind == jobToppers {
		j.write(b)
		return true
	}
	if c.order == nil {
		c.order = j.sorted()
	}
	for ; c.done < len(c.order) && b.Rows < c.rows; c.done++ {
		if row := int(c.order[c.done].row); j.kind == jobKeys {
			writeKey(b, j.page, row)
		} else {
			writeRow(b, j.page, row)
		}
	}
	return c.done == len(c.order)
}

// sortedRow is a row with the beginning of its raw key, so that most comparisons touch nothing else.
type sortedRow struct {
	hi, lo uint64
	row    uint32
}

// sorted returns the rows of a job in the order of their raw keys. The row behind the last one stands for the totals.
func (j *job) sorted() []sortedRow {
	p := j.page
	rows := make([]sortedRow, 0, p.Len()+1)
	var buf []byte
	note := func(row int) {
		buf = p.appendRaw(buf[:0], row)
		n := len(buf)
		buf = append(buf, make([]byte, 16)...)
		rows = append(rows, sortedRow{binary.BigEndian.Uint64(buf), binary.BigEndian.Uint64(buf[8:]), uint32(row)})
		buf = buf[:n]
	}
	if j.kind == jobKeys || j.some {
		for _, row := range j.rows {
			note(int(row))
		}
	} else {
		for row := range p.Len() {
			note(row)
		}
	}
	if j.kind == jobRows {
		note(p.Len())
	}
	var a, b []byte
	slices.SortFunc(rows, func(x, y sortedRow) int {
		if x.hi != y.hi {
			return cmp.Compare(x.hi, y.hi)
		}
		if x.lo != y.lo {
			return cmp.Compare(x.lo, y.lo)
		}
		a, b = p.appendRaw(a[:0], int(x.row)), p.appendRaw(b[:0], int(y.row))
		return bytes.Compare(a, b)
	})
	return rows
}

// appendRaw appends the raw key of a row; the row behind the last one has that of the totals.
func (p *Page) appendRaw(dst []byte, row int) []byte {
	if row == p.Len() {
		return append(dst, totalsKey...)
	}
	return p.AppendRaw(dst, row)
}

// AppendRaw appends the raw form of a row's key.
func (p *Page) AppendRaw(dst []byte, row int) []byte {
	return p.Group.Form.AppendRaw(dst, p.RowKey(row))
}

func (b blockColumns) text(i int, s []byte)   { b[i].Texts.Append(s) }
func (b blockColumns) integer(i int, v int64) { b[i].Ints = append(b[i].Ints, v) }
func (b blockColumns) float(i int, v float64) { b[i].Floats = append(b[i].Floats, v) }

// blockColumns are the columns of a block, to be appended to in the order of schema's tables.
type blockColumns []schema.Column

// The columns of the tables of buckets.
const (
	colGroup = iota
	colKey
	colAt
	colWidth
	colSamples
	colRate
	colStderr
	colMissed
	colMeters
	colExtras = colMeters + schema.MaxMeters
)

func writeRow(b *schema.Block, p *Page, row int) {
	c := blockColumns(b.Columns)
	c[colGroup].Texts.AppendString(p.Group.Name)
	key := &c[colKey].Texts
	key.Data = p.appendRaw(key.Data, row)
	key.Ends = append(key.Ends, uint32(len(key.Data)))
	c.integer(colAt, int64(p.Start))
	c.integer(colWidth, int64(time.Duration(p.Width)/time.Second))
	cells, s, missed := p.sum, p.sumSample, 0.0
	if row < p.Len() {
		cells, missed = p.Cells(row), p.Missed(row, p.Group.Primary)
		if s = (sampling{}); p.samples != nil {
			s = p.samples[row]
		}
	}
	n, rate := s.mean()
	c.integer(colSamples, int64(n))
	c.float(colRate, rate)
	c.float(colStderr, p.stderrOf(cells, s, p.Group.Primary))
	c.float(colMissed, missed)
	p.writeMeters(c, cells)
	b.Rows++
}

func (p *Page) writeMeters(c blockColumns, cells []float64) {
	id, extra := 0, colExtras
	for i := range p.Group.Meters {
		m := &p.Group.Meters[i]
		for ; id < m.ID; id++ {
			c.float(colMeters+id, math.NaN())
		}
		id++
		v, ok := p.valueOf(cells, m.ID, 1)
		if !ok {
			v = math.NaN()
		}
		first := int(p.lay.first[m.ID])
		if ok && m.Type == Average {
			v = cells[first] // the sum, which adds up over buckets as its count does
		}
		c.float(colMeters+m.ID, v)
		switch m.Type {
		case Average:
			c.float(extra, cells[first+1])
			extra++
		case GaugeMinMaxAvg:
			c.float(extra, cells[first+2])
			c.float(extra+1, cells[first+3])
			c.float(extra+2, cells[first+4])
			c.float(extra+3, cells[first+5])
			extra += 4
		}
	}
	for ; id < schema.MaxMeters; id++ {
		c.float(colMeters+id, math.NaN())
	}
	for ; extra < colExtras+schema.MaxExtras; extra++ {
		c.float(extra, math.NaN())
	}
}

func writeKey(b *schema.Block, p *Page, row int) {
	c := blockColumns(b.Columns)
	c[0].Texts.AppendString(p.Group.Name)
	key := &c[1].Texts
	key.Data = p.AppendRaw(key.Data, row)
	key.Ends = append(key.Ends, uint32(len(key.Data)))
	c.integer(2, int64(floor(p.Start, day)))
	c.integer(3, int64(p.Start))
	b.Rows++
}

// write writes the lists of a topper bucket: of each meter that keeps any the smallest, the total, the largest.
func (j *job) write(b *schema.Block) {
	lists := j.lists.make()
	t := j.page
	for _, m := range t.Group.Meters {
		if m.Top == 0 && m.Bottom == 0 {
			continue
		}
		of := func(bottom bool) []Topper {
			for _, l := range lists {
				if l.meter == m.ID && l.bottom == bottom {
					return l.rows
				}
			}
			return nil
		}
		bottom := of(true)
		for i := len(bottom) - 1; i >= 0; i-- {
			writeTopper(b, t, m.ID, -1-i, t.Group.Form.AppendRaw(nil, bottom[i].Key), bottom[i])
		}
		if v, ok := t.valueOf(t.sum, m.ID, 1); ok {
			writeTopper(b, t, m.ID, 0, totalsKey, Topper{Value: v, Stderr: t.stderrOf(t.sum, t.sumSample, m.ID)})
		}
		for i, r := range of(false) {
			writeTopper(b, t, m.ID, i+1, t.Group.Form.AppendRaw(nil, r.Key), r)
		}
	}
}

func writeTopper(b *schema.Block, t *Page, meter, rank int, raw []byte, r Topper) {
	c := blockColumns(b.Columns)
	c[0].Texts.AppendString(t.Group.Name)
	c.integer(1, int64(meter))
	c.integer(2, int64(t.Start))
	c.integer(3, int64(time.Duration(t.Width)/time.Second))
	c.integer(4, int64(rank))
	c.text(5, raw)
	c.float(6, r.Value)
	c.float(7, r.Error)
	c.float(8, r.Stderr)
	b.Rows++
}
