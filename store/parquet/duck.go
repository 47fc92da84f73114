package parquet

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"weir/schema"
)

const (
	tailFunction   = "weir_tail"   // table function: rows of a snapshot that are in memory
	withinFunction = "weir_within" // scalar function: a text is an address in a network
)

// mostQueries is how many queries run or are being read at the same time; more wait. A reader that is slow holds on to
// its place, therefore there are more places than processors.
const mostQueries = 32

// duck is one instance of DuckDB that holds no rows of its own. It reads files below the store's parts and nothing
// else, and its settings are locked.
type duck struct {
	db *sql.DB
}

// openDuck starts an instance with limits of its own. What one of that name left in the temporary directory when its
// process died is removed.
func openDuck(s *Store, name string, memory int64, threads int) (*duck, error) {
	temp := filepath.Join(s.cfg.TempDir, name)
	if err := errors.Join(os.RemoveAll(temp), os.MkdirAll(temp, 0o750)); err != nil {
		return nil, fmt.Errorf("store: temporary directory: %w", err)
	}
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("store: DuckDB does not start: %w", err)
	}
	d := &duck{db: sql.OpenDB(connector)}
	d.db.SetMaxOpenConns(mostQueries)
	if err := d.setUp(s, temp, memory, threads); err != nil {
		d.close()
		return nil, fmt.Errorf("store: DuckDB does not start: %w", err)
	}
	return d, nil
}

func (d *duck) setUp(s *Store, temp string, memory int64, threads int) error {
	ctx := context.Background()
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := duckdb.RegisterTableUDF(conn, tailFunction, s.tailUDF()); err != nil {
		return err
	}
	if err := duckdb.RegisterScalarUDF(conn, withinFunction, withinUDF{}); err != nil {
		return err
	}
	for _, set := range []string{
		fmt.Sprintf("memory_limit = '%dMiB'", memory>>20),
		fmt.Sprintf("threads = %d", threads),
		"temp_directory = " + literal(temp),
		fmt.Sprintf("max_temp_directory_size = '%dMiB'", s.cfg.MaxTempBytes>>20),
		"parquet_metadata_cache = true",
		"autoinstall_known_extensions = false",
		"autoload_known_extensions = false",
		"allow_community_extensions = false",
		"allowed_directories = [" + literal(filepath.Join(s.dir, partsName)) + "]",
		"enable_external_access = false",
		"lock_configuration = true",
	} {
		if _, err := conn.ExecContext(ctx, "SET "+set); err != nil {
			return fmt.Errorf("%s: %w", set, err)
		}
	}
	return nil
}

func (d *duck) close() { _ = d.db.Close() }

// query runs a statement on a connection and hands each row of the answer to yield, which may keep none of the values'
// slices. Columns is called once before the first row.
func query(ctx context.Context, conn *sql.Conn, text string, args []any, columns func(names, types []string) error,
	yield func(row []driver.Value) error) error {
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return conn.Raw(func(raw any) error {
		q, ok := raw.(driver.QueryerContext)
		if !ok {
			return errors.New("the driver of DuckDB has no QueryContext")
		}
		rows, err := q.QueryContext(ctx, text, named)
		if err != nil {
			return err
		}
		defer rows.Close()
		names := rows.Columns()
		types := make([]string, len(names))
		if t, ok := rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
			for i := range types {
				types[i] = t.ColumnTypeDatabaseTypeName(i)
			}
		}
		if err := columns(names, types); err != nil {
			return err
		}
		row := make([]driver.Value, len(names))
		for {
			switch err := rows.Next(row); {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			}
			if err := yield(row); err != nil {
				return err
			}
		}
	})
}

// literal writes a text as SQL does; only for texts of ours, such as paths. What a user says goes as a parameter.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// quoted writes a name as SQL does.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// duckType names the type of a column in DuckDB.
func duckType(t schema.ColumnType) string {
	switch t {
	case schema.ColumnInt:
		return "BIGINT"
	case schema.ColumnFloat:
		return "DOUBLE"
	}
	return "VARCHAR"
}

// tailUDF makes the table function that gives DuckDB the rows of a snapshot that are not in parts.
func (s *Store) tailUDF() duckdb.ChunkTableFunction {
	bigint, _ := duckdb.NewTypeInfo(duckdb.TYPE_BIGINT)
	return duckdb.ChunkTableFunction{
		Config: duckdb.TableFunctionConfig{Arguments: []duckdb.TypeInfo{bigint}},
		BindArguments: func(_ map[string]any, args ...any) (duckdb.ChunkTableSource, error) {
			id, _ := args[0].(int64)
			s.mu.Lock()
			snap := s.snapshots[id]
			s.mu.Unlock()
			if snap == nil {
				return nil, errors.New("there is no such snapshot")
			}
			return &tailSource{snap: snap}, nil
		},
	}
}

// tailSource hands blocks to DuckDB, as many rows at a time as it takes.
type tailSource struct {
	snap  *snapshot
	block int
	row   int
}

// ColumnInfos names the columns of the table.
func (t *tailSource) ColumnInfos() []duckdb.ColumnInfo {
	out := make([]duckdb.ColumnInfo, len(t.snap.table.Columns))
	for i, c := range t.snap.table.Columns {
		kind := duckdb.TYPE_VARCHAR
		switch c.Type {
		case schema.ColumnInt:
			kind = duckdb.TYPE_BIGINT
		case schema.ColumnFloat:
			kind = duckdb.TYPE_DOUBLE
		}
		typ, _ := duckdb.NewTypeInfo(kind)
		out[i] = duckdb.ColumnInfo{Name: c.Name, T: typ}
	}
	return out
}

// Cardinality says how many rows there are.
func (t *tailSource) Cardinality() *duckdb.CardinalityInfo {
	rows := 0
	for _, b := range t.snap.tail {
		rows += b.Rows
	}
	return &duckdb.CardinalityInfo{Cardinality: uint(rows), Exact: true}
}

// Init begins a scan.
func (t *tailSource) Init() { t.block, t.row = 0, 0 }

// FillChunk gives the next rows; none when all were given.
func (t *tailSource) FillChunk(chunk duckdb.DataChunk) error {
	for t.block < len(t.snap.tail) && t.row == t.snap.tail[t.block].Rows {
		t.block, t.row = t.block+1, 0
	}
	if t.block == len(t.snap.tail) {
		return chunk.SetSize(0)
	}
	b := t.snap.tail[t.block]
	n := min(b.Rows-t.row, duckdb.GetDataChunkCapacity())
	for i := range b.Columns {
		if !t.snap.wants[i] {
			continue
		}
		if err := fillColumn(chunk, i, &b.Columns[i], t.row, n); err != nil {
			return err
		}
	}
	t.row += n
	return chunk.SetSize(n)
}

func fillColumn(chunk duckdb.DataChunk, i int, c *schema.Column, from, n int) error {
	for row := range n {
		var err error
		switch c.Type {
		case schema.ColumnInt:
			err = duckdb.SetChunkValue(chunk, i, row, c.Ints[from+row])
		case schema.ColumnText:
			err = duckdb.SetChunkValue(chunk, i, row, c.Texts.At(from+row))
		default:
			if v := c.Floats[from+row]; v == v {
				err = duckdb.SetChunkValue(chunk, i, row, v)
			} else {
				err = chunk.SetValue(i, row, nil)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// withinUDF is the scalar function that tells whether a text is an IP address in a network.
type withinUDF struct{}

// Config says that it takes two texts and gives a truth.
func (withinUDF) Config() duckdb.ScalarFuncConfig {
	text, _ := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	truth, _ := duckdb.NewTypeInfo(duckdb.TYPE_BOOLEAN)
	return duckdb.ScalarFuncConfig{InputTypeInfos: []duckdb.TypeInfo{text, text}, ResultTypeInfo: truth}
}

// Executor answers for one row.
func (withinUDF) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowExecutor: func(values []driver.Value) (any, error) {
		address, _ := values[0].(string)
		network, _ := values[1].(string)
		a, err := netip.ParseAddr(address)
		if err != nil {
			return false, nil
		}
		n, err := netip.ParsePrefix(network)
		if err != nil {
			return nil, err
		}
		return n.Contains(a.Unmap()), nil
	}}
}
