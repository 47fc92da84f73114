package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/schema"
)

// sqlTable is an answer, as POST /api/v1/sql gives it. Values are kept as they stand in its JSON, for integers may have
// more digits than a float can hold.
type sqlTable struct {
	Columns   []sqlColumn         `json:"columns"`
	Rows      [][]json.RawMessage `json:"rows"`
	Truncated bool                `json:"truncated"` // there are more rows
	Elapsed   float64             `json:"elapsed_ms"`
}

type sqlColumn struct {
	Name string `json:"name"`
	Type string `json:"type"` // integer, float or text
}

// tableOf returns the first rows of a block.
func tableOf(b *schema.Block, most int) *sqlTable {
	t := &sqlTable{Columns: []sqlColumn{}, Rows: make([][]json.RawMessage, 0, min(b.Rows, most))}
	for i := range b.Columns {
		c := &b.Columns[i]
		t.Columns = append(t.Columns, sqlColumn{c.Name, [...]string{schema.ColumnInt: "integer",
			schema.ColumnFloat: "float", schema.ColumnText: "text"}[c.Type]})
	}
	for row := range min(b.Rows, most) {
		line := make([]json.RawMessage, len(b.Columns))
		for i := range b.Columns {
			line[i] = jsonCell(&b.Columns[i], row)
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}

func jsonCell(c *schema.Column, row int) json.RawMessage {
	switch c.Type {
	case schema.ColumnInt:
		return strconv.AppendInt(nil, c.Ints[row], 10)
	case schema.ColumnFloat:
		v := c.Floats[row]
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return json.RawMessage("null")
		}
		b, _ := json.Marshal(v) // a finite number has JSON
		return b
	}
	b, _ := json.Marshal(string(c.Texts.At(row))) // as every text
	return b
}

// firstOf returns a block of the first rows of b, which it shares.
func firstOf(b *schema.Block, most int) *schema.Block {
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

// cellText returns a value as text; what is not there is empty.
func cellText(raw json.RawMessage) string {
	switch {
	case string(raw) == "null":
		return ""
	case len(raw) > 0 && raw[0] == '"':
		var s string
		if json.Unmarshal(raw, &s) == nil {
			return s
		}
	}
	return string(raw)
}

func (t *sqlTable) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(t)
}

func (t *sqlTable) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	line := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		line[i] = c.Name
	}
	if err := out.Write(line); err != nil {
		return err
	}
	for _, row := range t.Rows {
		for i, raw := range row {
			line[i] = cellText(raw)
			// A text that a spreadsheet would take for a formula is not one.
			if t.Columns[i].Type == "text" && line[i] != "" && strings.IndexByte("=+@\t\r", line[i][0]) >= 0 {
				line[i] = "'" + line[i]
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// writeText writes columns that stand under each other, numbers to the right.
func (t *sqlTable) writeText(w io.Writer) error {
	if len(t.Columns) == 0 {
		return nil
	}
	lines := make([][]string, 1, len(t.Rows)+1)
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		lines[0] = append(lines[0], harmless(c.Name))
		widths[i] = utf8.RuneCountInString(lines[0][i])
	}
	for _, row := range t.Rows {
		line := make([]string, len(row))
		for i, raw := range row {
			line[i] = harmless(cellText(raw))
			widths[i] = max(widths[i], utf8.RuneCountInString(line[i]))
		}
		lines = append(lines, line)
	}
	out := bufio.NewWriter(w)
	for _, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.Columns[i].Type != "text" {
				cell, space = space+cell, ""
			}
			b.WriteString(cell + space + "  ")
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
	return out.Flush()
}
