package parquet

import (
	"errors"
	"fmt"
	"io"

	"weir/schema"
)

// WriteParquet writes a block as one Parquet file that any reader of Parquet understands: integers as 64-bit integers,
// floats as doubles (columns of whole numbers too) with NULL for NaN, texts as strings. The block may be one of no
// table; the names of its columns must differ. It keeps nothing of the block.
func WriteParquet(w io.Writer, b *schema.Block) error {
	t := &schema.Table{Name: "answer"}
	if b.Table != nil {
		t.Name = b.Table.Name
	}
	seen := map[string]bool{}
	s := make(shape, len(b.Columns))
	for i := range b.Columns {
		c := &b.Columns[i]
		if c.Name == "" || seen[c.Name] {
			return fmt.Errorf("export: two columns are called %q: rename one (as)", c.Name)
		}
		seen[c.Name] = true
		if columnLen(c) != b.Rows {
			return fmt.Errorf("export: column %s has %d values instead of %d", c.Name, columnLen(c), b.Rows)
		}
		t.Columns = append(t.Columns, schema.TableColumn{Name: c.Name, Type: c.Type})
		switch c.Type {
		case schema.ColumnInt:
			s[i].form = formInt
		case schema.ColumnText:
			s[i].form = formText
		default:
			s[i] = leaf{formReal, leafOfReals(c.Floats).gaps}
		}
	}
	if len(s) == 0 {
		return errors.New("export: the answer has no columns")
	}
	out := newPartWriter(w, t, s)
	if b.Rows > 0 {
		out.open(b)
		if err := out.write(b); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	return out.close()
}
