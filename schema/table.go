package schema

// ColumnType is what the values of a column of a Table are.
type ColumnType uint8

// The column types.
const (
	ColumnInt   ColumnType = iota + 1 // signed 64-bit integers; instants are nanoseconds since the Unix epoch
	ColumnFloat                       // 64-bit floating point; NaN stands for "no value"
	ColumnText                        // bytes of UTF-8 text, possibly empty
)

// TableColumn describes one column of a Table.
type TableColumn struct {
	Name string // as in queries and files: lower case, underscores
	Type ColumnType
	Unit string // "ns", "bytes", "s", ...; empty when there is none
	Doc  string // one line for the reference page
}

// Table describes one table that memory keeps: its columns, and in which order rows stand in files. Tables are fixed at
// build time; see Tables.
type Table struct {
	Name    string
	Doc     string
	Time    string   // the column of type ColumnInt, unit ns, by which rows are found and forgotten
	Order   []string // columns by which the rows of a part are sorted
	Columns []TableColumn
}

// Column returns the index of the column of that name, or -1.
func (t *Table) Column(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Texts is a column of texts without a pointer for each: text i is Data[Ends[i-1]:Ends[i]].
type Texts struct {
	Data []byte
	Ends []uint32
}

// At returns text i; it borrows from t.
func (t *Texts) At(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = t.Ends[i-1]
	}
	return t.Data[from:t.Ends[i]:t.Ends[i]]
}

// Append appends one text.
func (t *Texts) Append(s []byte) {
	t.Data = append(t.Data, s...)
	t.Ends = append(t.Ends, uint32(len(t.Data)))
}

// AppendString appends one text.
func (t *Texts) AppendString(s string) {
	t.Data = append(t.Data, s...)
	t.Ends = append(t.Ends, uint32(len(t.Data)))
}

// Column holds the values of one column of a Block: the slice that belongs to its type is as long as the block, the
// others are empty.
type Column struct {
	Name   string
	Type   ColumnType
	Ints   []int64
	Floats []float64
	Texts  Texts
}

// Block is a run of rows held column by column. It is what a harvest carries, what the store keeps, what a query
// returns: one shape from lane to browser. Whoever made it hands it over whole; nobody changes one that was handed
// over.
type Block struct {
	Table   *Table // nil for the answer of a query that is no table
	Rows    int
	Columns []Column
}

// NewBlock returns an empty block of table t with room for so many rows.
func NewBlock(t *Table, room int) *Block {
	b := &Block{Table: t, Columns: make([]Column, len(t.Columns))}
	for i, c := range t.Columns {
		col := &b.Columns[i]
		col.Name, col.Type = c.Name, c.Type
		switch c.Type {
		case ColumnInt:
			col.Ints = make([]int64, 0, room)
		case ColumnFloat:
			col.Floats = make([]float64, 0, room)
		case ColumnText:
			col.Texts.Ends = make([]uint32, 0, room)
		}
	}
	return b
}

// Column returns the column of that name, or nil.
func (b *Block) Column(name string) *Column {
	for i := range b.Columns {
		if b.Columns[i].Name == name {
			return &b.Columns[i]
		}
	}
	return nil
}
