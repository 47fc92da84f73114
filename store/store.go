package store

import (
	"context"
	"errors"
	"iter"
	"time"

	"weir/schema"
)

// Batch is what one node finished between two ticks: all of it is kept, or none. Nobody changes a batch, or what it
// points to, after it was handed over.
type Batch struct {
	Node   string         // name of the node that counted; at most 255 bytes
	Seq    uint64         // 1, 2, ... for each node, growing for ever: also over restarts
	At     schema.Instant // instant of the tick that completed it
	Blocks []*schema.Block
	// Slices are parts of buckets that are still open. The journal keeps them until their bucket is stored; a Store
	// pays no attention to them.
	Slices []Slice
	// Marks says for a counter group up to where its buckets are in Blocks of this batch or of earlier ones: slices of
	// buckets that begin before the mark are not needed any more. A group that was dropped is marked with the largest
	// instant. A Store pays no attention to marks.
	Marks map[string]schema.Instant
}

// Slice is an encoded part of a bucket that is still open. What is in Data is the business of whoever made it.
type Slice struct {
	Group string         // name of the counter group, or of whatever else has marks of its own
	Start schema.Instant // when the bucket begins
	Data  []byte
}

// Store is long memory. Its methods may be called from any goroutine, also at the same time; a long Scan does not hold
// up Keep. Errors name the file or table and what to do; those that mean "disk full" wrap syscall.ENOSPC.
type Store interface {
	// Keep takes a batch. Its rows are seen by Scan and SQL as soon as Keep returns, but survive a crash only after
	// the next Flush. It is idempotent by (Node, Seq): a batch whose Seq is not larger than one that was already kept of
	// that node is passed over without error. Batches come in the order of Seq. A block may leave out columns of its
	// table: their values are 0, "" and NaN. After an error none of the batch is kept.
	Keep(ctx context.Context, b Batch) error
	// Flush makes everything durable that Keep took before. After an error nothing is lost: the rows are still seen, and
	// the next Flush tries again.
	Flush(ctx context.Context) error
	// Kept returns the Seq up to which the batches of a node are durable; 0 when there are none. Batches after it must
	// be kept again after a crash.
	Kept(ctx context.Context, node string) (seq uint64, err error)
	// Scan answers a query in one or more blocks, of which none is empty; it first validates it. Iteration ends with
	// the first error. The blocks belong to the caller.
	Scan(ctx context.Context, q Query) iter.Seq2[*schema.Block, error]
	// SQL answers one read-only statement over the tables of schema.Tables by their names. The answer's Table is nil.
	SQL(ctx context.Context, text string, l SQLLimits) (*schema.Block, error)
	// Forget drops rows of a table whose time is before an instant. Rows may go in whole hours or days (UTC): some rows
	// before it may stay, until all of their hour or day is before it. Rows at or after it always stay.
	Forget(ctx context.Context, table *schema.Table, before schema.Instant) error
	// Roll sums rows of a bucket table up into a coarser one for whole hours (UTC) that end at or before upTo and were
	// not rolled up yet. Only durable rows count: flush first. It may be called again at any time: an hour is rolled
	// up once. Rows that come later for an hour that was rolled up are added.
	Roll(ctx context.Context, from, to *schema.Table, upTo schema.Instant) error
	// Tidy merges small parts; it changes no answer. It returns when there is nothing to do or ctx ends.
	Tidy(ctx context.Context) error
	// Usage says what each table takes, in the order of schema.Tables, tables without rows included.
	Usage(ctx context.Context) ([]TableUsage, error)
	// Close flushes and closes. A store that is closed answers ErrClosed.
	Close() error
}

// ErrClosed is the answer of a store that is closed.
var ErrClosed = errors.New("the store is closed")

// TableUsage says what one table takes.
type TableUsage struct {
	Table  *schema.Table
	Rows   int64
	Bytes  int64          // on disk
	Oldest schema.Instant // smallest and largest instant of Table.Time; 0 when there are no rows
	Newest schema.Instant
	Parts  int
	Faults []string // what could not be read and was set aside, for humans; at most 100
}

// SQLLimits bounds what one SQL statement may take.
type SQLLimits struct {
	// Rows of the answer; more are cut off: ask for one more to see whether there were more. 0 is DefaultSQLRows.
	Rows    int
	Timeout time.Duration // 0 is DefaultSQLTimeout
}

// What SQLLimits has when it says nothing.
const (
	DefaultSQLRows    = 10_000
	DefaultSQLTimeout = 30 * time.Second
)

// Query is data, not text: every store, the REST layer and scripts speak it.
//
// Without By, Step and Aggregates it asks for rows: Columns of them, in the order of OrderBy, or in any order when that
// is empty. With any of them it asks for groups of rows: the answer's columns are By, then Table.Time when Step is not
// 0 (the beginning of the step), then the aggregates. No rows, no groups: a query over nothing yields nothing.
type Query struct {
	Table *schema.Table
	// From and To are the bounds of Table.Time: From <= time < To. Zero is no bound.
	From, To schema.Instant
	// Overlap, only for tables with a column "first": instead rows whose time from first to Table.Time touches the
	// range: first < To and Table.Time >= From.
	Overlap bool
	Where   Cond          // the zero Cond lets every row pass
	By      []string      // columns that make the groups; computed columns are not allowed here
	Step    time.Duration // width of the time groups, aligned to the Unix epoch; 0 is no time axis
	// Aggregates are computed over each group; without any, the answer has the groups alone.
	Aggregates []Agg
	// Columns are those wanted of rows, in that order; empty are all of the table. Computed columns are allowed. Not
	// together with By, Step or Aggregates.
	Columns []string
	// OrderBy is a column of the table, a computed one, or one of the answer (for groups: only one of the answer). NaN
	// comes last. Ties are in ascending order of By and the step for groups (which is also the order without
	// OrderBy), of Table.Order for rows.
	OrderBy string
	Desc    bool // largest first
	Limit   int  // 0 is no limit
}

// Grouped tells that q asks for groups of rows.
func (q *Query) Grouped() bool { return len(q.By) > 0 || q.Step > 0 || len(q.Aggregates) > 0 }

// AggFunc is what an aggregate makes of the values of a group. Values that are NaN do not count.
type AggFunc uint8

// The aggregate functions. The sum of integers is an integer, held to the range of int64; sum and avg are not for
// texts, whose min and max are by bytes. When a group has no value: NaN, and for count 0.
const (
	Sum   AggFunc = iota + 1
	Max           // largest; same type as the column
	Min           // smallest; same type as the column
	Avg           // mean, a float
	Count         // rows, an integer; with a column: those that have a value
	Last          // value of the row with the largest Table.Time (of several such: any); same type as the column
)

// Agg is one aggregate: Func over Column. The zero Column is allowed for Count.
type Agg struct {
	Column string // of the table, or a computed one
	Func   AggFunc
	As     string // name in the answer; empty is "sum_bytes", "count"
}

// Name returns the aggregate's name in the answer.
func (a Agg) Name() string {
	switch {
	case a.As != "":
		return a.As
	case a.Column == "":
		return a.Func.String()
	}
	return a.Func.String() + "_" + a.Column
}

// String returns the function's name: sum, max, ...
func (f AggFunc) String() string {
	return [...]string{"", "sum", "max", "min", "avg", "count", "last"}[f%7]
}

// Computed is a column that is no column of the table: the sum of some less the sum of others, all integers.
type Computed struct {
	Name        string
	Unit        string
	Plus, Minus []string
	Doc         string
}

// sessionComputed are the computed columns of the tables of sessions.
var sessionComputed = []Computed{
	{"bytes", "bytes", []string{"az_bytes", "za_bytes"}, nil, "sent by both ends"},
	{"packets", "packets", []string{"az_packets", "za_packets"}, nil, "sent by both ends"},
	{"payload", "bytes", []string{"az_payload", "za_payload"}, nil, "TCP or UDP payload of both ends"},
	{"duration", "ns", []string{"last"}, []string{"first"}, "from first to last activity"},
}

// ComputedOf returns the computed columns of a table; nobody may change them. They may be used in Where, Aggregates,
// Columns and OrderBy.
func ComputedOf(t *schema.Table) []Computed {
	if t == schema.TableSessions || t == schema.TableRunning {
		return sessionComputed
	}
	return nil
}

// ComputedColumn returns the computed column of that name.
func ComputedColumn(t *schema.Table, name string) (c Computed, ok bool) {
	for _, c := range ComputedOf(t) {
		if c.Name == name {
			return c, true
		}
	}
	return Computed{}, false
}
