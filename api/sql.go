package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"weir/history"
	"weir/schema"
	"weir/store"
)

// The bounds of one SQL statement.
const (
	sqlRows    = 1000    // unless it is said
	sqlMost    = 100_000 // rows
	sqlTimeout = 30      // seconds unless it is said
	sqlLongest = 300     // seconds
	dayRange   = 24 * time.Hour
)

// statement is the body of a question in SQL.
type statement struct {
	Query   string  `json:"query"`
	Max     int     `json:"max"`       // rows; 0 is 1000
	Timeout float64 `json:"timeout_s"` // seconds; 0 is 30
}

func (s *statement) check() error {
	bad := func(field, format string, args ...any) error {
		return refuse(http.StatusBadRequest, field, fmt.Sprintf(format, args...), "GET /api/v1/tables lists the tables")
	}
	if s.Max == 0 {
		s.Max = sqlRows
	}
	if s.Timeout == 0 {
		s.Timeout = sqlTimeout
	}
	switch {
	case s.Query == "":
		return bad("query", "missing")
	case s.Max < 1 || s.Max > sqlMost:
		return bad("max", "%d is not between 1 and %d", s.Max, sqlMost)
	case !(s.Timeout >= 0.1 && s.Timeout <= sqlLongest):
		return bad("timeout_s", "%v is not between 0.1 and %d", s.Timeout, sqlLongest)
	}
	return nil
}

// columnTypes are the words of the types of columns.
var columnTypes = map[schema.ColumnType]string{
	schema.ColumnInt: "integer", schema.ColumnFloat: "float", schema.ColumnText: "text",
}

type sqlColumn struct {
	Name string `json:"name"`
	Type string `json:"type"` // integer, float or text
}

// sql answers one read-only statement.
func sql(r *request) (*sheet, error) {
	var s statement
	if err := decode(r.body, &s); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	st := r.server.options.Memory.Store
	if st == nil {
		return nil, history.ErrNoStore
	}
	timeout := time.Duration(s.Timeout * float64(time.Second))
	began := time.Now()
	b, err := st.SQL(r.Context(), s.Query, store.SQLLimits{Rows: s.Max + 1, Timeout: timeout})
	if err != nil {
		return nil, sqlFailure(err, timeout)
	}
	truncated := b.Rows > s.Max
	a := struct {
		stamp
		Columns   []sqlColumn `json:"columns"`
		Rows      [][]any     `json:"rows"`
		Truncated bool        `json:"truncated"` // there are more than max
		Elapsed   float64     `json:"elapsed_ms"`
	}{stamp: r.stamp(), Columns: []sqlColumn{}, Rows: cells(b, s.Max), Truncated: truncated,
		Elapsed: float64(time.Since(began).Microseconds()) / 1e3}
	for i := range b.Columns {
		a.Columns = append(a.Columns, sqlColumn{b.Columns[i].Name, columnTypes[b.Columns[i].Type]})
	}
	return &sheet{name: "query", json: a, block: firstRows(b, s.Max)}, nil
}

// firstRows returns a block of the first rows of b, which it shares.
func firstRows(b *schema.Block, most int) *schema.Block {
	if b.Rows <= most {
		return b
	}
	out := &schema.Block{Table: b.Table, Rows: most}
	for _, c := range b.Columns {
		switch c.Type {
		case schema.ColumnInt:
			c.Ints = c.Ints[:most]
		case schema.ColumnFloat:
			c.Floats = c.Floats[:most]
		default:
			c.Texts.Ends = c.Texts.Ends[:most]
		}
		out.Columns = append(out.Columns, c)
	}
	return out
}

func sqlFailure(err error, timeout time.Duration) error {
	f := fail(err)
	if f.Field == "" {
		f.Field = "query"
	}
	if errors.Is(err, context.DeadlineExceeded) {
		f.Message, f.Hint = fmt.Sprintf("the statement took longer than %v", timeout), "ask for less, or set timeout_s"
	}
	return f
}

// tableAnswer is one table in answers.
type tableAnswer struct {
	Name      string   `json:"name"`
	Rows      int64    `json:"rows"`
	Bytes     int64    `json:"bytes"`
	Oldest    moment   `json:"oldest"`
	Newest    moment   `json:"newest"`
	Parts     int      `json:"parts"`
	Retention float64  `json:"retention_s"` // how long rows are kept, seconds; 0: for ever
	Faults    []string `json:"faults,omitempty"`
}

// usage returns what each table takes; without a store nothing.
func (r *request) usage() (out []tableAnswer, err error) {
	m := &r.server.options.Memory
	if m.Store == nil {
		for _, t := range schema.Tables {
			out = append(out, tableAnswer{Name: t.Name})
		}
		return out, nil
	}
	all, err := m.Store.Usage(r.Context())
	if err != nil {
		return nil, err
	}
	var keep map[string]time.Duration
	if m.Keeper != nil {
		keep = m.Keeper.Config().Keep
	}
	for _, u := range all {
		out = append(out, tableAnswer{u.Table.Name, u.Rows, u.Bytes, moment(u.Oldest), moment(u.Newest), u.Parts,
			keep[u.Table.Name].Seconds(), u.Faults})
	}
	return out, nil
}

// tables lists the tables that SQL may ask.
func tables(r *request) (any, error) {
	usage, err := r.usage()
	if err != nil {
		return nil, err
	}
	type column struct {
		Name string `json:"name"`
		Type string `json:"type"`
		Unit string `json:"unit"`
		Doc  string `json:"doc"`
	}
	type table struct {
		tableAnswer
		Doc     string   `json:"doc"`
		Columns []column `json:"columns"`
	}
	out := make([]table, len(usage))
	for i, u := range usage {
		t := schema.TableOf(u.Name)
		out[i] = table{u, t.Doc, []column{}}
		for _, c := range t.Columns {
			out[i].Columns = append(out[i].Columns, column{c.Name, columnTypes[c.Type], c.Unit, c.Doc})
		}
	}
	return struct {
		stamp
		Tables []table `json:"tables"`
	}{r.stamp(), out}, nil
}

// storeFault is something that does not work.
type storeFault struct {
	What  string `json:"what"`
	Error string `json:"error"`
	Hint  string `json:"hint"`
	Since int64  `json:"since"` // unix seconds, of the server's clock
}

// storeAnswer says how memory is.
type storeAnswer struct {
	stamp
	Path     string        `json:"path"` // empty: nothing is kept
	Engine   string        `json:"engine"`
	Bytes    int64         `json:"bytes"`
	MaxBytes int64         `json:"max_bytes"` // 0: no limit
	Tables   []tableAnswer `json:"tables"`
	Journal  struct {
		Bytes    int64 `json:"bytes"`
		MaxBytes int64 `json:"max_bytes"`
		Frames   int   `json:"frames"`
	} `json:"journal"`
	Waiting int          `json:"waiting"`   // batches that are neither in the journal nor in the store
	Tail    int          `json:"tail_rows"` // rows that the journal has and no part yet
	Dropped uint64       `json:"dropped"`   // batches that were given up
	Faults  []storeFault `json:"faults"`
	Error   string       `json:"error"` // the oldest of the faults; empty: all is well
	Hint    string       `json:"hint"`
	Since   *int64       `json:"error_since"`
}

// storeStatus says how memory is.
func storeStatus(r *request) (any, error) {
	m := &r.server.options.Memory
	a := storeAnswer{stamp: r.stamp(), Tables: []tableAnswer{}, Faults: []storeFault{}}
	if m.Store == nil {
		a.Hint = noStoreHint
		return a, nil
	}
	a.Engine = "parquet"
	var err error
	if a.Tables, err = r.usage(); err != nil {
		return nil, err
	}
	for _, t := range a.Tables {
		a.Bytes += t.Bytes
	}
	if m.Keeper == nil {
		return a, nil
	}
	s, c := m.Keeper.Status(), m.Keeper.Config()
	a.Path, a.MaxBytes, a.Waiting, a.Tail, a.Dropped = s.Path, c.MaxBytes, s.Waiting, s.TailRows, s.Dropped
	a.Journal.Bytes, a.Journal.MaxBytes, a.Journal.Frames = s.Journal.Bytes, c.JournalBytes, s.Journal.Frames
	for _, f := range s.Faults {
		a.Faults = append(a.Faults, storeFault{f.Op, f.Err.Error(), f.Hint, f.Since.Unix()})
	}
	if len(a.Faults) > 0 {
		a.Error, a.Hint, a.Since = a.Faults[0].Error, a.Faults[0].Hint, &a.Faults[0].Since
	}
	return a, nil
}
