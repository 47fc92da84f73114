package parquet

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"weir/schema"
)

const (
	openParts   = 8         // parts of like size that make merging worth while in the newest hour or day
	largestPart = 512 << 20 // bytes: a part beyond that is left alone
	mostMerged  = 32        // parts that are merged at once
)

// Forget drops parts all of whose rows are before an instant; see store.Store.
func (s *Store) Forget(ctx context.Context, table *schema.Table, before schema.Instant) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.running.Done()
	s.upkeep.Lock()
	defer s.upkeep.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	var old []*part
	for _, p := range s.partsOf(table) {
		if p.Max < int64(before) {
			old = append(old, p)
		}
	}
	if len(old) == 0 {
		return nil
	}
	return s.commit(change{remove: old})
}

// partsOf returns the live parts of a table.
func (s *Store) partsOf(t *schema.Table) []*part {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*part
	for _, p := range s.manifest.Parts {
		if p.Table == t.Name {
			out = append(out, p)
		}
	}
	return out
}

// Tidy merges parts until there is nothing worth merging; see store.Store. Each merge is one change of the manifest.
func (s *Store) Tidy(ctx context.Context) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.running.Done()
	for _, t := range schema.Tables {
		for {
			again, err := s.tidyOnce(ctx, t)
			if err != nil {
				return err
			}
			if !again {
				break
			}
		}
	}
	return nil
}

// tidyOnce merges one set of parts of a table, and tells whether there was one.
func (s *Store) tidyOnce(ctx context.Context, t *schema.Table) (bool, error) {
	s.upkeep.Lock()
	defer s.upkeep.Unlock()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	parts := mergeable(s.partsOf(t))
	if len(parts) == 0 {
		return false, nil
	}
	if n, err := s.setAside(ctx, parts); n > 0 || err != nil {
		return err == nil, err
	}
	sh := shapeFrom(parts[0].Shape, t)
	for _, p := range parts[1:] {
		sh = sh.join(shapeFrom(p.Shape, t))
	}
	merged, err := s.writePart(t, parts[0].Start, sh, func(yield func(*schema.Block) error) error {
		return s.mergeParts(ctx, t, parts, yield)
	})
	if err != nil {
		return false, fmt.Errorf("store: merge parts of %s: %w", t.Name, err)
	}
	merged.Rolled = slices.Clone(parts[0].Rolled)
	return true, s.commit(change{add: []*part{merged}, remove: parts})
}

// mergeable chooses parts to be merged into one, or none. In an hour or day that is over those are merged that are not
// tiny next to the largest of them, so that no row is written more than a few times; in the newest one only parts of
// like size, when there are many.
func mergeable(parts []*part) []*part {
	type bin struct {
		start  int64
		rolled string
		tier   int
	}
	newest := int64(0)
	for i, p := range parts {
		if i == 0 || p.Start > newest {
			newest = p.Start
		}
	}
	bins := map[bin][]*part{}
	for _, p := range parts {
		if p.Bytes >= largestPart {
			continue
		}
		b := bin{start: p.Start, rolled: strings.Join(p.Rolled, ",")}
		if p.Start == newest {
			b.tier = bits.Len64(uint64(p.Rows)) / 2
		}
		bins[b] = append(bins[b], p)
	}
	var best []*part
	for b, in := range bins {
		need := 2
		if b.start == newest {
			need = openParts
		}
		in = worthMerging(in)
		if len(in) >= need && (best == nil || in[0].Start < best[0].Start ||
			in[0].Start == best[0].Start && in[0].Name < best[0].Name) {
			best = in
		}
	}
	return best
}

// worthMerging returns the parts, smallest first, up to the last that is at most four times all before it together.
func worthMerging(parts []*part) []*part {
	slices.SortFunc(parts, func(a, b *part) int {
		if a.Bytes != b.Bytes {
			return int(a.Bytes - b.Bytes)
		}
		return strings.Compare(a.Name, b.Name)
	})
	n, total := 0, int64(0)
	for i, p := range parts[:min(len(parts), mostMerged)] {
		if i > 0 && p.Bytes <= 4*total {
			n = i + 1
		}
		total += p.Bytes
	}
	return parts[:n]
}
