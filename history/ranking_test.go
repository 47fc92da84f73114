package history

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"weir/schema"
)

// TestRankingBrackets: whatever the lists leave out, the truth of a key is from its value to its value and error.
func TestRankingBrackets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		const top = 5
		r, truth, total := newRanking(adds), map[string]float64{}, 0.
		for bucket := range 1 + random.IntN(8) {
			var list []listed
			sum := 0.
			for k := range random.IntN(12) {
				v := float64(1 + random.IntN(100))
				name := "k" + strconv.Itoa(k)
				truth[name] += v
				sum += v
				list = append(list, listed{key: name, value: v})
			}
			total += sum
			slices.SortFunc(list, func(a, b listed) int { return int(b.value - a.value) })
			list = list[:min(len(list), top)]
			for i := range list {
				list[i].rank = i + 1
			}
			list = append(list, listed{key: "all", value: sum})
			r.bucket(schema.Instant(bucket)*300e9, 300, list, len(list) > top)
		}
		if r.total.result(adds) != total && total != 0 {
			t.Fatalf("total %v, want %v", r.total.result(adds), total)
		}
		for _, s := range r.first(100, false) {
			v := s.value.result(adds)
			if w := truth[s.key]; v > w || w > v+r.bound(s)+1e-9 {
				t.Fatalf("%s: %v is not from %v to %v", s.key, w, v, v+r.bound(s))
			}
		}
	}
}

func TestRankingOrder(t *testing.T) {
	r := newRanking(adds)
	r.bucket(0, 300, []listed{{rank: 1, key: "b", value: 5}, {rank: 2, key: "a", value: 5}, {rank: 3, key: "c", value: 1}},
		false)
	names := func(bottom bool) (out []string) {
		for _, s := range r.first(3, bottom) {
			out = append(out, s.key)
		}
		return out
	}
	if got := names(false); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Error(got)
	}
	if got := names(true); !slices.Equal(got, []string{"c", "a", "b"}) {
		t.Error(got)
	}
}

func TestJoining(t *testing.T) {
	for how, want := range map[joining]float64{adds: 9, means: 3, largest: 5, least: 1, newest: 3} {
		var j joined
		if !math.IsNaN(j.result(how)) {
			t.Errorf("%d of nothing: %v", how, j.result(how))
		}
		j.add(how, 10, 1)
		j.add(how, 20, 5)
		j.add(how, 15, math.NaN())
		j.add(how, 30, 3)
		if got := j.result(how); got != want {
			t.Errorf("%d: %v, want %v", how, got, want)
		}
	}
}

func TestHostPrefix(t *testing.T) {
	for text, want := range map[string]string{
		"198": "C6.", "19": "", "300": "",
		"10.": "0A.", "192.168.": "C0.A8.", "192.168.1": "C0.A8.", "192.168.1.2": "C0.A8.01.", "10": "", "256.1": "",
		"1..2": "", "a.b": "", "1.2.3.4.5": "", "999999999999.1": "", "255.255.": "FF.FF.", "": "", ".": "",
	} {
		if got := hostPrefix(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
