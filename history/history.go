package history

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"weir/engine"
	"weir/schema"
	"weir/store"
)

// History answers questions. The zero Store is none: then what is open is all there is.
type History struct {
	Engine *engine.Engine
	Store  store.Store // nil: nothing is kept
}

// ErrNoStore is the answer to what only a store could answer.
var ErrNoStore = errors.New("no store")

// scan asks the store; without one there are no rows.
func (h *History) scan(ctx context.Context, q store.Query) iter.Seq2[*schema.Block, error] {
	if h.Store == nil {
		return func(func(*schema.Block, error) bool) {}
	}
	return h.Store.Scan(ctx, q)
}

// each hands the blocks of an answer on, one after the other.
func (h *History) each(ctx context.Context, q store.Query, take func(*schema.Block)) error {
	for b, err := range h.scan(ctx, q) {
		if err != nil {
			return fmt.Errorf("reading %s: %w", q.Table.Name, err)
		}
		take(b)
	}
	return nil
}

// textAt returns value i of a column as text; empty when there is no such column.
func textAt(c *schema.Column, i int) string {
	switch {
	case c == nil:
		return ""
	case c.Type == schema.ColumnInt:
		return strconv.FormatInt(c.Ints[i], 10)
	case c.Type == schema.ColumnFloat:
		return strconv.FormatFloat(c.Floats[i], 'g', -1, 64)
	}
	return string(c.Texts.At(i))
}

// numberAt returns value i of a column as a number; 0 when there is no such column.
func numberAt(c *schema.Column, i int) float64 {
	switch {
	case c == nil || c.Type == schema.ColumnText:
		return 0
	case c.Type == schema.ColumnInt:
		return float64(c.Ints[i])
	}
	return c.Floats[i]
}

// counted returns up to when everything is known of what is open, which is a little before now: what was counted comes
// to the books in slices.
func (h *History) counted(now schema.Instant) schema.Instant {
	if at := h.Engine.Counted(); at > 0 && at < now {
		return at
	}
	return now
}
