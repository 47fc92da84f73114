package parquet

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/schema"
	"weir/store"
)

const (
	maxSQLText  = 256 << 10 // bytes of a statement
	maxSQLBytes = 256 << 20 // of texts in an answer
)

var explain = regexp.MustCompile(`(?i)^\s*explain\s+(analyze\s+)?`)

// SQL answers one statement of a user; see store.Store. It runs in an instance of DuckDB of its own, with its own
// memory, that reads no file but parts and cannot change its settings; what the statement may say is decided by gate.
func (s *Store) SQL(ctx context.Context, text string, l store.SQLLimits) (*schema.Block, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	defer s.running.Done()
	if l.Rows <= 0 {
		l.Rows = store.DefaultSQLRows
	}
	if l.Timeout <= 0 {
		l.Timeout = store.DefaultSQLTimeout
	}
	limited, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	b, err := s.guestSQL(limited, text, l)
	switch {
	case err == nil:
		return b, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("sql: the statement was stopped: %w", ctx.Err())
	case limited.Err() != nil:
		return nil, fmt.Errorf("sql: the statement took longer than %s and was stopped: ask for a shorter time or fewer "+
			"columns, or raise the limit: %w", l.Timeout, limited.Err())
	case strings.Contains(err.Error(), "Out of Memory"):
		return nil, fmt.Errorf("sql: the statement needs more memory than allowed (%d MiB): ask for less: %w",
			s.cfg.SQLMemory>>20, err)
	}
	return nil, err
}

func (s *Store) guestSQL(ctx context.Context, text string, l store.SQLLimits) (*schema.Block, error) {
	if len(text) > maxSQLText {
		return nil, fmt.Errorf("sql: the statement has %d bytes, at most %d are read", len(text), maxSQLText)
	}
	if strings.ContainsRune(text, 0) {
		return nil, errors.New("sql: the statement has a zero byte in it")
	}
	conn, err := s.guest.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("sql: %w", err)
	}
	defer conn.Close()
	text = readable(strings.TrimRight(strings.TrimSpace(text), "; \n\t\r"))
	prefix := explain.FindString(text)
	text = text[len(prefix):]
	g, err := admit(ctx, conn, text)
	if err != nil {
		return nil, err
	}
	snaps, err := s.makeViews(ctx, conn, g)
	defer s.dropViews(conn, snaps)
	if err != nil {
		return nil, err
	}
	switch {
	case prefix != "":
		text = prefix + text
	case g.plain:
		text = "SELECT * FROM (\n" + text + "\n) LIMIT " + strconv.Itoa(l.Rows)
	}
	b, err := collect(ctx, conn, text, l.Rows)
	if err != nil && ctx.Err() == nil && !usersFault.MatchString(err.Error()) {
		for _, snap := range snaps {
			if n, e := s.setAside(ctx, unproven(snap.parts)); n > 0 || e != nil {
				return nil, fmt.Errorf("sql: %d damaged parts of %s were set aside, ask again: %w", n, snap.table.Name, err)
			}
		}
	}
	return b, err
}

// usersFault matches errors of DuckDB that say that the statement is wrong, so that no part needs to be looked at.
var usersFault = regexp.MustCompile(`(Parser|Binder|Catalog|Conversion|Permission|Not implemented|Out of Range) Error`)

// unproven returns the parts that were not read whole since the start: a user who provokes errors makes the store read
// each part once, not again and again.
func unproven(parts []*part) []*part {
	return slices.DeleteFunc(slices.Clone(parts), func(p *part) bool { return p.proven.Load() })
}

// admit lets DuckDB parse a statement and looks at what it would do.
func admit(ctx context.Context, conn *sql.Conn, text string) (*gate, error) {
	if text == "" {
		return nil, errors.New("sql: the statement is empty")
	}
	var tree string
	err := query(ctx, conn, "SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)", []any{text},
		func(_, _ []string) error { return nil },
		func(row []driver.Value) error {
			tree, _ = row[0].(string)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("sql: %w", err)
	}
	return readTree(tree)
}

// makeViews makes a view of each table that a statement reads, over what lives at this moment.
func (s *Store) makeViews(ctx context.Context, conn *sql.Conn, g *gate) ([]*snapshot, error) {
	var snaps []*snapshot
	for _, t := range schema.Tables {
		if !g.tables[t.Name] && !g.shows {
			continue
		}
		snap := s.snapshot(t, 0, 0, false)
		snaps = append(snaps, snap)
		text := "CREATE OR REPLACE TEMP VIEW " + quoted(t.Name) + " AS SELECT * FROM " + s.sourceOf(snap, nil)
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return snaps, fmt.Errorf("sql: %w", err)
		}
	}
	return snaps, nil
}

func (s *Store) dropViews(conn *sql.Conn, snaps []*snapshot) {
	for _, snap := range snaps {
		// The connection is used again: a view that stays behind is replaced before the next statement sees it.
		_, _ = conn.ExecContext(context.Background(), "DROP VIEW IF EXISTS "+quoted(snap.table.Name))
		s.release(snap)
	}
}

// collect runs a statement and makes a block of at most so many rows of its answer. Column types follow the values.
func collect(ctx context.Context, conn *sql.Conn, text string, limit int) (*schema.Block, error) {
	b := &schema.Block{}
	var cells []cellColumn
	bytes := 0
	err := query(ctx, conn, text, nil, func(names, types []string) error {
		for i, name := range names {
			cells = append(cells, cellColumn{name: name, typ: columnTypeOf(types[i])})
		}
		return nil
	}, func(row []driver.Value) error {
		if b.Rows == limit {
			return errStopped
		}
		for i, v := range row {
			bytes += cells[i].add(v)
		}
		b.Rows++
		if bytes > maxSQLBytes {
			return fmt.Errorf("sql: the answer has more than %d MiB: ask for less", maxSQLBytes>>20)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errStopped) {
		if strings.HasPrefix(err.Error(), "sql: ") {
			return nil, err
		}
		return nil, fmt.Errorf("sql: %w", err)
	}
	for i := range cells {
		b.Columns = append(b.Columns, cells[i].column())
	}
	return b, nil
}

// cellColumn gathers the values of one column of an answer of which only DuckDB knows the type.
type cellColumn struct {
	name   string
	typ    schema.ColumnType
	ints   []int64
	gaps   []int // rows without a value, of a column of integers
	floats []float64
	texts  schema.Texts
}

// columnTypeOf chooses the type of a column. Integers beyond 64 bits become floats.
func columnTypeOf(duck string) schema.ColumnType {
	switch {
	case strings.HasPrefix(duck, "DECIMAL"), duck == "DOUBLE", duck == "FLOAT", duck == "HUGEINT", duck == "UHUGEINT",
		duck == "UBIGINT", duck == "BIGNUM":
		return schema.ColumnFloat
	case strings.HasSuffix(duck, "INT"), strings.HasSuffix(duck, "INTEGER"), duck == "BOOLEAN":
		return schema.ColumnInt
	}
	return schema.ColumnText
}

// add appends a value and returns about how many bytes it takes.
func (c *cellColumn) add(v driver.Value) int {
	switch c.typ {
	case schema.ColumnInt:
		n, ok := wholeOf(v)
		if !ok {
			c.gaps = append(c.gaps, len(c.ints))
		}
		c.ints = append(c.ints, n)
		return 8
	case schema.ColumnFloat:
		c.floats = append(c.floats, floatOf(v))
		return 8
	}
	text := textOfValue(v)
	c.texts.AppendString(text)
	return len(text) + 4
}

// column returns the values as a column. An integer column in which some rows have no value is one of floats.
func (c *cellColumn) column() schema.Column {
	out := schema.Column{Name: c.name, Type: c.typ, Ints: c.ints, Floats: c.floats, Texts: c.texts}
	if len(c.gaps) == 0 {
		return out
	}
	out.Type, out.Ints = schema.ColumnFloat, nil
	out.Floats = make([]float64, len(c.ints))
	for i, n := range c.ints {
		out.Floats[i] = float64(n)
	}
	for _, i := range c.gaps {
		out.Floats[i] = math.NaN()
	}
	return out
}

func wholeOf(v driver.Value) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int32:
		return int64(v), true
	case int16:
		return int64(v), true
	case int8:
		return int64(v), true
	case uint32:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint8:
		return int64(v), true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func textOfValue(v driver.Value) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return strings.ToValidUTF8(string(v), "\uFFFD")
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case *big.Int:
		return v.String()
	}
	return fmt.Sprint(v)
}
