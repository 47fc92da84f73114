package metric

import (
	"slices"
)

// TableRows returns the selected rows that have all asked columns, each as one record for each of Query.Names. A
// column "null:NAME" is optional: its record is nil when the row lacks it. "sort:NAME:N" sorts by that column and
// keeps N rows, ascending, or descending when N is negative; without it the order is canonical: exporter, class, index.
//
// A metric that the row lacks is taken from the host of its exporter, so that a host name joins every interface; but a
// row must have at least one of the columns itself. more tells that there were more rows than Query.Max, apart from
// those that a sort did not keep.
func (v *View) TableRows(q *Query) (rows [][]*Record, more bool) {
	k := v.ask(q)
	var all [][]datum
	for j := range k.places {
		if row := k.row(&k.places[j]); row != nil {
			all = append(all, row)
		}
	}
	all = k.sorted(all)
	if limit := q.limit(); len(all) > limit {
		all, more = all[:limit], true
	}
	rows = make([][]*Record, len(all))
	for i, row := range all {
		rows[i] = make([]*Record, len(row))
		for j := range row {
			if d := &row[j]; !d.value.IsZero() {
				r := k.record(k.columns[j].name, d)
				rows[i][j] = &r
			}
		}
	}
	return rows, more
}

// row returns the cells of a row by column, absent where it lacks an optional one; nil when it is no row of the answer.
func (k *asking) row(p *place) []datum {
	row := make([]datum, 0, len(k.columns))
	own := false
	for i := range k.columns {
		c := &k.columns[i]
		d, ok := k.cell(i, p)
		own = own || ok
		if !ok && p.host != nil && p.host != p.leaf && k.flows[i] == nil {
			d, ok = k.cell(i, &place{source: p.host.source, leaf: p.host})
		}
		if !ok && !c.optional {
			return nil
		}
		row = append(row, d)
	}
	if !own {
		return nil
	}
	return row
}

// sorted sorts rows by the first column that asks for it, and keeps as many as it says.
func (k *asking) sorted(rows [][]datum) [][]datum {
	i := slices.IndexFunc(k.columns, func(c column) bool { return c.sorted })
	if i < 0 {
		return rows
	}
	keep := k.columns[i].keep
	slices.SortStableFunc(rows, func(a, b []datum) int {
		if keep < 0 {
			a, b = b, a
		}
		return a[i].value.compare(b[i].value)
	})
	if keep < 0 {
		keep = -keep
	}
	if keep > 0 && len(rows) > keep {
		rows = rows[:keep]
	}
	return rows
}
