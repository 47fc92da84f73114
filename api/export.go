package api

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/schema"
)

// The media types of answers that are tables.
const (
	csvType     = "text/csv"
	parquetType = "application/vnd.apache.parquet"
)

// sheet is an answer that can be had as JSON, or as a table.
type sheet struct {
	name  string // of the file
	json  any
	block *schema.Block // nil is made by table
	table func() *schema.Block
}

// sheets makes the handler of a route whose answer may be a table.
func sheets(answer func(*request) (*sheet, error)) func(*request, http.ResponseWriter) {
	return func(r *request, w http.ResponseWriter) {
		x, err := answer(r)
		if err == nil {
			err = r.send(w, x)
		}
		if err != nil {
			r.server.refuse(w, r.Request, err)
		}
	}
}

// format is what the request wants: json, csv or parquet.
func (r *request) format() string {
	if f := r.text("format"); f != "" {
		return f
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		switch media, _, _ := strings.Cut(strings.TrimSpace(part), ";"); media {
		case csvType:
			return "csv"
		case parquetType:
			return "parquet"
		}
	}
	return "json"
}

// send writes an answer in the form that is wanted.
func (r *request) send(w http.ResponseWriter, x *sheet) error {
	s := r.server
	format := r.format()
	if format == "json" {
		s.write(w, http.StatusOK, x.json)
		return nil
	}
	if format == "parquet" && s.options.Memory.WriteParquet == nil {
		return refuse(http.StatusBadRequest, "format", "this server cannot write Parquet", "ask for csv or json")
	}
	block := x.block
	if block == nil {
		block = x.table()
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Weir-Tick", strconv.FormatUint(r.view.Seq, 10))
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.%s"`, x.name, format))
	var err error
	if format == "csv" {
		h.Set("Content-Type", csvType+"; charset=utf-8")
		err = writeCSV(w, block)
	} else {
		h.Set("Content-Type", parquetType)
		err = s.options.Memory.WriteParquet(w, block)
	}
	if err != nil {
		s.log.Debug("an answer was cut off", "path", r.URL.Path, "error", err) // mostly the client has gone
	}
	return nil
}

// writeCSV writes a block as RFC 4180 has it, names of columns first; what is not there is empty.
func writeCSV(w io.Writer, b *schema.Block) error {
	c := csv.NewWriter(w)
	line := make([]string, len(b.Columns))
	for i := range b.Columns {
		line[i] = b.Columns[i].Name
	}
	if err := c.Write(line); err != nil {
		return err
	}
	for row := range b.Rows {
		for i := range b.Columns {
			line[i] = csvCell(&b.Columns[i], row)
		}
		if err := c.Write(line); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func csvCell(c *schema.Column, row int) string {
	switch c.Type {
	case schema.ColumnInt:
		return strconv.FormatInt(c.Ints[row], 10)
	case schema.ColumnFloat:
		if v := c.Floats[row]; !math.IsNaN(v) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
		return ""
	}
	text := string(c.Texts.At(row))
	// A text that a spreadsheet would take for a formula is not one.
	if text != "" && strings.IndexByte("=+@\t\r", text[0]) >= 0 {
		text = "'" + text
	}
	return strings.ToValidUTF8(text, string(utf8.RuneError))
}

// cells are the rows of a block for JSON.
func cells(b *schema.Block, most int) [][]any {
	out := make([][]any, 0, min(b.Rows, most))
	for row := range min(b.Rows, most) {
		line := make([]any, len(b.Columns))
		for i := range b.Columns {
			switch c := &b.Columns[i]; c.Type {
			case schema.ColumnInt:
				line[i] = c.Ints[row]
			case schema.ColumnFloat:
				line[i] = number(c.Floats[row])
			default:
				line[i] = string(c.Texts.At(row))
			}
		}
		out = append(out, line)
	}
	return out
}

// tableOf makes a block of columns that are filled one after the other.
type tableOf struct{ schema.Block }

func (t *tableOf) texts(name string, values []string) {
	c := schema.Column{Name: name, Type: schema.ColumnText}
	for _, v := range values {
		c.Texts.AppendString(v)
	}
	t.add(c, len(values))
}

func (t *tableOf) floats(name string, values []float64) {
	t.add(schema.Column{Name: name, Type: schema.ColumnFloat, Floats: values}, len(values))
}

func (t *tableOf) ints(name string, values []int64) {
	t.add(schema.Column{Name: name, Type: schema.ColumnInt, Ints: values}, len(values))
}

func (t *tableOf) add(c schema.Column, rows int) {
	t.Columns = append(t.Columns, c)
	t.Rows = rows
}
