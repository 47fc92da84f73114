package schema

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// SyntaxError says where and why a text of the flow language is refused, and what to do about it.
type SyntaxError struct {
	Expr string // the whole text
	Pos  int    // byte offset in Expr, 0..len(Expr)
	Msg  string // what is wrong
	Hint string // what to do; may be empty
}

// shownAround is how many bytes of a long text an error message shows on each side of the position.
const shownAround = 40

// Error returns a message such as: at 12 in "...": unknown function "grup"; did you mean "group"?
func (e *SyntaxError) Error() string {
	shown := e.Expr
	if len(shown) > 3*shownAround {
		from, to := max(0, e.Pos-shownAround), min(len(shown), e.Pos+shownAround)
		shown = shown[from:to]
		if from > 0 {
			shown = "..." + shown
		}
		if to < len(e.Expr) {
			shown += "..."
		}
	}
	msg := fmt.Sprintf("at %d in %q: %s", e.Pos, shown, e.Msg)
	if e.Hint != "" {
		msg += "; " + e.Hint
	}
	return msg
}

// DidYouMean returns a hint that names the word nearest to name, or "" when none is near. The order of words does not
// matter.
func DidYouMean(name string, words iter.Seq[string]) string {
	const far = 3
	best, at := "", far
	for w := range words {
		// Of equally near words the first in the alphabet.
		if d := distance(name, w, far); d < at || d == at && d < far && w < best {
			best, at = w, d
		}
	}
	if best == "" || at >= len(name) {
		return ""
	}
	return "did you mean " + strconv.Quote(best) + "?"
}

// distance returns how many letters must be inserted, removed or replaced to make a from b, or limit when that or more.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, diagonal+1, row[j]+1)
		}
	}
	return min(row[len(b)], limit)
}

// quoteName shows a piece of user text in a message, cut when long.
func quoteName(s string) string {
	if len(s) > shownAround {
		s = strings.ToValidUTF8(s[:shownAround], "") + "..."
	}
	return strconv.Quote(s)
}
